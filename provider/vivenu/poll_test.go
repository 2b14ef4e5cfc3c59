package vivenu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
)

// partsOf are the answers that make up an order, from the parts of a webhook.
func partsOf(t *testing.T, body, checkout string) map[string]string {
	t.Helper()
	data := providertest.Parse(t, body).(map[string]any)["data"].(map[string]any)
	by := map[string]string{
		"GET /api/transactions/65f0a1b2c3d4e5f600000001":         providertest.Marshal(t, data["transaction"]),
		"GET /api/transactions/65f0a1b2c3d4e5f600000001/tickets": providertest.Marshal(t, data["tickets"]),
	}
	if checkout != "" {
		by["GET /api/transaction/65f0a1b2c3d4e5f600000001/checkout"] = checkout
	}
	return by
}

const shown = "65f0a1b2c3d4e5f600000001"

func TestShow(t *testing.T) {
	t.Parallel()
	webhook := sample(t, "transaction_complete")
	const checkout = `{"_id": "65f0a1b2c3d4e5f600000015", "name": "Isolde Marchbank", "secret": "quill-of-the-checkout"}`

	t.Run("DecodesAsTheWebhookDoes", func(t *testing.T) {
		t.Parallel()
		body, err := answers(t, partsOf(t, webhook, checkout)).Show(t.Context(), shown)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(body), `{"type":"transaction.polled","mode":"prod","data":{"checkout":{"_id":"65f0a1b2c3d4e5f600000015"},"tickets":[`) {
			t.Errorf("got %.200s", body)
		}
		if strings.Contains(string(body), "quill-of-the-checkout") {
			t.Errorf("got the secret of the checkout; want its id alone")
		}
		got, want := decoded(delivery("1", string(body))), decoded(delivery("1", webhook))
		want.Decoded.Type, want.Decoded.Event.Type, want.Decoded.DedupeKey = PolledTransaction, PolledTransaction, ""
		want.Decoded.Event.Refs = append(want.Decoded.Event.Refs, "checkout:65f0a1b2c3d4e5f600000015")
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %s; want %s", providertest.Pretty(t, got), providertest.Pretty(t, want))
		}
		buyer, err := Buyer(body)
		if want, _ := Buyer([]byte(webhook)); err != nil || buyer != want {
			t.Errorf("got buyer %+v, %v; want %+v", buyer, err, want)
		}
	})
	t.Run("WritesEqualOrdersAlike", func(t *testing.T) {
		t.Parallel()
		bodies := map[string]bool{}
		for _, tx := range []string{
			`{"_id": "1", "realPrice": 29.990000000000002, "a": {"c": 1e2, "b": 12345678901234567890}}`,
			"{\"a\":{\"b\":12345678901234567890,\n\"c\":1e2},\"realPrice\":29.990000000000002,\"_id\":\"1\"}\n",
		} {
			body, err := answers(t, map[string]string{"GET /api/transactions/1": tx, "GET /api/transactions/1/tickets": " [ ] "}).Show(t.Context(), "1")
			if err != nil {
				t.Fatal(err)
			}
			bodies[string(body)] = true
		}
		want := `{"type":"transaction.polled","mode":"prod","data":{"tickets":[],"transaction":{"_id":"1","a":{"b":12345678901234567890,"c":1e2},"realPrice":29.990000000000002}}}`
		if len(bodies) != 1 || !bodies[want] {
			t.Errorf("got %v; want %s alone", bodies, want)
		}
	})
	t.Run("DoesWithoutTheCheckout", func(t *testing.T) {
		t.Parallel()
		for _, checkout := range []string{"", checkout} {
			body, err := answers(t, partsOf(t, webhook, checkout)).Show(t.Context(), shown)
			if has := strings.Contains(string(body), `"checkout":`); err != nil || has != (checkout != "") {
				t.Errorf("checkout %q: got it in the body: %t, %v", checkout, has, err)
			}
		}
	})
	t.Run("WaitsForACheckoutThatMayComeBack", func(t *testing.T) {
		t.Parallel()
		by := partsOf(t, webhook, "")
		for status, want := range map[int]string{400: "", 401: "", 404: "", 429: provider.RateLimited, 500: provider.Transient} {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if body, ok := by[r.Method+" "+r.URL.Path]; ok {
					io.WriteString(w, body)
					return
				}
				w.WriteHeader(status)
			})
			_, err := c.Show(t.Context(), shown)
			classIs(t, fmt.Sprint("checkout ", status), err, want)
		}
	})
	t.Run("DoesNotGoWithoutTheTickets", func(t *testing.T) {
		t.Parallel()
		by := partsOf(t, webhook, "")
		delete(by, "GET /api/transactions/"+shown+"/tickets")
		_, err := answers(t, by).Show(t.Context(), shown)
		classIs(t, "no tickets", err, provider.NotFound)
	})
	t.Run("Intent", func(t *testing.T) {
		t.Parallel()
		webhook := sample(t, "purchaseIntent_polled")
		intent := providertest.Marshal(t, providertest.Parse(t, webhook).(map[string]any)["data"].(map[string]any)["purchaseIntent"])
		body, err := answers(t, map[string]string{"GET /api/purchaseintents/65f0a1b2c3d4e5f60000001f": intent}).Show(t.Context(), "purchaseintents/65f0a1b2c3d4e5f60000001f")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := decoded(delivery("1", string(body))), decoded(delivery("1", webhook)); !reflect.DeepEqual(got, want) {
			t.Errorf("got %s; want %s", providertest.Pretty(t, got), providertest.Pretty(t, want))
		}
	})
}

// account serves n transactions with a ticket each; tickets of the ones named are not to be had.
func account(t *testing.T, n int, total bool, without map[string]int) *Client {
	t.Helper()
	var all []any
	for i := range n {
		all = append(all, map[string]any{"_id": fmt.Sprint("t", i), "status": "COMPLETE", "realPrice": 1, "currency": "EUR"})
	}
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/transactions" {
			pageOf(t, w, r, all, total)
			return
		}
		id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/transactions/"), "/tickets")
		if status := without[id]; status != 0 {
			w.WriteHeader(status)
			return
		}
		fmt.Fprintf(w, `[{"_id": "k-%s", "realPrice": 1, "status": "VALID"}]`, id)
	})
}

func TestPoll(t *testing.T) {
	t.Parallel()
	poll := func(c *Client, ctx context.Context, stop int) (map[string]bool, error) {
		found := map[string]bool{}
		err := c.Poll(ctx, received, func(body []byte) error {
			out, err := Decode(delivery("1", string(body)), ours)
			if err != nil || len(out.Event.Snapshot.Lines) != 1 || out.Event.Snapshot.Lines[0].ID != "k-"+out.OrderID {
				t.Errorf("got %+v, %v; want an order with its ticket", out, err)
			}
			if found[out.OrderID] = true; len(found) == stop {
				return errEnough
			}
			return nil
		})
		return found, err
	}
	t.Run("ReadsAllPages", func(t *testing.T) {
		t.Parallel()
		for _, n := range []int{0, 1, 40, 230} {
			for _, total := range []bool{true, false} {
				found, err := poll(account(t, n, total, nil), t.Context(), -1)
				if err != nil || len(found) != n {
					t.Errorf("%d transactions, total %t: got %d, %v", n, total, len(found), err)
				}
			}
		}
	})
	t.Run("EndsAtTheCallersError", func(t *testing.T) {
		t.Parallel()
		found, err := poll(account(t, 50, true, nil), t.Context(), 3)
		if !errors.Is(err, errEnough) || len(found) != 3 {
			t.Errorf("got %d, %v; want 3 and the caller's error", len(found), err)
		}
	})
	t.Run("PassesOverWhatIsRefused", func(t *testing.T) {
		t.Parallel()
		found, err := poll(account(t, 50, true, map[string]int{"t7": 404, "t9": 400}), t.Context(), -1)
		classIs(t, "refused", err, provider.NotFound)
		if len(found) != 48 {
			t.Errorf("got %d; want the 48 others", len(found))
		}
	})
	t.Run("EndsWhereTheAPIIsDown", func(t *testing.T) {
		t.Parallel()
		for status, want := range map[int]string{500: provider.Transient, 429: provider.RateLimited, 401: provider.Unauthorized} {
			found, err := poll(account(t, 50, true, map[string]int{"t7": status}), t.Context(), -1)
			classIs(t, fmt.Sprint(status), err, want)
			if len(found) != 7 {
				t.Errorf("%d: got %d; want the 7 before it", status, len(found))
			}
		}
	})
	t.Run("LeavesGarbageToDecode", func(t *testing.T) {
		t.Parallel()
		c := answers(t, map[string]string{"GET /api/transactions": `{"docs": ["Isolde", {"_id": ""}, null], "total": 3}`})
		n := 0
		err := c.Poll(t.Context(), received, func(body []byte) error {
			n++
			out, err := Decode(delivery("1", string(body)), ours)
			if !errors.Is(err, provider.ErrMalformed) || out.Type != PolledTransaction {
				t.Errorf("%s: got %+v, %v; want quarantined", body, out, err)
			}
			return nil
		})
		if err != nil || n != 3 {
			t.Errorf("got %d, %v; want 3", n, err)
		}
	})
	t.Run("EndsWithoutAnEnd", func(t *testing.T) {
		t.Parallel()
		_, err := (&Client{Key: apiKey, BaseURL: "http://127.0.0.1:1"}).Transactions(t.Context(), received, maxPages*perPage)
		classIs(t, "endless", err, provider.Unsupported)
	})
}

var errEnough = errors.New("enough")
