package workflows

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"willcall/order"
)

var update = flag.Bool("update", false, "rewrite testdata/details/*.md; read the difference before you commit it")

// TestDetails shows what operators read in the Temporal UI, in every state that an order can be in today and for the
// matters that stop it.
func TestDetails(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	fresh := func(events ...order.Event) *order.Order {
		o := order.New(order.Identity{ID: "order:tevo:44442", Source: "tevo", Provider: "tevo", ProviderOrderID: "44442", Kind: order.Sale}, order.DefaultPolicy())
		for _, e := range events {
			e.At, e.Received = began, began
			o.Apply(e)
		}
		return o
	}
	office := order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusPending}
	invoiced := func(events ...order.Event) *order.Order {
		o := fresh(append([]order.Event{office}, events...)...)
		o.Record("invoice/1", order.Result{Outcome: order.Done, At: at(time.Minute), Ref: "77", Customer: "c1", Amount: o.Total()})
		return o
	}
	purchase := fresh(order.Event{ID: "w1", Snapshot: sold(order.Office), Status: order.StatusAccepted})
	purchase.Kind = order.Purchase
	failed := fresh(office)
	failed.Record("invoice/1", order.Result{Outcome: order.Failed, At: at(time.Minute), Class: "unavailable", Detail: "create invoice: unavailable: seat 2 is sold"})
	slow := fresh(office)
	slow.Record("invoice/1", order.Result{Outcome: order.Running, At: began, Slow: true})
	accepted := order.Event{ID: "w2", Status: order.StatusAccepted}
	asked := order.Event{ID: "w1", Snapshot: sold(order.Client), Status: order.StatusPending, Intent: &order.Intent{ExpiresAt: at(11 * time.Hour)}}
	approved := fresh(asked)
	approved.Decide(order.Decision{Command: order.Approve, By: "ann", Reason: "a good customer", At: at(time.Hour)})
	approved.Record("accept/1", order.Result{Outcome: order.Done, At: at(time.Hour)})
	became := fresh(asked, order.Event{ID: "w2", Status: order.StatusCompleted, Intent: &order.Intent{Becomes: "tx1"}})
	unpaid := fresh(order.Event{ID: "w1", Snapshot: sold(order.Client), Status: order.StatusAccepted, Payment: order.PaymentAwaited})
	eur := func(minor int64) order.Money { return order.Money{Minor: minor, Currency: "EUR"} }
	adopted := func(events ...order.Event) *order.Order {
		o := fresh(append([]order.Event{{ID: "pos:inv_9", Type: "POS invoice", Snapshot: &order.Snapshot{APIID: "inv_9", Show: order.Show{Name: "Rovers at Athletic", StartsAt: at(30 * 24 * time.Hour)},
			Lines: []order.Line{{ID: "15454542", ItemID: "l_1", Inventory: "58222", Section: "104", Row: "F", Quantity: 2, Sum: eur(9001)}}}},
			{ID: "w1", Type: "order.eticket_fulfilment", Lines: []order.LineFact{{LineID: "15454542", Tickets: []string{"100"}}}}}, events...)...)
		o.Policy.Adopt, o.Policy.ProviderAPI = true, false
		o.Record("invoice/1", order.Result{Outcome: order.Done, At: at(time.Minute), Ref: "inv_9", Customer: "c1"})
		return o
	}
	last := order.Event{ID: "w2", Type: "order.eticket_fulfilment", Lines: []order.LineFact{{LineID: "15454542", Tickets: []string{"101"}}}}
	attaching, unattached := adopted(last), adopted(last)
	attaching.Policy.Attach, unattached.Policy.Attach = true, true
	for _, id := range unattached.Plan(at(time.Minute)).Steps {
		unattached.Record(id, order.Result{Outcome: order.Failed, At: at(time.Minute), Class: "invalid", Detail: "set fulfillment: invalid: 400 validation"})
	}
	booking := fresh(order.Event{ID: "w1", Status: order.StatusAccepted, Snapshot: &order.Snapshot{APIID: "77", Buyer: order.Office,
		Show: order.Show{ID: "915177", Name: "Rovers at Athletic", StartsAt: at(30 * 24 * time.Hour)},
		Lines: []order.Line{{ID: "a", Inventory: "58222", Section: "104", Row: "F", Quantity: 3, Sum: eur(10000)},
			{ID: "b", Inventory: "58223", Section: "105", Quantity: 2, Unit: eur(2550)}}}})
	booking.Record("invoice/1", order.Result{Outcome: order.Done, At: at(time.Minute), Ref: "77", Customer: "c1", Amount: booking.Total()})
	moved := invoiced(accepted)
	moved.Apply(order.Event{ID: "n1", At: at(time.Hour), Received: at(time.Hour), News: &order.News{ShowID: "915177", StartsAt: at(31 * 24 * time.Hour)}})
	numbered := sold(order.Office)
	numbered.Lines[0].Section, numbered.Lines[0].Row, numbered.Lines[0].Seats = "104", "F", []string{"5", "6"}
	unclear := fresh(order.Event{ID: "w1", Snapshot: numbered, Status: order.StatusPending}, accepted, order.Event{ID: "p1", Type: "pos/supply",
		Supply: &order.Supply{Invoice: "77", Lines: []order.Supplied{{LineID: "1", Form: order.FormFile, Digest: "d1", Ordered: true,
			Unclear: "2 pages for 2 tickets, and their text does not tell the seats"}}}})
	unclear.Policy.Deliver = true
	unclear.Record("invoice/1", order.Result{Outcome: order.Done, At: at(time.Minute), Ref: "77", Customer: "c1", Amount: unclear.Total(), Can: []order.Ability{order.CanReadDeliveries}})
	for name, c := range map[string]struct {
		o   *order.Order
		now time.Time
	}{
		"received":                {fresh(accepted), began},
		"awaiting_fraud_approval": {fresh(order.Event{ID: "w1", Snapshot: sold(order.Client), Fraud: order.FraudPending}), began},
		"fraud_declined":          {fresh(order.Event{ID: "w1", Snapshot: sold(order.Client), Fraud: order.FraudDeclined}), began},
		"awaiting_approval":       {fresh(order.Event{ID: "w1", Snapshot: sold(order.Office), Unknown: "on_ice"}), began},
		"invoicing":               {fresh(office), began},
		"pos_outage":              {slow, at(20 * time.Minute)},
		"seats_gone":              {failed, at(time.Hour)},
		"invoiced":                {invoiced(), at(time.Minute)},
		"awaiting_fulfilment":     {invoiced(accepted), at(time.Minute)},
		"partially_fulfilled":     {invoiced(accepted, order.Event{ID: "w3", Lines: []order.LineFact{{LineID: "1", Tickets: []string{"a"}}}}), at(time.Hour)},
		"fulfilled":               {invoiced(accepted, order.Event{ID: "w3", Lines: []order.LineFact{{LineID: "1", Delivered: began}}}), at(time.Hour)},
		"completed":               {invoiced(accepted, order.Event{ID: "w3", Status: order.StatusCompleted}), at(time.Hour)},
		"cancelled":               {invoiced(accepted, order.Event{ID: "w3", Status: order.StatusCancelled}), at(time.Hour)},
		"rejected":                {fresh(office, order.Event{ID: "w3", Status: order.StatusRejected}), at(time.Hour)},
		"purchase":                {purchase, at(time.Minute)},
		"awaiting_payment":        {unpaid, at(time.Minute)},
		"intent":                  {fresh(asked), at(time.Minute)},
		"intent_approved":         {approved, at(time.Hour)},
		"intent_completed":        {became, at(time.Hour)},
		"own_sale":                {adopted(), at(time.Hour)},
		"own_sale_attaching":      {attaching, at(time.Hour)},
		"own_sale_attach_failed":  {unattached, at(time.Hour)},
		"own_sale_supply_lost":    {adopted(order.Event{ID: "w2", Status: order.StatusCancelled}), at(time.Hour)},
		"event_moved":             {moved, at(2 * time.Hour)},
		"booking":                 {booking, at(time.Hour)},
		"tickets_unclear":         {unclear, at(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, _ := c.o.Advance(c.now)
			got := Details(c.o, plan)
			file := filepath.Join("testdata", "details", name+".md")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s: got:\n%s\nwant:\n%s", file, got, want)
			}
		})
	}
}

func TestEveryStateOfTodayHasDetails(t *testing.T) {
	t.Parallel()
	for _, s := range order.States() {
		if _, err := os.Stat(filepath.Join("testdata", "details", string(s)+".md")); err != nil {
			t.Errorf("no golden details for state %s: %v", s, err)
		}
	}
}
