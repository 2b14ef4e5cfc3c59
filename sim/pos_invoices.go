package sim

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
)

// A POSInvoice is a sale as the contract has it. Files and Deliveries are not part of the contract: they are what
// GET /admin/state shows besides.
type POSInvoice struct {
	ID                string           `json:"id"`
	ExternalReference string           `json:"external_reference"`
	CustomerID        string           `json:"customer_id"`
	HoldID            *string          `json:"hold_id"`
	Lines             []POSInvoiceLine `json:"lines"`
	Payment           string           `json:"payment"`     // "UNPAID" or "PAID"
	Fulfillment       string           `json:"fulfillment"` // "PENDING" or "COMPLETE"
	Voided            bool             `json:"voided"`
	VoidReason        *string          `json:"void_reason"`
	CreatedAt         string           `json:"created_at"`
	Files             []POSFile        `json:"files,omitempty"`
	Deliveries        []string         `json:"deliveries,omitempty"` // their names, or their form where they have none
}

// A POSInvoiceLine is one line of a [POSInvoice]; Total is of the whole line.
type POSInvoiceLine struct {
	ID          string   `json:"id"`
	InventoryID string   `json:"inventory_id"`
	TicketIDs   []string `json:"ticket_ids"`
	Quantity    int      `json:"quantity"`
	Total       POSMoney `json:"total"`
	Description string   `json:"description,omitempty"`
	Voided      bool     `json:"voided,omitempty"`
}

// A POSFile is what is kept of a ticket file: not the file, only what proves which one it was.
type POSFile struct {
	Name      string   `json:"name"`
	MediaType string   `json:"media_type"`
	TicketIDs []string `json:"ticket_ids"`
	URL       string   `json:"url,omitempty"`
	Bytes     int      `json:"bytes,omitempty"`
	SHA256    string   `json:"sha256,omitempty"` // hex
}

func (inv *POSInvoice) copied() POSInvoice {
	c := *inv
	c.Lines, c.Files, c.Deliveries = slices.Clone(c.Lines), slices.Clone(c.Files), slices.Clone(c.Deliveries)
	return c
}

// answered is the invoice as the contract has it.
func (inv *POSInvoice) answered() POSInvoice {
	c := inv.copied()
	c.Files, c.Deliveries = nil, nil
	return c
}

type invoiceInput struct {
	ExternalReference string           `json:"external_reference"`
	CustomerID        string           `json:"customer_id"`
	HoldID            *string          `json:"hold_id"`
	Payment           string           `json:"payment"`
	Lines             []POSInvoiceLine `json:"lines"`
}

func (p *POS) findInvoices(r *posRequest) posAnswer {
	ref, wrong := reference(r)
	if wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []POSInvoice{}
	for _, inv := range p.invoices {
		if inv.ExternalReference == ref && p.searchable(inv.ID) {
			items = append(items, inv.answered())
		}
	}
	return posAnswer{status: http.StatusOK, value: object{"items": items}}
}

func (p *POS) getInvoice(r *posRequest) posAnswer {
	p.mu.Lock()
	defer p.mu.Unlock()
	inv := p.invoice(r.PathValue("id"))
	if inv == nil {
		return refuse(notFound("no such invoice"))
	}
	return posAnswer{status: http.StatusOK, value: inv.answered()}
}

func (p *POS) invoice(id string) *POSInvoice {
	return find(p.invoices, id, func(inv *POSInvoice) string { return inv.ID })
}

func (p *POS) createInvoice(r *posRequest) posAnswer {
	var in invoiceInput
	if wrong := readJSON(r.Request, r.body, &in); wrong != nil {
		return refuse(wrong)
	}
	if wrong := in.validate(); wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expireHolds()
	if find(p.customers, in.CustomerID, func(c *POSCustomer) string { return c.ID }) == nil {
		return refuse(notFound("no such customer"))
	}
	live := func(inv *POSInvoice) bool { return inv.ExternalReference == in.ExternalReference && !inv.Voided }
	if !p.opts.DuplicateReferences && slices.ContainsFunc(p.invoices, live) {
		return refuse(newProblem(problemReferenceTaken, http.StatusConflict, "The reference has a live invoice", ""))
	}
	if r.fault.Kind == FaultSeatsGone {
		var ids []string
		for _, l := range in.Lines {
			ids = append(ids, l.TicketIDs...)
		}
		return refuse(seatsGone(ids, "a fault that was asked for"))
	}
	taken, wrong := p.takeLines(in)
	if wrong != nil {
		return refuse(wrong)
	}
	var first POSInvoice
	for i := range copies(r.fault) {
		inv := p.addInvoice(in, taken)
		if i == 0 {
			first = inv.answered()
			p.keepTaken(inv, taken) // the tickets go back once, however many invoices claim them
		}
	}
	return created(r.fault, first, first.ID)
}

func (in invoiceInput) validate() *problem {
	var v validator
	v.text(in.ExternalReference, "/external_reference", 1, 255)
	v.text(in.CustomerID, "/customer_id", 1, 128)
	v.check(in.HoldID == nil || *in.HoldID != "", "/hold_id", "must not be empty")
	v.oneOf(cmp.Or(in.Payment, "UNPAID"), "/payment", "UNPAID", "PAID")
	v.check(len(in.Lines) > 0, "/lines", "must have a line")
	for i, l := range in.Lines {
		at := fmt.Sprintf("/lines/%d", i)
		v.text(l.InventoryID, at+"/inventory_id", 1, 128)
		v.tickets(l.TicketIDs, l.Quantity, at)
		v.money(l.Total, at+"/total")
	}
	return v.problem()
}

// takeLines takes the tickets of all lines or of none. With a hold they come out of it, and what is left of it
// goes back to the pool.
func (p *POS) takeLines(in invoiceInput) (taken []allocation, wrong *problem) {
	var held *hold
	if in.HoldID != nil {
		i := slices.IndexFunc(p.holds, func(h *hold) bool { return h.ID == *in.HoldID })
		if i < 0 {
			return nil, notFound("no such hold; it may have run out")
		}
		held = p.holds[i]
		held.kept.giveBack(ticketOnHold)
	}
	defer func() {
		if wrong == nil {
			p.holds = slices.DeleteFunc(p.holds, func(h *hold) bool { return h == held })
			return
		}
		for _, a := range taken {
			a.giveBack(ticketSold)
		}
		if held != nil {
			held.kept.from.counted -= held.kept.counted
			held.kept.mark(ticketOnHold)
		}
	}()
	for _, l := range in.Lines {
		g := p.stock(l.InventoryID)
		if g == nil {
			return taken, notFound("no such inventory")
		}
		ids := l.TicketIDs
		if held != nil && len(ids) == 0 && held.kept.from == g && len(held.kept.named) >= l.Quantity {
			ids = held.kept.ids()[:l.Quantity]
		}
		a, gone := p.take(g, ids, l.Quantity, ticketSold)
		if gone != nil {
			return taken, gone
		}
		taken = append(taken, a)
	}
	return taken, nil
}

func (p *POS) addInvoice(in invoiceInput, taken []allocation) *POSInvoice {
	inv := &POSInvoice{
		ID: p.newID("inv_"), ExternalReference: in.ExternalReference, CustomerID: in.CustomerID, HoldID: in.HoldID,
		Lines: slices.Clone(in.Lines), Payment: cmp.Or(in.Payment, "UNPAID"), Fulfillment: "PENDING",
		CreatedAt: p.stamp(),
	}
	for i := range inv.Lines {
		inv.Lines[i].ID = fmt.Sprintf("%s_%d", inv.ID, i+1)
		inv.Lines[i].TicketIDs, inv.Lines[i].Voided = taken[i].ids(), false
	}
	p.invoices = append(p.invoices, inv)
	return inv
}

// keepTaken notes what goes back into the pool when a line is voided.
func (p *POS) keepTaken(inv *POSInvoice, taken []allocation) {
	byLine := map[string]allocation{}
	for i, l := range inv.Lines {
		byLine[l.ID] = taken[i]
	}
	p.taken[inv.ID] = byLine
}

func (p *POS) setFulfillment(r *posRequest) posAnswer {
	in, wrong := p.readFulfillment(r)
	if wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	inv := p.invoice(r.PathValue("id"))
	if inv == nil {
		return refuse(notFound("no such invoice"))
	}
	if inv.Voided {
		return refuse(newProblem(problemValidation, http.StatusBadRequest, "The request is not valid", "the invoice is void"))
	}
	inv.Fulfillment = in.state
	if in.replaces {
		inv.Files = in.files
	}
	return posAnswer{status: http.StatusOK, value: inv.answered(), outcome: "fulfilled", id: inv.ID}
}

// A fulfillmentInput is what a record's delivery shall be; files count where they replace those that the record has.
type fulfillmentInput struct {
	state    string
	files    []POSFile
	replaces bool
}

func (p *POS) readFulfillment(r *posRequest) (fulfillmentInput, *problem) {
	var in struct {
		Fulfillment string       `json:"fulfillment"`
		Files       *[]inputFile `json:"files"`
	}
	if wrong := readJSON(r.Request, r.body, &in); wrong != nil {
		return fulfillmentInput{}, wrong
	}
	var v validator
	v.oneOf(in.Fulfillment, "/fulfillment", "PENDING", "COMPLETE")
	read := fulfillmentInput{state: in.Fulfillment, files: []POSFile{}, replaces: in.Files != nil}
	if in.Files != nil {
		if p.opts.NoTicketUpload && len(*in.Files) > 0 {
			return fulfillmentInput{}, unsupported("this POS takes no ticket files")
		}
		for i, f := range *in.Files {
			read.files = append(read.files, f.check(&v, fmt.Sprintf("/files/%d", i)))
		}
	}
	return read, v.problem()
}

type inputFile struct {
	Name      string   `json:"name"`
	MediaType string   `json:"media_type"`
	TicketIDs []string `json:"ticket_ids"`
	URL       *string  `json:"url"`
	Content   *string  `json:"content"`
}

func (f inputFile) check(v *validator, at string) POSFile {
	v.text(f.Name, at+"/name", 1, 255)
	v.check(f.MediaType != "", at+"/media_type", "must not be empty")
	v.check((f.URL == nil) != (f.Content == nil), at, "must have either url or content")
	kept := POSFile{Name: f.Name, MediaType: f.MediaType, TicketIDs: append([]string{}, f.TicketIDs...)}
	if f.URL != nil {
		kept.URL = *f.URL
	}
	if f.Content != nil {
		raw, err := base64.StdEncoding.DecodeString(*f.Content)
		v.check(err == nil, at+"/content", "must be base64")
		sum := sha256.Sum256(raw)
		kept.Bytes, kept.SHA256 = len(raw), hex.EncodeToString(sum[:])
	}
	return kept
}

func (p *POS) voidInvoice(r *posRequest) posAnswer {
	var in struct {
		Restock *bool  `json:"restock"`
		Reason  string `json:"reason"`
	}
	wrong := readJSON(r.Request, r.body, &in)
	p.mu.Lock()
	defer p.mu.Unlock()
	inv := p.invoice(r.PathValue("id"))
	if inv == nil {
		return refuse(notFound("no such invoice"))
	}
	if inv.Voided { // whatever the body says
		return posAnswer{status: http.StatusOK, value: inv.answered(), outcome: "unchanged", id: inv.ID}
	}
	if wrong != nil {
		return refuse(wrong)
	}
	var v validator
	v.check(in.Restock != nil, "/restock", "is required")
	v.text(in.Reason, "/reason", 1, 255)
	if wrong := v.problem(); wrong != nil {
		return refuse(wrong)
	}
	p.void(inv, *in.Restock, in.Reason)
	return posAnswer{status: http.StatusOK, value: inv.answered(), outcome: "voided", id: inv.ID}
}

// void needs p.mu, and an invoice that is live.
func (p *POS) void(inv *POSInvoice, restock bool, reason string) {
	inv.Voided, inv.VoidReason = true, &reason
	for _, l := range inv.Lines {
		p.giveBack(inv.ID, l.ID, restock)
	}
	delete(p.taken, inv.ID)
}

// giveBack ends a line's claim on its tickets.
func (p *POS) giveBack(invoice, line string, restock bool) {
	if a, claimed := p.taken[invoice][line]; claimed && restock {
		a.giveBack(ticketSold)
	}
	delete(p.taken[invoice], line)
}

func (p *POS) voidInvoiceLines(r *posRequest) posAnswer {
	if p.opts.NoLineVoids {
		return refuse(unsupported("this POS voids whole invoices only"))
	}
	var in struct {
		LineIDs []string `json:"line_ids"`
		Restock *bool    `json:"restock"`
		Reason  string   `json:"reason"`
	}
	if wrong := readJSON(r.Request, r.body, &in); wrong != nil {
		return refuse(wrong)
	}
	var v validator
	v.check(len(in.LineIDs) > 0, "/line_ids", "must name a line")
	v.check(in.Restock != nil, "/restock", "is required")
	v.text(in.Reason, "/reason", 1, 255)
	if wrong := v.problem(); wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	inv := p.invoice(r.PathValue("id"))
	if inv == nil {
		return refuse(notFound("no such invoice"))
	}
	for _, id := range in.LineIDs {
		if !slices.ContainsFunc(inv.Lines, func(l POSInvoiceLine) bool { return l.ID == id }) {
			return refuse(notFound("the invoice has no line of that id"))
		}
	}
	if r.fault.Kind == FaultPartial {
		in.LineIDs = in.LineIDs[:1]
	}
	outcome, live := "unchanged", 0
	for i := range inv.Lines {
		l := &inv.Lines[i]
		if !inv.Voided && !l.Voided && slices.Contains(in.LineIDs, l.ID) {
			l.Voided, outcome = true, "lines voided"
			p.giveBack(inv.ID, l.ID, *in.Restock)
		}
		if !l.Voided {
			live++
		}
	}
	if live == 0 && !inv.Voided {
		p.void(inv, *in.Restock, in.Reason)
	}
	return posAnswer{status: http.StatusOK, value: inv.answered(), outcome: outcome, id: inv.ID}
}
