package workflows

import (
	"slices"
	"testing"
	"time"

	"willcall/activities"
	"willcall/order"
)

// intent is a purchase that the seller must approve, of a buyer who has until the given time.
func intent(until time.Duration) order.Event {
	return order.Event{ID: "w1", Type: "purchaseIntent.created", Snapshot: sold(order.Client), Status: order.StatusPending,
		Intent: &order.Intent{ExpiresAt: began.Add(until)}}
}

func TestAnIntentRunsOutByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var states []order.State
	var at []time.Duration
	b.onSave = func(in activities.SaveInput) {
		if s := in.Order.StateNow; len(states) == 0 || states[len(states)-1] != s {
			states, at = append(states, s), append(at, in.Now.Sub(began))
		}
	}
	b.hear(0, intent(6*time.Hour))
	b.run(order.Sale)
	// The attention of the fourth hour is stored, too, in the state that the order began with.
	if want := []order.State{order.AwaitingApproval, order.Cancelled}; !slices.Equal(states, want) || at[len(at)-1] != 6*time.Hour {
		t.Errorf("got states %v after %v; want %v, the last after 6h", states, at, want)
	}
	if len(b.done) != 0 || !b.last.Closed || !b.last.Now.Equal(began.Add(b.policy.Quiet)) {
		t.Errorf("got steps %v, closed %v at %s; want none, and closed after the quiet time", b.done, b.last.Closed, b.last.Now)
	}
}

func TestAnIntentThatAnOperatorApprovesIsAcceptedAtTheProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var before, after order.State
	b.hear(0, intent(24*time.Hour))
	b.RegisterDelayedCallback(func() { before = b.last.Order.StateNow }, 30*time.Minute)
	taken := b.update(time.Hour, order.Approve, ann)
	b.RegisterDelayedCallback(func() { after = b.last.Order.StateNow }, 2*time.Hour)
	b.hear(3*time.Hour, order.Event{ID: "w2", Status: order.StatusCompleted, Intent: &order.Intent{Becomes: "tx1"}})
	b.run(order.Sale)
	if *taken != nil || before != order.AwaitingApproval || after != order.AwaitingPayment || b.last.Order.StateNow != order.Completed {
		t.Errorf("got %v, then %s, %s and %s; want it taken, awaiting_approval, awaiting_payment and completed", *taken, before, after, b.last.Order.StateNow)
	}
	if want := []order.StepID{"accept/1"}; !slices.Equal(b.done, want) || b.by["accept/1"] != "AcceptOrder" || b.inputs["accept/1"].APIID != "147277" {
		t.Errorf("got steps %v by %v with %+v; want %v by AcceptOrder: the order that it becomes books the sale", b.done, b.by, b.inputs, want)
	}
}

// TestAPartlyCancelledOrderIsInvoicedAnew: the webhook does not say which part is gone; reading the order again does.
func TestAPartlyCancelledOrderIsInvoicedAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.policy.FraudService = false
	whole := &order.Snapshot{APIID: "147277", Buyer: order.Client, Show: order.Show{ID: "915177", StartsAt: began.Add(30 * 24 * time.Hour)},
		Lines: []order.Line{
			{ID: "t1", Inventory: "58222", Quantity: 1, Unit: order.Money{Minor: 4050, Currency: "EUR"}},
			{ID: "t2", Inventory: "58222", Quantity: 1, Unit: order.Money{Minor: 3000, Currency: "EUR"}},
		}}
	valid := []order.LineFact{{LineID: "t1", Ticket: order.TicketValid}, {LineID: "t2", Ticket: order.TicketValid}}
	invalid := []order.LineFact{{LineID: "t1", Ticket: order.TicketValid}, {LineID: "t2", Ticket: order.TicketInvalid}}
	b.brings["ConfirmOrder"] = said(time.Hour+time.Second, order.Event{ID: "w3", Type: "transaction.polled", Snapshot: whole, Part: true, Lines: invalid})
	b.fail = func(s activities.Step, _ int) error {
		if s.ID == "invoice/3" {
			return refused("invalid") // a broken recount would go on for ever
		}
		return nil
	}
	b.hear(0, order.Event{ID: "w1", Type: "transaction.complete", Snapshot: whole, Status: order.StatusAccepted, Payment: order.PaymentPaid, Lines: valid})
	b.hear(time.Hour, order.Event{ID: "w2", Type: "transaction.partiallyCanceled", Part: true, Reread: true})
	b.run(order.Sale)
	if want := []order.StepID{"invoice/1", "reread:w2/1", "void_invoice/1", "invoice/2"}; !slices.Equal(b.done, want) {
		t.Fatalf("got steps %v; want %v", b.done, want)
	}
	if b.by["reread:w2/1"] != "ConfirmOrder" || b.by["invoice/2"] != "CreateInvoice" {
		t.Errorf("got activities %v; want ConfirmOrder, and CreateInvoice for the second invoice", b.by)
	}
	first, second := b.inputs["invoice/1"], b.inputs["invoice/2"]
	if len(first.Lines) != 2 || first.Total.Minor != 7050 || !first.Paid {
		t.Errorf("got the first invoice %+v; want both tickets, paid", first)
	}
	if len(second.Lines) != 1 || second.Lines[0].ID != "t1" || second.Total.Minor != 4050 || !second.Paid || second.Document != "w3" {
		t.Errorf("got the second invoice %+v; want t1 alone, paid, as w3 describes it", second)
	}
	if len(b.live) != 1 || !b.live["invoice/2"] || b.last.Order.StateNow != order.Completed {
		t.Errorf("got invoices %v and %s; want the second alone, and completed", b.live, b.last.Order.StateNow)
	}
}
