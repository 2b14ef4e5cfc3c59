package order

import "slices"

// end plans for an order that is over before its time: nothing but compensation.
func (p *planner) end(s State, do, undo Do) {
	p.state(s, "nobody")
	delivered := slices.ContainsFunc(p.Lines(), p.withBuyer)
	used := slices.ContainsFunc(p.Lines(), func(l Line) bool { return l.Used })
	p.letGo()
	switch {
	case p.stopping():
		p.plan.Awaits = "the POS or the provider: what became of the step that was stopped"
	case used && !p.decided(Cancel):
		p.matter(Attention{Reason: ReasonCancelledAfterUse, Detail: "somebody entered with a ticket of the order before it was called off; its invoice stands.",
			Advice: "See at the provider what was refunded. Send cancel to void the invoice, or resolve to leave it."})
	case delivered && !p.Facts.Revoked && !p.decided(Cancel):
		p.matter(Attention{Reason: ReasonCancelledAfterDelivery, Detail: "tickets were delivered before the order was called off; its invoice stands.",
			Advice: "Get the tickets back or agree otherwise. Send cancel to void the invoice, or resolve to leave it."})
	case p.revoking():
		p.plan.Awaits = "the provider: give our tickets back"
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

// stopping reports whether a step that gives tickets away or changes the invoice is still being stopped: only then is it known what
// there is to undo.
func (p *planner) stopping() bool {
	return slices.ContainsFunc(p.StepIDs(), func(id StepID) bool {
		return p.Steps[id].Outcome == Running && (id.Do().Gives() || id.Do() == DoCredit || id.Do() == DoHold)
	})
}

// withBuyer reports whether tickets of the line are, or may be, with the buyer.
func (o *Order) withBuyer(l Line) bool {
	switch {
	case o.revoked(l.ID):
		return false
	case o.Given(l) > 0:
		return true
	}
	return slices.ContainsFunc(o.StepIDs(), func(id StepID) bool {
		if !id.Do().Gives() || o.Steps[id].Outcome != Unsure {
			return false
		}
		if id.Do() == DoETickets { // it can be taken back
			undo := o.Steps[ID(DoRevoke, l.ID, 1)].Outcome
			return lineOf(id) == l.ID && (undo == Done || undo == Failed)
		}
		return true
	})
}

// revoked reports whether we have taken the line's tickets back. An operator who settled that by hand may have agreed otherwise.
func (o *Order) revoked(line string) bool {
	r := o.Steps[ID(DoRevoke, line, 1)]
	return r.Outcome == Done && r.By == ""
}

// revoking has tickets taken back that we uploaded: those of which it is not known whether the buyer can see them, and those that are
// delivered once an operator has said that the order is off. It reports whether that is under way; a refusal is a person's matter,
// and the tickets then count as the buyer's.
func (p *planner) revoking() bool {
	under := false
	for _, id := range p.StepIDs() {
		r := p.Steps[id]
		if id.Do() != DoETickets || r.By != "" || r.Outcome != Unsure && r.Outcome != Done && r.Outcome != Failed {
			continue
		}
		if revoke := ID(DoRevoke, lineOf(id), 1); !slices.Contains(p.wanted, revoke) {
			p.wanted = append(p.wanted, revoke)
			under = under || p.Steps[revoke].Outcome != Done && p.Steps[revoke].Outcome != Failed
		}
	}
	return under
}

// Restock reports whether the tickets of an invoice that is voided now can be sold again: the order is not over, so that they are
// invoiced anew at once, or none of them is with the buyer.
func (o *Order) Restock() bool {
	return !o.StateNow.Final() || o.Facts.Revoked || !slices.ContainsFunc(o.Lines(), o.withBuyer)
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
