package workflows

import (
	"slices"
	"testing"
	"time"

	"willcall/activities"
	"willcall/order"
)

// twoLines is a pending sale of files and of a mobile transfer.
func twoLines() order.Event {
	usd := func(minor int64) order.Money { return order.Money{Minor: minor, Currency: "USD"} }
	return order.Event{ID: "w1", Type: "seller/order_created", Status: order.StatusPending, Snapshot: &order.Snapshot{APIID: "147277", Buyer: order.Office,
		Show: order.Show{ID: "e1", Name: "Rovers at Athletic", StartsAt: began.Add(30 * 24 * time.Hour)},
		Lines: []order.Line{
			{ID: "1", ItemID: "11", Inventory: "g1", Quantity: 2, Unit: usd(2700), Delivery: order.DeliveryETicket},
			{ID: "2", ItemID: "12", Inventory: "g2", Quantity: 1, Unit: usd(4000), Delivery: order.DeliveryMobile}}}}
}

// TestTicketsOfThePOSGoToTheProviderOnce has the POS say that something has changed, twice; what it then holds is delivered, the
// transfer last, and the invoice is marked delivered.
func TestTicketsOfThePOSGoToTheProviderOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.policy.Deliver, b.policy.Quiet, b.policy.Grace = true, time.Hour, time.Hour
	b.can = []order.Ability{order.CanReadDeliveries}
	b.hear(0, twoLines())
	b.brings["LookForTickets"] = said(2*time.Hour, order.Event{ID: "p1", Type: "pos/supply", Supply: &order.Supply{Invoice: "77", Lines: []order.Supplied{
		{LineID: "1", Form: order.FormFile, Digest: "aa", Tickets: 2, Pages: []int{1, 2}}, {LineID: "2", Form: order.FormLink, Digest: "bb", Tickets: 1}}}})
	hint := order.Event{ID: "h1", Type: "pos/invoice.deliveries_changed", Hint: true}
	b.hear(time.Hour, hint)
	b.hear(time.Hour+time.Second, hint)
	b.run(order.Sale)
	var does []order.Do
	for _, id := range b.done {
		does = append(does, id.Do())
	}
	want := []order.Do{order.DoInvoice, order.DoAccept, order.DoLook, order.DoETickets, order.DoTransfer, order.DoFulfil}
	if !slices.Equal(does, want) {
		t.Errorf("got the steps %v; want %v", does, want)
	}
	if s := b.last.Order.StateNow; s != order.Completed {
		t.Errorf("got %s; want completed", s)
	}
	for id, s := range b.inputs {
		if id.Do() == order.DoETickets && (len(s.Supplied) != 1 || !slices.Equal(s.Supplied[0].Pages, []int{1, 2}) || s.Invoice != "77" || s.APIID != "147277") {
			t.Errorf("the delivery is told %+v", s)
		}
	}
}

// TestWhatIsUploadedIsTakenBackBeforeTheInvoice has the order cancelled while files are on their way to the provider.
func TestWhatIsUploadedIsTakenBackBeforeTheInvoice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.policy.Deliver = true
	b.can = []order.Ability{order.CanReadDeliveries}
	e := twoLines()
	e.Snapshot.Lines = e.Snapshot.Lines[:1]
	e.Supply = &order.Supply{Invoice: "77", Lines: []order.Supplied{{LineID: "1", Form: order.FormFile, Digest: "aa", Tickets: 2, Pages: []int{1, 2}}}}
	b.hear(0, e)
	b.fail = func(s activities.Step, _ int) error {
		if s.ID.Do() == order.DoETickets {
			return outage()
		}
		return nil
	}
	b.hear(time.Minute, order.Event{ID: "w2", Type: "seller/order_canceled", Status: order.StatusCancelled})
	b.run(order.Sale)
	if want := []order.StepID{"invoice/1", "accept/1", "revoke:1/1", "void_invoice/1"}; !slices.Equal(b.done, want) {
		t.Errorf("got the steps %v; want %v", b.done, want)
	}
	if s := b.inputs["void_invoice/1"]; s.Restock != nil {
		t.Errorf("the tickets are not sold again although nobody has them")
	}
}

// TestWhatIsHeldIsSoldOrLetGo: the invoice is told the hold, and a cancellation lets go of just what is held.
func TestWhatIsHeldIsSoldOrLetGo(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]order.Event{
		"Approved":  {ID: "w2", Type: "seller/fraud_response_received", Fraud: order.FraudApproved},
		"Cancelled": {ID: "w2", Type: "seller/order_canceled", Status: order.StatusCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.policy.Hold, b.policy.Quiet, b.policy.Grace = true, time.Hour, time.Hour
			e := twoLines()
			e.Snapshot.Lines, e.Snapshot.Buyer, e.Fraud = e.Snapshot.Lines[:1], order.Client, order.FraudPending
			b.hear(0, e)
			b.hear(time.Minute, then)
			if name == "Approved" {
				b.hear(2*time.Minute, order.Event{ID: "w3", Type: "seller/etickets_finalized", Lines: []order.LineFact{{LineID: "1", Delivered: began.Add(2 * time.Minute)}}})
			}
			b.run(order.Sale)
			step := order.StepID("invoice/1")
			if name == "Cancelled" {
				step = "release_hold/1"
			}
			if got := b.inputs[step].Holds; !slices.Equal(got, []string{"h1"}) {
				t.Errorf("%s is told of the holds %v; want h1", step, got)
			}
			if until := b.inputs["hold/1"].Until; !until.After(began.Add(b.policy.FraudWait)) {
				t.Errorf("the tickets are held until %s; want longer than the check may take", until)
			}
		})
	}
}

// TestNothingIsTakenBackWhileItIsStillBeingGiven: an operator has a delivery tried again and cancels the order a moment later. The files
// are taken back when the stopped attempt has ended, and not before.
func TestNothingIsTakenBackWhileItIsStillBeingGiven(t *testing.T) {
	t.Parallel()
	s := &shell{o: order.New(order.Identity{ID: "order:tevo:1"}, order.DefaultPolicy()), running: map[order.StepID]*running{
		"etickets:1~aa/1": {stopping: true}, "look:h1/1": {stopping: true}}}
	for id, want := range map[order.StepID]bool{"revoke:1/1": true, "void_invoice/1": true, "etickets:1~bb/1": true, "fulfil:77/1": false} {
		if got := s.mustWait(id); got != want {
			t.Errorf("%s must wait: got %v; want %v", id, got, want)
		}
	}
	s.running["etickets:1~aa/1"].stopping = false // it is on its way, and not to be undone
	if s.mustWait("revoke:1/1") {
		t.Error("a step waits for one that is not being stopped")
	}
}
