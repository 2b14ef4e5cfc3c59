package order

import (
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
		p.watchDelivered()
	}
	p.deliver()
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

// settleSteps parts the wanted steps into those to run and those that need a person.
func (p *planner) settleSteps() {
	for _, id := range p.wanted {
		r := p.Steps[id]
		if r.Outcome == Failed && (id == p.again || p.undoAgain(id)) {
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
			if id.Do().Gives() {
				todo = "See at the provider and in the POS what it refuses. Mend it and send retry; or deliver the tickets at the provider by hand and send resolve."
			}
			if id.Do() == DoRevoke {
				todo = "The buyer may have the tickets. Have them made invalid, or agree otherwise; then send resolve."
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

// undoAgain reports whether a compensation that failed is due again. An order that is over must not stay half undone because nobody
// looked; what needs a person's judgement is left to one.
func (p *planner) undoAgain(id StepID) bool {
	r := p.Steps[id]
	if p.Policy.UndoAgain <= 0 || !id.Do().Undoes() {
		return false
	}
	switch r.Class {
	case "unsupported", "duplicate", "reference_conflict", "conflict":
		return false
	}
	at := r.At.Add(min(p.Policy.UndoAgain<<min(max(r.Tries-1, 0), 10), 24*time.Hour))
	if p.now.Before(at) {
		p.later = append(p.later, at)
		return false
	}
	return true
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
