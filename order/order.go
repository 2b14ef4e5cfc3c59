// Package order is the pure model of one order: the facts known of it, the state that follows from them, and what to
// do next. It decides; it never does.
//
// An [Order] is a set of facts. [Order.Apply] adds what a webhook said, [Order.Decide] what an operator ordered, and
// [Order.Record] what came of a step. Every fact merges by a rule that does not care for arrival order or repetition:
// a flag once set stays set, a register keeps the value of the newest version (ties by event id), a set only grows.
// The state is never stored as a thing of its own: [Order.Plan] derives it, together with the steps that are wanted
// now. A step that is running and no longer wanted is to be stopped, and what it may have done is to be undone: the
// plan asks for that, too.
//
// The package is replayed code: it is called by workflows, so it reads no clock, draws no random number and walks no
// map in an order that matters. It imports the standard library alone, and holds no buyer data: who bought is read from
// Postgres, by event id, by whoever needs it.
//
// Order is also a stored shape: it lies as JSON in Postgres, and [Event], [Decision] and [Policy] lie in workflow histories.
// A field is never renamed or given another meaning; new ones are optional.
package order

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Kind says on which side of a sale we stand.
type Kind string

const (
	Sale     Kind = "sale"     // our tickets, a provider's buyer: ends in a POS invoice
	Purchase Kind = "purchase" // another seller's tickets, bought for us: ends in a POS purchase order
)

// Identity is what never changes of an order. ID is the workflow id.
type Identity struct {
	ID              string `json:"id"`
	Source          string `json:"source"`
	Provider        string `json:"provider"`
	ProviderOrderID string `json:"provider_order_id"`
	Kind            Kind   `json:"kind"`
}

// WorkflowID is the id of an order: "order:<source>:<provider's order id>", with ":buyer" behind it for a purchase, because
// both sides of a deal may bear one id. A slash would break links into the Temporal UI, so it becomes a dash.
func WorkflowID(source, providerOrderID string, kind Kind) string {
	id := "order:" + source + ":" + strings.ReplaceAll(providerOrderID, "/", "-")
	if kind == Purchase {
		id += ":buyer"
	}
	return id
}

// Order is everything known of one order.
type Order struct {
	Identity
	Policy Policy `json:"policy"`
	Facts  Facts  `json:"facts"`

	// Decisions are what operators ordered, in the order in which they were taken.
	Decisions []Decision `json:"decisions,omitempty"`

	// Steps holds the newest result of each step that was ever begun.
	Steps map[StepID]Result `json:"steps,omitempty"`

	// AttentionKey and AttentionSince remember which matter was raised last, and when; see [Order.Settle].
	AttentionKey   string    `json:"attention_key,omitempty"`
	AttentionSince time.Time `json:"attention_since,omitzero"`

	// StateNow and StateSince remember the last state that was settled, for "since when".
	StateNow   State     `json:"state_now,omitempty"`
	StateSince time.Time `json:"state_since,omitzero"`

	// LastNews is when something was last learnt or ordered; the quiet period before closing counts from it.
	LastNews time.Time `json:"last_news,omitzero"`

	// Revision grows by one with every change, so that of two stored versions the newer is known.
	Revision int64 `json:"revision"`

	pending []Entry
}

// New returns an order of which nothing is known but its identity.
func New(id Identity, p Policy) *Order {
	return &Order{Identity: id, Policy: p, Steps: map[StepID]Result{}}
}

// Total is the sum over the lines that are not cancelled, in minor units. Its currency is empty while no line is known.
func (o *Order) Total() Money {
	var sum Money
	for _, l := range o.LiveLines() {
		sum = sum.Add(l.Amount())
	}
	return sum
}

// Lines returns the lines that are known, sorted by id, cancelled ones included. A ticket that took another's place speaks
// for it.
func (o *Order) Lines() []Line {
	ids := slices.Sorted(maps.Keys(o.Facts.Lines))
	successors := map[string]bool{} // a ticket that took another's place was paid for with that
	for _, id := range ids {
		if l := o.Facts.Lines[id]; l.Known() && l.Became != id {
			successors[l.Became] = true
		}
	}
	var out []Line
	for _, id := range ids {
		if l := o.Facts.Lines[id]; l.Known() && !successors[id] {
			out = append(out, o.resolve(l))
		}
	}
	return out
}

// resolve gives a line what is known of the tickets that took its place, one after the other.
func (o *Order) resolve(l Line) Line {
	last := l
	for range len(o.Facts.Lines) { // no chain is longer, and one that bites its tail ends
		next, ok := o.Facts.Lines[last.Became]
		if last.Became == "" {
			break
		}
		if !ok { // nothing is known of it but that it is there
			next = Line{ID: last.Became, Ticket: Validity{State: TicketValid}}
		}
		l.Used, l.Cancelled = l.Used || next.Used, l.Cancelled || next.Cancelled
		last = next
	}
	if l.Became != "" {
		l.Ticket = last.Ticket
		if l.Ticket.State == "" {
			l.Ticket.State = TicketValid
		}
	}
	if o.Facts.Part && l.Ticket.State == TicketInvalid {
		l.Cancelled = true
	}
	return l
}

// Show is the performance as the newest document has it.
func (o *Order) Show() Show {
	s, t := o.Facts.Show, o.Facts.Times
	if s.Name == "" {
		s.Name = t.Name
	}
	if !t.Now.At.IsZero() {
		s.StartsAt = t.Now.At
	}
	return s
}

// LiveLines returns the known lines that are not cancelled, sorted by id.
func (o *Order) LiveLines() []Line {
	return slices.DeleteFunc(o.Lines(), func(l Line) bool { return l.Cancelled })
}

// Why says in a few words why the order was called off, for the POS's and the provider's records.
func (o *Order) Why() string {
	for _, d := range o.Decisions {
		if d.Command == Cancel || d.Command == Reject {
			return d.Reason
		}
	}
	switch {
	case o.Facts.Has(StatusCancelled):
		return "cancelled at the provider"
	case o.Facts.Has(StatusRejected):
		return "rejected at the provider"
	case o.Facts.Fraud == FraudDeclined:
		return "declined by the fraud service"
	}
	return "called off"
}

// Advance plans, notes the wanted steps as running and the state and attention as settled, and says whether anything
// differs from before. The caller persists the order if so, and then sees to it that exactly the steps of the plan run.
func (o *Order) Advance(now time.Time) (p Plan, changed bool) {
	p = o.Plan(now)
	for _, id := range p.Steps {
		if o.Steps[id].Outcome != Running {
			o.Record(id, Result{Outcome: Running, At: now})
			changed = true
		}
	}
	if changed {
		p = o.Plan(now)
	}
	return p, o.Settle(p, now) || changed
}

// Settle notes the state and attention that the plan p derived at now, and reports whether they differ from before.
func (o *Order) Settle(p Plan, now time.Time) bool {
	changed := false
	if p.State != o.StateNow {
		o.StateNow, o.StateSince, changed = p.State, now, true
		o.note(now, "state "+string(p.State), "", p.Awaits)
	}
	key := ""
	if p.Attention != nil {
		key = p.Attention.Key()
	}
	if key != o.AttentionKey {
		o.AttentionKey, o.AttentionSince, changed = key, now, true
		if key == "" {
			o.AttentionSince = time.Time{}
			o.note(now, "attention over", "", "")
		} else {
			o.note(now, "attention "+string(p.Attention.Reason), "", p.Attention.Detail)
		}
	}
	if changed {
		o.Revision++
	}
	return changed
}
