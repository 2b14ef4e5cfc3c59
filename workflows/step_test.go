package workflows

import (
	"reflect"
	"testing"
	"time"

	"willcall/activities"
	"willcall/order"
)

// TestWhatAStepIsTold: its lines are those that are left, and what it writes to is the record in force.
func TestWhatAStepIsTold(t *testing.T) {
	t.Parallel()
	usd := func(minor int64) order.Money { return order.Money{Minor: minor, Currency: "USD"} }
	placed := func(kind order.Kind) *order.Order {
		p := order.DefaultPolicy()
		p.Deliver, p.Hold, p.Attach = true, true, true
		o := order.New(order.Identity{ID: "order:tevo:1", Source: "tevo", ProviderOrderID: "1", Kind: kind}, p)
		e := twoLines()
		e.At, e.Received, e.Payment = began, began, order.PaymentPaid
		e.Snapshot.Lines = append(e.Snapshot.Lines, order.Line{ID: "3", ItemID: "13", Inventory: "g3", Quantity: 1, Unit: usd(900), Delivery: order.DeliveryWillCall},
			order.Line{ID: "4", ItemID: "14", Inventory: "g4", Quantity: 1, Unit: usd(500), Delivery: order.DeliveryETicket})
		e.Lines = []order.LineFact{{LineID: "4", Cancelled: true}}
		o.Apply(e)
		return o
	}
	early, o, bought := placed(order.Sale), placed(order.Sale), placed(order.Purchase)
	live := o.LiveLines()
	if len(live) != 3 {
		t.Fatalf("got %d lines; want three that are left", len(live))
	}
	for _, of := range []*order.Order{early, o} {
		of.Record("hold/1", order.Result{Outcome: order.Done, At: began, Holds: []string{"h1"}})
	}
	early.Record("invoice/1", order.Result{Outcome: order.Running, At: began})
	o.Record("invoice/1", order.Result{Outcome: order.Done, At: began, Ref: "77", Amount: o.Total(), Can: []order.Ability{order.CanReadDeliveries}})
	supplied := []order.Supplied{{LineID: "1", Form: order.FormFile, Digest: "aa", Tickets: 2}, {LineID: "2", Form: order.FormLink, Digest: "bb", Tickets: 1},
		{LineID: "3", Form: order.FormWillCall, Digest: "cc", Tickets: 1}}
	o.Apply(order.Event{ID: "p1", At: began, Received: began, Supply: &order.Supply{Invoice: "77", Lines: supplied}})
	o.Record("accept/1", order.Result{Outcome: order.Done, At: began})
	last := placed(order.Sale) // what is left is the transfer
	last.Steps = o.Steps
	last.Apply(order.Event{ID: "p1", At: began, Received: began, Supply: &order.Supply{Invoice: "77", Lines: supplied},
		Lines: []order.LineFact{{LineID: "1", Delivered: began}, {LineID: "3", Delivered: began}}})
	wanted := func(o *order.Order, do order.Do) order.StepID { // its id has a digest of the tickets
		for _, id := range o.Plan(began).Steps {
			if id.Do() == do {
				return id
			}
		}
		t.Fatalf("no %s is wanted of %v", do, o.Plan(began).Steps)
		return ""
	}
	bought.Record("purchase_order/1", order.Result{Outcome: order.Done, At: began, Ref: "55"})
	bought.Apply(order.Event{ID: "w2", At: began, Received: began, Lines: []order.LineFact{{LineID: "1", Delivered: began}, {LineID: "2", Delivered: began}}})
	near := placed(order.Sale)
	near.Policy.EventLead = 365 * 24 * time.Hour
	near.Record("invoice/1", order.Result{Outcome: order.Running, At: began})
	given := placed(order.Sale)
	given.Record("invoice/1", order.Result{Outcome: order.Done, At: began, Ref: "77"})
	given.Record("transfer:x/1", order.Result{Outcome: order.Unsure, At: began})
	given.Apply(order.Event{ID: "w2", At: began, Received: began, Status: order.StatusCancelled})
	given.StateNow = order.Cancelled
	no := false

	for _, c := range []struct {
		o    *order.Order
		id   order.StepID
		want activities.Step
	}{
		{early, "hold/1", activities.Step{Lines: live, Until: o.HoldUntil()}},
		{early, "invoice/1", activities.Step{Lines: live, Total: usd(2*2700 + 4000 + 900), Show: o.Show(), Paid: true, Holds: []string{"h1"}}},
		{near, "invoice/1", activities.Step{Lines: live, Total: usd(2*2700 + 4000 + 900), Show: o.Show(), Paid: true, Look: true}},
		{o, "invoice/2", activities.Step{Lines: live, Total: usd(2*2700 + 4000 + 900), Show: o.Show(), Paid: true}},
		{o, "release_hold/1", activities.Step{Lines: o.Lines(), Holds: []string{"h1"}, Until: o.HoldUntil()}},
		{o, "look:h1/1", activities.Step{Lines: live, Invoice: "77"}},
		{o, "fulfil:77/1", activities.Step{Lines: live, Invoice: "77"}},
		{o, "credit:x/1", activities.Step{Lines: live, Total: usd(2*2700 + 4000 + 900), Invoice: "77", Reason: "tickets were cancelled"}},
		{o, wanted(o, order.DoETickets), activities.Step{Lines: live, Invoice: "77", Supplied: supplied[:1]}},
		{last, wanted(last, order.DoTransfer), activities.Step{Lines: last.LiveLines(), Invoice: "77", Supplied: supplied[1:2]}},
		{o, wanted(o, order.DoWillCall), activities.Step{Lines: live, Invoice: "77", Supplied: supplied[2:]}},
		{o, "etickets:1~other/1", activities.Step{Lines: live, Invoice: "77"}}, // what was planned is gone
		{o, "revoke:1/1", activities.Step{}},
		{o, "void_invoice/1", activities.Step{Invoice: "77", Reason: "called off"}},
		{given, "void_invoice/1", activities.Step{Invoice: "77", Reason: "cancelled at the provider", Restock: &no}},
		{bought, "receive:x/1", activities.Step{Lines: bought.LiveLines()[:1], Invoice: "55"}},
	} {
		c.want.Order, c.want.ID, c.want.APIID, c.want.Document, c.want.Received = c.o.Identity, c.id, "147277", "w1", began
		if got := (&shell{o: c.o}).step(c.id); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.id, got, c.want)
		}
	}
}
