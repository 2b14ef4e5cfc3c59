package fake

import (
	"time"

	"willcall/pos"
)

// A Call is a method of the port.
type Call string

// The methods of the port.
const (
	Capabilities         Call = "Capabilities"
	Ping                 Call = "Ping"
	GetInventory         Call = "GetInventory"
	FindCustomers        Call = "FindCustomers"
	CreateCustomer       Call = "CreateCustomer"
	UpdateCustomer       Call = "UpdateCustomer"
	FindInvoices         Call = "FindInvoices"
	FindInvoicesBySale   Call = "FindInvoicesBySale"
	GetInvoice           Call = "GetInvoice"
	CreateInvoice        Call = "CreateInvoice"
	VoidInvoice          Call = "VoidInvoice"
	VoidInvoiceLines     Call = "VoidInvoiceLines"
	SetFulfillment       Call = "SetFulfillment"
	GetDeliveries        Call = "GetDeliveries"
	FindHolds            Call = "FindHolds"
	PlaceHold            Call = "PlaceHold"
	ReleaseHold          Call = "ReleaseHold"
	FindPurchaseOrders   Call = "FindPurchaseOrders"
	CreatePurchaseOrder  Call = "CreatePurchaseOrder"
	VoidPurchaseOrder    Call = "VoidPurchaseOrder"
	FulfillPurchaseOrder Call = "FulfillPurchaseOrder"
)

// A Kind is a way to go wrong.
type Kind string

// The kinds of faults.
const (
	// LostBefore does nothing and does not answer: a time-out, a reset, or a 500 before the write.
	LostBefore Kind = "lost_before"
	// LostAfter does the write and does not answer.
	LostAfter Kind = "lost_after"
	// Refuse does nothing and answers with an error of Fault.Class: 429 is pos.RateLimited, 503 pos.Transient,
	// seats that are gone pos.Unavailable.
	Refuse Kind = "refuse"
	// Hang does nothing and does not answer before ctx ends. Its key counts as running so long.
	Hang Kind = "hang"
	// Double does the write twice and answers with the first.
	Double Kind = "double"
	// Partial voids the first of the lines and does not answer; VoidInvoiceLines only.
	Partial Kind = "partial"
)

// A Fault makes the next calls of a method go wrong.
type Fault struct {
	Call       Call // empty: any
	Kind       Kind
	Class      pos.Class     // for Refuse
	RetryAfter time.Duration // for Refuse
	Count      int           // how many calls; 0 = until the faults are replaced
}

// SetFaults replaces the faults. Of several for one call the first is used up first.
func (p *POS) SetFaults(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
	for _, f := range faults {
		if f.Count == 0 {
			f.Count = -1
		}
		p.faults = append(p.faults, f)
	}
}

// Struck returns how many calls were hit by faults so far.
func (p *POS) Struck() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.struck
}

// take counts a call and returns the fault that hits it; the zero Fault is none.
func (p *POS) take(call Call) Fault {
	p.calls[string(call)]++
	for i := range p.faults {
		f := &p.faults[i]
		if f.Count == 0 || f.Call != "" && f.Call != call {
			continue
		}
		if f.Count > 0 {
			f.Count--
		}
		hit := *f
		hit.Call = call
		p.struck++
		return hit
	}
	return Fault{}
}

func (f Fault) refusal() error {
	return &pos.Error{Class: f.Class, Op: string(f.Call), Message: "a fault that was asked for", RetryAfter: f.RetryAfter}
}
