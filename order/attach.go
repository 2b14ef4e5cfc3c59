package order

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// Upload is a ticket that somebody brought, and the event that brought it last.
type Upload struct {
	Line   string `json:"line"` // that the event had it for
	Ticket string `json:"ticket"`
	Event  string `json:"event"`
}

// Uploads are the tickets that the order owes, sorted by line and ticket. whole is false unless they are exactly as many as each
// line has, and it is known of every one what brought it.
func (o *Order) Uploads() (all []Upload, whole bool) {
	live := o.LiveLines()
	whole = len(live) > 0
	for _, l := range live {
		keys := o.ticketsFor(l, live)
		whole = whole && len(keys) == l.Quantity
		for _, key := range keys {
			if u := o.brought(l.ID, key, len(live) == 1); u.Event != "" {
				all = append(all, u)
			} else {
				whole = false // it came before anybody asked, or in another way
			}
		}
	}
	return all, whole
}

// brought says what brought the ticket of the line last; alone, the line has those of lines that the order does not have, too.
func (o *Order) brought(line, key string, alone bool) Upload {
	out, newest := Upload{}, Stamp{}
	for _, from := range o.lineIDs() {
		if from != line && (!alone || o.Facts.Lines[from].Known()) {
			continue
		}
		if at := o.Facts.Brought[from][key]; newest.before(at) {
			out, newest = Upload{Line: from, Ticket: key, Event: at.By}, at
		}
	}
	return out
}

// attach has the tickets put on the invoice, all of them in one step, and again if one of them has come anew. What was begun
// for tickets that are outdated is waited for, lest it should overwrite what comes after it. It says whose move it is until the
// first tickets are there; then the order stays fulfilled whatever becomes of corrections.
func (p *planner) attach() (awaits string) {
	invoice := p.InvoiceID()
	if !p.Policy.Attach || invoice == "" {
		return ""
	}
	all, whole := p.Uploads()
	if len(all) == 0 {
		return "" // they came in another way, or before the policy was this one
	}
	awaits = "the POS: the tickets on the invoice"
	switch {
	case whole:
		id := ID(DoAttach, generation(invoice, all), 1)
		if !slices.ContainsFunc(p.steps(DoAttach, Running), func(other StepID) bool { return other != id }) {
			p.wanted = append(p.wanted, id)
		}
	default:
		awaits = p.attachByHand(len(all))
	}
	if slices.ContainsFunc(p.steps(DoAttach, Done), func(id StepID) bool { return p.Steps[id].Ref == invoice }) {
		return ""
	}
	return awaits
}

// attachByHand asks which of the tickets that came are owed. Where more came than that, watchTickets asks.
func (p *planner) attachByHand(n int) (awaits string) {
	surplus := false
	for _, l := range p.LiveLines() {
		if len(l.Tickets) > l.Quantity {
			surplus = true
			if !p.Order.resolved(p.surplus(l).Key()) {
				awaits = "an operator: see which tickets are good"
			}
		}
	}
	if surplus {
		return awaits
	}
	a := Attention{Reason: ReasonAttachByHand, about: p.InvoiceID() + " " + strconv.Itoa(n),
		Detail: "it cannot be told which of the tickets that came are those of the invoice; none was put on it.",
		Advice: "Put the right ones on the invoice in the POS, mark it delivered there, then send resolve."}
	p.matter(a)
	if p.Order.resolved(a.Key()) {
		return ""
	}
	return "an operator: put the tickets on the invoice"
}

// Attaching reports whether nothing is missing from being fulfilled but the POS's answer, and that may come soon.
func (o *Order) Attaching(p Plan) bool {
	soon := func(id StepID) bool { return id.Do() == DoAttach && !o.Steps[id].Slow }
	return p.State == PartiallyFulfilled && (slices.ContainsFunc(p.Steps, soon) || slices.ContainsFunc(o.steps(DoAttach, Running), soon))
}

// generation names tickets on an invoice in a step id: other tickets, or another invoice, are another intent. It is a digest, for
// ids of a POS may have any characters.
func generation(invoice string, all []Upload) string {
	h := sha256.New()
	for _, u := range append([]Upload{{Line: invoice}}, all...) {
		for _, part := range []string{u.Line, u.Ticket, u.Event} {
			h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
