package e2e

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"willcall/sim"
)

func (s *site) ltd(t *testing.T, source string, body []byte) (id, status string) {
	t.Helper()
	return s.taken(t, source+"/e2e-ltd-token", nil, body)
}

// booking has at least two tickets, whose barcodes come later.
func (s *site) booking() sim.LTDBooking {
	for {
		if b := sim.LTDSale(2 * s.fresh()).At(time.Now().Add(-time.Minute)); b.Count() >= 2 {
			return b
		}
	}
}

func TestBookingIsInvoicedAndItsETicketsComeLater(t *testing.T) {
	s := setup(t)
	b := s.booking()
	id := "order:ltd:" + b.BookingReference
	s.ltd(t, "ltd", b.TransactionChanged(time.Now()))
	v := s.awaitState(t, id, "awaiting_fulfilment")
	live, _ := s.invoices(id)
	if len(live) != 1 || len(live[0].Lines) != b.Count() || v.Amount != b.AmountMinor() {
		t.Fatalf("got invoices %+v over %d pence; want one over %d", live, v.Amount, b.AmountMinor())
	}
	s.keep(t, "ltd-booked-open", id)
	s.ltd(t, "ltd", b.ScheduledEtickets(b.ScheduledOn.Add(time.Minute)))
	s.awaitState(t, id, "fulfilled")
	if n := s.documents(t, id); n < b.Count() {
		t.Errorf("got %d documents; want a barcode for each of %d tickets", n, b.Count())
	}
	inv := s.attached(t, id, "barcodes.txt")
	if len(inv.Files) == 1 && (inv.Files[0].MediaType != "text/plain" || inv.Files[0].Bytes < 20*b.Count()) {
		t.Errorf("got file %+v; want a line for each of %d tickets", inv.Files[0], b.Count())
	}
	s.keep(t, "ltd-fulfilled-open", id)
}

func TestOneTicketOfABookingIsCancelled(t *testing.T) {
	s := setup(t)
	b := s.booking()
	id := "order:ltd-quick:" + b.BookingReference
	s.ltd(t, "ltd-quick", b.ScheduledEtickets(b.ScheduledOn.Add(time.Minute))) // before the booking itself
	s.ltd(t, "ltd-quick", b.TransactionChanged(time.Now()))
	s.awaitState(t, id, "fulfilled")
	less := b.CancelTickets(0)
	s.ltd(t, "ltd-quick", less.TransactionChanged(time.Now().Add(2*time.Second)))
	s.await(t, id, "invoiced for what is left", func(v view) bool {
		return v.State == "fulfilled" && v.POS.Invoice != "" && v.Amount == less.AmountMinor()
	})
	if live, voided := s.invoices(id); len(live) != 1 || len(live[0].Lines) != less.Count() || len(voided) != 1 {
		t.Errorf("got live %+v, %d voided; want one invoice over the tickets that are left", live, len(voided))
	}
	s.attached(t, id, "barcodes.txt")
	s.keep(t, "ltd-one-cancelled-open", id)
	all := less
	for i := range b.Count() {
		all = all.CancelTickets(i)
	}
	s.ltd(t, "ltd-quick", all.TransactionChanged(time.Now().Add(4*time.Second)))
	s.awaitAttention(t, id, "cancelled_after_delivery")
	if err := s.order(t, id, "cancel", ""); err != nil {
		t.Fatal(err)
	}
	s.await(t, id, "undone", func(v view) bool { return v.State == "cancelled" && v.POS.Invoice == "" })
}

func TestASweepFetchesETicketsThatNoWebhookBrought(t *testing.T) {
	s := setup(t)
	b := s.booking()
	b.ScheduledOn = time.Now().Add(-time.Hour)
	id := "order:ltd:" + b.BookingReference
	s.LTD.Put(b)
	early := b
	early.ScheduledOn = time.Now().Add(time.Hour)
	s.ltd(t, "ltd", early.TransactionChanged(time.Now()))
	s.awaitState(t, id, "awaiting_fulfilment")
	s.sweep(t, "ltd")
	s.awaitState(t, id, "fulfilled")
}

func TestASweepLeavesABookingAloneUntilItsTicketsAreScheduled(t *testing.T) {
	s := setup(t)
	b := s.booking()
	b.ScheduledOn = time.Now().Add(4 * time.Hour) // London may be an hour ahead
	id := "order:ltd:" + b.BookingReference
	s.LTD.Put(b)
	s.ltd(t, "ltd", b.TransactionChanged(time.Now()))
	s.awaitState(t, id, "awaiting_fulfilment")
	s.sweep(t, "ltd")
	if err := until(20*time.Second, func() error {
		if s.LTD.Reads(b.BasketID) == 0 {
			return errors.New("the sweep has not asked")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	other := s.booking()
	other.ScheduledOn = time.Now().Add(-2 * time.Hour)
	s.LTD.Put(other)
	early := other
	early.ScheduledOn = time.Now().Add(4 * time.Hour)
	s.ltd(t, "ltd", early.TransactionChanged(time.Now()))
	s.awaitState(t, "order:ltd:"+other.BookingReference, "awaiting_fulfilment")
	s.sweep(t, "ltd")
	s.awaitState(t, "order:ltd:"+other.BookingReference, "fulfilled") // this sweep went over the first booking as well
	if n := s.LTD.Reads(b.BasketID); n != 1 {
		t.Errorf("the booking was asked for %d times before its tickets are scheduled; want once", n)
	}
}

func TestAnotherPartnersBookingIsRefused(t *testing.T) {
	s := setup(t)
	b := s.booking()
	b.AffiliateID = "00000000-0000-4000-8000-000000000000"
	if code, _ := s.send(t, "ltd/e2e-ltd-token", nil, b.ScheduledEtickets(time.Now())); code != http.StatusForbidden {
		t.Errorf("got %d; want 403: the affiliate id is not ours", code)
	}
	if code, _ := s.send(t, "ltd/another-token", nil, b.TransactionChanged(time.Now())); code != http.StatusUnauthorized {
		t.Errorf("a wrong token: got %d; want 401", code)
	}
}
