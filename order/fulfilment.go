package order

import (
	"maps"
	"slices"
	"time"
)

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
		if p.Kind == Purchase {
			attaching = p.receive()
		}
	}
	if done {
		p.fulfil()
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
		delivered += o.Given(l)
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
