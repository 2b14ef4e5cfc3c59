package e2e

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"willcall/sim"
)

// catalogue posts a catalogue webhook of Ticket Evolution: a form without an order.
func (s *site) catalogue(t *testing.T, source, eventType, event string) {
	t.Helper()
	form := url.Values{"event_type": {eventType}, "event_id": {event}, "body": {"{}"}}
	s.postRaw(t, source, sim.FormContentType, []byte(form.Encode()))
}

func TestACatalogueChangeHasOpenOrdersReadAgain(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	o.EventID = fmt.Sprint(5_000_000 + s.fresh())
	id := "order:tevo:" + o.GroupID
	s.post(t, "tevo", o, "seller", "order_created")
	before := s.awaitState(t, id, "awaiting_fulfilment")
	moved := o.Accepted(time.Now().Add(time.Second))
	moved.OccursAt = before.Event.StartsAt.Add(7 * 24 * time.Hour)
	moved.UpdatedAt = time.Now().Add(2 * time.Second)
	s.TEvo.Put(moved)
	s.catalogue(t, "tevo", "event_updated", o.EventID)
	if v := s.awaitAttention(t, id, "event_moved"); !v.Event.StartsAt.Equal(moved.OccursAt.UTC().Truncate(time.Second)) {
		t.Errorf("got the event at %s; want %s, as the order says when it is read again", v.Event.StartsAt, moved.OccursAt)
	}
	s.keep(t, "catalogue-event-updated-open", id)
	if err := s.order(t, id, "resolve", ""); err != nil {
		t.Fatal(err)
	}
	s.catalogue(t, "tevo", "event_deleted", o.EventID)
	s.awaitAttention(t, id, "event_off")
	other := sim.OfficeSale(s.fresh()).At(time.Now())
	other.EventID = o.EventID
	s.post(t, "tevo", other, "seller", "order_created")
	s.awaitAttention(t, "order:tevo:"+other.GroupID, "event_off") // an order that comes after the news hears of it, too
	s.keep(t, "news-before-the-order-open", "order:tevo:"+other.GroupID)
}

func TestAPurchaseTravelsByAirbill(t *testing.T) {
	s := setup(t)
	o := sim.Purchase(s.fresh()).At(time.Now())
	o.Delivery, o.Format = "UPS", "Physical"
	id := "order:tevo:" + o.GroupID + ":buyer"
	s.post(t, "tevo", o.Accepted(time.Now()), "buyer", "order_accepted")
	s.awaitState(t, id, "awaiting_fulfilment")
	told := o.Accepted(time.Now())
	told.UpdatedAt = time.Now().Add(time.Second)
	s.tell(t, "tevo", told, "buyer", "airbill_requested")
	s.awaitAttention(t, id, "airbill_requested")
	told.UpdatedAt = time.Now().Add(2 * time.Second)
	s.post(t, "tevo", told.AirbillUploaded(told.UpdatedAt), "buyer", "airbill_generated")
	s.await(t, id, "with its airbill stored", func(v view) bool { return s.told(v, "webhook buyer/airbill_generated") == 1 && v.reason() == "" })
	told.UpdatedAt = time.Now().Add(3 * time.Second)
	s.tell(t, "tevo", told, "buyer", "delivery_complete")
	s.awaitState(t, id, "fulfilled")
	s.keep(t, "purchase-by-airbill-open", id)
}
