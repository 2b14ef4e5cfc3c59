package order

import "slices"

// recounted reports whether the tickets of the invoice in force are other ones than those that the buyer has now, because some
// were cancelled, or proved not to be: the invoice is then brought to what is left. A line that was never part of the order or
// that is new to it is another matter, for a person. (Where none is left the order is cancelled.)
func (p *planner) recounted() bool {
	r := p.resultInForce(DoInvoice, DoVoidInvoice)
	if !p.Policy.Invoice || r.Outcome != Done || len(r.Lines) == 0 {
		return false
	}
	differs := false
	invoiced := slices.Clone(r.Lines)
	for _, l := range p.Lines() {
		was := slices.Contains(invoiced, l.ID)
		differs = differs || was == l.Cancelled
		if !was && !l.Cancelled && l.Ticket.State == "" {
			return false
		}
		invoiced = slices.DeleteFunc(invoiced, func(id string) bool { return id == l.ID })
	}
	return differs && len(invoiced) == 0
}

// recount has the lines of cancelled tickets voided where the POS can do that and nothing else has changed; else the invoice is
// replaced by one for what is left.
func (p *planner) recount() {
	p.state(Invoicing, "")
	if p.creditable() {
		p.wanted = append(p.wanted, p.credit())
		p.plan.Awaits = "the POS: void the lines of cancelled tickets"
		return
	}
	p.takeBack(DoInvoice, DoVoidInvoice)
	p.plan.Awaits = "the POS: void the invoice, then write one for the tickets that are left"
}

// crediting reports whether a credit is under way. It is finished, also if more tickets are cancelled meanwhile or none was: two at
// once could each void what the other keeps.
func (p *planner) crediting() bool {
	return slices.ContainsFunc(p.steps(DoCredit, Running), func(id StepID) bool { return !p.recounted() || id != p.credit() })
}

// credit is the step that leaves of the invoice what the buyer still has.
func (o *Order) credit() StepID {
	var left []Upload
	for _, l := range o.LiveLines() {
		left = append(left, Upload{Line: l.ID, Ticket: l.Amount().String()})
	}
	return ID(DoCredit, generation(o.InvoiceID(), left), 1)
}

// creditable reports whether the invoice comes to what is left by voiding lines alone: it has all of them, at their present prices.
func (p *planner) creditable() bool {
	r := p.resultInForce(DoInvoice, DoVoidInvoice)
	if refused := p.Steps[p.credit()]; !p.can(CanVoidLines) || refused.Outcome == Failed && refused.Class == "unsupported" {
		return false
	}
	sum := p.Total()
	for _, l := range p.Lines() {
		switch was := slices.Contains(r.Lines, l.ID); {
		case !was && !l.Cancelled:
			return false
		case was && l.Cancelled:
			sum = sum.Add(l.Amount())
		}
	}
	return sum == r.Amount
}
