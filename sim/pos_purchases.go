package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
)

// A POSPurchaseOrder is tickets bought from a vendor, as the contract has it. Files is not part of the contract: it is what
// GET /admin/state shows besides.
type POSPurchaseOrder struct {
	ID                string            `json:"id"`
	ExternalReference string            `json:"external_reference"`
	Vendor            POSVendor         `json:"vendor"`
	Lines             []POSPurchaseLine `json:"lines"`
	Payment           string            `json:"payment"`
	Fulfillment       string            `json:"fulfillment"` // whether the vendor delivered
	Voided            bool              `json:"voided"`
	VoidReason        *string           `json:"void_reason"`
	CreatedAt         string            `json:"created_at"`
	Files             []POSFile         `json:"files,omitempty"`
}

// A POSVendor is whom tickets were bought from.
type POSVendor struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
}

// A POSPurchaseLine is one line of a [POSPurchaseOrder]; Total is of the whole line.
type POSPurchaseLine struct {
	ID       string   `json:"id"`
	Event    POSEvent `json:"event"`
	Section  string   `json:"section"`
	Row      string   `json:"row"`
	Seats    []string `json:"seats"`
	Quantity int      `json:"quantity"`
	Total    POSMoney `json:"total"`
}

func (po *POSPurchaseOrder) copied() POSPurchaseOrder {
	c := *po
	c.Lines, c.Files = slices.Clone(c.Lines), slices.Clone(c.Files)
	return c
}

// answered is the purchase order as the contract has it.
func (po *POSPurchaseOrder) answered() POSPurchaseOrder {
	c := po.copied()
	c.Files = nil
	return c
}

// purchaseInput has pointers where the contract requires a member that may be empty.
type purchaseInput struct {
	ExternalReference string    `json:"external_reference"`
	Vendor            POSVendor `json:"vendor"`
	Payment           string    `json:"payment"`
	Lines             []struct {
		Event    POSEvent `json:"event"`
		Section  *string  `json:"section"`
		Row      *string  `json:"row"`
		Seats    []string `json:"seats"`
		Quantity int      `json:"quantity"`
		Total    POSMoney `json:"total"`
	} `json:"lines"`
}

func (in purchaseInput) validate() *problem {
	var v validator
	v.text(in.ExternalReference, "/external_reference", 1, 255)
	v.check(in.Vendor.Name != "", "/vendor/name", "must not be empty")
	v.text(in.Vendor.ID, "/vendor/id", 0, 128)
	v.oneOf(cmp.Or(in.Payment, "UNPAID"), "/payment", "UNPAID", "PAID")
	v.check(len(in.Lines) > 0, "/lines", "must have a line")
	for i, l := range in.Lines {
		at := fmt.Sprintf("/lines/%d", i)
		v.check(l.Event.Name != "", at+"/event/name", "must not be empty")
		if l.Event.StartsAt != nil {
			v.time(*l.Event.StartsAt, at+"/event/starts_at")
		}
		v.check(l.Section != nil, at+"/section", "is required")
		v.check(l.Row != nil, at+"/row", "is required")
		v.check(!slices.Contains(l.Seats, ""), at+"/seats", "must not hold an empty seat")
		v.check(l.Quantity >= 1, at+"/quantity", "must be at least 1")
		v.money(l.Total, at+"/total")
	}
	return v.problem()
}

func (p *POS) findPurchaseOrders(r *posRequest) posAnswer {
	ref, wrong := reference(r)
	if wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []POSPurchaseOrder{}
	for _, po := range p.purchases {
		if po.ExternalReference == ref && p.searchable(po.ID) {
			items = append(items, po.answered())
		}
	}
	return posAnswer{status: http.StatusOK, value: object{"items": items}}
}

func (p *POS) createPurchaseOrder(r *posRequest) posAnswer {
	var in purchaseInput
	if wrong := readJSON(r.Request, r.body, &in); wrong != nil {
		return refuse(wrong)
	}
	if wrong := in.validate(); wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	live := func(po *POSPurchaseOrder) bool { return po.ExternalReference == in.ExternalReference && !po.Voided }
	if !p.opts.DuplicateReferences && slices.ContainsFunc(p.purchases, live) {
		return refuse(newProblem(problemReferenceTaken, http.StatusConflict, "The reference has a live purchase order", ""))
	}
	if r.fault.Kind == FaultSeatsGone {
		return refuse(seatsGone(nil, "a fault that was asked for"))
	}
	vendor, wrong := p.vendor(in.Vendor)
	if wrong != nil {
		return refuse(wrong)
	}
	var first POSPurchaseOrder
	for i := range copies(r.fault) {
		po := &POSPurchaseOrder{
			ID: p.newID("po_"), ExternalReference: in.ExternalReference, Vendor: vendor,
			Payment: cmp.Or(in.Payment, "UNPAID"), Fulfillment: "PENDING", CreatedAt: p.stamp(),
		}
		for n, l := range in.Lines {
			po.Lines = append(po.Lines, POSPurchaseLine{
				ID: fmt.Sprintf("%s_%d", po.ID, n+1), Event: l.Event, Section: *l.Section, Row: *l.Row,
				Seats: append([]string{}, l.Seats...), Quantity: l.Quantity, Total: l.Total,
			})
		}
		p.purchases = append(p.purchases, po)
		if i == 0 {
			first = po.answered()
		}
	}
	return created(r.fault, first, first.ID)
}

// vendor looks a vendor up by name, or adds it. An id that this POS did not give is not found.
func (p *POS) vendor(v POSVendor) (POSVendor, *problem) {
	if v.ID != "" {
		for name, id := range p.vendors {
			if id == v.ID {
				return POSVendor{ID: id, Name: name}, nil
			}
		}
		return POSVendor{}, notFound("no such vendor")
	}
	if p.vendors[v.Name] == "" {
		p.vendors[v.Name] = p.newID("vendor_")
	}
	return POSVendor{ID: p.vendors[v.Name], Name: v.Name}, nil
}

func (p *POS) voidPurchaseOrder(r *posRequest) posAnswer {
	var in struct {
		Reason string `json:"reason"`
	}
	wrong := readJSON(r.Request, r.body, &in)
	p.mu.Lock()
	defer p.mu.Unlock()
	po := find(p.purchases, r.PathValue("id"), func(po *POSPurchaseOrder) string { return po.ID })
	if po == nil {
		return refuse(notFound("no such purchase order"))
	}
	if po.Voided { // as the first voiding left it
		return posAnswer{status: http.StatusOK, value: po.answered(), outcome: "unchanged", id: po.ID}
	}
	if wrong != nil {
		return refuse(wrong)
	}
	var v validator
	v.text(in.Reason, "/reason", 1, 255)
	if wrong := v.problem(); wrong != nil {
		return refuse(wrong)
	}
	po.Voided, po.VoidReason = true, &in.Reason
	return posAnswer{status: http.StatusOK, value: po.answered(), outcome: "voided", id: po.ID}
}

func (p *POS) fulfillPurchaseOrder(r *posRequest) posAnswer {
	if p.opts.NoPurchaseFulfillment {
		return refuse(unsupported("this POS cannot be told that a purchase has come"))
	}
	in, wrong := p.readFulfillment(r)
	if wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	po := find(p.purchases, r.PathValue("id"), func(po *POSPurchaseOrder) string { return po.ID })
	if po == nil {
		return refuse(notFound("no such purchase order"))
	}
	if po.Voided {
		return refuse(newProblem(problemValidation, http.StatusBadRequest, "The request is not valid", "the purchase order is void"))
	}
	po.Fulfillment = in.state
	if in.replaces {
		po.Files = in.files
	}
	return posAnswer{status: http.StatusOK, value: po.answered(), outcome: "fulfilled", id: po.ID}
}
