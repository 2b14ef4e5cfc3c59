package tevo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
	"willcall/sim"
)

func TestShowOrder(t *testing.T) {
	t.Parallel()
	api, c := setup(t, sim.TEvoOptions{})
	o := sim.ClientSale(4)
	api.Put(o)

	got, err := c.ShowOrder(t.Context(), o.ID)
	if err != nil || got.ID != o.ID || got.GroupID != o.GroupID || !got.UpdatedAt.Equal(o.UpdatedAt) {
		t.Errorf("got %s-%s of %s, %v; want %s of %s", got.GroupID, got.ID, got.UpdatedAt, err, o.OID(), o.UpdatedAt)
	}
	out, err := Decode(provider.Delivery{ID: "1", Body: got.Form(order.Sale), Received: received}, usd)
	if err != nil || out.OrderID != o.GroupID || out.Event == nil || out.Event.Fraud != order.FraudPending {
		t.Errorf("its form: got %+v, %v; want the order, held by the fraud service", out, err)
	}
	_, err = c.ShowOrder(t.Context(), "1")
	providertest.ClassIs(t, "another order", err, provider.NotFound)
	for _, id := range []string{"", "1/accept", "../orders", "1?x=y"} {
		_, err = c.ShowOrder(t.Context(), id)
		providertest.ClassIs(t, "the id "+id, err, provider.Invalid)
	}
	wrong := *c
	wrong.Secret = "another"
	_, err = wrong.ShowOrder(t.Context(), o.ID)
	providertest.ClassIs(t, "a wrong secret", err, provider.Unauthorized)
	wrong.Secret = ""
	_, err = wrong.ShowOrder(t.Context(), o.ID)
	providertest.ClassIs(t, "no secret", err, provider.Unauthorized)
	wrong = *c
	wrong.BaseURL = "ticketevolution"
	_, err = wrong.ShowOrder(t.Context(), o.ID)
	providertest.ClassIs(t, "no URL", err, provider.Invalid)
}

func TestRejectTakesTheReasonsOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, reason := range []Reason{NoLongerAvailable, PricedIncorrectly, DuplicateOrder, FraudulentOrder, TestOrder, OtherReason} {
		api, c := setup(t, sim.TEvoOptions{})
		o := sim.OfficeSale(1)
		api.Put(o)
		got, err := c.Reject(t.Context(), o.ID, reason)
		if err != nil || got.ID != o.ID || api.Log()[0].Reason != string(reason) {
			t.Errorf("%s: got %v, calls %+v", reason, err, api.Log())
		}
	}
	api, c := setup(t, sim.TEvoOptions{})
	api.Put(sim.OfficeSale(1))
	_, err := c.Reject(t.Context(), sim.OfficeSale(1).ID, "I do not like it")
	providertest.ClassIs(t, "another reason", err, provider.Invalid)
	c.ReviewerID = 0
	_, err = c.Accept(t.Context(), sim.OfficeSale(1).ID)
	providertest.ClassIs(t, "no reviewer", err, provider.Unauthorized)
	if got := api.Log(); len(got) != 0 {
		t.Errorf("got calls %+v; want none", got)
	}
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC)
	pending := sim.OfficeSale(1)
	proposed := pending.Accepted(at)
	proposed.BuyerState = "canceled"
	odd := pending
	odd.State, odd.SellerState = "in_dispute", "in_dispute"
	for _, c := range []struct {
		name           string
		order          sim.TEvoOrder
		accept, reject string // of the error of EnsureAccepted and EnsureRejected
		writes         int    // how many calls each of them makes
	}{
		{"Pending", pending, "", "", 1},
		{"Accepted", pending.Accepted(at), "", provider.Conflict, 0},
		{"Completed", pending.Completed(at), "", provider.Conflict, 0},
		{"Rejected", pending.Rejected("Other", at), provider.Conflict, "", 0},
		{"Cancelled", pending.Canceled(at), provider.Conflict, "", 0},
		{"CancelledAfterAcceptance", pending.Accepted(at).Canceled(at), provider.Conflict, "", 0},
		{"CancellationProposed", proposed, provider.Conflict, provider.Conflict, 0},
		{"StateUnknown", odd, provider.Conflict, provider.Conflict, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for op, want := range map[string]string{"accept": c.accept, "reject": c.reject} {
				api, client := setup(t, sim.TEvoOptions{})
				api.Put(c.order)
				for range 3 {
					providertest.ClassIs(t, op, ensure(t.Context(), client, op, c.order.ID), want)
				}
				if got := api.Log(); len(got) != c.writes {
					t.Errorf("%s: got calls %+v; want %d", op, got, c.writes)
				}
				if c.writes > 0 {
					state := map[string]string{"accept": "accepted", "reject": "rejected"}[op]
					if o, _ := api.Order(c.order.ID); o.SellerState != state || api.Log()[0].ReviewerID != 2335 {
						t.Errorf("%s: got %s, %+v; want %s by reviewer 2335", op, o.SellerState, api.Log(), state)
					}
				}
			}
		})
	}
}

func ensure(ctx context.Context, c *Client, op, id string) error {
	if op == "reject" {
		return c.EnsureRejected(ctx, id, NoLongerAvailable)
	}
	return c.EnsureAccepted(ctx, id)
}

func TestEnsureAfterALostAnswer(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"accept", "reject"} {
		api, c := setup(t, sim.TEvoOptions{})
		o := sim.OfficeSale(1)
		api.Put(o)
		if err := api.SetFaults(sim.Faults{Faults: []sim.Fault{{Method: "POST", Kind: sim.FaultLostAnswer, Count: 1}}}); err != nil {
			t.Fatal(err)
		}
		providertest.ClassIs(t, op+", the answer lost", ensure(t.Context(), c, op, o.ID), provider.OutcomeUnknown)
		providertest.ClassIs(t, op+" again", ensure(t.Context(), c, op, o.ID), "")
		if got := api.Log(); len(got) != 1 || got[0].Op != op {
			t.Errorf("%s: got calls %+v; want one", op, got)
		}
	}
}

// TestEnsureWhileOthersAct scripts the API: the state that each look finds, and what the write is answered.
func TestEnsureWhileOthersAct(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		looks  []string
		status int
		answer string
		want   string
	}{
		{"SomebodyWasFaster", []string{"pending", "accepted"}, 422, `{}`, ""},
		{"TheBuyerWasFaster", []string{"pending", "canceled"}, 422, `{}`, provider.Conflict},
		{"RefusedAndStillPending", []string{"pending", "pending"}, 422, `{}`, provider.Invalid},
		{"GoneAndStillPending", []string{"pending", "pending"}, 404, `{}`, provider.NotFound},
		{"TakenForLater", []string{"pending", "pending"}, 202, ``, provider.OutcomeUnknown},
		{"TakenAndNotYetDone", []string{"pending", "pending"}, 200, `{"id": 5, "state": "pending"}`, provider.OutcomeUnknown},
		{"TakenAndDoneSince", []string{"pending", "accepted"}, 200, `{"id": 5, "state": "pending"}`, ""},
		{"AnsweredWithTheOrder", []string{"pending"}, 200, `{"id": 5, "state": "accepted"}`, ""},
		{"AnsweredWithAnother", []string{"pending", "pending"}, 200, `{"id": 6, "state": "accepted"}`, provider.OutcomeUnknown},
		{"AnsweredWithAConflict", []string{"pending"}, 200, `{"id": 5, "state": "canceled"}`, provider.Conflict},
		{"provider.Unauthorized", []string{"pending"}, 401, `{}`, provider.Unauthorized},
		{"Down", []string{"pending"}, 500, `{}`, provider.OutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			looks := c.looks
			client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.WriteHeader(c.status)
					io.WriteString(w, c.answer)
					return
				}
				if len(looks) == 0 {
					t.Error("one look too many")
					return
				}
				fmt.Fprintf(w, `{"id": 5, "state": %q}`, looks[0])
				looks = looks[1:]
			}))
			providertest.ClassIs(t, "accept", client.EnsureAccepted(t.Context(), "5"), c.want)
		})
	}
}

func TestGetAirbill(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		api, c := setup(t, sim.TEvoOptions{AirbillJSON: asJSON})
		o := sim.ClientSale(1)
		api.Put(o)
		_, _, err := c.GetAirbill(t.Context(), o.ShipmentID)
		providertest.ClassIs(t, "before it was uploaded", err, provider.NotFound)
		api.Put(o.AirbillUploaded(time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC)))
		file, mediaType, err := c.GetAirbill(t.Context(), o.ShipmentID)
		if err != nil || mediaType != "application/pdf" || !strings.HasPrefix(string(file), "%PDF-") {
			t.Errorf("JSON %t: got %.20q, %s, %v; want a PDF", asJSON, file, mediaType, err)
		}
	}
	const png = "\x89PNG\x0d\x0a\x1a\x0a....."
	for _, w := range []struct {
		name, answer, mediaType string
		want                    string
	}{
		{"Image", png, "image/png", ""},
		{"DataURL", `{"airbill":"data:application/pdf;base64,JVBERi0xLjQK"}`, "application/pdf", ""},
		{"FileInLines", `{"file":"JVBER\ni0xLjQK\n"}`, "application/pdf", ""},
		{"Link", `{"airbill":"https://media.example.com/1.pdf"}`, "", provider.Unsupported},
		{"OtherJSON", `{"url":"x"}`, "", provider.Unsupported},
		{"Page", "<html><body>Wren Pemberly, sign in</body></html>", "", provider.Unsupported},
		{"Empty", "", "", provider.NotFound},
	} {
		c := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/pdf") // not to be believed
			io.WriteString(rw, w.answer)
		}))
		file, mediaType, err := c.GetAirbill(t.Context(), "5")
		providertest.ClassIs(t, w.name, err, w.want)
		if mediaType != w.mediaType || (len(file) > 0) != (w.want == "") {
			t.Errorf("%s: got %q, %s; want %s", w.name, file, mediaType, w.mediaType)
		}
		if err != nil && strings.Contains(err.Error(), "Pemberly") {
			t.Errorf("%s: got %q; want nothing of the answer", w.name, err)
		}
	}
	c := &Client{}
	_, _, err := c.GetAirbill(t.Context(), "")
	providertest.ClassIs(t, "no id", err, provider.Invalid)
}
