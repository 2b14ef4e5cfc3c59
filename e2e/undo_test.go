package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"willcall/sim"
)

// The ways in which an order is called off, in the order of the table's columns.
const (
	theyCancel = iota // the provider's webhook says cancelled
	theyReject        // the provider's webhook says rejected
	weCancel          // the operator's update cancel
	weReject          // the operator's update reject
	uiCancels         // Cancel in the Temporal UI
	waysToCallOff
)

var wayNames = [waysToCallOff]string{"TheyCancel", "TheyReject", "WeCancel", "WeReject", "CancelledInTheTemporalUI"}

// called is an order of the table and how the world speaks of it.
type called struct {
	id        string
	reference string                // of its records in the POS
	ready     func(view) bool       // it has come to where it is to be called off
	cancelled func()                // the provider cancels
	rejected  func()                // the provider rejects; nil: it never does
	told      func() (n, wrong int) // how often the provider was told that we are out, and how often in vain
}

const (
	nothing = "nothing written"
	voided  = "1 voided"
	live    = "1 live"

	acceptedAlready = "refused: the order is accepted at the provider: send cancel, and agree the cancellation with the buyer there"
	over            = "workflow execution already completed"
)

// TestUndo calls orders off in every state in which they can be, in every way in which that can be done. What a cell says is what
// becomes of it: the order's state, what is in the POS, whether the provider was told, and what a person is asked; or why an
// operator's command is refused, which changes nothing.
// Cancelling a run that has ended does nothing in Temporal, without a word. An empty cell cannot happen.
func TestUndo(t *testing.T) {
	s := setup(t)
	s.pauseSweep(t, "careful") // it would take in the same orders a second time, and accept them
	office := func(change func(*sim.TEvoOrder)) func(*testing.T) called {
		return func(t *testing.T) called {
			o := sim.OfficeSale(s.fresh()).At(time.Now())
			if change != nil {
				change(&o)
			}
			s.post(t, "quick", o, "seller", "order_created")
			return s.sale(t, o)
		}
	}
	// delivered is an Office sale whose etickets are with the buyer, as far as so many items.
	delivered := func(of, items int, state string, occurs time.Duration) func(*testing.T) called {
		return func(t *testing.T) called {
			o := sim.OfficeSale(s.fresh()).At(time.Now())
			if occurs > 0 {
				o.OccursAt = time.Now().Add(occurs)
			}
			for i := len(o.Items); i < of; i++ {
				o.Items = append(o.Items, sim.TEvoItem{RemoteID: fmt.Sprint(900000 + s.fresh()), OrderItemID: fmt.Sprint(700000 + s.fresh()), Quantity: 1, PriceMinor: 4000})
			}
			s.post(t, "quick", o, "seller", "order_created")
			for i := range items {
				contentType, body := o.EticketsFinalized(i, time.Now()).ItemWebhook(i, "seller", "etickets_finalized")
				s.postRaw(t, "quick", contentType, body)
			}
			c := s.sale(t, o)
			c.ready = accepted(state)
			return c
		}
	}
	boxOffice := func(state string, scanned bool, make func(sim.VivenuTransaction) (sim.VivenuTransaction, string)) func(*testing.T) called {
		return func(t *testing.T) called {
			tx, typ := make(s.purchase())
			s.Vivenu.Put(tx)
			s.vivenu(t, "vivenu-quick", tx.Webhook(typ))
			c := called{id: "order:vivenu-quick:" + tx.ID, told: s.toldVivenu(tx.ID)}
			c.ready = func(v view) bool { return v.State == state && (!scanned || s.told(v, "webhook scan.created") == 1) }
			if scanned {
				s.vivenu(t, "vivenu-quick", tx.TicketWebhook(0, "scan.created"))
			}
			c.cancelled = func() {
				s.vivenu(t, "vivenu-quick", tx.Canceled(time.Now().Add(2*time.Second)).Webhook("transaction.canceled"))
			}
			return c
		}
	}
	complete := func(tx sim.VivenuTransaction) (sim.VivenuTransaction, string) {
		return tx.Complete(time.Now()), "transaction.complete"
	}
	own := func(brought int, state string) func(*testing.T) called {
		return func(t *testing.T) called {
			o := s.sold(2)
			s.tixstock(t, "tixstock-quick", o.Update("Approved"))
			for i := range brought {
				s.tixstock(t, "tixstock-quick", o.ETicket(i))
			}
			return called{id: "order:tixstock-quick:" + o.OrderID, reference: o.OrderID, ready: inState(state),
				cancelled: func() { s.tixstock(t, "tixstock-quick", o.Update("Cancelled")) },
				rejected:  func() { s.tixstock(t, "tixstock-quick", o.Update("Rejected")) }}
		}
	}

	// Faults of a simulator are everybody's, so each group of rows is begun under its own, and called off under it.
	groups := []struct {
		pos, tevo sim.Faults
		rows      []undoRow
	}{
		{tevo: sim.Faults{Down: true}, rows: []undoRow{
			{"InvoicedWhileTheProviderIsDown", func(t *testing.T) called {
				c := office(nil)(t)
				c.ready = func(v view) bool { return v.State == "invoiced" && v.POS.Invoice != "" }
				return c
			}, [...]string{"cancelled, 1 voided", "rejected, 1 voided", "cancelled, 1 voided, provider told", "rejected, 1 voided, provider told", "cancelled, 1 voided, provider told"}},
		}},
		{pos: sim.Faults{Faults: []sim.Fault{{Method: "POST", Path: "/v1/invoices", Kind: sim.FaultLostAnswer}, {Method: "GET", Path: "/v1/invoices", Kind: sim.FaultStatus, Status: 500}}}, rows: []undoRow{
			{"InvoicingAndTheAnswerIsLost", func(t *testing.T) called {
				c := office(nil)(t)
				c.ready = func(v view) bool { live, _ := s.invoices(c.id); return v.State == "invoicing" && len(live) == 1 }
				return c
			}, [...]string{"cancelled, 1 voided", "rejected, 1 voided", "cancelled, 1 voided, provider told", "rejected, 1 voided, provider told", "cancelled, 1 voided, provider told"}},
		}},
		{pos: sim.Faults{Down: true}, rows: []undoRow{
			{"InvoicingWhileThePOSIsDown", func(t *testing.T) called {
				c := office(nil)(t)
				c.ready = inState("invoicing")
				return c
			}, [...]string{"cancelled, nothing written", "rejected, nothing written", "cancelled, nothing written, provider told", "rejected, nothing written, provider told", "cancelled, nothing written, provider told"}},
		}},
		{rows: []undoRow{
			{"ReceivedWithoutDetails", func(t *testing.T) called {
				o := sim.OfficeSale(s.fresh()).At(time.Now())
				s.post(t, "quick", o, "seller", "delivery_updated")
				c := s.sale(t, o)
				c.ready = inState("received")
				return c
			}, [...]string{"cancelled, nothing written", "rejected, nothing written", "cancelled, nothing written", "rejected, nothing written", "cancelled, nothing written"}},
			{"AwaitingFraudApproval", func(t *testing.T) called {
				o := sim.ClientSale(s.fresh()).At(time.Now())
				s.post(t, "quick", o, "seller", "order_created")
				c := s.sale(t, o)
				c.ready = inState("awaiting_fraud_approval")
				return c
			}, [...]string{"cancelled, nothing written", "rejected, nothing written", "cancelled, nothing written, provider told", "rejected, nothing written, provider told", "cancelled, nothing written, provider told"}},
			{"AwaitingFulfilment", delivered(1, 0, "awaiting_fulfilment", 0),
				[...]string{"cancelled, 1 voided", "rejected, 1 voided", "cancelled, 1 voided, asks cancel_at_provider", acceptedAlready, "cancelled, 1 voided, asks cancel_at_provider"}},
			{"PartlyDelivered", delivered(2, 1, "partially_fulfilled", 0),
				[...]string{"cancelled, 1 live, asks cancelled_after_delivery", "rejected, 1 live, asks cancelled_after_delivery", "cancelled, 1 voided, asks cancel_at_provider", acceptedAlready, "cancelled, 1 voided, asks cancel_at_provider"}},
			{"Fulfilled", delivered(1, 1, "fulfilled", 0),
				[...]string{"cancelled, 1 live, asks cancelled_after_delivery", "rejected, 1 live, asks cancelled_after_delivery", "cancelled, 1 voided, asks cancel_at_provider", acceptedAlready, "cancelled, 1 voided, asks cancel_at_provider"}},
			{"CompletedAndClosed", func(t *testing.T) called {
				c := delivered(1, 1, "completed", 4*time.Second)(t)
				ready := c.ready
				c.ready = func(v view) bool { return ready(v) && s.closed(t, c.id) }
				return c
			}, [...]string{"cancelled, 1 live, asks cancelled_after_delivery", "rejected, 1 live, asks cancelled_after_delivery", over, over, "completed, 1 live"}},
			{"GivenByUs", func(t *testing.T) called {
				s.posEvents(true)
				o := sim.OfficeSale(s.fresh()).At(time.Now())
				o.Items = []sim.TEvoItem{{Quantity: 2}}
				s.supply(t, "quick", o, func(sim.POSInvoice) []sim.POSDelivery { return []sim.POSDelivery{pdf("a", "b")} })
				c := s.sale(t, o)
				c.ready = func(v view) bool {
					return v.State == "fulfilled" && s.told(v, "state fulfilled") == 1 && len(s.given(o)) == 2
				}
				return c
			}, [...]string{"cancelled, 1 live, asks cancelled_after_delivery", "rejected, 1 live, asks cancelled_after_delivery", "cancelled, 1 voided, asks cancel_at_provider", acceptedAlready, "cancelled, 1 voided, asks cancel_at_provider"}},
			{"PurchasePending", func(t *testing.T) called {
				o := sim.Purchase(s.fresh()).At(time.Now())
				s.post(t, "quick", o, "buyer", "order_polled") // as a sweep brings it: no webhook tells of one
				c := s.purchased(t, o)
				c.ready = inState("awaiting_approval")
				return c
			}, [...]string{"cancelled, nothing written", "rejected, nothing written", "cancelled, nothing written, asks cancel_at_provider", "refused: a purchase is not ours to reject", "cancelled, nothing written, asks cancel_at_provider"}},
			{"PurchaseRecorded", s.bought,
				[...]string{"cancelled, 1 voided", "rejected, 1 voided", "cancelled, 1 voided, asks cancel_at_provider", "refused: a purchase is not ours to reject", "cancelled, 1 voided, asks cancel_at_provider"}},
			{"BoxOfficeAwaitingPayment", boxOffice("awaiting_payment", false, func(tx sim.VivenuTransaction) (sim.VivenuTransaction, string) {
				return tx.Reserved(time.Now()), "transaction.reservedBySystem"
			}), [...]string{"cancelled, nothing written", "", "cancelled, nothing written, asks cancel_at_provider", "rejected, nothing written, asks cancel_at_provider", "cancelled, nothing written, asks cancel_at_provider"}},
			{"BoxOfficeFulfilled", boxOffice("fulfilled", false, complete),
				[...]string{"cancelled, 1 voided", "", "cancelled, 1 voided, asks cancel_at_provider", acceptedAlready, "cancelled, 1 voided, asks cancel_at_provider"}},
			{"BoxOfficeScanned", boxOffice("fulfilled", true, complete),
				[...]string{"cancelled, 1 live, asks cancelled_after_use", "", "cancelled, 1 voided, asks cancel_at_provider", acceptedAlready, "cancelled, 1 voided, asks cancel_at_provider"}},
			{"IntentPending", s.requested,
				[...]string{"cancelled, nothing written", "rejected, nothing written", "cancelled, nothing written, provider told", "rejected, nothing written, provider told", "cancelled, nothing written, provider told"}},
			{"OwnSaleAwaitingFulfilment", own(0, "awaiting_fulfilment"),
				[...]string{"cancelled, 1 live, asks supply_lost", "rejected, 1 live, asks supply_lost", "cancelled, 1 voided, asks cancel_at_provider", "refused: the sale is our own, there is nobody to refuse it to", "cancelled, 1 voided, asks cancel_at_provider"}},
			{"OwnSaleFulfilled", own(2, "fulfilled"),
				[...]string{"cancelled, 1 live, asks supply_lost", "rejected, 1 live, asks supply_lost", "cancelled, 1 voided, asks cancel_at_provider", "refused: the sale is our own, there is nobody to refuse it to", "cancelled, 1 voided, asks cancel_at_provider"}},
		}},
	}

	var cells []*undoCell
	for _, g := range groups {
		if err := errors.Join(s.POS.SetFaults(g.pos), s.TEvo.SetFaults(g.tevo)); err != nil {
			t.Fatal(err)
		}
		var begun []*undoCell
		for _, r := range g.rows {
			for way, want := range r.want {
				if want != "" {
					begun = append(begun, &undoCell{row: r.name, way: way, want: want, called: r.begin(t)})
				}
			}
		}
		for _, c := range begun {
			s.await(t, c.id, "ready to be called off: "+c.row, c.ready)
		}
		for _, c := range begun {
			c.refused = s.callOff(t, c)
		}
		for _, c := range begun {
			s.await(t, c.id, "called off", func(v view) bool {
				return strings.HasPrefix(c.want, v.State) || c.refused != nil
			})
		}
		cells = append(cells, begun...)
	}
	for _, c := range cells {
		t.Run(c.row+wayNames[c.way], func(t *testing.T) { s.settles(t, c) })
	}
	for _, c := range cells { // all first: each run that ends does so after a while
		if c.refused == nil {
			s.followAdvice(t, c)
		}
	}
	for _, c := range cells {
		if c.advised != "" {
			t.Run(c.row+wayNames[c.way]+"AsAdvised", func(t *testing.T) { s.becomes(t, c, c.advised); s.awaitClosed(t, c.id) })
		}
	}
}

// undoRow is a state in which orders are called off, with what becomes of it in each way.
type undoRow struct {
	name  string
	begin func(*testing.T) called
	want  [waysToCallOff]string
}

type undoCell struct {
	called
	row     string
	way     int
	want    string
	refused error
	stands  string // where the order was when the command was refused
	advised string // what is to become of it when the advice is followed; empty if nobody is asked
}

func inState(state string) func(view) bool { return func(v view) bool { return v.State == state } }

// accepted is inState of a sale that we have accepted at the provider, too.
func accepted(state string) func(view) bool {
	return func(v view) bool {
		for _, e := range v.Timeline {
			if e.What == "accept/1 done" {
				return v.State == state
			}
		}
		return false
	}
}

// sale is an order of Ticket Evolution that its webhook has begun.
func (s *site) sale(t *testing.T, o sim.TEvoOrder) called {
	at := func() (sim.TEvoOrder, time.Time) {
		now, _ := s.TEvo.Order(o.ID)
		return now, time.Now().Add(5 * time.Second)
	}
	return called{id: "order:quick:" + o.GroupID,
		cancelled: func() { now, at := at(); s.post(t, "quick", now.Canceled(at), "seller", "order_canceled") },
		rejected:  func() { now, at := at(); s.post(t, "quick", now.Rejected("Other", at), "seller", "order_rejected") },
		told: func() (n, wrong int) {
			for _, call := range s.TEvo.Log() {
				switch {
				case call.OrderID != o.ID || call.Op != "reject":
				case call.Status == 200:
					n++
				default:
					wrong++
				}
			}
			return n, wrong
		}}
}

// bought is a purchase that its seller has accepted.
func (s *site) bought(t *testing.T) called {
	o := sim.Purchase(s.fresh()).At(time.Now()).Accepted(time.Now())
	s.post(t, "quick", o, "buyer", "order_accepted")
	return s.purchased(t, o)
}

// purchased is an order of ours at Ticket Evolution that has begun.
func (s *site) purchased(t *testing.T, o sim.TEvoOrder) called {
	return called{id: "order:quick:" + o.GroupID + ":buyer",
		ready:     func(v view) bool { return v.State == "awaiting_fulfilment" && v.POS.PurchaseOrder != "" },
		cancelled: func() { s.post(t, "quick", o.Canceled(time.Now().Add(5*time.Second)), "buyer", "order_canceled") },
		rejected: func() {
			s.post(t, "quick", o.Rejected("Other", time.Now().Add(5*time.Second)), "buyer", "order_rejected")
		}}
}

// pauseSweep keeps the source's sweep from running until the test is over.
func (s *site) pauseSweep(t *testing.T, source string) {
	t.Helper()
	schedule := s.temporal.ScheduleClient().GetHandle(t.Context(), "sweep:"+source)
	if err := until(20*time.Second, func() error { // the worker makes it when it starts
		return schedule.Pause(t.Context(), client.SchedulePauseOptions{Note: t.Name()})
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := schedule.Unpause(context.Background(), client.ScheduleUnpauseOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// requested is a purchase intent that waits for our approval.
func (s *site) requested(t *testing.T) called {
	intent := sim.VivenuRequest(s.fresh()).At(time.Now().Add(-time.Minute))
	s.Vivenu.PutIntent(intent)
	s.vivenu(t, "vivenu-quick", intent.Webhook("purchaseIntent.created"))
	return called{id: "order:vivenu-quick:purchase-intent-" + intent.ID, ready: inState("awaiting_approval"), told: s.toldVivenu(intent.ID),
		cancelled: func() {
			s.vivenu(t, "vivenu-quick", intent.Cancelled(time.Now().Add(2*time.Second)).Webhook("purchaseIntent.cancelled"))
		},
		rejected: func() {
			s.vivenu(t, "vivenu-quick", intent.Rejected("too many seats", time.Now().Add(2*time.Second)).Webhook("purchaseIntent.rejected"))
		}}
}

func (s *site) toldVivenu(id string) func() (n, wrong int) {
	return func() (n, wrong int) {
		for _, call := range s.Vivenu.Log() {
			switch {
			case call.ID != id || call.Op == "approved":
			case call.Status == 200:
				n++
			default:
				wrong++
			}
		}
		return n, wrong
	}
}

func (s *site) closed(t *testing.T, id string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	d, err := s.temporal.DescribeWorkflowExecution(ctx, id, "")
	return err == nil && d.GetWorkflowExecutionInfo().GetCloseTime() != nil
}

func (s *site) callOff(t *testing.T, c *undoCell) error {
	t.Helper()
	switch c.way {
	case theyCancel:
		c.cancelled()
	case theyReject:
		c.rejected()
	case weCancel, weReject:
		name := map[int]string{weCancel: "cancel", weReject: "reject"}[c.way]
		c.stands = s.outcome(t, c)
		return s.order(t, c.id, name, "")
	case uiCancels:
		c.stands = s.outcome(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		return s.temporal.CancelWorkflow(ctx, c.id, "")
	}
	return nil
}

// outcome says what has become of an order, in the words of the table.
func (s *site) outcome(t *testing.T, c *undoCell) string {
	t.Helper()
	var v view
	if err := s.get("/v1/orders/"+c.id, &v); err != nil {
		return err.Error()
	}
	liveOnes, voidedOnes := s.records(c)
	books := nothing
	switch {
	case len(liveOnes) == 1 && len(voidedOnes) == 0:
		books = live
	case len(liveOnes) == 0 && len(voidedOnes) == 1:
		books = voided
	case len(liveOnes)+len(voidedOnes) > 0:
		books = fmt.Sprintf("%d live and %d voided", len(liveOnes), len(voidedOnes))
	}
	if known := v.POS.Invoice + v.POS.PurchaseOrder; books != live && known != "" {
		books += ", and " + known + " is held for live"
	}
	out := v.State + ", " + books
	if c.told != nil {
		switch n, wrong := c.told(); {
		case n == 1 && wrong == 0:
			out += ", provider told"
		case n+wrong > 0:
			out += fmt.Sprintf(", provider told %d times and %d times in vain", n, wrong)
		}
	}
	if v.Attention != nil {
		out += ", asks " + v.Attention.Reason
	}
	return out
}

// records are the order's invoices and purchase orders in the POS.
func (s *site) records(c *undoCell) (live, voided []string) {
	reference := cmp.Or(c.reference, c.id)
	alive, void := s.invoices(reference)
	for _, inv := range alive {
		live = append(live, inv.ID)
	}
	for _, inv := range void {
		voided = append(voided, inv.ID)
	}
	for _, po := range s.POS.State().PurchaseOrders {
		switch {
		case po.ExternalReference != reference:
		case po.Voided:
			voided = append(voided, po.ID)
		default:
			live = append(live, po.ID)
		}
	}
	return live, voided
}

// settles waits until a cell is as the table has it, and reads in the POS's log that nothing was voided twice.
func (s *site) settles(t *testing.T, c *undoCell) {
	want := c.want
	if c.refused != nil {
		if !strings.Contains(c.refused.Error(), want) {
			t.Fatalf("got the refusal %q; want %q", c.refused, want)
		}
		want = c.stands
	} else if strings.HasPrefix(want, "refused") || want == over {
		t.Fatalf("it was allowed, and is %s; want %q", s.outcome(t, c), want)
	}
	s.becomes(t, c, want)
	if !strings.Contains(want, "asks") && c.refused == nil {
		s.awaitClosed(t, c.id)
	}
}

// becomes waits for an outcome in which nothing was done twice.
func (s *site) becomes(t *testing.T, c *undoCell, want string) {
	t.Helper()
	got := ""
	if err := until(20*time.Second, func() error {
		if got = s.outcome(t, c); got != want {
			return errors.New("not yet")
		}
		return nil
	}); err != nil {
		t.Fatalf("%s:\n got %s\nwant %s", c.id, got, want)
	}
	_, voidedOnes := s.records(c)
	for _, id := range voidedOnes {
		n := 0
		for _, w := range s.POS.Log() {
			if w.ID == id && (w.Outcome == "voided" || w.Outcome == "unchanged") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was voided %d times; want once", id, n)
		}
	}
}

// followAdvice reads what a person is asked, and does so: cancel where that is offered to void what is in force, else resolve. What
// the table says must be true still.
func (s *site) followAdvice(t *testing.T, c *undoCell) {
	t.Helper()
	if got := s.outcome(t, c); got != c.want {
		t.Errorf("%s %s: it was %q, and has become %q", c.row, wayNames[c.way], c.want, got)
	}
	if !strings.Contains(c.want, "asks") {
		return
	}
	v := s.await(t, c.id, "in need of attention", func(v view) bool { return v.Attention != nil })
	if v.Attention.Detail == "" || v.Attention.Advice == "" {
		t.Errorf("%s: got detail %q, advice %q; want both", v.Attention.Reason, v.Attention.Detail, v.Attention.Advice)
	}
	command, want := "resolve", strings.Split(c.want, ", asks")[0]
	if strings.Contains(v.Attention.Advice, "Send cancel to void") {
		command, want = "cancel", "cancelled, "+voided // also what the provider has rejected: the operator's word is the last
	}
	if err := s.order(t, c.id, command, ""); err != nil {
		t.Errorf("%s advises %q: %v", v.Attention.Reason, v.Attention.Advice, err)
		return
	}
	c.advised = want
}
