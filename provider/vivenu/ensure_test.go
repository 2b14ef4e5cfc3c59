package vivenu

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"willcall/provider"
)

// desk is a purchase intent at the API, and how the API treats a call that decides it.
type desk struct {
	status, approval string
	answer           int    // of the POST
	deaf             bool   // the POST changes nothing
	before           string // the approval that somebody else has set when the POST comes
	posts            []map[string]string
}

func (d *desk) serve(t *testing.T) *Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /api/purchaseintents/1":
		case "POST /api/purchaseintents/1/approval":
			var in map[string]string
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				t.Error(err)
			}
			d.posts = append(d.posts, in)
			if d.before != "" {
				d.approval = d.before
			} else if !d.deaf {
				d.approval = in["approvalStatus"]
			}
			if d.answer != 0 {
				w.WriteHeader(d.answer)
				return
			}
		default:
			t.Errorf("got %s %s", r.Method, r.URL)
		}
		io.WriteString(w, fmt.Sprintf(`{"_id": "1", "status": %q, "approvalStatus": %q}`, d.status, d.approval))
	})
}

func TestEnsureIntent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		d               desk
		approve, reject string // class, and how many calls
		posts           [2]int
	}{
		{"Waiting", desk{status: "new", approval: "awaiting"}, "", "", [2]int{1, 1}},
		{"Approved", desk{status: "new", approval: "approved"}, "", provider.Conflict, [2]int{0, 0}},
		{"Completed", desk{status: "complete", approval: "approved"}, "", provider.Conflict, [2]int{0, 0}},
		{"Rejected", desk{status: "new", approval: "rejected"}, provider.Conflict, "", [2]int{0, 0}},
		{"Cancelled", desk{status: "canceled", approval: "awaiting"}, provider.Conflict, "", [2]int{0, 0}},
		{"Unheard", desk{status: "escalated", approval: "awaiting"}, provider.Conflict, provider.Conflict, [2]int{0, 0}},
		{"RefusedAndStillWaiting", desk{status: "new", approval: "awaiting", answer: 400, deaf: true}, provider.Invalid, provider.Invalid, [2]int{1, 1}},
		{"RefusedAsSomebodyApprovedFirst", desk{status: "new", approval: "awaiting", answer: 400, before: "approved"}, "", provider.Conflict, [2]int{1, 1}},
		{"RefusedAsSomebodyRejectedFirst", desk{status: "new", approval: "awaiting", answer: 404, before: "rejected"}, provider.Conflict, "", [2]int{1, 1}},
		{"TakenWithoutEffect", desk{status: "new", approval: "awaiting", deaf: true}, provider.OutcomeUnknown, provider.OutcomeUnknown, [2]int{1, 1}},
		{"LostAnswer", desk{status: "new", approval: "awaiting", answer: 500}, provider.OutcomeUnknown, provider.OutcomeUnknown, [2]int{1, 1}},
		{"NoKey", desk{status: "new", approval: "awaiting", answer: 401, deaf: true}, provider.Unauthorized, provider.Unauthorized, [2]int{1, 1}},
		{"TooMany", desk{status: "new", approval: "awaiting", answer: 429, deaf: true}, provider.RateLimited, provider.RateLimited, [2]int{1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, b := c.d, c.d
			classIs(t, "approve", a.serve(t).EnsureIntentApproved(t.Context(), "1"), c.approve)
			classIs(t, "reject", b.serve(t).EnsureIntentRejected(t.Context(), "1", "sold elsewhere"), c.reject)
			if len(a.posts) != c.posts[0] || len(b.posts) != c.posts[1] {
				t.Errorf("got %d and %d calls; want %v", len(a.posts), len(b.posts), c.posts)
			}
			for _, in := range a.posts {
				if in["approvalStatus"] != "approved" || len(in) != 1 {
					t.Errorf("got %v; want an approval", in)
				}
			}
			for _, in := range b.posts {
				if in["approvalStatus"] != "rejected" || in["rejectionReason"] != "sold elsewhere" {
					t.Errorf("got %v; want a rejection and its reason", in)
				}
			}
		})
	}
	t.Run("TwiceAfterALostAnswer", func(t *testing.T) {
		t.Parallel()
		d := desk{status: "new", approval: "awaiting", answer: 500}
		c := d.serve(t)
		classIs(t, "first", c.EnsureIntentApproved(t.Context(), "1"), provider.OutcomeUnknown)
		classIs(t, "second", c.EnsureIntentApproved(t.Context(), "1"), "")
		if len(d.posts) != 1 {
			t.Errorf("got %d calls; want one", len(d.posts))
		}
	})
}
