package order

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// Plan is what follows from the facts at one moment.
type Plan struct {
	State     State
	Steps     []StepID   // what should be running now; a running step that is not here is to be stopped
	Attention *Attention // the first matter that needs a person, or nil
	Awaits    string     // whose move it is, in a sentence
	Deadline  time.Time  // when attention will be raised if nothing happens; zero: never
	Wake      time.Time  // when to plan again if nothing is heard; zero: no need
	Close     bool       // nothing more is expected: the run may end
}

// Plan derives the state and the steps that are wanted at now. It changes nothing.
func (o *Order) Plan(now time.Time) Plan {
	p := &planner{Order: o, now: now}
	p.n = 1 + p.undone()
	switch {
	case o.Facts.Intent != nil:
		p.intent()
	case o.Kind == Purchase:
		p.purchase()
	case o.Policy.Adopt:
		p.supply()
	default:
		p.sale()
	}
	if !p.plan.State.Final() {
		p.watchShow()
		p.watchTickets()
		p.watchDocuments()
	}
	p.settleSteps()
	p.raise()
	p.closing()
	return p.plan
}

// planner collects a plan: what is wanted, and the matters that need a person, the most urgent first.
type planner struct {
	*Order
	now     time.Time
	n       int // number of the present intent to invoice or to purchase
	plan    Plan
	wanted  []StepID
	again   StepID // a failed step that is tried again without anybody's word
	matters []Attention
	later   []time.Time
}

// undone counts the intents to invoice, or to purchase, that were taken back.
func (p *planner) undone() (n int) {
	for _, undo := range []Do{DoVoidInvoice, DoVoidPurchaseOrder} {
		for p.Steps[ID(undo, "", n+1)].Outcome == Done {
			n++
		}
	}
	return n
}

func (p *planner) sale() {
	switch {
	case p.cancelled():
		p.end(Cancelled, DoInvoice, DoVoidInvoice)
	case p.rejected():
		p.end(Rejected, DoInvoice, DoVoidInvoice)
	case !p.described():
		p.awaitDetails()
	case p.paymentHolds():
		p.holdForPayment()
	case p.fraudHolds():
		p.holdForFraud()
	case p.approvalHolds():
		p.state(AwaitingApproval, "an operator: approve or reject the sale")
		p.due(p.Facts.FirstReceived.Add(p.Policy.ApprovalWait), Attention{Reason: ReasonApprovalOverdue,
			Detail: "nobody has approved the sale in time.", Advice: "Send approve or reject."})
	case p.undoing():
		p.state(Invoicing, "the POS: take the invoice back, then write it anew")
	case p.Policy.Invoice && p.outcome(DoInvoice) != Done:
		p.write(DoInvoice, "the POS: customer and invoice")
	case p.recounted():
		p.state(Invoicing, "")
		p.takeBack(DoInvoice, DoVoidInvoice)
		p.plan.Awaits = "the POS: void the invoice, then write one for the tickets that are left"
	case !p.accepted():
		p.awaitAcceptance()
	default:
		p.fulfilment()
	}
	if !p.plan.State.Final() {
		if undo := p.id(DoVoidInvoice); p.undoing() && !slices.Contains(p.wanted, undo) {
			p.wanted = append(p.wanted, undo)
		}
		p.watchSale()
	}
}

// undoing reports whether taking the invoice back has begun and is not finished. It is finished then, also if the reason for
// it is gone meanwhile: the invoice may be void already, and must not pass for one that is in force.
func (p *planner) undoing() bool {
	undo := p.outcome(DoVoidInvoice)
	return p.outcome(DoInvoice) == Done && (undo == Running || undo == Unsure || undo == Failed)
}

func (p *planner) purchase() {
	switch {
	case p.cancelled():
		p.end(Cancelled, DoPurchaseOrder, DoVoidPurchaseOrder)
	case p.rejected():
		p.end(Rejected, DoPurchaseOrder, DoVoidPurchaseOrder)
	case !p.described():
		p.awaitDetails()
	case !p.accepted():
		p.state(AwaitingApproval, "the seller: accept or reject our purchase")
		p.due(p.Facts.FirstReceived.Add(p.Policy.ApprovalWait), Attention{Reason: ReasonApprovalOverdue,
			Detail: "the seller has neither accepted nor rejected our purchase.", Advice: "Ask the seller; send cancel if it is off."})
	case p.Policy.Invoice && p.outcome(DoPurchaseOrder) != Done:
		p.write(DoPurchaseOrder, "the POS: purchase order")
	default:
		p.fulfilment()
	}
	if !p.plan.State.Final() {
		p.watchAmount(DoPurchaseOrder)
		p.watchCancelProposal()
		p.watchShipments()
	}
}

// supply is the road of a sale of our own whose tickets somebody else brings: the invoice stands in the POS already.
func (p *planner) supply() {
	lost := Attention{Reason: ReasonSupplyLost, Detail: "whoever was to supply the tickets has called the order off; our customer's invoice stands.",
		Advice: "Send cancel to void the invoice and refund the customer, or find other tickets and send resolve."}
	const yours = "an operator: void the invoice, or find other tickets"
	switch {
	case p.decided(Cancel):
		p.end(Cancelled, DoInvoice, DoVoidInvoice)
		return
	case p.Order.resolved(lost.Key()):
	case p.Facts.Has(StatusCancelled):
		p.state(Cancelled, yours)
		p.matter(lost)
		p.findInvoice() // to be voided, it must be known
		return
	case p.Facts.Has(StatusRejected):
		p.state(Rejected, yours)
		p.matter(lost)
		p.findInvoice()
		return
	}
	switch {
	case !p.described():
		p.state(Received, "the POS: the invoice of this order")
		p.findInvoice()
	case p.statusHolds():
		p.state(AwaitingApproval, "an operator: see what needs attention")
	default:
		p.fulfilment()
	}
}

// findInvoice has the invoice of a sale of our own looked for, or the one read that an operator has named.
func (p *planner) findInvoice() {
	if p.described() {
		return
	}
	r := p.Steps[p.id(DoInvoice)]
	if r.Outcome == Done && r.By != "" && r.Ref != "" {
		p.wanted = append(p.wanted, ID(DoReadInvoice, r.Ref, 1))
		return
	}
	p.want(DoInvoice)
	p.lookAgain(r)
}

// lookAgain has an invoice that was not found looked for again, at intervals that double, until the order should have been
// described: our shop may be slower than the broker. A person is asked meanwhile.
func (p *planner) lookAgain(r Result) {
	if r.Outcome != Failed || r.Class != "not_found" {
		return
	}
	at := r.At.Add(max(lookAgain, r.At.Sub(p.Facts.FirstReceived)))
	switch {
	case at.After(p.Facts.FirstReceived.Add(p.Policy.DetailsWait)):
	case p.now.Before(at):
		p.later = append(p.later, at)
	default:
		p.again = p.id(DoInvoice)
	}
}

// intent is the road of a purchase that the seller must approve before the buyer may finish it. It books nothing: the order
// that it becomes does.
func (p *planner) intent() {
	i := p.Facts.Intent
	over := !i.ExpiresAt.IsZero() && !p.now.Before(i.ExpiresAt)
	if !i.ExpiresAt.IsZero() && !over {
		p.later = append(p.later, i.ExpiresAt)
	}
	switch {
	case p.Facts.Has(StatusCompleted):
		p.state(Completed, "nobody: it became order "+i.Becomes)
		if i.Becomes == "" {
			p.plan.Awaits = "nobody: it became an order"
		}
	case p.cancelled():
		p.end(Cancelled, DoInvoice, DoVoidInvoice)
	case p.rejected():
		p.end(Rejected, DoInvoice, DoVoidInvoice)
	case over:
		p.state(Cancelled, "nobody: the buyer's time is over")
	case p.accepted():
		p.state(AwaitingPayment, "the buyer: finish the purchase")
	case p.decided(Approve) && p.Policy.ProviderAPI:
		p.state(AwaitingApproval, "the provider: our approval")
		p.want(DoAccept)
		return // how long that may take is the step's matter
	case p.decided(Approve):
		p.state(AwaitingApproval, "an operator: approve it at the provider, we hold no credentials")
	default:
		p.state(AwaitingApproval, "an operator: approve or reject the purchase intent")
	}
	if p.plan.State == AwaitingApproval {
		p.due(p.Facts.FirstReceived.Add(p.Policy.ApprovalWait), Attention{Reason: ReasonApprovalOverdue,
			Detail: "the purchase intent is not approved yet.", Advice: "Send approve or reject, or do so at the provider."})
	}
}

func (p *planner) described() bool { return p.Facts.Described != Stamp{} }

func (p *planner) cancelled() bool {
	return p.decided(Cancel) || p.Facts.Has(StatusCancelled) || p.Facts.Has(StatusExpired) || p.described() && len(p.Lines()) > 0 && len(p.LiveLines()) == 0
}

func (p *planner) rejected() bool { return p.decided(Reject) || p.Facts.Has(StatusRejected) }

// accepted reports whether the provider holds the order for accepted, by us or by a person.
func (o *Order) accepted() bool {
	return o.Facts.Has(StatusAccepted) || o.Facts.Has(StatusCompleted) || o.Steps[ID(DoAccept, "", 1)].Outcome == Done
}

func (p *planner) outcome(do Do) Outcome { return p.Steps[p.id(do)].Outcome }

func (p *planner) id(do Do) StepID {
	switch do {
	case DoConfirm, DoInvoice, DoVoidInvoice, DoPurchaseOrder, DoVoidPurchaseOrder:
		return ID(do, "", p.n)
	}
	return ID(do, "", 1)
}

func (p *planner) state(s State, awaits string) { p.plan.State, p.plan.Awaits = s, awaits }

func (p *planner) want(do Do) { p.wanted = append(p.wanted, p.id(do)) }

// due raises a at the time t, and sees to it that the order is looked at then.
func (p *planner) due(t time.Time, a Attention) {
	if p.Order.resolved(a.Key()) {
		return
	}
	if !p.now.Before(t) {
		p.matters = append(p.matters, a)
		return
	}
	if p.plan.Deadline.IsZero() || t.Before(p.plan.Deadline) {
		p.plan.Deadline = t
	}
	p.later = append(p.later, t)
}

func (p *planner) matter(a Attention) { p.matters = append(p.matters, a) }

func (p *planner) awaitDetails() {
	p.state(Received, "the provider: the order's own document")
	if p.Facts.FirstReceived.IsZero() {
		return
	}
	p.due(p.Facts.FirstReceived.Add(p.Policy.DetailsWait), Attention{Reason: ReasonDetailsMissing,
		Detail: "news of the order arrived, but no document that describes it.",
		Advice: "Look the order up at the provider. The next sweep brings it if it exists; send cancel if it does not."})
}

// paymentHolds reports whether the buyer must pay, or finish the purchase, before anything is written. Where the provider
// says nothing of payments, none is waited for.
func (p *planner) paymentHolds() bool {
	if p.Facts.Payment == "" || p.outcome(DoInvoice) == Done || p.Order.resolved(p.returned().Key()) {
		return false
	}
	return p.Facts.Payment != PaymentPaid || !p.accepted()
}

func (p *planner) returned() Attention {
	return Attention{Reason: ReasonPaymentReturned,
		Detail: "the payment was refunded, disputed or charged back, and the order is not cancelled.",
		Advice: "See at the provider what became of it. Send cancel to undo the order, or resolve to keep it."}
}

func (p *planner) holdForPayment() {
	p.state(AwaitingPayment, "the buyer: the payment")
	switch p.Facts.Payment {
	case PaymentPaid:
		p.plan.Awaits = "the buyer: finish the purchase"
	case PaymentFailed:
		p.matter(Attention{Reason: ReasonPaymentFailed, Detail: "the buyer's payment failed.",
			Advice: "The buyer may try again: nothing to do. Send cancel to give the tickets up."})
	case PaymentReturned:
		p.matter(p.returned())
	case PaymentUnknown:
		p.matter(Attention{Reason: ReasonUnknownStatus, about: "payment", Detail: "the payment is in a state that we do not know.",
			Advice: "Look the order up at the provider and tell the developers. It goes on when the provider says that it is paid; send cancel if it is not to."})
	}
	p.due(p.Facts.FirstReceived.Add(p.Policy.PaymentWait), Attention{Reason: ReasonPaymentOverdue,
		Detail: "the buyer has not paid in time.", Advice: "Ask the buyer, or send cancel to give the tickets up."})
}

// fraudHolds reports whether a Client's sale must wait for the fraud service. Without the service only an absent answer
// lets it pass: a pending or declined one is heeded all the same.
func (p *planner) fraudHolds() bool {
	f := p.Facts.Fraud
	if p.Facts.Buyer == Office || f == FraudApproved || p.approvedFraud() {
		return false
	}
	if f == FraudDeclined && p.accepted() && p.outcome(DoInvoice) == Done {
		return false // too late to refuse: watchSale raises it
	}
	return p.Policy.FraudService || f != "" && f != FraudNone
}

// approvedFraud reports whether an operator took responsibility for the very answer that is in force: an approval that
// was given while the check was pending does not cover a later "declined".
func (p *planner) approvedFraud() bool {
	return slices.ContainsFunc(p.Decisions, func(d Decision) bool {
		return d.Command == Approve && d.Matter == fraudMatter(p.Facts.Fraud)
	})
}

func fraudMatter(f Fraud) string { return "fraud " + string(f) }

func (p *planner) holdForFraud() {
	p.state(AwaitingFraudApproval, "the fraud service: approval of the buyer")
	switch p.Facts.Fraud {
	case FraudDeclined:
		p.plan.Awaits = "an operator: the fraud service declined the buyer"
		p.takeBack(DoInvoice, DoVoidInvoice)
		p.matter(Attention{Reason: ReasonFraudDeclined, Detail: "the fraud service declined the buyer; nothing was accepted.",
			Advice: "Send reject to refuse the order, or approve to go on at your own risk."})
	case FraudUnknown:
		p.matter(Attention{Reason: ReasonUnknownStatus, Detail: "the fraud status is a word that we do not know.",
			Advice: "Look the order up at the provider, then send approve or reject."})
	}
	until := p.Facts.FirstReceived.Add(p.Policy.FraudWait)
	if s := p.Show().StartsAt; !s.IsZero() && s.Before(until) && s.After(p.Facts.FirstReceived) {
		until = s
	}
	p.due(until, Attention{Reason: ReasonFraudOverdue, Detail: "the fraud service has not answered in time.",
		Advice: "Ask the provider. Send approve to go on at your own risk, or reject."})
}

func (p *planner) approvalHolds() bool {
	return !p.Policy.AutoAccept && !p.accepted() && !p.decided(Approve) && p.outcome(DoInvoice) == ""
}

// write wants the order in the POS, unless what the provider says cannot be trusted to be written.
func (p *planner) write(do Do, awaits string) {
	if p.statusHolds() || p.amountHolds() {
		p.state(AwaitingApproval, "an operator: see what needs attention")
		return
	}
	p.state(Invoicing, awaits)
	if p.Policy.Confirm && p.outcome(DoConfirm) != Done {
		p.plan.Awaits = "the provider: that it knows the order as the webhook told it"
		p.want(DoConfirm)
		return
	}
	p.want(do)
}

func (p *planner) statusHolds() bool {
	if p.Facts.UnknownStatus == "" || p.Facts.UnknownStamp.before(p.Facts.StatusStamp) {
		return false
	}
	a := Attention{Reason: ReasonUnknownStatus, about: p.Facts.UnknownStatus,
		Detail: "the provider gives the status \"" + p.Facts.UnknownStatus + "\", which we do not know.",
		Advice: "Look the order up at the provider. Send resolve to go on as if the status were pending, or cancel."}
	p.matter(a)
	return !p.Order.resolved(a.Key())
}

func (p *planner) amountHolds() bool {
	t := p.Total()
	if (t.Minor > 0 || t.Minor == 0 && p.Facts.Free) && t.Currency != mixed {
		return false
	}
	a := Attention{Reason: ReasonAmountUnclear, about: t.String(), Detail: "the lines do not add up to an amount in one currency.",
		Advice: "Look the order up at the provider. Send resolve to invoice it as it is, or cancel."}
	p.matter(a)
	return !p.Order.resolved(a.Key())
}

func (p *planner) awaitAcceptance() {
	p.state(Invoiced, "the seller: accept the order at the provider")
	if p.statusHolds() {
		return
	}
	if p.Policy.ProviderAPI {
		p.plan.Awaits = "the provider: our acceptance"
		p.want(DoAccept)
		return
	}
	p.due(p.Facts.FirstReceived.Add(p.Policy.ApprovalWait), Attention{Reason: ReasonApprovalOverdue,
		Detail: "the order is invoiced but not accepted at the provider, and we hold no credentials to accept it.",
		Advice: "Accept it at the provider; its webhook moves the order on."})
}

func (p *planner) fulfilment() {
	all, delivered := p.deliveries()
	ready := p.Facts.FirstReceived
	for _, l := range p.LiveLines() {
		if l.InHand.On.After(ready) {
			ready = l.InHand.On
		}
	}
	starts := p.Show().StartsAt
	over := starts.Add(p.Policy.Grace)
	known := !starts.IsZero()
	late := Attention{Reason: ReasonFulfilmentOverdue, about: starts.Format(time.RFC3339),
		Detail: "not all tickets are delivered.", Advice: "Deliver them at the provider, or send resolve when they are with the buyer."}
	byHand := p.Order.resolved(late.Key())
	done := delivered >= all || byHand
	attaching := ""
	if delivered >= all {
		attaching = p.attach()
	}
	who := "the seller"
	if p.Policy.Adopt {
		who = "the supplying broker"
	}
	switch {
	case !p.Facts.Has(StatusCompleted) && attaching != "" && !byHand:
		p.state(PartiallyFulfilled, attaching)
		return
	case p.Facts.Has(StatusCompleted), done && known && !p.now.Before(over):
		p.state(Completed, "nobody")
		return
	case done:
		p.state(Fulfilled, "nobody: the order is completed after the event")
		if known {
			p.later = append(p.later, over)
		}
		return
	case delivered > 0:
		p.state(PartiallyFulfilled, who+": the rest of the tickets")
	default:
		p.state(AwaitingFulfilment, who+": the tickets")
	}
	until := ready.Add(p.Policy.FulfilWithin)
	if known {
		if lead := starts.Add(-p.Policy.EventLead); lead.Before(until) {
			until = lead
		}
		if least := p.Facts.FirstReceived.Add(minToAct); until.Before(least) {
			until = least
		}
	}
	p.due(until, late)
}

// deliveries counts the tickets that are owed and those that are with the buyer. A ticket that came for a line which the
// order does not have counts where there is but one line that it can belong to.
func (o *Order) deliveries() (all, delivered int) {
	live := o.LiveLines()
	for _, l := range live {
		l.Tickets = o.ticketsFor(l, live)
		all += l.Quantity
		delivered += l.DeliveredQuantity()
	}
	return all, delivered
}

// ticketsFor are the keys of the tickets that count for l, which is one of the live lines.
func (o *Order) ticketsFor(l Line, live []Line) []string {
	keys := l.Tickets
	if len(live) == 1 {
		for _, t := range o.strays() {
			keys = with(keys, t)
		}
	}
	return keys
}

// strays are the keys of tickets that came for lines which no snapshot describes, sorted.
func (o *Order) strays() (keys []string) {
	if o.Facts.Described == (Stamp{}) {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(o.Facts.Lines)) {
		if l := o.Facts.Lines[id]; !l.Known() {
			for _, t := range l.Tickets {
				keys = with(keys, t)
			}
		}
	}
	return keys
}

// recounted reports whether the tickets of the invoice in force are other ones than those that the buyer has now, because some
// were cancelled, or proved not to be: the invoice is then replaced by one for what is left. A line that was never part of
// the order or that is new to it is another matter, for a person.
func (p *planner) recounted() bool {
	r := p.Steps[p.id(DoInvoice)]
	if !p.Policy.Invoice || r.Outcome != Done || len(r.Lines) == 0 {
		return false
	}
	differs, left := false, false
	invoiced := slices.Clone(r.Lines)
	for _, l := range p.Lines() {
		was := slices.Contains(invoiced, l.ID)
		left = left || !l.Cancelled
		differs = differs || was == l.Cancelled
		if !was && !l.Cancelled && l.Ticket.State == "" {
			return false
		}
		invoiced = slices.DeleteFunc(invoiced, func(id string) bool { return id == l.ID })
	}
	return differs && left && len(invoiced) == 0
}

// end plans for an order that is over before its time: nothing but compensation.
func (p *planner) end(s State, do, undo Do) {
	p.state(s, "nobody")
	delivered := slices.ContainsFunc(p.Lines(), func(l Line) bool { return l.DeliveredQuantity() > 0 })
	used := slices.ContainsFunc(p.Lines(), func(l Line) bool { return l.Used })
	switch {
	case used && !p.decided(Cancel):
		p.matter(Attention{Reason: ReasonCancelledAfterUse, Detail: "somebody entered with a ticket of the order before it was called off; its invoice stands.",
			Advice: "See at the provider what was refunded. Send cancel to void the invoice, or resolve to leave it."})
	case delivered && !p.Facts.Revoked && !p.decided(Cancel):
		p.matter(Attention{Reason: ReasonCancelledAfterDelivery, Detail: "tickets were delivered before the order was called off; its invoice stands.",
			Advice: "Get the tickets back or agree otherwise. Send cancel to void the invoice, or resolve to leave it."})
	default:
		p.takeBack(do, undo)
	}
	called := p.decided(Cancel) || p.decided(Reject)
	if !called || p.Facts.Has(StatusCancelled) || p.Facts.Has(StatusRejected) || p.Facts.Has(StatusExpired) {
		return
	}
	refusal := p.Steps[p.id(DoReject)]
	switch {
	case p.accepted(), p.Kind == Purchase && p.described(), !p.Policy.ProviderAPI && p.described(),
		refusal.Outcome == Failed && refusal.Class == "unsupported": // the provider has no rejection
		p.matter(Attention{Reason: ReasonCancelAtProvider, Detail: "the order is called off here, but alive at the provider.",
			Advice: "Cancel it at the provider; its webhook settles this, and so does resolve."})
	case p.described() && p.outcome(DoAccept) != Running:
		p.want(DoReject)
		if p.outcome(DoReject) != Done {
			p.plan.Awaits = "the provider: our rejection"
		}
	}
}

// takeBack wants undone what do has done or may have done. While do is still being stopped its outcome is not known, so
// the undoing waits for that.
func (p *planner) takeBack(do, undo Do) {
	switch r := p.Steps[p.id(do)]; {
	case r.Outcome == Done, r.Outcome == Unsure, p.Policy.Adopt && p.id(do) == ID(do, "", 1) && (r.Outcome == "" || r.Outcome == Failed && leftNothing(r.Class)):
		p.want(undo) // an invoice of our own shop is not ours to make: not to have found it does not mean that there is none
		p.plan.Awaits = "the POS: undo what was written"
	case r.Outcome == Running:
		p.plan.Awaits = "the POS: what became of the step that was stopped"
	case r.Outcome == Failed && !leftNothing(r.Class):
		p.matter(Attention{Reason: StepFailed(r.Class), Step: p.id(do),
			Detail: "the order is called off, and the POS holds records under its reference that are not clearly ours: " + r.Detail,
			Advice: "Look the reference up in the POS, void by hand what belongs to this order, then send resolve."})
	}
}

// leftNothing reports whether a failure of this class proves that nothing was written. A conflicting or doubled reference
// proves the contrary, and a class that we do not know proves nothing.
func leftNothing(class string) bool {
	switch class {
	case "invalid", "unavailable", "unauthorized", "not_found", "unsupported", "conflict":
		return true
	}
	return false
}

// watchSale raises what has gone wrong beside the road.
func (p *planner) watchSale() {
	p.watchAmount(DoInvoice)
	p.watchCancelProposal()
	if p.Facts.Fraud == FraudDeclined && p.Facts.Buyer != Office && p.accepted() && !p.fraudHolds() && !p.approvedFraud() {
		p.matter(Attention{Reason: ReasonFraudAfterAcceptance, Detail: "the fraud service declined the buyer after the order was accepted.",
			Advice: "Do not deliver. Agree a cancellation at the provider, or send resolve to deliver at your own risk."})
	}
	if p.Facts.Payment == PaymentReturned && p.outcome(DoInvoice) == Done {
		p.matter(p.returned())
	}
	p.watchShipments()
}

// watchShipments fetches airbills, and raises what a person must hear of parcels and transfers.
func (p *planner) watchShipments() {
	for _, id := range slices.Sorted(maps.Keys(p.Facts.Shipments)) {
		s := p.Facts.Shipments[id]
		if s.AirbillReady && p.Policy.ProviderAPI {
			p.wanted = append(p.wanted, ID(DoAirbill, id, 1))
		}
		if s.AirbillAsked && !s.AirbillReady && !s.Shipped {
			p.matter(Attention{Reason: ReasonAirbillRequested, about: id, Detail: "the seller waits for an airbill from us for shipment " + id + ".",
				Advice: "Upload it at the provider with carrier and tracking number, then send resolve."})
		}
		if s.Reclassified.By != "" {
			p.matter(Attention{Reason: ReasonDeliveryReclassified, about: id + " " + s.Reclassified.By,
				Detail: "shipment " + id + " travels in another way than was agreed.", Advice: "See at the provider how the tickets come, tell the buyer, then send resolve."})
		}
		for _, l := range p.LiveLines() {
			if !l.Delivered.IsZero() && s.Changed.At.After(l.Delivered) {
				p.matter(Attention{Reason: ReasonRecipientChanged, about: id + " " + s.Changed.By,
					Detail: "the recipient was changed after tickets were sent.", Advice: "Check with the buyer that the right person has them, then send resolve."})
				break
			}
		}
	}
}

// watchShow raises news of the performance that changes what the buyer bought.
func (p *planner) watchShow() {
	t := p.Facts.Times
	if t.Off {
		p.matter(Attention{Reason: ReasonEventOff, about: t.News.By, Detail: "the provider has taken the event off.",
			Advice: "Find out whether it is postponed. Send cancel to undo the order, or resolve to keep it."})
	}
	if !t.First.At.Equal(t.Now.At) && t.Now.By.At.After(p.Facts.FirstReceived) {
		p.matter(Attention{Reason: ReasonEventMoved, about: t.Now.At.Format(time.RFC3339),
			Detail: "the event was moved from " + t.First.At.Format("2006-01-02 15:04 MST") + " to " + t.Now.At.Format("2006-01-02 15:04 MST") + ".",
			Advice: "Tell the buyer, and agree a refund where it is due. Send resolve to keep the order, or cancel."})
	}
	if t.Unsaid.By != "" && !p.Policy.ProviderAPI {
		p.matter(Attention{Reason: ReasonEventChanged, about: t.Unsaid.By, Detail: "the provider says that the event was changed, and not how.",
			Advice: "Look the event up at the provider, correct what must be, then send resolve."})
	}
}

// watchTickets raises what is wrong with tickets that came.
func (p *planner) watchTickets() {
	live := p.LiveLines()
	if strays := p.strays(); len(strays) > 0 && len(live) != 1 {
		p.matter(Attention{Reason: ReasonTicketsUnplaced, about: strconv.Itoa(len(strays)),
			Detail: tickets(len(strays)) + " came for a listing that the order does not have; what came is kept with it.",
			Advice: "Compare the listing at the provider with the invoice. Give the tickets to the buyer by hand if they are right, then send resolve."})
	}
	for _, l := range live {
		if len(l.Tickets) > l.Quantity {
			p.matter(p.surplus(l))
		}
		if l.Ticket.State == TicketInvalid {
			p.due(l.Ticket.At.Add(settleNews), Attention{Reason: ReasonTicketInvalid, about: l.ID + " " + l.Ticket.By,
				Detail: "a ticket is invalid at the provider, although the order stands.",
				Advice: "See at the provider why. Make it valid again or refund it there, then send resolve."})
		}
	}
	if all, delivered := p.deliveries(); delivered < all || all == 0 {
		for _, id := range slices.Sorted(maps.Keys(p.Facts.Spoilt)) {
			p.matter(Attention{Reason: ReasonTicketUnusable, about: id, Detail: "a ticket came that cannot be used: " + p.Facts.Spoilt[id] + ".",
				Advice: "Have the supplying broker upload it again, or send resolve when the buyer has it."})
		}
	}
}

func (p *planner) surplus(l Line) Attention {
	n := len(l.Tickets)
	a := Attention{Reason: ReasonTicketsSurplus, about: l.ID + " " + strconv.Itoa(n),
		Detail: tickets(n) + " came for a line of " + strconv.Itoa(l.Quantity) + ": one may be a correction of another.",
		Advice: "See which ones are good before they are given to the buyer, then send resolve."}
	if p.Policy.Attach {
		a.Advice = "See which ones are good, and put those on the invoice in the POS before they are given to the buyer; then send resolve."
	}
	return a
}

func tickets(n int) string {
	if n == 1 {
		return "one ticket"
	}
	return strconv.Itoa(n) + " tickets"
}

// watchDocuments asks for what documents left out, and for people where people are meant.
func (p *planner) watchDocuments() {
	if by := p.Facts.Reread.By; by != "" {
		switch {
		case p.Policy.ProviderAPI:
			p.wanted = append(p.wanted, ID(DoReread, by, 1))
		case by != p.Facts.Times.Unsaid.By: // else watchShow asks
			p.matter(Attention{Reason: ReasonRereadByHand, about: by, Detail: "something about the order has changed, and the webhook does not say what.",
				Advice: "Look the order up at the provider and correct the POS, then send resolve."})
		}
	}
	for _, id := range p.Facts.Cases {
		p.matter(Attention{Reason: ReasonSupportCase, about: id, Detail: "the provider has assigned support case " + id + " to us.",
			Advice: "Answer it at the provider, then send resolve."})
	}
}

func (p *planner) watchAmount(do Do) {
	r := p.Steps[p.id(do)]
	if t := p.Total(); r.Outcome == Done && r.Amount != t && !(do == DoInvoice && p.recounted()) {
		p.matter(Attention{Reason: ReasonAmountChanged, about: t.String(),
			Detail: "the POS has " + r.Amount.String() + ", the provider's lines now add up to " + t.String() + ".",
			Advice: "Correct the record in the POS, then send resolve."})
	}
}

func (p *planner) watchCancelProposal() {
	if p.Facts.Has(StatusCancelProposed) {
		p.matter(Attention{Reason: ReasonCancelProposed, Detail: "the other party proposes to cancel.",
			Advice: "Agree at the provider (its webhook cancels the order here), or send resolve to go on."})
	}
}

// settleSteps parts the wanted steps into those to run and those that need a person.
func (p *planner) settleSteps() {
	for _, id := range p.wanted {
		r := p.Steps[id]
		if r.Outcome == Failed && id == p.again {
			p.plan.Steps = append(p.plan.Steps, id)
			continue
		}
		switch r.Outcome {
		case Done:
		case Failed:
			p.plan.Awaits = "an operator: " + string(id.Do()) + " failed"
			todo := advice(r.Class)
			if p.Policy.Adopt && id.Do() == DoInvoice && r.Class == "not_found" {
				todo = "Give the invoice of this sale the order's id as reference in the POS, then send retry; or send resolve with the invoice's id. For the first hour it is looked for again by itself."
			}
			if id.Do() == DoAttach && (r.Class == "invalid" || r.Class == "not_found") {
				todo = "See in the POS whether the invoice is live. Mend what it refuses and send retry; or put the tickets on it by hand, mark it delivered, and send resolve."
			}
			p.matters = append([]Attention{{Reason: StepFailed(r.Class), Step: id, about: r.At.Format(time.RFC3339Nano),
				Detail: string(id.Do()) + " failed: " + r.Detail, Advice: todo}}, p.matters...)
		case Running:
			p.plan.Steps = append(p.plan.Steps, id)
			slow := Attention{Reason: ReasonStepSlow, about: string(id), Detail: string(id.Do()) + " has been retried for a long time: an outage?",
				Advice: "See the pending activity for the last error. It goes on by itself; retry tries at once, cancel stops it."}
			if r.Slow {
				p.matter(slow)
			} else if until := r.At.Add(p.Policy.StepPatience); p.plan.Deadline.IsZero() || until.Before(p.plan.Deadline) {
				p.plan.Deadline = until // whoever runs the step tells us by Slow: a timer of our own would cost two events a step
			}
		default:
			p.plan.Steps = append(p.plan.Steps, id)
		}
	}
}

func advice(class string) string {
	switch class {
	case "unavailable":
		return "The seats are gone. Free them or find others in the POS, then send retry; or send reject."
	case "unauthorized":
		return "Mend the credentials of the source, then send retry."
	case "invalid":
		return "Mend what the POS refuses, then send retry; or make the record by hand and send resolve with its id."
	case "duplicate":
		return "The POS holds several live records for this order. Void all but one there, then send retry."
	case "reference_conflict":
		return "A record with this order's reference says something else. Compare the two, then send resolve with the right id."
	case "unsupported":
		return "This cannot be done by machine. Do it by hand, then send resolve."
	}
	return "Do it by hand and send resolve; or mend the cause and send retry."
}

// raise picks the first matter that is not resolved yet.
func (p *planner) raise() {
	for _, a := range p.matters {
		if !p.Order.resolved(a.Key()) {
			p.plan.Attention = &a
			return
		}
	}
}

// closing decides when the run may end: when nothing is wanted, nobody is asked, and it has been quiet for long enough.
func (p *planner) closing() {
	if p.plan.Attention == nil && len(p.plan.Steps) == 0 && p.settled() {
		var at time.Time
		switch {
		case p.plan.State.Final():
			at = p.LastNews.Add(p.Policy.Quiet)
		case p.plan.State == Fulfilled && p.Show().StartsAt.IsZero():
			at = p.LastNews.Add(keepOpen)
		}
		if !at.IsZero() {
			if p.plan.Close = !p.now.Before(at); !p.plan.Close {
				p.later = append(p.later, at)
			}
		}
	}
	if len(p.later) > 0 {
		p.plan.Wake = slices.MinFunc(p.later, time.Time.Compare)
	}
}

// settled reports whether no step is still being stopped.
func (p *planner) settled() bool {
	return !slices.ContainsFunc(p.StepIDs(), func(id StepID) bool { return p.Steps[id].Outcome == Running })
}
