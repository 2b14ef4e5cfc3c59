package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

// saveOrder makes the order known under names.
func saveOrder(t *testing.T, db *postgres.DB, orderID string, refs ...string) order.Identity {
	t.Helper()
	id := order.Identity{ID: "order:toy:" + orderID, Source: "toy", Provider: "toyshop", ProviderOrderID: orderID, Kind: order.Sale}
	_, err := db.SaveOrder(t.Context(), postgres.OrderRow{Identity: id, State: order.Received, DecidedAt: time.Now(), Doc: json.RawMessage("{}"), Refs: refs}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// post sends a toy webhook and returns its row's id and what it was called in the answer.
func (r *road) post(body string) (id, status string) {
	r.t.Helper()
	w := serve(r.door, post(body))
	var got receipt
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		r.t.Fatalf("webhook answered %d: %s", w.Code, w.Body)
	}
	return got.ID, got.Status
}

// files is how many an order has.
func files(t testing.TB, db *postgres.DB, orderID string) (n int) {
	t.Helper()
	if err := db.Pool.QueryRow(context.Background(), "SELECT count(*) FROM order_documents WHERE order_id = $1", orderID).Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

// all are the signals so far.
func (tp *engine) all() []Signal {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return slices.Clone(tp.taken)
}

// as makes a row that another process has taken one of the body.
func as(body string) func(*postgres.Webhook) {
	return func(w *postgres.Webhook) {
		src := toySource()
		row, _, dec := src.Classify(provider.Delivery{ID: w.ID, Body: []byte(body), Received: w.ReceivedAt})
		row.Body = []byte(body)
		row.DedupeKey, row.KeyTells = src.key(dec, sha256.Sum256(row.Body))
		*w = row
	}
}

func TestParkedWebhooks(t *testing.T) {
	t.Parallel()
	t.Run("WaitForTheirOrderToBeSaved", func(t *testing.T) {
		t.Parallel()
		r := newRoad(t, postgrestest.New(t), "a", newEngine())
		r.waitLive()
		first, status := r.post(toy("scan", "t1", "s-1"))
		second, _ := r.post(toy("scan", "t1", "s-2"))
		stranger, _ := r.post(toy("scan", "t2", "s-3"))
		if status != "parked" {
			t.Errorf("answered %q; want parked", status)
		}
		if again, status := r.post(toy("scan", "t1", "s-1")); again != first || status != "duplicate" {
			t.Errorf("a repeat is answered %s, %q; want the first row, duplicate", again, status)
		}
		r.take("7", 1) // others go on meanwhile
		r.drained()
		if webhooks, _ := r.temporal.count(); webhooks != 1 {
			t.Errorf("signals = %d; want none of what is parked", webhooks-1)
		}
		id := saveOrder(t, r.db, "9", "ticket:t1")
		r.f.Wake()
		eventually(t, "the order hears what was parked", func() bool { return len(r.temporal.heard(id.ID)) == 2 })
		r.drained()
		if got, want := r.temporal.heard(id.ID), []string{first, second}; !slices.Equal(got, want) {
			t.Errorf("order heard %q; want %q", got, want)
		}
		for _, s := range r.temporal.all() {
			if s.Order.ID == id.ID && s.Order != id {
				t.Errorf("signalled to %+v; want %+v", s.Order, id)
			}
		}
		if row, err := r.db.Webhook(t.Context(), stranger); err != nil || row.Disposition != provider.Parked {
			t.Errorf("another ticket's scan is %q, %v; want it parked still", row.Disposition, err)
		}
		third, status := r.post(toy("scan", "t1", "s-4"))
		if status != "accepted" {
			t.Errorf("answered %q once the order is known; want accepted", status)
		}
		r.drained()
		if got, want := r.temporal.heard(id.ID), []string{first, second, third}; !slices.Equal(got, want) {
			t.Errorf("order heard %q; want %q", got, want)
		}
	})
	t.Run("ParkedAsTheOrderWasSavedAreFoundByTheSweep", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		id := saveOrder(t, db, "9", "ticket:t1")
		late := put(t, db, "", 0, "", "", as(toy("scan", "t1", "s-1"))) // its door had looked a moment before
		if row, err := db.Webhook(t.Context(), late); err != nil || row.Disposition != provider.Parked {
			t.Fatalf("the row is %q, %v; want it parked", row.Disposition, err)
		}
		r := newRoad(t, db, "a", newEngine())
		eventually(t, "the order hears it", func() bool { return slices.Equal(r.temporal.heard(id.ID), []string{late}) })
		r.drained()
	})
	t.Run("ReplayGoesToTheOrderThatWasFound", func(t *testing.T) {
		t.Parallel()
		r := newRoad(t, postgrestest.New(t), "a", newEngine())
		r.waitLive()
		id := saveOrder(t, r.db, "9", "ticket:t1")
		scan, _ := r.post(toy("scan", "t1", "s-1"))
		r.drained()
		if n, err := r.db.Replay(t.Context(), []string{scan}, "ann"); n != 1 || err != nil {
			t.Fatalf("replayed %d, %v", n, err)
		}
		r.f.Wake()
		r.drained()
		r.temporal.mu.Lock()
		defer r.temporal.mu.Unlock()
		if got := r.temporal.seen[id.ID]; got[scan] != 1 || got[scan+":2"] != 1 {
			t.Errorf("request ids = %v; want %s and %s:2, once each", got, scan, scan)
		}
	})
}

func TestFilesAreKeptBeforeTheSignal(t *testing.T) {
	t.Parallel()
	const theOrder = "order:toy:7"
	// begin returns a road whose every signal must find the order's file.
	begin := func(t *testing.T, db *postgres.DB) *road {
		tp := newEngine()
		tp.before = func(s Signal) {
			if files(t, db, s.Order.ID) == 0 {
				t.Errorf("%s was signalled before its file was kept", s.Event.ID)
			}
		}
		return newRoad(t, db, "a", tp)
	}
	t.Run("FromMemory", func(t *testing.T) {
		t.Parallel()
		r := begin(t, postgrestest.New(t))
		r.waitLive()
		id, _ := r.post(toy("ticket", "7", "f-1"))
		r.drained()
		if got := r.temporal.heard(theOrder); !slices.Equal(got, []string{id}) {
			t.Errorf("order heard %q; want %q", got, id)
		}
		if n := files(t, r.db, theOrder); n != 1 {
			t.Errorf("files = %d; want 1", n)
		}
	})
	t.Run("FromTheInboxWhereTheDoorCouldNot", func(t *testing.T) {
		t.Parallel()
		r := begin(t, postgrestest.New(t))
		r.waitLive()
		r.noFiles.Store(true)
		id, status := r.post(toy("ticket", "7", "f-1"))
		if status != "accepted" {
			t.Errorf("answered %q; want accepted: the file lies in the inbox", status)
		}
		eventually(t, "the sweep has tried", func() bool {
			row, err := r.db.Webhook(t.Context(), id)
			return err == nil && row.LastError != ""
		})
		if webhooks, _ := r.temporal.count(); webhooks != 0 {
			t.Error("signalled without its file")
		}
		r.noFiles.Store(false)
		r.drained()
		if got := r.temporal.heard(theOrder); !slices.Equal(got, []string{id}) {
			t.Errorf("order heard %q; want %q, once", got, id)
		}
	})
	t.Run("FromTheInboxAfterACrash", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		id := put(t, db, "", 0, "", "", as(toy("ticket", "7", "f-1")))
		r := begin(t, db)
		r.drained()
		if got := r.temporal.heard(theOrder); !slices.Equal(got, []string{id}) {
			t.Errorf("order heard %q; want %q", got, id)
		}
	})
	t.Run("OfABodyThatTheSweepReadsByItself", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		note := strings.Repeat("large ", postgres.SmallBody/6+1)
		body := func(typ, id string) string {
			b, err := json.Marshal(toyBody{ID: id, Type: typ, Order: "7", Note: note})
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		// More than the forwarder has places for, and one that can no longer be decoded among them.
		var want []string
		for _, id := range []string{"f-1", "f-2", "f-3"} {
			want = append(want, put(t, db, "", 0, "", "", as(body("ticket", id))))
		}
		broken := put(t, db, "", 0, "", "", func(w *postgres.Webhook) {
			as(body("ticket", "f-4"))(w)
			w.Body = []byte(strings.Repeat("x", postgres.SmallBody+1))
		})
		r := begin(t, db)
		r.drained()
		if got := r.temporal.heard(theOrder); !slices.Equal(got, want) {
			t.Errorf("order heard %q; want %q, in order", got, want)
		}
		for _, s := range r.temporal.all() {
			if s.Event.Type != "ticket" || s.Event.Status != order.StatusPending {
				t.Errorf("signalled %+v; want what the decoder says", s.Event)
			}
		}
		var kept string
		if err := db.Pool.QueryRow(t.Context(), "SELECT convert_from(d.body, 'UTF8') FROM documents d").Scan(&kept); err != nil || kept != note {
			t.Errorf("kept %d bytes, %v; want all %d", len(kept), err, len(note))
		}
		if row, err := db.Webhook(t.Context(), broken); err != nil || row.Disposition != provider.Quarantined {
			t.Errorf("the broken one is %q, %v; want quarantined", row.Disposition, err)
		}
	})
}
