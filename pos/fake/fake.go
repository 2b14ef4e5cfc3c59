// Package fake is a point of sale in memory that goes wrong on request, for tests of everything above the port.
//
// It keeps the promises of [pos.Adapter], which the conformance suite checks, and must never be linked into a
// binary that talks to a real POS. Time is its own: it passes only in [POS.Sleep].
package fake

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"willcall/pos"
)

// Options of a [POS].
type Options struct {
	// Capabilities are returned as they are, and lived up to.
	Capabilities pos.Capabilities
	// DuplicateRefs lets several live records share a reference, as many a real POS does.
	DuplicateRefs bool
	// Groups is the stock. Sales of other groups are refused.
	Groups []pos.Inventory
	// Oversell sells the same seats again and again.
	Oversell bool
}

// State is everything the POS holds, oldest first.
type State struct {
	Customers      []pos.Customer
	Invoices       []pos.Invoice
	PurchaseOrders []pos.PurchaseOrder
	Holds          []pos.Hold // those in force
}

// POS is a [pos.Adapter] in memory. It is safe for concurrent use.
type POS struct {
	opts Options

	mu      sync.Mutex
	now     time.Time
	lag     time.Duration
	lastID  int
	faults  []Fault
	struck  int
	calls   map[string]int
	answers map[string]stored   // by key
	running map[string]struct{} // keys
	written map[string]time.Time
	state   State
	stock   map[string]*pos.Inventory
	holds   []*hold
	vendors map[string]string           // id by name
	files   map[string][]pos.TicketFile // by invoice or purchase order
	supply  map[string][]pos.Delivery   // by invoice
	sales   map[string]string           // a marketplace's number, by invoice
}

// stored is what the POS remembers of a key.
type stored struct {
	request string
	answer  any
}

var _ pos.Adapter = (*POS)(nil)

// New makes a POS without customers, invoices or purchase orders.
func New(opts Options) *POS {
	p := &POS{
		opts:    opts,
		now:     time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		calls:   map[string]int{},
		answers: map[string]stored{},
		running: map[string]struct{}{},
		written: map[string]time.Time{},
		stock:   map[string]*pos.Inventory{},
		vendors: map[string]string{},
		files:   map[string][]pos.TicketFile{},
		supply:  map[string][]pos.Delivery{},
		sales:   map[string]string{},
	}
	for _, g := range opts.Groups {
		g.Tickets = slices.Clone(g.Tickets)
		p.stock[g.ID] = &g
	}
	return p
}

// SetSearchLag sets how long after a write searches miss the record.
func (p *POS) SetSearchLag(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lag = d
}

// Sleep lets d pass for the POS without waiting. It is a pos.Options.Sleep.
func (p *POS) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
	return nil
}

// State returns a copy of everything the POS holds.
func (p *POS) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Customers: slices.Clone(p.state.Customers)}
	for _, i := range p.state.Invoices {
		s.Invoices = append(s.Invoices, copyInvoice(i))
	}
	for _, o := range p.state.PurchaseOrders {
		s.PurchaseOrders = append(s.PurchaseOrders, copyPurchaseOrder(o))
	}
	p.expireHolds()
	for _, h := range p.holds {
		s.Holds = append(s.Holds, h.copied())
	}
	return s
}

// Calls returns how often a method of the port was called.
func (p *POS) Calls(call Call) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[string(call)]
}

// Capabilities returns the options' capabilities.
func (p *POS) Capabilities(ctx context.Context) (pos.Capabilities, error) {
	var c pos.Capabilities
	err := p.read(ctx, Capabilities, func() error { c = p.opts.Capabilities; return nil })
	return c, err
}

// Ping succeeds unless a fault says otherwise.
func (p *POS) Ping(ctx context.Context) error {
	return p.read(ctx, Ping, func() error { return nil })
}

// GetInventory returns a group of the stock.
func (p *POS) GetInventory(ctx context.Context, id string) (pos.Inventory, error) {
	var inv pos.Inventory
	err := p.read(ctx, GetInventory, func() error {
		p.expireHolds()
		g := p.stock[id]
		if g == nil {
			return refusal(GetInventory, pos.NotFound, "no such group")
		}
		inv = *g
		inv.Tickets = slices.Clone(g.Tickets)
		return nil
	})
	return inv, err
}

// read runs a call that changes nothing.
func (p *POS) read(ctx context.Context, call Call, do func() error) error {
	if err := ctx.Err(); err != nil {
		return &pos.Error{Class: pos.Transient, Op: string(call), Message: "stopped before the call", Err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.take(call)
	switch f.Kind {
	case LostBefore, LostAfter:
		return &pos.Error{Class: pos.Transient, Op: string(call), Message: "no answer"}
	case Refuse:
		return f.refusal()
	case Hang:
		p.hang(ctx)
		return &pos.Error{Class: pos.Transient, Op: string(call), Message: "no answer", Err: ctx.Err()}
	}
	return do()
}

// write runs a call that changes something. request identifies it for its key; do makes the record, twice on a
// [Double].
func write[R any](p *POS, ctx context.Context, call Call, key, request string, do func() (R, error)) (R, error) {
	return writePartly(p, ctx, call, key, request, func(bool) (R, error) { return do() })
}

// writePartly is write for what can be done in part, which do is told.
func writePartly[R any](p *POS, ctx context.Context, call Call, key, request string, do func(partly bool) (R, error)) (R, error) {
	var none R
	if err := ctx.Err(); err != nil {
		return none, &pos.Error{Class: pos.Transient, Op: string(call), Message: "stopped before the call", Err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.take(call)
	lost := &pos.Error{Class: pos.OutcomeUnknown, Op: string(call), Message: "no answer"}
	switch f.Kind {
	case LostBefore:
		return none, lost
	case Refuse:
		return none, f.refusal()
	}
	native := p.opts.Capabilities.NativeKey && key != ""
	if native {
		if _, busy := p.running[key]; busy {
			return none, refusal(call, pos.InProgress, "the first request with this key still runs")
		}
		if s, ok := p.answers[key]; ok {
			if s.request != request {
				return none, refusal(call, pos.Invalid, "the key was used for another request")
			}
			if f.Kind == LostAfter {
				return none, lost
			}
			return s.answer.(R), nil
		}
	}
	if f.Kind == Hang {
		p.running[key] = struct{}{}
		p.hang(ctx)
		delete(p.running, key)
		lost.Err = ctx.Err()
		return none, lost
	}
	made, err := do(f.Kind == Partial)
	if err != nil {
		return none, err
	}
	if f.Kind == Double {
		if _, err := do(false); err != nil {
			return none, err
		}
	}
	if native {
		p.answers[key] = stored{request: request, answer: made}
	}
	if f.Kind == LostAfter || f.Kind == Partial {
		return none, lost
	}
	return made, nil
}

// hang waits for the end of ctx while others use the POS.
func (p *POS) hang(ctx context.Context) {
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
}

// born gives a record its id and time, and makes it invisible to searches for a while.
func (p *POS) born(prefix string) (string, time.Time) {
	p.lastID++
	p.now = p.now.Add(time.Millisecond)
	id := prefix + strconv.Itoa(p.lastID)
	p.written[id] = p.now
	return id, p.now
}

func (p *POS) visible(id string) bool { return !p.now.Before(p.written[id].Add(p.lag)) }

func refusal(call Call, class pos.Class, message string) error {
	return &pos.Error{Class: class, Op: string(call), Message: message}
}

func fingerprint(call Call, parts ...any) string {
	return fmt.Sprintf("%s %+q", call, fmt.Sprintf("%+v", parts))
}
