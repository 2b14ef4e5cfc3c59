package order

import "slices"

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
