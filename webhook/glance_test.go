package webhook

import (
	"bytes"
	"net/http"
	"testing"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

// toyPeek knows the order of a toy by its first bytes, whatever follows.
func toyPeek(d provider.Delivery) (provider.Decoded, bool) {
	_, rest, ok := bytes.Cut(d.Body, []byte(`"type":"order","order":"`))
	id, _, end := bytes.Cut(rest, []byte(`"`))
	return provider.Decoded{Type: "order", Disposition: provider.Forward, OrderID: string(id), Kind: order.Sale}, ok && end
}

func TestWhatAGlanceTellsIsDecodedBehindTheAnswer(t *testing.T) {
	t.Parallel()
	db, tp := postgrestest.New(t), newEngine()
	r := newRoad(t, db, "one", tp, func(o *ForwarderOptions) { o.Sources[0].Peek = toyPeek })
	r.waitLive()

	id := r.take("7", 1)
	r.drained()
	tp.set(func() {
		if len(tp.taken) != 1 || tp.taken[0].Event.ID != id || tp.taken[0].Event.Status != order.StatusPending {
			t.Errorf("got signals %+v; want the whole event of %s", tp.taken, id)
		}
	})

	w := serve(r.door, post(`{"type":"order","order":"8", and then it breaks off`))
	if w.Code != http.StatusOK {
		t.Fatalf("an authentic webhook answered %d: %s", w.Code, w.Body)
	}
	eventually(t, "what cannot be decoded is quarantined", func() bool {
		rows, _, err := db.Webhooks(t.Context(), postgres.WebhookFilter{Disposition: provider.Quarantined}, "", 10)
		return err == nil && len(rows) == 1 && rows[0].Reason != ""
	})
	if n, _ := tp.count(); n != 1 {
		t.Errorf("got %d signals; want none for what cannot be decoded", n)
	}

	big := serve(r.door, post(toy("order", "9", string(bytes.Repeat([]byte("x"), maxUnread)))))
	if big.Code != http.StatusOK {
		t.Fatalf("a large webhook answered %d", big.Code)
	}
	r.drained()
	if got := tp.heard("order:toy:9"); len(got) != 1 {
		t.Errorf("a large webhook: got %d signals; want one", len(got))
	}
}
