package sim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Status of a ticket, as in the contract.
const (
	ticketAvailable = "AVAILABLE"
	ticketOnHold    = "ON_HOLD"
	ticketSold      = "SOLD"
)

// POSMoney is an amount as the contract has it: a decimal string with the currency's decimals, and an ISO 4217 code.
type POSMoney struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// POSEvent is an event as the contract has it.
type POSEvent struct {
	Name     string  `json:"name"`
	StartsAt *string `json:"starts_at"` // RFC 3339 in UTC; nil while it is not announced
}

// A POSGroup is a ticket group to start with. With Seats the POS sells single seats, whose ticket ids are the group's
// id, a dash and the seat; else it only counts Quantity.
type POSGroup struct {
	ID, EventName string
	StartsAt      time.Time // zero: not announced
	Section, Row  string
	Seats         []string
	Quantity      int
}

// A POSHold is kept seats as the contract has them.
type POSHold struct {
	ID                string   `json:"id"`
	ExternalReference string   `json:"external_reference"`
	InventoryID       string   `json:"inventory_id"`
	TicketIDs         []string `json:"ticket_ids"`
	Quantity          int      `json:"quantity"`
	ExpiresAt         string   `json:"expires_at"`
}

type hold struct {
	POSHold
	until time.Time
	kept  allocation
}

func (h *hold) copied() POSHold {
	c := h.POSHold
	c.TicketIDs = slices.Clone(c.TicketIDs)
	return c
}

// group is a ticket group in stock: tickets that have a name, and others that are only counted.
type group struct {
	id, section, row string
	event            POSEvent
	counted, held    int // nameless tickets that are free, and on hold
	tickets          []*ticket
	onDemand         bool // any ticket id that is asked for exists
}

type ticket struct{ id, seat, status string }

// An allocation is tickets taken out of one group.
type allocation struct {
	from    *group
	named   []*ticket
	counted int
}

func (g POSGroup) group() *group {
	s := &group{id: g.ID, section: g.Section, row: g.Row, event: POSEvent{Name: g.EventName}, counted: g.Quantity}
	if !g.StartsAt.IsZero() {
		at := g.StartsAt.UTC().Format(time.RFC3339)
		s.event.StartsAt = &at
	}
	if len(g.Seats) > 0 {
		s.counted = 0
	}
	for _, seat := range g.Seats {
		s.tickets = append(s.tickets, &ticket{id: g.ID + "-" + seat, seat: seat, status: ticketAvailable})
	}
	return s
}

// stock returns the group with this id, making it where unknown inventory is made on demand; nil is none.
func (p *POS) stock(id string) *group {
	g := p.groups[id]
	if g == nil && !p.opts.Strict {
		g = &group{id: id, section: "GA", row: "GA", event: POSEvent{Name: "Made on demand"}, counted: p.opts.OnDemand, onDemand: true}
		p.groups[id] = g
	}
	return g
}

// take removes quantity tickets from the group, those named if any are. It takes all or none.
func (p *POS) take(g *group, ids []string, quantity int, as string) (allocation, *problem) {
	if p.opts.QuantityOnly {
		ids = nil
	}
	a := allocation{from: g}
	var gone []string
	for _, id := range ids {
		i := slices.IndexFunc(g.tickets, func(t *ticket) bool { return t.id == id })
		if i < 0 && g.onDemand && g.counted > 0 {
			g.counted--
			g.tickets = append(g.tickets, &ticket{id: id, seat: id, status: ticketAvailable})
			i = len(g.tickets) - 1
		}
		switch {
		case i < 0:
			return allocation{}, notFound("inventory " + g.id + " has no ticket of that id")
		case g.tickets[i].status != ticketAvailable:
			gone = append(gone, id)
		default:
			a.named = append(a.named, g.tickets[i])
		}
	}
	if gone != nil {
		return allocation{}, seatsGone(gone, "tickets of inventory "+g.id+" are sold or held")
	}
	if len(ids) == 0 {
		a.counted = min(quantity, g.counted)
		for _, t := range g.tickets {
			if len(a.named)+a.counted < quantity && t.status == ticketAvailable {
				a.named = append(a.named, t)
			}
		}
		if left := len(a.named) + a.counted; left < quantity {
			return allocation{}, seatsGone(nil, fmt.Sprintf("inventory %s has %d tickets left", g.id, left))
		}
	}
	g.counted -= a.counted
	a.mark(as)
	return a, nil
}

func (a allocation) mark(status string) {
	for _, t := range a.named {
		t.status = status
	}
	if status == ticketOnHold {
		a.from.held += a.counted
	}
}

// giveBack returns tickets to the pool.
func (a allocation) giveBack(was string) {
	a.mark(ticketAvailable)
	a.from.counted += a.counted
	if was == ticketOnHold {
		a.from.held -= a.counted
	}
}

func (a allocation) ids() []string {
	ids := []string{}
	for _, t := range a.named {
		ids = append(ids, t.id)
	}
	return ids
}

func (p *POS) getInventory(r *posRequest) posAnswer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expireHolds()
	g := p.stock(r.PathValue("id"))
	if g == nil {
		return refuse(notFound("no such inventory"))
	}
	free, held, list := g.counted, g.held, []any{}
	for _, t := range g.tickets {
		switch t.status {
		case ticketAvailable:
			free++
		case ticketOnHold:
			held++
		}
		list = append(list, object{"id": t.id, "seat": t.seat, "status": t.status})
	}
	status := "DEPLETED"
	if free > 0 {
		status = "AVAILABLE"
	} else if held > 0 {
		status = "ON_HOLD"
	}
	v := object{"id": g.id, "event": g.event, "section": g.section, "row": g.row, "quantity": free, "status": status}
	if len(list) > 0 && !g.onDemand && !p.opts.QuantityOnly {
		v["tickets"] = list
	}
	return posAnswer{status: http.StatusOK, value: v}
}

func (p *POS) createHold(r *posRequest) posAnswer {
	if p.opts.NoHolds {
		return refuse(unsupported("this POS keeps no holds"))
	}
	var in struct {
		ExternalReference string   `json:"external_reference"`
		InventoryID       string   `json:"inventory_id"`
		TicketIDs         []string `json:"ticket_ids"`
		Quantity          int      `json:"quantity"`
		ExpiresAt         string   `json:"expires_at"`
	}
	if wrong := readJSON(r.Request, r.body, &in); wrong != nil {
		return refuse(wrong)
	}
	var v validator
	v.text(in.ExternalReference, "/external_reference", 1, 255)
	v.text(in.InventoryID, "/inventory_id", 1, 128)
	v.tickets(in.TicketIDs, in.Quantity, "")
	until := v.time(in.ExpiresAt, "/expires_at")
	if len(v.errors) == 0 {
		v.check(until.After(p.now()), "/expires_at", "must lie ahead")
	}
	if wrong := v.problem(); wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expireHolds()
	g := p.stock(in.InventoryID)
	if g == nil {
		return refuse(notFound("no such inventory"))
	}
	if r.fault.Kind == FaultSeatsGone {
		return refuse(seatsGone(in.TicketIDs, "a fault that was asked for"))
	}
	kept, wrong := p.take(g, in.TicketIDs, in.Quantity, ticketOnHold)
	if wrong != nil {
		return refuse(wrong)
	}
	h := &hold{until: until, kept: kept, POSHold: POSHold{
		ID: p.newID("hold_"), ExternalReference: in.ExternalReference, InventoryID: g.id, TicketIDs: kept.ids(),
		Quantity: in.Quantity, ExpiresAt: in.ExpiresAt,
	}}
	p.holds = append(p.holds, h)
	return posAnswer{status: http.StatusCreated, value: h.copied(), outcome: "created", id: h.ID}
}

func (p *POS) releaseHold(r *posRequest) posAnswer {
	if p.opts.NoHolds {
		return refuse(unsupported("this POS keeps no holds"))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := r.PathValue("id")
	p.dropHolds(func(h *hold) bool { return h.ID == id })
	return posAnswer{status: http.StatusNoContent, outcome: "released", id: id}
}

// expireHolds gives back what nobody came for. It needs p.mu; whoever looks at stock calls it first.
func (p *POS) expireHolds() {
	now := p.now()
	p.dropHolds(func(h *hold) bool { return !h.until.After(now) })
}

func (p *POS) dropHolds(which func(*hold) bool) {
	p.holds = slices.DeleteFunc(p.holds, func(h *hold) bool {
		drop := which(h)
		if drop {
			h.kept.giveBack(ticketOnHold)
		}
		return drop
	})
}

// tickets checks what lines and holds have in common.
func (v *validator) tickets(ids []string, quantity int, pointer string) {
	v.check(quantity >= 1, pointer+"/quantity", "must be at least 1")
	v.check(len(ids) == 0 || len(ids) == quantity, pointer+"/ticket_ids", "must be as many as quantity")
	seen := map[string]bool{}
	for i, id := range ids {
		at := fmt.Sprintf("%s/ticket_ids/%d", pointer, i)
		v.text(id, at, 1, 128)
		v.check(!seen[id], at, "is named twice")
		seen[id] = true
	}
}
