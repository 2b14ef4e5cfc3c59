package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// A plot is the life of one order of a provider other than Ticket Evolution.
type plot struct {
	kind, id string
	steps    []plotStep
}

// A plotStep is one thing that happens to an order.
type plotStep struct {
	after   time.Duration // counted from the order's beginning
	late    time.Duration // how much later its webhooks leave; they tell the order as it was at after
	repeats int           // how often the same bytes are sent again
	ready   func() bool   // has to hold; until then the step is tried again, and dropped in the end. nil always holds
	// do carries it out and returns the webhooks that tell of it; none is what only polling sees.
	do func(at time.Time) [][]byte
}

// A plotKind is one kind of story and how common it is.
type plotKind struct {
	name   string
	weight int
	tell   func(*narrator)
}

// A narrator tells one story.
type narrator struct {
	*plot
	m    *Mix
	r    *rand.Rand
	key  string // belongs to this order alone
	n    int    // the same as a number
	now  time.Time
	pick int // chooses among the catalogue
}

var vivenuPlots = []plotKind{
	{"sale", 30, vivenuPlain},
	{"paid at the counter", 8, vivenuCounter},
	{"free", 5, vivenuFree},
	{"canceled after completion", 6, vivenuCanceledLater},
	{"partially canceled", 6, vivenuPartial},
	{"transfer and scan", 5, vivenuTransferred},
	{"purchase intent", 7, vivenuIntentPlot},
	{"purchase intent expired", 3, vivenuExpired},
	{"event moved", 3, vivenuMoved},
	{"customer updated", 3, vivenuCustomer},
	{"support case", 3, vivenuSupport},
	{"reservation run out", 4, vivenuAbandoned},
	{"webhooks repeated", 6, vivenuRepeated},
	{"out of order", 5, vivenuOutOfOrder},
}

var ltdPlots = []plotKind{
	{"scheduled e-tickets", 8, ltdScheduledPlot},
	{"print at home", 4, ltdPrintPlot},
	{"one ticket cancelled", 3, ltdCancelPlot},
	{"webhooks repeated", 2, ltdRepeatedPlot},
	{"barcodes overtake the booking", 1, ltdOutOfOrderPlot},
}

var tixstockPlots = []plotKind{
	{"e-tickets", 8, func(s *narrator) { s.tixstock(TixstockETicket) }},
	{"mobile tickets", 4, func(s *narrator) { s.tixstock(TixstockMobile) }},
	{"webhooks repeated", 3, tixstockRepeated},
	{"tickets before the invoice", 2, tixstockEarly},
	{"cancelled", 2, tixstockCancelled},
}

// plot tells the n-th order of a provider, beginning at a time. The same seed, provider, number and time make the same story. Ids do
// not repeat within a seed.
func (m *Mix) plot(provider string, n int, at time.Time) plot {
	kinds := map[string][]plotKind{ProviderVivenu: vivenuPlots, ProviderLTD: ltdPlots, ProviderTixstock: tixstockPlots}[provider]
	seed := m.opts.Sender.Seed
	s := &narrator{
		plot: &plot{}, m: m, r: rand.New(rand.NewPCG(seed+uint64(len(provider))<<56, uint64(n))), now: at,
		key: provider + "/" + strconv.FormatUint(seed, 10) + "/" + strconv.Itoa(n), n: storyNumber(seed, n),
	}
	s.pick = s.r.IntN(10_000)
	sum := 0
	for _, k := range kinds {
		sum += k.weight
	}
	which := s.r.IntN(sum)
	for _, k := range kinds {
		if which -= k.weight; which < 0 {
			s.kind = k.name
			k.tell(s)
			return *s.plot
		}
	}
	panic("unreachable: the pick is less than the sum of weights")
}

func (s *narrator) add(step plotStep) { s.steps = append(s.steps, step) }

// buy makes a transaction of vivenu's known and returns it, as new.
func (s *narrator) buy() VivenuTransaction {
	t := VivenuSale(s.pick)
	t.ID, t.Secret, t.CheckoutID, t.CheckoutSecret = vivenuID(s.key), "", "", ""
	for i := range t.Tickets {
		it := t.Tickets[i]
		t.Tickets[i] = VivenuTicket{PriceMinor: it.PriceMinor, Section: it.Section, Row: it.Row, Seat: it.Seat}
	}
	t = t.At(s.now)
	s.id = t.ID
	s.m.vivenu.Put(t)
	return t
}

// change adds a step that changes the transaction and tells it by webhooks of these types, those about tickets once for each.
func (s *narrator) change(after time.Duration, ready func(VivenuTransaction) bool, change func(VivenuTransaction, time.Time) VivenuTransaction, types ...string) {
	m, id := s.m, s.id
	step := plotStep{after: after, do: func(at time.Time) (told [][]byte) {
		t, ok := m.vivenu.Update(id, func(t VivenuTransaction) VivenuTransaction { return change(t, at) })
		if !ok {
			return nil
		}
		for _, typ := range types {
			if typ != "ticket.created" {
				told = append(told, t.Webhook(typ))
				continue
			}
			for i := range t.Tickets {
				told = append(told, t.TicketWebhook(i, typ))
			}
		}
		return told
	}}
	if ready != nil {
		step.ready = func() bool {
			t, ok := m.vivenu.Transaction(id)
			return ok && ready(t)
		}
	}
	s.add(step)
}

func vivenuTouched(t VivenuTransaction, at time.Time) VivenuTransaction { return t.touched(at, "") }

func isComplete(t VivenuTransaction) bool { return t.Status == vivenuComplete }

func isUnpaid(t VivenuTransaction) bool { return t.Status == vivenuNew || t.Status == vivenuReserved }

func (s *narrator) reserve(after time.Duration) {
	s.change(after, isUnpaid, VivenuTransaction.Reserved, "transaction.reservedBySystem")
}

func (s *narrator) complete(after time.Duration) {
	s.change(after, isUnpaid, VivenuTransaction.Complete, "transaction.complete", "checkout.completed", "ticket.created")
}

func vivenuPlain(s *narrator) { vivenuBought(s) }

// vivenuBought is the purchase that most stories begin with; it returns when it is complete.
func vivenuBought(s *narrator) time.Duration {
	s.buy()
	s.reserve(0)
	done := seconds(s.r, 8, 30)
	s.complete(done)
	return done
}

// vivenuCounter: no webhook says that the money came in.
func vivenuCounter(s *narrator) {
	s.buy()
	s.reserve(0)
	done := seconds(s.r, 4, 12)
	s.change(done, isUnpaid, func(t VivenuTransaction, at time.Time) VivenuTransaction {
		return t.Paid("LOCAL-AWAITING", at).Complete(at)
	}, "transaction.complete", "checkout.completed", "ticket.created")
	s.change(done+seconds(s.r, 20, 60), isComplete, func(t VivenuTransaction, at time.Time) VivenuTransaction {
		return t.Paid("LOCAL-RECEIVED", at)
	})
}

func vivenuFree(s *narrator) {
	t := s.buy()
	t.ChargeMinor, t.PaymentMethod = 0, "free"
	for i := range t.Tickets {
		t.Tickets[i].PriceMinor = 0
	}
	s.m.vivenu.Put(t)
	s.complete(0)
}

func vivenuCanceledLater(s *narrator) {
	done := vivenuBought(s)
	s.change(done+seconds(s.r, 20, 60), isComplete, VivenuTransaction.Canceled, "transaction.canceled")
}

func vivenuPartial(s *narrator) {
	if s.pick%4 == 3 {
		s.pick++ // one ticket alone cannot be canceled partially
	}
	done := vivenuBought(s)
	s.change(done+seconds(s.r, 20, 60), isComplete, func(t VivenuTransaction, at time.Time) VivenuTransaction {
		return t.TicketsCanceled(at, 0)
	}, "transaction.partiallyCanceled", "ticket.updated")
}

func vivenuTransferred(s *narrator) {
	done := vivenuBought(s)
	after := done + seconds(s.r, 10, 20)
	s.change(after, isComplete, vivenuTouched, "ticketTransfer.created")
	s.change(after+seconds(s.r, 5, 20), isComplete, func(t VivenuTransaction, at time.Time) VivenuTransaction {
		return t.Transferred(0, vivenuID("new ticket", t.ID), at)
	}, "ticketTransfer.transferred", "ticket.updated")
	m, id := s.m, s.id
	s.add(plotStep{after: after + seconds(s.r, 30, 60), do: func(at time.Time) [][]byte {
		t, _ := m.vivenu.Update(id, func(t VivenuTransaction) VivenuTransaction { return t.touched(at, "") })
		return [][]byte{t.TicketWebhook(len(t.Tickets)-1, "scan.created")}
	}})
}

// ask makes a purchase intent of vivenu's known and tells of it.
func (s *narrator) ask() {
	p := VivenuRequest(s.pick)
	p.ID, p.Secret = vivenuID("intent", s.key), ""
	for i := range p.Tickets {
		it := p.Tickets[i]
		p.Tickets[i] = VivenuTicket{PriceMinor: it.PriceMinor, Section: it.Section, Row: it.Row, Seat: it.Seat}
	}
	s.id = p.ID
	s.m.vivenu.PutIntent(p.At(s.now))
	s.changeIntent(0, func(VivenuIntent) bool { return true }, VivenuIntent.Updated, "purchaseIntent.created")
}

func (s *narrator) changeIntent(after time.Duration, can func(VivenuIntent) bool, change func(VivenuIntent, time.Time) VivenuIntent, typ string) {
	m, id := s.m, s.id
	s.add(plotStep{after: after, do: func(at time.Time) [][]byte {
		p, ok := m.vivenu.Intent(id)
		if !ok || !can(p) { // somebody answered it through the API
			return nil
		}
		p, _ = m.vivenu.UpdateIntent(id, func(p VivenuIntent) VivenuIntent { return change(p, at) })
		return [][]byte{p.Webhook(typ)}
	}})
}

func isAwaiting(p VivenuIntent) bool {
	return p.Status == intentNew && p.ApprovalStatus == intentAwaiting
}

// vivenuIntentPlot has the organiser say yes in vivenu's dashboard, unless somebody answers through the API before.
func vivenuIntentPlot(s *narrator) {
	s.ask()
	said := seconds(s.r, 15, 40)
	s.changeIntent(said, isAwaiting, VivenuIntent.Approved, "purchaseIntent.approved")
	m, id := s.m, s.id
	pays := func() bool {
		p, ok := m.vivenu.Intent(id)
		return ok && p.Status == intentNew && p.ApprovalStatus == intentApproved
	}
	s.add(plotStep{after: said + seconds(s.r, 10, 30), ready: pays, do: func(at time.Time) [][]byte {
		p, _ := m.vivenu.Intent(id)
		t := p.Transaction(at).Complete(at)
		m.vivenu.Put(t)
		t, _ = m.vivenu.Transaction(t.ID) // now of the API's mode
		p, _ = m.vivenu.UpdateIntent(id, func(p VivenuIntent) VivenuIntent { return p.Completed(t.ID, at) })
		return [][]byte{p.Webhook("purchaseIntent.completed"), t.Webhook("transaction.complete"), t.Webhook("checkout.completed")}
	}})
}

func vivenuExpired(s *narrator) {
	s.ask()
	s.changeIntent(seconds(s.r, 30, 90), func(p VivenuIntent) bool { return p.Status == intentNew }, VivenuIntent.Expired, "purchaseIntent.expired")
}

func vivenuMoved(s *narrator) {
	done := vivenuBought(s)
	days := 1 + s.r.IntN(30)
	s.change(done+seconds(s.r, 10, 30), nil, func(t VivenuTransaction, at time.Time) VivenuTransaction {
		return t.EventMoved(t.Event.Start.AddDate(0, 0, days), at)
	}, "event.updated")
}

func vivenuCustomer(s *narrator) {
	done := vivenuBought(s)
	s.change(done+seconds(s.r, 10, 30), nil, func(t VivenuTransaction, at time.Time) VivenuTransaction {
		return t.WithEmail("new."+t.Buyer.Email, at)
	}, "customer.updated")
}

func vivenuSupport(s *narrator) {
	done := vivenuBought(s)
	s.change(done+seconds(s.r, 10, 30), nil, vivenuTouched, "support.assignedToSeller")
}

// vivenuAbandoned: the checkout tells it, no webhook of the transaction does.
func vivenuAbandoned(s *narrator) {
	s.buy()
	s.reserve(0)
	s.change(seconds(s.r, 30, 90), isUnpaid, VivenuTransaction.Aborted, "checkout.aborted")
}

func vivenuRepeated(s *narrator) {
	vivenuBought(s)
	for i := range s.steps {
		s.steps[i].repeats = 1 + s.r.IntN(3)
	}
}

// vivenuOutOfOrder lets the completion overtake the reservation.
func vivenuOutOfOrder(s *narrator) {
	vivenuBought(s)
	s.steps[0].late = 45 * time.Second
}

// book makes a booking of London Theatre Direct's known, whose barcodes are due after a while.
func (s *narrator) book(delivery string, due time.Duration) string {
	b := LTDSale(s.pick).Delivered(delivery)
	b.BookingReference, b.BasketID = ltdReference(s.n), ltdGUID("basket", s.key)
	b.AffiliateID = s.m.ltd.affiliate()
	for p := range b.Performances {
		for i := range b.Performances[p].Tickets {
			b.Performances[p].Tickets[i].ID, b.Performances[p].Tickets[i].Barcode = 0, ""
		}
	}
	b = b.At(s.now)
	if due > 0 {
		b.ScheduledOn = s.now.Add(scaled(due, s.m.opts.Sender.StoryScale))
	}
	s.id = b.BasketID
	s.m.ltd.Put(b)
	return s.id
}

// tellLTD adds a step that changes the booking and tells it.
func (s *narrator) tellLTD(after time.Duration, change func(LTDBooking) LTDBooking, body func(LTDBooking, time.Time) []byte) {
	m, id := s.m, s.id
	s.add(plotStep{after: after, do: func(at time.Time) [][]byte {
		b, ok := m.ltd.Update(id, change)
		if !ok {
			return nil
		}
		return [][]byte{body(b, at)}
	}})
}

func asBooked(b LTDBooking) LTDBooking { return b }

func ltdScheduledPlot(s *narrator) {
	due := seconds(s.r, 20, 60)
	s.book(LTDScheduled, due)
	s.tellLTD(0, asBooked, LTDBooking.TransactionChanged)
	s.tellLTD(due+seconds(s.r, 1, 10), asBooked, LTDBooking.ScheduledEtickets)
}

func ltdPrintPlot(s *narrator) {
	s.book(LTDPrintAtHome, 0)
	s.tellLTD(0, asBooked, LTDBooking.TransactionChanged)
}

func ltdCancelPlot(s *narrator) {
	if s.pick%4 == 2 {
		s.pick++ // one ticket alone is all of them
	}
	ltdPrintPlot(s)
	s.tellLTD(seconds(s.r, 20, 60), func(b LTDBooking) LTDBooking { return b.CancelTickets(0) }, LTDBooking.TransactionChanged)
}

func ltdRepeatedPlot(s *narrator) {
	ltdScheduledPlot(s)
	for i := range s.steps {
		s.steps[i].repeats = 1 + s.r.IntN(3)
	}
}

func ltdOutOfOrderPlot(s *narrator) {
	ltdScheduledPlot(s)
	s.steps[0].late = s.steps[1].after + 20*time.Second
}

// tixstock is an order that the shop has booked and that a broker then fulfils, ticket by ticket.
func (s *narrator) tixstock(kind string) TixstockOrder {
	o := TixstockSale(s.pick)
	o.OrderID, o.ListingID, o.TixstockID, o.Kind = strconv.Itoa(s.n), strconv.Itoa(s.n+5_000_000_000), "", kind
	for i := range o.Tickets {
		o.Tickets[i].PDF, o.Tickets[i].Proofs = nil, nil
	}
	o = o.filled()
	s.id = o.OrderID
	s.m.tixstock.Put(o)
	s.add(plotStep{do: func(time.Time) [][]byte { s.m.sell(o); return nil }})
	after := seconds(s.r, 5, 20)
	for i := range o.Tickets {
		s.add(plotStep{after: after, do: func(time.Time) [][]byte { return [][]byte{o.Fulfilment(kind, i)} }})
		after += seconds(s.r, 2, 10)
	}
	return o
}

// sell books the order in the reseller's shop.
func (m *Mix) sell(o TixstockOrder) {
	if m.opts.POS == nil {
		return
	}
	total := o.PriceMinor * int64(len(o.Tickets))
	m.opts.POS.Sell(o.OrderID, o.CustomerName, POSInvoiceLine{
		InventoryID: o.ListingID, Quantity: len(o.Tickets), Description: o.EventName,
		Total: POSMoney{Amount: fmt.Sprintf("%d.%02d", total/100, total%100), Currency: "GBP"},
	})
}

func tixstockRepeated(s *narrator) {
	s.tixstock(TixstockETicket)
	for i := range s.steps[1:] {
		s.steps[1+i].repeats = 1 + s.r.IntN(3)
	}
}

// tixstockEarly: the shop is slow, and the broker quick.
func tixstockEarly(s *narrator) {
	s.tixstock(TixstockETicket)
	s.steps[0].after = s.steps[1].after + 15*time.Second
}

func tixstockCancelled(s *narrator) {
	o := s.tixstock(TixstockETicket)
	s.steps = s.steps[:1] // the broker has no tickets after all
	s.add(plotStep{after: seconds(s.r, 10, 40), do: func(time.Time) [][]byte { return [][]byte{o.Update("Cancelled")} }})
}
