package order

import (
	"slices"
	"time"
)

// hold has the tickets of a sale kept in the POS while it is not certain yet.
func (p *planner) hold() {
	unlisted := slices.ContainsFunc(p.LiveLines(), func(l Line) bool { return l.Inventory == "" })
	if p.Policy.Hold && p.Policy.Invoice && !unlisted && p.outcome(DoInvoice) == "" && p.outcome(DoReleaseHold) == "" {
		p.want(DoHold)
	}
}

// HoldUntil is when tickets that are held for the order go back on sale by themselves: when everybody who may keep it waiting must
// have answered, and an operator has had a while on top.
func (o *Order) HoldUntil() time.Time {
	return o.Facts.FirstReceived.Add(max(o.Policy.PaymentWait, o.Policy.FraudWait, o.Policy.ApprovalWait) + time.Hour)
}

// Held are the ids in the POS of what is held for the order at now and not being let go, in the order of its lines. To name a hold that
// was sold or that ran out would have the POS refuse an invoice whose tickets are on sale.
func (o *Order) Held(now time.Time) []string {
	if o.Steps[ID(DoReleaseHold, "", 1)].Outcome != "" || o.soldHold() || !now.Before(o.HoldUntil()) {
		return nil
	}
	return o.Steps[ID(DoHold, "", 1)].Holds
}

// soldHold reports whether the hold is used up, by the first invoice: later ones sell what its void put back on sale.
func (o *Order) soldHold() bool { return o.Steps[ID(DoInvoice, "", 1)].Outcome == Done }

// holding has the hold settled before the invoice is written. An invoice sells one hold of all its tickets; what else is held is given
// back first, also what may be held of lines before the one that failed.
func (p *planner) holding() bool {
	switch {
	case p.outcome(DoHold) == Running, p.outcome(DoHold) == Unsure: // what it holds must be known, to be sold or let go
		p.want(DoHold)
		p.plan.Awaits = "the POS: keep the tickets"
		return true
	case p.unsellable() && p.outcome(DoReleaseHold) != Done:
		p.want(DoReleaseHold)
		p.plan.Awaits = "the POS: let go of the tickets, to sell them"
		return true
	}
	return false
}

// unsellable reports whether something is held, or may be, that one invoice cannot sell.
func (p *planner) unsellable() bool {
	r, live := p.Steps[p.id(DoHold)], p.LiveLines()
	if r.Outcome == Done && len(r.Holds) == 0 {
		return false // the POS keeps no holds
	}
	one := len(r.Holds) == 1 && len(live) == 1 && slices.Equal(r.Lines, []string{live[0].ID})
	return r.Outcome == Failed || r.Outcome == Done && !one
}

// letGo gives back what is held for an order that is over.
func (p *planner) letGo() {
	r := p.Steps[p.id(DoHold)]
	if r.Outcome != "" && r.Outcome != Running && !(r.Outcome == Done && len(r.Holds) == 0) && !p.soldHold() {
		p.want(DoReleaseHold)
	}
}
