package webhook

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

// tillSource is a POS that the toyshop's sales are invoiced in. Its events bear its own id of the invoice.
func tillSource() Source {
	return Source{
		Name: "till", Kind: "tillsystem", POS: true, ContentTypes: []string{"application/json"},
		Verify: func(d provider.Delivery, _ netip.Addr) error {
			if d.Header.Get("X-Toy-Signature") != toySign(d.Body) {
				return provider.ErrSignature
			}
			return nil
		},
		Decode: func(d provider.Delivery) (provider.Decoded, error) {
			var b toyBody
			if json.Unmarshal(d.Body, &b) != nil {
				return provider.Decoded{}, provider.ErrMalformed
			}
			return provider.Decoded{Type: "pos/" + b.Type, Disposition: provider.Forward, DedupeKey: d.Header.Get("Webhook-Id"),
				Concern: postgres.InvoiceRef(b.Order), Event: &order.Event{Type: "pos/" + b.Type, Hint: true}}, nil
		},
	}
}

// hint is an event of the till about an invoice.
func (r *road) hint(invoice, id string) (row, status string) {
	r.t.Helper()
	body := toy("invoice", invoice, "")
	req := httptest.NewRequest(http.MethodPost, "/webhooks/till", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Toy-Signature", toySign([]byte(body)))
	req.Header.Set("Webhook-Id", id)
	w := serve(r.door, req)
	var got receipt
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		r.t.Fatalf("event answered %d: %s", w.Code, w.Body)
	}
	return got.ID, got.Status
}

// hinted is a row of the till's that another process has taken, or that a crash has left there.
func hinted(t *testing.T, db *postgres.DB, invoice string, change func(*postgres.Webhook)) string {
	t.Helper()
	return put(t, db, "", 0, "", "", func(w *postgres.Webhook) {
		src, body := tillSource(), []byte(toy("invoice", invoice, ""))
		row, _, dec := src.Classify(provider.Delivery{ID: w.ID, Body: body, Received: w.ReceivedAt})
		row.Body, row.DedupeKey = body, w.ID
		row.KeyTells = dec.Content != [sha256.Size]byte{}
		*w = row
		change(w)
	})
}

// invoiced saves an order of the toyshop that has an invoice in the till.
func invoiced(t *testing.T, db *postgres.DB, orderID, invoice string) order.Identity {
	t.Helper()
	id := order.Identity{ID: "order:toy:" + orderID, Source: "toy", Provider: "toyshop", ProviderOrderID: orderID, Kind: order.Sale}
	_, err := db.SaveOrder(t.Context(), postgres.OrderRow{Identity: id, State: order.Invoiced, DecidedAt: time.Now(), Doc: json.RawMessage("{}"),
		POS: "till", InvoiceID: invoice}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// What a POS says of an invoice goes to the order that was invoiced, which is another source's, by whatever road.
func TestEventsOfAPOS(t *testing.T) {
	t.Parallel()
	heard := func(t *testing.T, r *road, id order.Identity, rows ...string) {
		t.Helper()
		eventually(t, "the order hears of it", func() bool { return len(r.temporal.heard(id.ID)) == len(rows) })
		r.drained()
		if got := r.temporal.heard(id.ID); !slices.Equal(got, rows) {
			t.Errorf("order heard %q; want %q", got, rows)
		}
		for _, s := range r.temporal.all() {
			if s.Order != id || s.Sender != "till" || !s.Event.Hint || s.News != nil {
				t.Errorf("signal = %+v; want a hint of the till for %+v", s, id)
			}
		}
	}
	t.Run("FromMemory", func(t *testing.T) {
		t.Parallel()
		r := newRoad(t, postgrestest.New(t), "a", newEngine())
		r.waitLive()
		id := invoiced(t, r.db, "9", "77")
		row, status := r.hint("77", "msg-1")
		if status != "accepted" {
			t.Errorf("answered %q; want accepted", status)
		}
		if again, status := r.hint("77", "msg-1"); again != row || status != "duplicate" {
			t.Errorf("a repeat is answered %s, %q; want the first row, duplicate", again, status)
		}
		second, status := r.hint("77", "msg-2") // the same bytes, and other news
		if status != "accepted" {
			t.Errorf("answered %q; want accepted", status)
		}
		heard(t, r, id, row, second)
		if n := r.rig.count(t, "willcall_forwarded_total", "memory", "till"); n != 2 {
			t.Errorf("forwarded of the till = %v; want 2", n)
		}
	})
	t.Run("AfterACrash", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		id := invoiced(t, db, "9", "77")
		row := hinted(t, db, "77", func(w *postgres.Webhook) {
			w.Disposition, w.OrderID, w.ProviderOrderID, w.Kind = provider.Forward, id.ID, id.ProviderOrderID, id.Kind
		})
		r := newRoad(t, db, "a", newEngine())
		heard(t, r, id, row)
	})
	t.Run("ReplayedByAnOperator", func(t *testing.T) {
		t.Parallel()
		r := newRoad(t, postgrestest.New(t), "a", newEngine())
		r.waitLive()
		id := invoiced(t, r.db, "9", "77")
		row, _ := r.hint("77", "msg-1")
		r.drained()
		if n, err := r.db.Replay(t.Context(), []string{row}, "ann"); n != 1 || err != nil {
			t.Fatalf("replayed %d, %v", n, err)
		}
		r.f.Wake()
		r.drained()
		heard(t, r, id, row)
		r.temporal.mu.Lock()
		defer r.temporal.mu.Unlock()
		if got := r.temporal.seen[id.ID]; got[row] != 1 || got[row+":2"] != 1 {
			t.Errorf("request ids = %v; want %s and %s:2, once each", got, row, row)
		}
	})
	t.Run("BeforeTheOrderHasItsInvoice", func(t *testing.T) {
		t.Parallel()
		r := newRoad(t, postgrestest.New(t), "a", newEngine())
		r.waitLive()
		row, status := r.hint("77", "msg-1")
		if status != "parked" {
			t.Errorf("answered %q; want parked", status)
		}
		id := invoiced(t, r.db, "9", "")
		r.f.Wake()
		r.drained()
		if got := r.temporal.all(); len(got) != 0 {
			t.Errorf("signals = %+v; want none while nobody knows whose invoice it is", got)
		}
		invoiced(t, r.db, "9", "77")
		r.f.Wake()
		heard(t, r, id, row)
	})
	t.Run("OfAnInvoiceThatAnotherTookThePlaceOf", func(t *testing.T) {
		t.Parallel()
		r := newRoad(t, postgrestest.New(t), "a", newEngine())
		r.waitLive()
		invoiced(t, r.db, "9", "77")
		id := invoiced(t, r.db, "9", "78")
		first, _ := r.hint("77", "msg-1")
		r.drained()
		second, _ := r.hint("78", "msg-2")
		heard(t, r, id, first, second)
	})
	t.Run("OfAnOrderThatIsGone", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		row := hinted(t, db, "77", func(w *postgres.Webhook) {
			w.Disposition, w.OrderID, w.ProviderOrderID, w.Kind = provider.Forward, "order:toy:9", "9", order.Sale
		})
		r := newRoad(t, db, "a", newEngine())
		r.drained()
		got, err := db.Webhook(t.Context(), row)
		if err != nil || got.Disposition != provider.Parked || got.OrderID != "" || len(r.temporal.all()) != 0 {
			t.Errorf("row = %+v, %v; want it parked: no other order may hear of it", got, err)
		}
	})
	t.Run("WithoutAProofItHasNoPath", func(t *testing.T) {
		t.Parallel()
		till := tillSource()
		till.Verify = nil
		r := newRig(t, toySource(), till)
		w := serve(Handler(r.Options), httptest.NewRequest(http.MethodPost, "/webhooks/till", strings.NewReader("{}")))
		if name := problemOf(t, w); w.Code != http.StatusNotFound || name != refuseNotFound {
			t.Errorf("answered %d, %s; want 404 as for any source that does not exist", w.Code, name)
		}
	})
}
