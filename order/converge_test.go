package order

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A road is a set of webhooks that belong together, as lines of the script language, and where they must lead.
type road struct {
	kind   Kind
	policy string
	events []string
	state  State
	live   bool // a POS record is in force in the end
	asks   Reason

	// mayLive: whether a record is in force depends on whether the invoice was faster than the news; a person decides.
	mayLive bool
	mayAsk  bool // the same for whether somebody is asked

	can []Ability // what the POS can do beside telling what it holds for the buyer
}

const sold = "event=2026-07-01T19:30 line=120145:58222:2:27.00"

var roads = map[string]road{
	"OfficeSaleIsInvoicedAndAccepted": {events: []string{
		"w1 order_created at=12:00 buyer=office " + sold + " status=pending",
		"w2 seller_accepted at=12:05 buyer=office " + sold + " status=accepted",
	}, state: AwaitingFulfilment, live: true},
	"OfficeIgnoresFraud": {events: []string{
		"w1 order_created at=12:00 buyer=office " + sold + " status=pending fraud=pending",
		"w2 fraud_response_received at=12:05 buyer=office " + sold + " fraud=declined",
	}, state: AwaitingFulfilment, live: true},
	"ClientSaleIsInvoicedOnceApproved": {events: []string{
		"w1 order_created at=12:00 buyer=client " + sold + " status=pending fraud=pending",
		"w2 fraud_response_received at=12:05 buyer=client " + sold + " fraud=pending",
		"w3 fraud_response_received at=12:10 buyer=client " + sold + " fraud=approved",
		"w4 seller_accepted at=12:15 buyer=client " + sold + " status=accepted fraud=approved",
	}, state: AwaitingFulfilment, live: true},
	"DeclinedClientIsNotInvoiced": {events: []string{
		"w1 order_created at=12:00 buyer=client " + sold + " status=pending fraud=pending",
		"w2 fraud_response_received at=12:05 fraud=pending",
		"w3 fraud_response_received at=12:10 buyer=client " + sold + " fraud=declined",
	}, state: AwaitingFraudApproval, asks: ReasonFraudDeclined},
	"TheMoreCarefulOfTwoAnswersOfOneMomentCounts": {events: []string{
		"w1 order_created at=12:00 buyer=client " + sold + " status=pending fraud=pending",
		"w2 fraud_response_received at=12:10 fraud=declined",
		"w3 fraud_response_received at=12:10 fraud=approved",
	}, state: AwaitingFraudApproval, asks: ReasonFraudDeclined},
	"DeclinedAndRejected": {events: []string{
		"w1 order_created at=12:00 buyer=client " + sold + " status=pending fraud=pending",
		"w2 fraud_response_received at=12:10 fraud=declined",
		"w3 order_rejected at=12:20 buyer=client " + sold + " status=rejected fraud=declined",
	}, state: Rejected},
	"CancelledSaleLeavesNoInvoice": {events: []string{
		"w1 order_created at=12:00 buyer=office " + sold + " status=pending",
		"w2 seller_accepted at=12:05 buyer=office " + sold + " status=accepted",
		"w3 order_updated at=12:10 buyer=office " + sold + " status=cancelled",
		"w4 delivery_updated at=12:07 recipient=61627",
	}, state: Cancelled},
	"FulfilledLineByLine": {events: []string{
		"w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00 status=pending",
		"w2 seller_accepted at=12:05 status=accepted",
		"w3 airbill_uploaded at=12:10 airbill=61627",
		"w4 etickets_finalized at=12:20 delivered=1",
		"w5 etickets_finalized at=12:25 delivered=2 delivered=1",
		"w6 in-hand_updated at=12:15 in_hand=1:2026-06-10",
	}, state: Fulfilled, live: true},
	"LinesAndPricesOfTheNewestSnapshotCount": {policy: "auto_accept=off", events: []string{
		"w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00",
		"w2 order_updated at=12:05 buyer=office event=2026-07-02T19:30 line=2:58223:1:45.00",
		"w3 order_updated at=12:05 buyer=office event=2026-07-03T19:30 line=3:58224:1:45.00",
		"w4 in-hand_updated at=12:06 in_hand=1:2026-06-10",
	}, state: AwaitingApproval, asks: ReasonEventMoved},
	"PurchaseIsRecordedOnce": {kind: Purchase, events: []string{
		"w1 order_accepted at=12:00 buyer=office " + sold + " status=accepted",
		"w2 seller_accepted at=12:01 buyer=office " + sold + " status=accepted",
		"w3 delivery_updated at=12:07 recipient=61627",
	}, state: AwaitingFulfilment, live: true},
	"CancelledPurchaseIsTakenBack": {kind: Purchase, events: []string{
		"w1 order_accepted at=12:00 buyer=office " + sold + " status=accepted",
		"w2 order_canceled at=12:10 status=cancelled",
		"w3 etickets_finalized at=12:07 in_hand=120145:2026-06-10",
	}, state: Cancelled},
	"LongLifeOfAClientSale": {events: []string{
		"w1 order_created at=12:00 buyer=client event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00 status=pending fraud=pending",
		"w2 fraud_response_received at=12:02 fraud=pending",
		"w3 fraud_response_received at=12:05 buyer=client event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00 fraud=approved",
		"w4 seller_accepted at=12:06 status=accepted fraud=approved",
		"w5 in-hand_updated at=12:07 in_hand=1:2026-06-10",
		"w6 in-hand_updated at=12:08 in_hand=1:2026-06-12",
		"w7 airbill_uploaded at=12:10 airbill=61627",
		"w8 delivery_updated at=12:11 recipient=61627",
		"w9 etickets_finalized at=12:20 delivered=1",
		"x1 ticket at=12:21 ticket=2:a",
	}, state: Fulfilled, live: true},
	"PaidBoxOfficeSaleIsFulfilled": {policy: "fraud_service=off", events: []string{
		"w1 transaction.reserved at=12:00 buyer=client event=unknown line=t1:58222:1:27.00 line=t2:58222:1:27.00 status=pending payment=awaited seat=t1:reserved seat=t2:reserved",
		"w2 transaction.complete at=12:05 buyer=client event=unknown line=t1:58222:1:27.00 line=t2:58222:1:27.00 status=accepted payment=paid seat=t1:valid seat=t2:valid",
		"w3 ticket.updated at=12:06 seat=t1:details",
		"w4 ticket.updated at=12:07 seat=t1:valid",
		"w5 event.updated at=11:00 moved=2026-07-01T19:30",
	}, state: Fulfilled, live: true},
	"CompleteButNotPaid": {policy: "fraud_service=off", events: []string{
		"w1 transaction.reserved at=12:00 buyer=client line=t1:58222:1:27.00 status=pending payment=awaited",
		"w2 transaction.complete at=12:05 buyer=client line=t1:58222:1:27.00 status=accepted payment=awaited seat=t1:valid",
	}, state: AwaitingPayment},
	"CancelWinsOverALaterComplete": {policy: "fraud_service=off", events: []string{
		"w1 transaction.complete at=12:05 buyer=client line=t1:58222:1:27.00 status=accepted payment=paid seat=t1:valid",
		"w2 transaction.canceled at=12:10 buyer=client line=t1:58222:1:27.00 status=cancelled payment=returned revoked seat=t1:invalid",
		"w3 transaction.complete at=12:15 buyer=client line=t1:58222:1:27.00 status=accepted payment=paid seat=t1:valid",
	}, state: Cancelled},
	"PartiallyCancelledIsInvoicedAnew": {policy: "fraud_service=off", events: []string{
		"w1 transaction.complete at=12:05 buyer=client line=t1:58222:1:27.00 line=t2:58222:1:30.00 status=accepted payment=paid seat=t1:valid seat=t2:valid",
		"w2 transaction.partiallyCanceled at=12:10 part reread",
		"w3 ticket.updated at=12:10 seat=t2:invalid",
	}, state: Fulfilled, live: true},
	"TransferredTicketSpeaksForTheFirst": {policy: "fraud_service=off", events: []string{
		"w1 transaction.complete at=12:05 buyer=client line=t1:58222:1:27.00 line=t2:58222:1:30.00 status=accepted payment=paid seat=t1:valid seat=t2:valid",
		"w2 ticketTransfer.transferred at=12:10 seat=t2::t3",
		"w3 ticket.updated at=12:10 seat=t2:invalid",
		"w4 ticket.created at=12:10 seat=t3:valid",
		"w5 transaction.partiallyCanceled at=12:20 part",
		"w6 scan.created at=12:30 used=t3",
	}, state: Fulfilled, live: true},
	"CancelledAfterSomebodyEntered": {policy: "fraud_service=off", events: []string{
		"w1 transaction.complete at=12:05 buyer=client line=t1:58222:1:27.00 status=accepted payment=paid seat=t1:valid used=t1",
		"w2 transaction.canceled at=12:10 buyer=client line=t1:58222:1:27.00 status=cancelled revoked seat=t1:invalid",
	}, state: Cancelled, live: true, asks: ReasonCancelledAfterUse, mayLive: true},
	"BookingWithOneTicketCancelled": {policy: "fraud_service=off provider_api=off", events: []string{
		"w1 TransactionChanged at=12:00 buyer=client event=2026-07-01T19:30 line=a/E15:3868:1:54.00 line=a/J7:3868:1:54.00 status=accepted",
		"w2 TransactionChanged at=12:10 buyer=client event=2026-07-01T19:30 line=a/E15:3868:1:60.00 line=a/J7:3868:1:0.00 status=accepted line_cancelled=a/J7",
		"w3 ScheduledEticketDelivery at=12:20 ticket=a/E15:a/E15 ticket=a/J7:a/J7",
	}, state: Fulfilled, live: true},
	"TicketsForASaleOfOurOwn": {policy: "adopt=on provider_api=off", events: []string{
		"w1 order.eticket_fulfilment at=12:00 ticket=15454542:V/100",
		"w2 order.eticket_fulfilment at=12:01 ticket=15454542:V/101",
		"w3 order.eticket_fulfilment at=12:02 ticket=15454542:V/101",
		"w4 order.eticket_fulfilment at=12:03 unusable=\"the file is no PDF\"",
	}, state: Fulfilled, live: true},
	"OneTicketIsMissing": {policy: "adopt=on provider_api=off", events: []string{
		"w1 order.eticket_fulfilment at=12:00 ticket=15454542:V/100",
		"w2 order.eticket_fulfilment at=12:03 unusable=\"the file is no PDF\"",
	}, state: PartiallyFulfilled, live: true, asks: ReasonTicketUnusable},
	"TicketsArePutOnTheInvoiceAndCorrected": {policy: "adopt=on attach=on provider_api=off", events: []string{
		"w1 order.eticket_fulfilment at=12:00 ticket=15454542:V/100",
		"w2 order.eticket_fulfilment at=12:01 ticket=15454542:V/101",
		"w3 order.eticket_fulfilment at=12:02 ticket=15454542:V/101",
		"w4 order.eticket_fulfilment at=12:02 ticket=il1:V/100",
		"w5 event.update at=12:03 changed",
	}, state: Fulfilled, live: true, asks: ReasonEventChanged},
	"BarcodesOfABookingThatIsInvoicedAnew": {policy: "fraud_service=off provider_api=off attach=on", events: []string{
		"w1 TransactionChanged at=12:00 buyer=client event=2026-07-01T19:30 line=a/E15:3868:1:54.00 line=a/J7:3868:1:54.00 status=accepted",
		"w2 TransactionChanged at=12:10 buyer=client event=2026-07-01T19:30 line=a/E15:3868:1:60.00 line=a/J7:3868:1:0.00 status=accepted line_cancelled=a/J7",
		"w3 ScheduledEticketDelivery at=12:20 ticket=a/E15:a/E15 ticket=a/J7:a/J7",
		"w4 ScheduledEticketDelivery at=12:30 ticket=a/E15:a/E15",
	}, state: Fulfilled, live: true},
	"AttachedAndThenLost": {policy: "adopt=on attach=on provider_api=off", events: []string{
		"w1 order.eticket_fulfilment at=12:00 ticket=15454542:V/100",
		"w2 order.eticket_fulfilment at=12:01 ticket=15454542:V/101",
		"w3 order.update at=12:05 status=cancelled",
	}, state: Cancelled, asks: ReasonSupplyLost, mayLive: true},
	"AttachedAndThenCancelled": {policy: "fraud_service=off provider_api=off attach=on", events: []string{
		"w1 TransactionChanged at=12:00 buyer=client event=2026-07-01T19:30 line=a/E15:3868:1:54.00 status=accepted",
		"w2 ScheduledEticketDelivery at=12:20 ticket=a/E15:a/E15",
		"w3 TransactionChanged at=12:30 status=cancelled",
	}, state: Cancelled, asks: ReasonCancelledAfterDelivery, mayLive: true},
	"TicketsOfThePOSAreDelivered": {policy: "deliver=on", events: []string{
		"w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00 by=1:eticket by=2:mobile status=pending",
		"w2 seller_accepted at=12:05 status=accepted",
		"p1 pos/supply at=12:10 holds=invoice/1 has=1:file:2:aa",
		"p2 pos/supply at=12:20 holds=invoice/1 has=1:file:2:aa has=2:link:1:bb",
		"h1 pos/invoice.updated at=12:15 hint",
		"w3 etickets_finalized at=12:30 delivered=1",
	}, state: Fulfilled, live: true},
	"ParcelsOnTheirWay": {events: []string{
		"w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00 status=accepted",
		"w2 order_polled at=12:10 in_transit=s1:1",
		"w3 order_polled at=12:20 in_transit=s1:1 in_transit=s1:2",
	}, state: Fulfilled, live: true},
	"DeliveredAndCancelled": {policy: "deliver=on", events: []string{
		"w1 order_created at=12:00 buyer=office event=2026-07-01T19:30 line=1:58222:2:27.00 by=1:eticket status=accepted",
		"p1 pos/supply at=12:10 holds=invoice/1 has=1:file:2:aa",
		"w3 order_canceled at=12:30 status=cancelled",
	}, state: Cancelled, mayLive: true, mayAsk: true, asks: ReasonCancelledAfterDelivery},
	"CancelledTicketsAreCredited": {policy: "fraud_service=off", can: []Ability{CanVoidLines}, events: []string{
		"w1 transaction.complete at=12:05 buyer=client line=t1:58222:1:27.00 line=t2:58222:1:30.00 line=t3:58222:1:30.00 status=accepted payment=paid seat=t1:valid seat=t2:valid seat=t3:valid",
		"w2 transaction.partiallyCanceled at=12:10 part",
		"w3 ticket.updated at=12:10 seat=t2:invalid",
		"w4 ticket.updated at=12:20 seat=t3:invalid",
		"w5 ticket.updated at=12:15 seat=t2:invalid",
	}, state: Fulfilled, live: true},
	"HeldWhileItIsChecked": {policy: "hold=on", events: []string{
		"w1 order_created at=12:00 buyer=client " + sold + " status=pending fraud=pending",
		"w2 fraud_response_received at=12:10 fraud=approved",
		"w3 seller_accepted at=12:20 status=accepted",
	}, state: AwaitingFulfilment, live: true},
	"HeldAndDeclined": {policy: "hold=on", events: []string{
		"w1 order_created at=12:00 buyer=client event=2026-07-01T19:30 line=1:58222:2:27.00 line=2:58223:1:40.00 status=pending fraud=pending",
		"w2 fraud_response_received at=12:10 fraud=approved",
		"w3 order_canceled at=12:20 status=cancelled",
	}, state: Cancelled},
	"TicketsOfAPurchaseArePutOnIt": {kind: Purchase, policy: "attach=on", events: []string{
		"w1 order_accepted at=12:00 buyer=office event=2026-07-01T19:30 line=1:0:2:27.00 line=2:0:1:27.00 by=1:eticket by=2:mobile status=accepted",
		"w2 etickets_finalized at=12:10 delivered=1",
		"w3 delivery_complete at=12:20 delivered=2",
		"w4 order_updated at=12:30 status=accepted",
	}, state: Fulfilled, live: true},
	"SupplyIsLost": {policy: "adopt=on provider_api=off", events: []string{
		"w1 order.eticket_fulfilment at=12:00 ticket=15454542:V/100",
		"w2 order.update at=12:05 status=cancelled",
	}, state: Cancelled, asks: ReasonSupplyLost, mayLive: true},
	"IntentBecomesAnOrder": {events: []string{
		"w1 purchaseIntent.created at=12:00 buyer=client line=c1:58222:2:27.00 intent=14:00 status=pending",
		"w2 purchaseIntent.approved at=12:05 buyer=client line=c1:58222:2:27.00 intent=14:30 status=accepted",
		"w3 purchaseIntent.completed at=12:10 becomes=tx1 status=completed",
	}, state: Completed},
	"IntentExpires": {events: []string{
		"w1 purchaseIntent.created at=12:00 buyer=client line=c1:58222:2:27.00 intent=12:30 status=pending",
		"w2 purchaseIntent.approved at=12:05 intent=12:40 status=accepted",
	}, state: Cancelled},
	"EventMovedTwiceAndBack": {events: []string{
		"w1 order_created at=12:00 buyer=office " + sold + " status=accepted",
		"w2 event.updated at=12:10 moved=2026-07-02T19:30",
		"w3 event.updated at=12:20 moved=2026-07-01T19:30",
		"w4 event.updated at=12:30 moved=2026-07-03T19:30",
	}, state: AwaitingFulfilment, live: true, asks: ReasonEventMoved},
	"SupportCaseAndAirbillOfAPurchase": {kind: Purchase, events: []string{
		"w1 order_accepted at=12:00 buyer=office " + sold + " status=accepted",
		"w2 airbill_requested at=12:10 airbill_asked=61627",
		"w3 airbill_generated at=12:20 airbill=61627",
		"w4 support at=12:30 case=s1",
	}, state: AwaitingFulfilment, live: true, asks: ReasonSupportCase},
	"DeclinedThenApprovedWhileTheInvoiceIsTakenBack": {events: []string{
		"w1 order_created at=12:00 buyer=client " + sold + " status=pending fraud=approved",
		"w2 fraud_response_received at=12:05 fraud=declined",
		"w3 fraud_response_received at=12:10 fraud=approved",
	}, state: AwaitingFulfilment, live: true},
	"LongLifeThatIsCalledOff": {events: []string{
		"w1 order_created at=12:00 buyer=client " + sold + " status=pending fraud=pending",
		"w2 fraud_response_received at=12:02 fraud=pending",
		"w3 fraud_response_received at=12:05 buyer=client " + sold + " fraud=approved",
		"w4 seller_accepted at=12:06 buyer=client " + sold + " status=accepted fraud=approved",
		"w5 in-hand_updated at=12:07 in_hand=120145:2026-06-10",
		"w6 airbill_uploaded at=12:10 airbill=61627",
		"w7 delivery_updated at=12:11 recipient=61627",
		"w8 order_updated at=12:20 buyer=client " + sold + " status=cancelled fraud=approved",
	}, state: Cancelled},
}

func (r road) parse(t *testing.T) (Policy, []Event) {
	t.Helper()
	p := DefaultPolicy()
	if err := setPolicy(&p, strings.Fields(r.policy)); err != nil {
		t.Fatal(err)
	}
	var events []Event
	for i, line := range r.events {
		e, err := parseEvent(split(line), day.Add(time.Duration(i)*time.Minute))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		events = append(events, e)
	}
	return p, events
}

// TestArrivalOrderAndRepetitionDoNotMatter plays every road in every order (all of them up to six events, 10,000 seeds
// beyond), with events repeated and with steps that finish at any moment or are stopped half way.
func TestArrivalOrderAndRepetitionDoNotMatter(t *testing.T) {
	t.Parallel()
	for name, r := range roads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy, events := r.parse(t)
			want := ""
			play := func(seed uint64, order []Event) {
				w := newWorld(t, r, policy, seed)
				for _, e := range order {
					w.hear(e)
				}
				w.quiet()
				if got := w.outcome(); want == "" {
					want = got
				} else if got != want {
					t.Fatalf("seed %d, order %v:\ngot:\n%s\nwant:\n%s", seed, ids(order), got, want)
				}
			}
			if len(events) > 6 {
				for seed := range uint64(10_000) {
					play(seed, repeated(seed, shuffled(seed, events)))
				}
				return
			}
			seed := uint64(0)
			for order := range permutations(events) {
				for range 3 {
					play(seed, repeated(seed, order))
					seed++
				}
			}
		})
	}
}

// world plays POS and provider for one order: it does what the plan wants, at moments drawn from a seed.
type world struct {
	t     *testing.T
	road  road
	o     *Order
	r     *rand.Rand
	now   time.Time
	begun map[StepID]bool   // running now: whether its effect has happened
	input map[StepID]Result // what a step was begun for
	live  map[StepID]bool   // POS records in force, by the intent that made them
	ended bool              // a cancellation or rejection was heard
	files map[StepID]string // tickets on each invoice, by the generation that was attached

	gave  map[string]int  // how often the buyer got the tickets of a line
	held  bool            // tickets are kept for the order
	lines map[string]bool // of the invoice in force, that are live
}

func newWorld(t *testing.T, r road, p Policy, seed uint64) *world {
	kind := r.kind
	if kind == "" {
		kind = Sale
	}
	return &world{t: t, road: r, o: New(Identity{ID: "order:tevo:1", Kind: kind}, p), r: rand.New(rand.NewPCG(seed, 7)),
		now: day.Add(time.Hour), begun: map[StepID]bool{}, input: map[StepID]Result{}, live: map[StepID]bool{}, files: map[StepID]string{}, gave: map[string]int{}}
}

func (w *world) hear(e Event) {
	w.o.Apply(e)
	w.ended = w.ended || e.Status == StatusCancelled || e.Status == StatusRejected
	for range w.r.IntN(4) {
		w.turn()
	}
}

// quiet lets everything run out.
func (w *world) quiet() {
	for range 1000 {
		if w.turn(); len(w.begun) == 0 && len(w.o.Plan(w.now).Steps) == 0 {
			return
		}
	}
	w.t.Fatal("it never becomes quiet")
}

// turn makes the plan and does one thing for each step: begin it, let its effect happen, finish it, or stop it.
func (w *world) turn() {
	plan := w.o.Plan(w.now)
	w.o.Settle(plan, w.now)
	if w.o.Policy.Attach && plan.State == Fulfilled && w.o.Kind == Sale && w.files[StepID(w.o.InvoiceID())] == "" {
		w.t.Fatalf("it passes for fulfilled, and the invoice %s has no tickets", w.o.InvoiceID())
	}
	for _, id := range plan.Steps {
		happened, running := w.begun[id]
		switch {
		case !running:
			if w.ended && !id.Do().Undoes() && !w.o.Policy.Adopt { // a sale of our own is only looked up
				w.t.Fatalf("%s begins after the order was called off", id)
			}
			w.begun[id] = false
			w.input[id] = Result{Outcome: Done, Ref: string(id)}
			if id.Do() == DoAttach {
				w.input[id] = Result{Outcome: Done, Ref: w.o.InvoiceID()}
				if w.ended {
					w.t.Fatalf("%s begins after the order was called off", id)
				}
			}
			if id.Do() == DoInvoice || id.Do() == DoPurchaseOrder {
				w.input[id] = Result{Outcome: Done, Ref: string(id), Customer: "c1", Amount: w.o.Total(), Lines: lineIDs(w.o.LiveLines()),
					Can: append([]Ability{CanReadDeliveries, CanFulfillPurchases}, w.road.can...)}
			}
			switch {
			case id.Do().Gives():
				r := Result{Outcome: Done}
				for _, s := range w.o.ToDeliver(id) {
					r.Lines = append(r.Lines, s.LineID)
				}
				if len(r.Lines) == 0 {
					w.t.Fatalf("%s has nothing to deliver", id)
				}
				w.input[id] = r
			case id.Do() == DoCredit:
				w.input[id] = Result{Outcome: Done, Ref: w.o.InvoiceID(), Amount: w.o.Total(), Lines: lineIDs(w.o.LiveLines())}
			case id.Do() == DoHold:
				w.input[id] = Result{Outcome: Done, Holds: lineIDs(w.o.LiveLines())}
			case id.Do() == DoReceive:
				w.input[id] = Result{Outcome: Done, Ref: w.o.PurchaseOrderID()}
			}
			w.o.Record(id, Result{Outcome: Running, At: w.now})
		case !happened && w.r.IntN(2) == 0:
			w.effect(id)
			w.begun[id] = true
		case happened && w.r.IntN(2) == 0:
			delete(w.begun, id)
			w.finish(id)
		}
	}
	for id, happened := range w.begun {
		if slices.Contains(plan.Steps, id) {
			continue
		}
		if !happened && w.r.IntN(2) == 0 {
			w.effect(id) // it slips through while it is being stopped
		}
		delete(w.begun, id)
		w.o.Record(id, Result{Outcome: Unsure, At: w.now})
	}
}

// finish records what came of a step; an adopted invoice describes the order.
func (w *world) finish(id StepID) {
	r := w.input[id]
	r.At = w.now
	if w.o.Policy.Adopt && id.Do() == DoInvoice {
		w.o.Apply(Event{ID: "pos", Type: "invoice", At: day, Received: w.now, Snapshot: &Snapshot{Lines: []Line{
			{ID: "il1", Inventory: "58222", Quantity: 2, Unit: Money{Minor: 2700, Currency: "EUR"}}}}})
		r.Amount = w.o.Total()
	}
	w.o.Record(id, r)
}

func lineIDs(lines []Line) (ids []string) {
	for _, l := range lines {
		ids = append(ids, l.ID)
	}
	return ids
}

func (w *world) effect(id StepID) {
	switch id.Do() {
	case DoInvoice, DoPurchaseOrder:
		w.live[id] = true // a second attempt finds the first by its reference
		w.lines = map[string]bool{}
		for _, l := range w.input[id].Lines {
			w.lines[l] = true
		}
		w.held = w.held && len(w.input[id].Lines) > 1 // what is held is sold
	case DoCredit:
		for l := range w.lines {
			if !slices.Contains(w.input[id].Lines, l) {
				delete(w.lines, l)
			}
		}
	case DoETickets, DoTransfer, DoWillCall:
		for _, l := range w.input[id].Lines {
			w.gave[l] = 1 // a second attempt finds that the first was done
		}
	case DoRevoke:
		delete(w.gave, id.Subject())
	case DoHold:
		w.held = true
	case DoReleaseHold:
		w.held = false
	case DoVoidInvoice, DoVoidPurchaseOrder:
		clear(w.live)
	case DoAttach:
		if on := StepID(w.input[id].Ref); w.live[on] { // else the POS refuses it
			w.files[on] = id.Subject()
		}
	}
	if len(w.live) > 1 {
		w.t.Fatalf("two live POS records: %v", w.live)
	}
}

// outcome writes down all that must not depend on arrival: the facts, the records in force, the steps done, the state.
func (w *world) outcome() string {
	facts, err := json.MarshalIndent(w.o.Facts, "", " ")
	if err != nil {
		w.t.Fatal(err)
	}
	plan := w.o.Plan(w.now)
	if plan.State != w.road.state || !w.road.mayLive && (len(w.live) == 1) != w.road.live {
		w.t.Fatalf("got %s with POS records %v; want %s, live %v", plan.State, w.live, w.road.state, w.road.live)
	}
	asks := Reason("")
	if plan.Attention != nil {
		asks = plan.Attention.Reason
	}
	if w.held {
		w.t.Fatal("tickets are held, and nobody will sell them")
	}
	if w.o.Policy.Deliver && plan.State == Fulfilled && len(w.gave) == 0 {
		w.t.Fatal("it passes for fulfilled, and the buyer has nothing")
	}
	if len(w.live) > 0 && plan.State != Cancelled && w.o.Kind == Sale && !w.o.Policy.Adopt {
		if got, want := slices.Sorted(maps.Keys(w.lines)), lineIDs(w.o.LiveLines()); asks == "" && !slices.Equal(got, want) {
			w.t.Fatalf("the invoice has the lines %v; want %v", got, want)
		}
	}
	if w.road.mayAsk && asks == "" && len(w.gave) == 0 && len(w.live) == 0 {
		return string(facts)
	}
	if w.road.mayAsk && asks == w.road.asks && len(w.gave) > 0 && len(w.live) > 0 {
		return string(facts)
	}
	if asks != w.road.asks {
		w.t.Fatalf("got attention %q; want %q", asks, w.road.asks)
	}
	if len(plan.Steps) > 0 || len(w.begun) > 0 {
		w.t.Fatalf("steps %v are still wanted, %v running", plan.Steps, w.begun)
	}
	if w.o.Policy.Attach && plan.State == Fulfilled && w.o.Kind == Sale {
		all, whole := w.o.Uploads()
		if on := w.o.InvoiceID(); !whole || w.files[StepID(on)] != generation(on, all) {
			w.t.Fatalf("invoice %s has %s; want the newest of each ticket, %v", on, w.files[StepID(on)], all)
		}
	}
	var steps []string
	for _, id := range w.o.StepIDs() {
		if id.Do() == DoAttach {
			continue // how often depends on arrival; what is on the invoice in the end is looked at above
		}
		if slices.Contains([]Do{DoLook, DoCredit, DoHold, DoReleaseHold, DoETickets, DoTransfer, DoFulfil}, id.Do()) {
			continue // so it does of these, and what came of them is looked at above
		}
		// What was begun and taken back depends on when the news came; what is left must not. Our acceptance counts with
		// the provider's word for it: a webhook that says so first makes the step needless.
		if r := w.o.Steps[id]; r.Outcome == Done && !plan.State.Final() && id.Do() != DoAccept && !w.o.takenBack(id) {
			// Nor must its number: an invoice that was taken back and written anew says the same as one that came late.
			if id.Do() == DoInvoice {
				r = w.o.resultInForce(DoInvoice, DoVoidInvoice)
			}
			steps = append(steps, fmt.Sprint(id.Do(), " ", id.Subject(), " ", r.Amount, " ", r.Lines))
		}
	}
	if w.road.mayLive {
		return fmt.Sprintf("%s\nstate %s", facts, plan.State)
	}
	return fmt.Sprintf("%s\nstate %s\nsteps %v accepted %v\n%d records", facts, plan.State, steps, w.o.accepted() && !plan.State.Final(), len(w.live))
}

// takenBack reports whether id is one half of a step and its undoing.
func (o *Order) takenBack(id StepID) bool {
	_, n, _ := strings.Cut(string(id), "/")
	undo, ok := undoing[id.Do()]
	return id.Do().Undoes() || ok && o.Steps[StepID(string(undo)+"/"+n)].Outcome == Done
}

func ids(events []Event) (out []string) {
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

func shuffled(seed uint64, events []Event) []Event {
	out := slices.Clone(events)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// repeated puts copies of some events at random later places.
func repeated(seed uint64, events []Event) []Event {
	r := rand.New(rand.NewPCG(seed, 2))
	out := slices.Clone(events)
	for _, e := range events {
		if r.IntN(2) == 0 {
			out = slices.Insert(out, r.IntN(len(out)+1), e)
		}
	}
	return out
}

func permutations(events []Event) func(yield func([]Event) bool) {
	return func(yield func([]Event) bool) {
		var walk func(done, left []Event) bool
		walk = func(done, left []Event) bool {
			if len(left) == 0 {
				return yield(done)
			}
			for i := range left {
				rest := slices.Concat(left[:i], left[i+1:])
				if !walk(append(slices.Clone(done), left[i]), rest) {
					return false
				}
			}
			return true
		}
		walk(nil, events)
	}
}
