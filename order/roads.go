package order

import "slices"

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
		p.hold()
	case p.fraudHolds():
		p.holdForFraud()
		p.hold()
	case p.approvalHolds():
		p.hold()
		p.state(AwaitingApproval, "an operator: approve or reject the sale")
		p.due(p.Facts.FirstReceived.Add(p.Policy.ApprovalWait), Attention{Reason: ReasonApprovalOverdue,
			Detail: "nobody has approved the sale in time.", Advice: "Send approve or reject."})
	case p.undoing():
		p.state(Invoicing, "the POS: take the invoice back, then write it anew")
	case p.Policy.Invoice && p.outcome(DoInvoice) != Done:
		p.write(DoInvoice, "the POS: customer and invoice")
	case p.crediting():
		p.state(Invoicing, "the POS: void the lines of cancelled tickets")
		p.wanted = append(p.wanted, p.steps(DoCredit, Running)...)
	case p.recounted():
		p.recount()
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

// ownSale is the road of a sale of our own whose tickets somebody else brings: the invoice stands in the POS already.
func (p *planner) ownSale() {
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
	if p.holding() {
		return
	}
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
