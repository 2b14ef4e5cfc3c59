package order

import (
	"maps"
	"slices"
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
	if o.Kind == Purchase {
		p.purchase()
	} else {
		p.sale()
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
	case p.fraudHolds():
		p.holdForFraud()
	case p.approvalHolds():
		p.state(AwaitingApproval, "an operator: approve or reject the sale")
		p.due(p.Facts.FirstReceived.Add(p.Policy.ApprovalWait), Attention{Reason: ReasonApprovalOverdue,
			Detail: "nobody has approved the sale in time.", Advice: "Send approve or reject."})
	case p.Policy.Invoice && p.outcome(DoInvoice) != Done:
		p.write(DoInvoice, "the POS: customer and invoice")
	case !p.accepted():
		p.awaitAcceptance()
	default:
		p.fulfilment()
	}
	if !p.plan.State.Final() {
		p.watchSale()
	}
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
	}
}

func (p *planner) described() bool { return p.Facts.Described != Stamp{} }

func (p *planner) cancelled() bool {
	return p.decided(Cancel) || p.Facts.Has(StatusCancelled) || p.described() && len(p.Lines()) > 0 && len(p.LiveLines()) == 0
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
	if s := p.Facts.Show.StartsAt; !s.IsZero() && s.Before(until) && s.After(p.Facts.FirstReceived) {
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
	if t.Minor > 0 && t.Currency != mixed {
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
	var all, delivered int
	ready := p.Facts.FirstReceived
	for _, l := range p.LiveLines() {
		all += l.Quantity
		delivered += l.DeliveredQuantity()
		if l.InHand.On.After(ready) {
			ready = l.InHand.On
		}
	}
	over := p.Facts.Show.StartsAt.Add(p.Policy.Grace)
	known := !p.Facts.Show.StartsAt.IsZero()
	late := Attention{Reason: ReasonFulfilmentOverdue, about: p.Facts.Show.StartsAt.Format(time.RFC3339),
		Detail: "not all tickets are delivered.", Advice: "Deliver them at the provider, or send resolve when they are with the buyer."}
	done := delivered >= all || p.Order.resolved(late.Key())
	switch {
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
		p.state(PartiallyFulfilled, "the seller: the rest of the tickets")
	default:
		p.state(AwaitingFulfilment, "the seller: the tickets")
	}
	until := ready.Add(p.Policy.FulfilWithin)
	if known {
		if lead := p.Facts.Show.StartsAt.Add(-p.Policy.EventLead); lead.Before(until) {
			until = lead
		}
		if least := p.Facts.FirstReceived.Add(minToAct); until.Before(least) {
			until = least
		}
	}
	p.due(until, late)
}

// end plans for an order that is over before its time: nothing but compensation.
func (p *planner) end(s State, do, undo Do) {
	p.state(s, "nobody")
	delivered := slices.ContainsFunc(p.Lines(), func(l Line) bool { return l.DeliveredQuantity() > 0 })
	if delivered && !p.decided(Cancel) {
		p.matter(Attention{Reason: ReasonCancelledAfterDelivery, Detail: "tickets were delivered before the order was called off; its invoice stands.",
			Advice: "Get the tickets back or agree otherwise. Send cancel to void the invoice, or resolve to leave it."})
	} else {
		p.takeBack(do, undo)
	}
	called := p.decided(Cancel) || p.decided(Reject)
	if !called || p.Facts.Has(StatusCancelled) || p.Facts.Has(StatusRejected) {
		return
	}
	switch {
	case p.accepted(), p.Kind == Purchase && p.described(), !p.Policy.ProviderAPI && p.described():
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
	case r.Outcome == Done, r.Outcome == Unsure:
		p.want(undo)
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
	for _, id := range slices.Sorted(maps.Keys(p.Facts.Shipments)) {
		s := p.Facts.Shipments[id]
		if s.AirbillReady && p.Policy.ProviderAPI {
			p.wanted = append(p.wanted, ID(DoAirbill, id, 1))
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

func (p *planner) watchAmount(do Do) {
	r := p.Steps[p.id(do)]
	if t := p.Total(); r.Outcome == Done && r.Amount != t {
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
		switch r.Outcome {
		case Done:
		case Failed:
			p.plan.Awaits = "an operator: " + string(id.Do()) + " failed"
			p.matters = append([]Attention{{Reason: StepFailed(r.Class), Step: id, about: r.At.Format(time.RFC3339Nano),
				Detail: string(id.Do()) + " failed: " + r.Detail, Advice: advice(r.Class)}}, p.matters...)
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
		case p.plan.State == Fulfilled && p.Facts.Show.StartsAt.IsZero():
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
