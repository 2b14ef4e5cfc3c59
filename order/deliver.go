package order

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// deliver has the tickets that the POS holds for the buyer given to the provider, each line once, and asks a person where it
// cannot be told what is to be given. Nothing is given while something is open that may end the order.
func (p *planner) deliver() {
	if !p.delivers() {
		return
	}
	switch p.plan.State {
	case AwaitingFulfilment, PartiallyFulfilled:
	case Fulfilled:
		p.look() // the POS may have other tickets now, or the invoice be void: a person must know
		p.finishDelivering()
		return
	case Completed:
		p.finishDelivering()
		return
	default:
		return
	}
	p.look()
	// A status that nobody knows is asked about elsewhere only until the order is accepted; it may mean that the order is off.
	if p.statusHolds() || p.mustNotDeliver() {
		p.plan.Awaits = "an operator: see what needs attention before tickets are delivered"
		return
	}
	p.finishDelivering()
	var mobile, willCall []Supplied
	waits, asks, others := false, false, false
	for _, l := range p.LiveLines() {
		if p.given(l) {
			continue
		}
		s, ok := p.supplied(l)
		switch {
		case !ok:
			waits = true
		case !fits(l.Delivery, s.Form):
			asks = p.ask(Attention{Reason: ReasonDeliveryDiffers, about: l.ID + " " + s.Digest,
				Detail: "the POS holds tickets in the form " + string(s.Form) + " for a line that the provider has as " + string(l.Delivery) + ".",
				Advice: "Put the right tickets on the invoice in the POS; or deliver them at the provider by hand, then send resolve."}) || asks
		case p.unclear(l, s):
			asks = true
		case s.Form == FormFile:
			p.once(DoETickets, l.ID, s)
		case s.Form == FormWillCall:
			willCall = append(willCall, s)
			continue
		default:
			mobile = append(mobile, s)
			continue
		}
		others = true
	}
	if len(willCall) > 0 {
		p.once(DoWillCall, "", willCall...)
	}
	// A transfer that is completed completes the order at the provider, so it comes last.
	if len(mobile) > 0 && !others && len(willCall) == 0 {
		p.once(DoTransfer, "", mobile...)
	}
	switch {
	case asks:
		p.plan.Awaits = "an operator: see how the tickets are to be delivered"
	case waits:
		p.plan.Awaits = "the POS: the tickets"
	default:
		p.plan.Awaits = "the provider: take our tickets"
	}
}

// finishDelivering lets what is on its way arrive: the provider tells of a delivery before its answer is here.
func (p *planner) finishDelivering() {
	for _, id := range p.StepIDs() {
		if id.Do().Gives() && p.Steps[id].Outcome == Running {
			p.wanted = append(p.wanted, id)
		}
	}
}

// delivers reports whether it is ours to give the tickets of the order to the provider: the road was decided by what the POS could do
// when the invoice was written.
func (o *Order) delivers() bool {
	return o.Policy.Deliver && o.Policy.ProviderAPI && o.Kind == Sale && !o.Policy.Adopt && o.Facts.Intent == nil &&
		o.InvoiceID() != "" && o.can(CanReadDeliveries)
}

// Urgent reports whether the event is so near at now that tickets which the POS may hold already are looked for without waiting.
func (o *Order) Urgent(now time.Time) bool {
	starts := o.Show().StartsAt
	return o.Policy.Deliver && o.Kind == Sale && !starts.IsZero() && starts.Before(now.Add(o.Policy.EventLead+o.Policy.FulfilWithin))
}

// can reports whether the POS had the ability when the record in force was written.
func (o *Order) can(a Ability) bool {
	do, undo := DoInvoice, DoVoidInvoice
	if o.Kind == Purchase {
		do, undo = DoPurchaseOrder, DoVoidPurchaseOrder
	}
	return slices.Contains(o.resultInForce(do, undo).Can, a)
}

// look has the POS read again after it said that something may have changed, or was seen to have.
func (p *planner) look() {
	subject, since := p.Facts.Hint.By, p.Facts.Hint.At
	for _, id := range p.StepIDs() { // a delivery that found other tickets in the POS says so, too
		if r := p.Steps[id]; id.Do().Gives() && r.Outcome == Failed && r.Class == "conflict" && r.At.After(since) {
			subject, since = id.Subject(), r.At
		}
	}
	if held := p.Facts.Supply; subject == "" || held != nil && !held.At.Before(since) && held.Invoice == p.InvoiceID() {
		return
	}
	if running := p.steps(DoLook, Running); len(running) > 0 {
		p.wanted = append(p.wanted, running...) // one at a time: the newest hint is looked after then
		return
	}
	p.wanted = append(p.wanted, ID(DoLook, subject+"~"+p.InvoiceID(), 1))
}

// mustNotDeliver reports whether something is open that may end the order, or change who is to have the tickets.
func (p *planner) mustNotDeliver() bool {
	if by := p.Facts.Reread.By; by != "" && p.outcomeOf(ID(DoReread, by, 1)) != Done {
		return true // what has changed is not known yet
	}
	return slices.ContainsFunc(p.matters, func(a Attention) bool {
		switch a.Reason {
		case ReasonFraudAfterAcceptance, ReasonCancelProposed, ReasonPaymentReturned, ReasonEventOff, ReasonEventMoved, ReasonAmountChanged,
			ReasonDeliveryReclassified, ReasonTicketInvalid, ReasonInvoiceVoided:
			return !p.Order.resolved(a.Key())
		}
		return false
	})
}

// supplied is what the POS holds for all of the line, if it does.
func (o *Order) supplied(l Line) (Supplied, bool) {
	held := o.Facts.Supply
	if held == nil || held.Invoice != o.InvoiceID() {
		return Supplied{}, false
	}
	i := slices.IndexFunc(held.Lines, func(s Supplied) bool { return s.LineID == l.ID })
	if i < 0 || held.Lines[i].Unclear == "" && held.Lines[i].Tickets < l.Quantity {
		return Supplied{}, false
	}
	return held.Lines[i], true
}

// fits reports whether tickets of that form may be given for a line that travels so. Where the provider leaves it open, what is
// there decides.
func fits(d Delivery, f Form) bool {
	switch f {
	case FormFile:
		return d == DeliveryETicket || d == ""
	case FormLink, FormTransfer:
		return d == DeliveryMobile || d == ""
	case FormParcel:
		return d == DeliveryShipped || d == ""
	case FormWillCall:
		return d == DeliveryWillCall || d == ""
	}
	return false
}

// unclear asks a person about tickets of which it is not known whose they are. It reports whether they must wait for that.
func (p *planner) unclear(l Line, s Supplied) bool {
	if s.Unclear == "" {
		return false
	}
	a := unclearTickets(l, s)
	if p.approved(a.Key()) {
		return false
	}
	return p.ask(a)
}

func unclearTickets(l Line, s Supplied) Attention {
	a := Attention{Reason: ReasonTicketsUnclear, about: l.ID + " " + s.Digest,
		Detail: "the tickets that the POS holds for section " + l.Section + " row " + l.Row + " cannot be delivered by machine: " + s.Unclear + ".",
		Advice: "Say in the POS whose ticket each file holds, and it goes on; or deliver them at the provider by hand, then send resolve."}
	if s.Ordered {
		a.Advice = "Look at the files in the POS. Send approve if their pages are the tickets in the order of the seats; else say there whose ticket each holds, or deliver them at the provider by hand and send resolve."
	}
	return a
}

// ask raises the matter, and reports whether it waits for a person.
func (p *planner) ask(a Attention) bool {
	p.matter(a)
	return !p.Order.resolved(a.Key())
}

// approved reports whether an operator has approved the matter.
func (o *Order) approved(matter string) bool {
	return slices.ContainsFunc(o.Decisions, func(d Decision) bool { return d.Command == Approve && d.Matter == matter })
}

// once wants what is supplied delivered in one step. What was begun for tickets that are outdated is waited for: two deliveries of a
// line at once could leave the buyer with both.
func (p *planner) once(do Do, line string, all ...Supplied) {
	id := ID(do, deliverySubject(line, all), 1)
	for _, other := range p.StepIDs() {
		if other.Do() == do && p.Steps[other].Outcome == Running && (line == "" || lineOf(other) == line) {
			return // it is wanted already
		}
	}
	p.wanted = append(p.wanted, id)
}

// deliverySubject names what is delivered: other tickets are another intent.
func deliverySubject(line string, all []Supplied) string {
	var digests []Upload
	for _, s := range all {
		digests = append(digests, Upload{Line: s.LineID, Ticket: s.Digest})
	}
	subject := generation("", digests)
	if line != "" {
		subject = line + "~" + subject
	}
	return subject
}

// lineOf is the line that a delivery of files is of.
func lineOf(id StepID) string {
	line, _, _ := strings.Cut(id.Subject(), "~")
	return line
}

// ToDeliver is what the step delivers; nothing if that is no longer what was planned.
func (o *Order) ToDeliver(id StepID) (all []Supplied) {
	for _, l := range o.LiveLines() {
		s, ok := o.supplied(l)
		if !ok || o.given(l) || !fits(l.Delivery, s.Form) {
			continue
		}
		mobile := s.Form == FormLink || s.Form == FormTransfer
		if id.Do() == DoETickets && lineOf(id) == l.ID || id.Do() == DoTransfer && mobile || id.Do() == DoWillCall && s.Form == FormWillCall {
			if s.Unclear != "" && o.approved(unclearTickets(l, s).Key()) {
				s.Unclear = ""
			}
			all = append(all, s)
		}
	}
	line := ""
	if id.Do() == DoETickets {
		line = lineOf(id)
	}
	if deliverySubject(line, all) != id.Subject() {
		return nil // the POS holds others by now, or some are given: what was planned is no longer to be had
	}
	return all
}

// Given is how many of the line's tickets are with the buyer.
func (o *Order) Given(l Line) int {
	if o.given(l) {
		return l.Quantity
	}
	return l.DeliveredQuantity()
}

// given reports whether the line is with the buyer: by what the provider says, by our own doing, or because a carrier has it.
func (o *Order) given(l Line) bool {
	if l.DeliveredQuantity() >= l.Quantity && l.Quantity > 0 {
		return true
	}
	for _, id := range slices.Sorted(maps.Keys(o.Facts.Shipments)) {
		if s := o.Facts.Shipments[id]; o.Kind == Sale && s.Shipped && slices.Contains(s.Lines, l.ID) {
			return true // a carrier has it: there is nothing left for us to do
		}
	}
	if s, ok := o.supplied(l); ok && o.Policy.Deliver && s.Form == FormParcel && s.Unclear == "" && fits(l.Delivery, s.Form) {
		return true
	}
	if slices.ContainsFunc(o.Decisions, func(d Decision) bool {
		return d.Command == Resolve && (strings.HasPrefix(d.Matter, string(ReasonTicketsUnclear)+" "+l.ID+" ") || strings.HasPrefix(d.Matter, string(ReasonDeliveryDiffers)+" "+l.ID+" "))
	}) {
		return true // an operator has delivered it by hand
	}
	return o.gave(l.ID)
}

// gave reports whether a step of ours has given the line's tickets away, and none has taken them back.
func (o *Order) gave(line string) bool {
	return slices.ContainsFunc(o.StepIDs(), func(id StepID) bool {
		r := o.Steps[id]
		switch {
		case r.Outcome != Done:
			return false
		case id.Do() == DoETickets:
			return lineOf(id) == line && !o.revoked(line)
		}
		return id.Do().Gives() && slices.Contains(r.Lines, line)
	})
}

// watchDelivered raises what has changed in the POS after tickets were given away.
func (p *planner) watchDelivered() {
	held := p.Facts.Supply
	if !p.delivers() || held == nil || held.Invoice != p.InvoiceID() {
		return
	}
	if held.Void {
		p.matter(Attention{Reason: ReasonInvoiceVoided, about: held.Invoice, Detail: "invoice " + held.Invoice + " was voided in the POS, and not by us.",
			Advice: "Find out why. Send cancel to call the order off, or make the invoice anew in the POS by hand and send resolve to go on without it."})
	}
	changed := func(lines string) {
		p.matter(Attention{Reason: ReasonTicketsChanged, about: lines,
			Detail: "the POS holds other tickets now than those that were delivered, or may have been.",
			Advice: "See which ones the buyer has and which are right. If they differ, replace them at the provider by hand; then send resolve."})
	}
	for _, id := range p.StepIDs() {
		r := p.Steps[id]
		if !id.Do().Gives() || r.By != "" || r.Outcome == Running {
			continue
		}
		lines, line := r.Lines, ""
		if id.Do() == DoETickets {
			line = lineOf(id)
			lines = []string{line}
		}
		var now []Supplied
		about := ""
		for _, s := range held.Lines {
			if slices.Contains(lines, s.LineID) {
				now, about = append(now, s), about+s.LineID+" "+s.Digest+" "
			}
		}
		// What failed, or was stopped, may have reached the buyer all the same, if it is known of the line that something has.
		arrived := r.Outcome == Done || line != "" && p.givenLine(line)
		if arrived && len(now) > 0 && len(now) == len(lines) && deliverySubject(line, now) != id.Subject() {
			changed(strings.TrimSpace(about))
		}
	}
}

// givenLine reports whether the live line is with the buyer.
func (o *Order) givenLine(id string) bool {
	return slices.ContainsFunc(o.LiveLines(), func(l Line) bool { return l.ID == id && o.given(l) })
}

// fulfil has the invoice marked delivered in the POS, once everything is with the buyer.
func (p *planner) fulfil() {
	if p.delivers() {
		p.wanted = append(p.wanted, ID(DoFulfil, p.InvoiceID(), 1))
	}
}

// receive has the tickets that we bought put on the purchase order, once all are delivered. It says whose move it is until then.
func (p *planner) receive() (awaits string) {
	id := p.PurchaseOrderID()
	if !p.Policy.Attach || !p.Policy.ProviderAPI || p.Kind != Purchase || id == "" || !p.can(CanFulfillPurchases) {
		return ""
	}
	var all []Upload
	for _, l := range p.Received() {
		all = append(all, Upload{Line: l.ID, Ticket: strconv.Itoa(l.Quantity), Event: l.Delivered.UTC().Format("20060102150405")})
	}
	step := ID(DoReceive, generation(id, all), 1)
	if !slices.ContainsFunc(p.steps(DoReceive, Running), func(other StepID) bool { return other != step }) {
		p.wanted = append(p.wanted, step)
	}
	if slices.ContainsFunc(p.steps(DoReceive, Done), func(s StepID) bool { return p.Steps[s].Ref == id }) {
		return ""
	}
	return "the POS: the tickets on the purchase order"
}

// Received are the lines of a purchase whose tickets lie at the provider as files.
func (o *Order) Received() (lines []Line) {
	for _, l := range o.LiveLines() {
		if l.Delivery == DeliveryETicket && !l.Delivered.IsZero() {
			lines = append(lines, l)
		}
	}
	return lines
}

// steps are those that do that and have that outcome, sorted.
func (o *Order) steps(do Do, outcome Outcome) (ids []StepID) {
	for _, id := range o.StepIDs() {
		if id.Do() == do && o.Steps[id].Outcome == outcome {
			ids = append(ids, id)
		}
	}
	return ids
}
