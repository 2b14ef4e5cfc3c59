package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"willcall/order"
	"willcall/pos/fake"
	"willcall/postgres"
	"willcall/provider"
)

// sweep polls and checks what it found.
func (d *desk) sweep(what string, seen, missed int) {
	d.t.Helper()
	p, err := attempt[Polled](d, "PollOrders", PollInput{Source: "tevo"}, nil)
	if err != nil || p != (Polled{Seen: seen, Missed: missed}) {
		d.t.Errorf("%s: got %+v %v; want %d seen, %d missed", what, p, err, seen, missed)
	}
}

func (d *desk) shows(doc document) {
	d.api.shown = func() []byte { body, _ := json.Marshal(doc); return body }
}

func TestASweepIsToldWhichOrdersWaitForTickets(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	var want []string
	doc := func(id, apiID string) func(*postgres.OrderRow) {
		return func(row *postgres.OrderRow) {
			o := order.New(sale(id), order.DefaultPolicy())
			o.Facts.APIID = apiID
			row.Doc, _ = json.Marshal(o)
		}
	}
	for i := range 205 { // a full page and a bit
		id := fmt.Sprintf("%04d", i)
		d.save(id, func(row *postgres.OrderRow) {
			doc(id, "api"+id)(row)
			row.State = []order.State{order.AwaitingFulfilment, order.PartiallyFulfilled}[i%2]
		})
		want = append(want, "api"+id+" "+id)
	}
	for i, s := range []order.State{order.Received, order.Fulfilled, order.Completed, order.Cancelled} {
		id := fmt.Sprintf("x%d", i)
		d.save(id, func(row *postgres.OrderRow) { doc(id, "api"+id)(row); row.State = s })
	}
	d.save("y", func(row *postgres.OrderRow) { doc("y", "y")(row); row.Source, row.ID = "other", "order:other:y" })
	d.sweep("nothing has changed", 0, 0)
	var got []string
	err := d.api.asked.Open(t.Context(), func(apiID, id string) error { got = append(got, apiID+" "+id); return nil })
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %d orders %v; want the %d that wait, each once", len(got), err, len(want))
	}
	stop := fmt.Errorf("enough")
	if err := d.api.asked.Open(t.Context(), func(string, string) error { return stop }); err != stop {
		t.Errorf("got %v; want what the provider's part returned", err)
	}
}

// TestWhatAnOrderKnowsIsNotPutAgain: neither a whole document of a version that it has heard, nor one that says nothing new.
func TestWhatAnOrderKnowsIsNotPutAgain(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	_, err := d.BeginOrder(t.Context(), BeginInput{Order: sale("1"), Now: at, Events: []order.Event{
		{ID: "w1", At: at, Received: at, Snapshot: &order.Snapshot{APIID: "1"}},
		{ID: "w2", At: at, Received: at, Lines: []order.LineFact{{LineID: "1", Tickets: []string{"a"}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.shows(document{Order: "1", At: at})
	d.sweep("the version that is known", 1, 0)
	d.shows(document{Order: "1", At: at.Add(-time.Minute)})
	d.sweep("an older version", 1, 0)
	d.shows(document{Order: "1", At: at, Tickets: []string{"a"}})
	d.sweep("a ticket that is known", 1, 0)
	d.shows(document{Order: "1", At: at, Tickets: []string{"b"}})
	d.sweep("a ticket that is not", 1, 1)
	d.shows(document{Order: "1", At: at.Add(time.Minute)})
	d.sweep("a newer version", 1, 1)
	d.shows(document{Order: "1", At: time.Now().UTC()})
	d.sweep("one whose webhook may be on its way", 1, 0)
}

// TestAParkedWebhookMakesAKnownOrderBeHeardAgain: the webhooks that told of the order did not name the checkout under which
// the parked one waits; the order as it is polled does.
func TestAParkedWebhookMakesAKnownOrderBeHeardAgain(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	id := sale("1")
	hear := func(e order.Event) {
		t.Helper()
		if _, err := d.BeginOrder(t.Context(), BeginInput{Order: id, Now: time.Now(), Events: []order.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	hear(order.Event{ID: "w1", At: at, Received: at, Snapshot: &order.Snapshot{APIID: "1"}})
	d.shows(document{Order: "1", At: at, Refs: []string{"checkout:c1", "ticket:t1"}})
	d.sweep("nothing is parked", 1, 0)
	if d.api.asked.Names {
		t.Error("the sweep asked for all names; want them only while something is parked: they cost calls")
	}
	parked := d.put(document{Tickets: []string{"t1"}}, postgres.Webhook{Type: "ticket.created", Disposition: provider.Parked, Concern: "checkout:c1"})
	d.put(document{Tickets: []string{"t9"}}, postgres.Webhook{Type: "ticket.created", Disposition: provider.Parked, Concern: "ticket:t9"})
	d.shows(document{Order: "1", At: at, Refs: []string{"checkout:c2"}})
	d.sweep("another checkout is parked", 1, 0)
	d.shows(document{Order: "1", At: at, Refs: []string{"checkout:c1"}})
	d.sweep("its checkout is parked", 1, 1)
	if !d.api.asked.Names {
		t.Error("the sweep did not ask for all names; want them while something is parked")
	}
	rows, err := d.DB.Claim(t.Context(), "test", time.Minute, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range rows {
		if w.ID == parked {
			t.Error("what is parked was released before its order was known; want it to wait")
		}
		dec, err := d.Sources["tevo"].Decode(provider.Delivery{ID: w.ID, Body: w.Body, Received: w.ReceivedAt})
		if err != nil {
			t.Fatal(err)
		}
		hear(*dec.Event)
	}
	rows, err = d.DB.Claim(t.Context(), "test", time.Minute, 10)
	if err != nil || len(rows) != 1 || rows[0].ID != parked || rows[0].OrderID != id.ID {
		t.Errorf("got %+v %v; want the parked webhook released to %s", rows, err, id.ID)
	}
	d.shows(document{Order: "1", At: at, Refs: []string{"checkout:c1"}})
	d.sweep("nothing of its checkout is parked any more", 1, 0)
}

func TestWhatTheProviderHasNoCallForIsForAPerson(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	d.configure(func(src *Source) {
		src.API = &API{Show: src.API.Show, Poll: src.API.Poll}
	})
	s := d.step("1", order.DoAccept, dana)
	for name, id := range map[string]order.StepID{"AcceptOrder": "accept/1", "RejectOrder": "reject/1", "FetchAirbill": "airbill:61627/1"} {
		s.ID = id
		if _, err := d.do(name, s); classIn(err) != "unsupported" || retried(err) {
			t.Errorf("%s: got %v; want unsupported", name, err)
		}
	}
	d.configure(func(src *Source) { src.API = nil })
	s.ID = "accept/2"
	if _, err := d.do("AcceptOrder", s); classIn(err) != "unauthorized" || retried(err) {
		t.Errorf("without credentials: got %v; want unauthorized", err)
	}
	if _, err := attempt[Polled](d, "PollOrders", PollInput{Source: "tevo"}, nil); classIn(err) != "unauthorized" {
		t.Errorf("a sweep without credentials: got %v; want unauthorized", err)
	}
}

// TestWhatASweepCannotReadDoesNotHideWhatIsBehindIt: a provider lists its orders in the same sequence each time.
func TestWhatASweepCannotReadDoesNotHideWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	good, _ := json.Marshal(document{Order: "1", At: at})
	d.configure(func(src *Source) {
		src.API = &API{Show: src.API.Show, Poll: func(_ context.Context, _ PollAsk, found func([]byte) error) error {
			for _, body := range [][]byte{[]byte("no document"), good} {
				if err := found(body); err != nil {
					return err
				}
			}
			return nil
		}}
	})
	d.sweep("one that cannot be read comes first", 2, 1)
	d.sweep("both are in the inbox already", 2, 0)
	kept, _, err := d.DB.Webhooks(t.Context(), postgres.WebhookFilter{Disposition: provider.Quarantined}, "", 10)
	if err != nil || len(kept) != 1 || kept[0].Reason == "" || kept[0].OrderID != "" || kept[0].Via != postgres.ViaSweep {
		t.Errorf("got %+v, %v; want what cannot be read, once, with the reason", kept, err)
	}
}
