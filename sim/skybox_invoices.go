package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

type skyInvoice struct {
	id, customer                                     int64
	ref, payment, fulfillment, status                string
	term, method, delivery, currency, internal, made string
	lines                                            []*skyLine
	notes                                            []skyNote
}

type skyNote struct {
	ID   int64  `json:"id"`
	Text string `json:"text"`
	Date string `json:"date"`
}

// A skyLine is a line of an invoice or a purchase.
type skyLine struct {
	id          int64
	kind, item  string // lineType, lineItemType
	description string
	quantity    int
	amount      json.Number
	tickets     []*skyTicket
	group       *skyGroup
	cancelled   bool
}

func (l *skyLine) body(bare bool) object {
	b := object{
		"id": l.id, "quantity": l.quantity, "amount": skyAmount(l.amount), "lineType": l.kind, "lineItemType": l.item, "cancelled": l.cancelled,
	}
	if l.item == "GENERIC" {
		b["description"] = l.description
		return b
	}
	if bare {
		return b
	}
	ids := []int64{}
	for _, t := range l.tickets {
		ids = append(ids, t.id)
	}
	b["itemIds"], b["inventory"], b["inventoryIds"] = ids, l.group.body(l.kind == "PURCHASE"), []int64{l.group.id}
	return b
}

func live(lines []*skyLine) bool {
	return slices.ContainsFunc(lines, func(l *skyLine) bool { return !l.cancelled })
}

func (inv *skyInvoice) body(bare bool) object {
	lines := []object{}
	for _, l := range inv.lines {
		lines = append(lines, l.body(bare))
	}
	b := object{
		"id": inv.id, "customerId": inv.customer, "externalRef": inv.ref, "paymentStatus": inv.payment, "fulfillmentStatus": inv.fulfillment,
		"salesTerm": inv.term, "paymentMethod": inv.method, "deliveryMethod": inv.delivery, "currencyCode": inv.currency,
		"internalNotes": inv.internal, "createdDate": inv.made, "taxAmount": 0.0, "shippingAmount": 0.0, "otherAmount": 0.0,
		"lines": lines, "notes": append([]skyNote{}, inv.notes...),
	}
	if inv.status != "" {
		b["status"] = inv.status
	}
	return b
}

func (inv *skyInvoice) state() POSInvoice {
	st := POSInvoice{
		ID: skyID(inv.id), ExternalReference: inv.ref, CustomerID: skyID(inv.customer), Payment: inv.payment, Fulfillment: inv.fulfillment,
		Voided: inv.payment == "VOID" && !live(inv.lines), CreatedAt: inv.made, Lines: []POSInvoiceLine{},
	}
	for _, l := range inv.lines {
		line := POSInvoiceLine{
			ID: skyID(l.id), Quantity: l.quantity, Total: POSMoney{Amount: l.amount.String(), Currency: inv.currency}, Description: l.description,
		}
		if l.group != nil {
			line.InventoryID = skyID(l.group.id)
		}
		for _, t := range l.tickets {
			line.TicketIDs = append(line.TicketIDs, skyID(t.id))
		}
		st.Lines = append(st.Lines, line)
	}
	return st
}

func (s *SkyBox) invoice(id int64) *skyInvoice {
	return find(s.invoices, skyID(id), func(inv *skyInvoice) string { return skyID(inv.id) })
}

func (s *SkyBox) findInvoices(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []any
	for _, inv := range s.invoices {
		if s.matches(inv.ref, r.URL.Query()) && s.searchable(inv.id) {
			b := inv.body(s.opts.BareLines)
			if s.opts.BareLines {
				delete(b, "lines")
			}
			found = append(found, b)
		}
	}
	return s.page(r, found)
}

func (s *SkyBox) getInvoice(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if inv := s.invoice(r.id("id")); inv != nil {
		return skyOK(inv.body(s.opts.BareLines))
	}
	return skyNotFound("invoice not found")
}

// invoiceTickets is the other search by reference: its parameter has another spelling, and it returns tickets.
func (s *SkyBox) invoiceTickets(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []object{}
	for _, inv := range s.invoices {
		if inv.ref != r.URL.Query().Get("external-ref") || !s.searchable(inv.id) {
			continue
		}
		for _, l := range inv.lines {
			for _, t := range l.tickets {
				found = append(found, object{
					"invoiceId": inv.id, "ticketId": t.id, "section": t.group.section, "row": t.group.row, "seatNumber": t.seat,
				})
			}
		}
	}
	if len(found) == 0 {
		return skyNotFound("invoice tickets not found")
	}
	return skyOK(found)
}

type skyInvoiceInput struct {
	CustomerID        int64        `json:"customerId"`
	ExternalRef       string       `json:"externalRef"`
	CurrencyCode      string       `json:"currencyCode"`
	SalesTerm         string       `json:"salesTerm"`
	PaymentMethod     string       `json:"paymentMethod"`
	DeliveryMethod    string       `json:"deliveryMethod"`
	PaymentStatus     string       `json:"paymentStatus"`
	FulfillmentStatus string       `json:"fulfillmentStatus"`
	TaxAmount         *json.Number `json:"taxAmount"`
	ShippingAmount    *json.Number `json:"shippingAmount"`
	OtherAmount       *json.Number `json:"otherAmount"`
	InternalNotes     string       `json:"internalNotes"`
	Lines             []struct {
		AccountID    int64       `json:"accountId"`
		LineType     string      `json:"lineType"`
		LineItemType string      `json:"lineItemType"`
		Description  string      `json:"description"`
		Quantity     int         `json:"quantity"`
		Amount       json.Number `json:"amount"`
		ItemIDs      []int64     `json:"itemIds"`
	} `json:"lines"`
}

func (in *skyInvoiceInput) check() *skyCheck {
	c := &skyCheck{}
	c.that(in.CustomerID != 0, "customerId", "may not be null")
	c.that(len([]rune(in.ExternalRef)) <= 255, "externalRef", "size must be between 0 and 255")
	c.oneOf(in.CurrencyCode, "currencyCode", skyCurrencies...)
	c.oneOf(in.SalesTerm, "salesTerm", skyTerms...)
	c.oneOf(in.PaymentMethod, "paymentMethod", append([]string{""}, skyMethods...)...)
	c.oneOf(in.DeliveryMethod, "deliveryMethod", append([]string{""}, skyDeliveries...)...)
	c.oneOf(in.PaymentStatus, "paymentStatus", "UNPAID", "PAID", "PARTIAL", "VOID")
	c.oneOf(in.FulfillmentStatus, "fulfillmentStatus", "PENDING", "COMPLETE")
	c.that(in.TaxAmount != nil, "taxAmount", "may not be null")
	c.that(in.ShippingAmount != nil, "shippingAmount", "may not be null")
	c.that(in.OtherAmount != nil, "otherAmount", "may not be null")
	c.that(len(in.Lines) > 0, "lines", "may not be empty")
	for i, l := range in.Lines {
		at := fmt.Sprintf("lines[%d].", i)
		c.that(l.AccountID != 0, at+"accountId", "may not be null")
		c.that(l.Amount != "", at+"amount", "may not be null")
		c.oneOf(l.LineType, at+"lineType", "", "INVOICE")
		c.oneOf(l.LineItemType, at+"lineItemType", "GENERIC", "INVENTORY")
		c.that(l.LineItemType == "GENERIC" || len(l.ItemIDs) > 0 && (l.Quantity == 0 || l.Quantity == len(l.ItemIDs)), at+"itemIds", "may not be empty")
	}
	return c
}

func (s *SkyBox) createInvoice(r *skyRequest) skyAnswer {
	var in skyInvoiceInput
	if a, bad := r.read(&in); bad {
		return a
	}
	c := in.check()
	if a, bad := c.refusal(); bad {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireHolds()
	customer := find(s.customers, skyID(in.CustomerID), func(c *skyCustomer) string { return skyID(c.ID) })
	c.that(customer != nil, "customerId", "does not exist")
	c.that(!s.opts.UniqueReferences || in.ExternalRef == "" || !slices.ContainsFunc(s.invoices, func(inv *skyInvoice) bool {
		return inv.ref == in.ExternalRef && !inv.state().Voided
	}), "externalRef", "is in use")
	taken := make([][]*skyTicket, len(in.Lines))
	claimed := map[int64]bool{}
	elsewhere := &skyElsewhere{}
	for i, l := range in.Lines {
		at := fmt.Sprintf("lines[%d].itemIds", i)
		for _, id := range l.ItemIDs {
			t := s.ticket(id)
			if r.fault.Kind == FaultSeatsGone && t != nil && t.free() {
				t.elsewhere = elsewhere
			}
			free := t != nil && (t.free() || t.status == "AVAILABLE" && r.URL.Query().Get("force") == "true") && !claimed[id]
			c.that(free, at, "ticket is not available")
			claimed[id] = true
			taken[i] = append(taken[i], t)
		}
	}
	if a, bad := c.refusal(); bad {
		return a
	}
	var first *skyInvoice
	for i := range copies(r.fault) {
		if inv := s.addInvoice(in, taken, i == 0); i == 0 {
			first = inv
		}
	}
	return skyCreated(r.fault, first.body(s.opts.BareLines), first.id)
}

func (s *SkyBox) addInvoice(in skyInvoiceInput, taken [][]*skyTicket, claims bool) *skyInvoice {
	inv := &skyInvoice{
		id: s.newID(), customer: in.CustomerID, ref: in.ExternalRef, payment: in.PaymentStatus, fulfillment: in.FulfillmentStatus,
		term: in.SalesTerm, method: in.PaymentMethod, delivery: in.DeliveryMethod, currency: in.CurrencyCode, internal: in.InternalNotes,
		made: s.stamp(),
	}
	for i, l := range in.Lines {
		line := &skyLine{
			id: s.newID(), kind: "INVOICE", item: l.LineItemType, description: l.Description, quantity: l.Quantity, amount: l.Amount,
			tickets: taken[i],
		}
		if line.item == "INVENTORY" {
			line.quantity, line.group, line.description = len(line.tickets), line.tickets[0].group, ""
		}
		for _, t := range line.tickets {
			if claims {
				t.status, t.hold, t.invoiceLine = "SOLD", 0, line.id
			}
		}
		inv.lines = append(inv.lines, line)
	}
	s.invoices = append(s.invoices, inv)
	return inv
}

// skyStatuses are the document's set of what people note on an invoice.
var skyStatuses = []string{
	"CONTACT_NEEDED", "COMPLETED", "DELIVERY_FAILURE", "EVENT_CANCELLED", "EVENT_RESCHEDULED", "INVESTIGATION_CLOSED",
	"INVESTIGATION_CLOSED_BUYER_FAVOR", "INVESTIGATION_CLOSED_SELLER_FAVOR", "INVESTIGATION_PENDING", "MANAGER_REVIEW",
	"ORDER_PARTIALLY_VOID_CANCELLED", "ORDER_VOID_CANCELLED", "WAITING_FOR_RESPONSE",
}

// updateInvoices is a partial update: what the body does not name stays.
func (s *SkyBox) updateInvoices(r *skyRequest) skyAnswer {
	var in struct {
		InvoiceIDs        []int64 `json:"invoiceIds"`
		PaymentStatus     string  `json:"paymentStatus"`
		FulfillmentStatus string  `json:"fulfillmentStatus"`
		Status            string  `json:"status"`
		InvoiceNote       string  `json:"invoiceNote"`
	}
	if a, bad := r.read(&in); bad {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var c skyCheck
	c.that(len(in.InvoiceIDs) > 0, "invoiceIds", "may not be empty")
	c.oneOf(in.PaymentStatus, "paymentStatus", "", "UNPAID", "PAID", "PARTIAL", "VOID")
	c.oneOf(in.FulfillmentStatus, "fulfillmentStatus", "", "PENDING", "COMPLETE")
	c.oneOf(in.Status, "status", append([]string{""}, skyStatuses...)...)
	for _, id := range in.InvoiceIDs {
		c.that(s.invoice(id) != nil, "invoiceIds", "does not exist")
	}
	if a, bad := c.refusal(); bad {
		return a
	}
	for _, id := range in.InvoiceIDs {
		inv := s.invoice(id)
		set := func(field *string, value string) {
			if value != "" {
				*field = value
			}
		}
		set(&inv.payment, in.PaymentStatus)
		set(&inv.fulfillment, in.FulfillmentStatus)
		set(&inv.status, in.Status)
		if in.InvoiceNote != "" {
			inv.notes = append(inv.notes, skyNote{ID: s.newID(), Text: in.InvoiceNote, Date: s.stamp()})
		}
	}
	return skyAnswer{status: http.StatusOK, outcome: "updated", id: skyID(in.InvoiceIDs[0])}
}

// invoiceLine finds a line and whose it is.
func (s *SkyBox) invoiceLine(id int64) (*skyInvoice, *skyLine) {
	for _, inv := range s.invoices {
		for _, l := range inv.lines {
			if l.id == id {
				return inv, l
			}
		}
	}
	return nil, nil
}

func (s *SkyBox) lineTickets(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []object{}
	if _, l := s.invoiceLine(r.id("line")); l != nil {
		for _, t := range l.tickets {
			list = append(list, t.body())
		}
	}
	return skyOK(list)
}

// goneAlready answers for a line that was deleted or cancelled before.
func (s *SkyBox) goneAlready() skyAnswer {
	if s.opts.SecondDelete == http.StatusOK {
		return skyAnswer{status: http.StatusOK, outcome: "unchanged"}
	}
	return skyRefuse(s.opts.SecondDelete, "no such line")
}

// deleteLine takes a line off its invoice and puts its tickets back into the pool.
func (s *SkyBox) deleteLine(id int64) skyAnswer {
	inv, l := s.invoiceLine(id)
	switch {
	case l == nil && !s.gone[id]:
		return skyRefuse(http.StatusBadRequest, "no such line")
	case l == nil:
		return s.goneAlready()
	}
	for _, t := range l.tickets {
		if t.invoiceLine == id && t.status == "SOLD" {
			t.status, t.invoiceLine = "AVAILABLE", 0
		}
	}
	s.gone[id] = true
	inv.lines = slices.DeleteFunc(inv.lines, func(one *skyLine) bool { return one == l })
	if s.opts.LastLineTakesInvoice && len(inv.lines) == 0 {
		s.invoices = slices.DeleteFunc(s.invoices, func(one *skyInvoice) bool { return one == inv })
	}
	return skyAnswer{status: http.StatusOK, outcome: "deleted", id: skyID(id)}
}

func (s *SkyBox) deleteInvoiceLine(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleteLine(r.id("line"))
}

func (s *SkyBox) deleteLines(r *skyRequest) skyAnswer { return s.eachLine(r, s.deleteLine) }

// cancelLines kills the tickets of invoice lines, and the purchase lines that they were bought with.
func (s *SkyBox) cancelLines(r *skyRequest) skyAnswer {
	return s.eachLine(r, func(id int64) skyAnswer {
		_, l := s.invoiceLine(id)
		switch {
		case l == nil && !s.gone[id]:
			return skyRefuse(http.StatusBadRequest, "no such line")
		case l == nil || l.cancelled:
			return s.goneAlready()
		}
		l.cancelled = true
		for _, t := range l.tickets {
			if t.invoiceLine != id {
				continue
			}
			t.status = "CANCELLED"
			if _, bought := s.purchaseLine(t.purchaseLine); bought != nil {
				bought.cancelled = true
			}
		}
		return skyAnswer{status: http.StatusOK, outcome: "cancelled", id: skyID(id)}
	})
}

// eachLine does one thing to the lines that a body names; the last answer that is no success is the whole one's.
func (s *SkyBox) eachLine(r *skyRequest, do func(int64) skyAnswer) skyAnswer {
	var in struct {
		LineIDs []int64 `json:"lineIds"`
	}
	if a, bad := r.read(&in); bad {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := skyAnswer{status: http.StatusBadRequest, value: object{"message": "lineIds may not be empty"}, outcome: "refused: 400"}
	for i, id := range in.LineIDs {
		if i == 1 && r.fault.Kind == FaultPartial {
			return skyAnswer{status: http.StatusInternalServerError, value: object{"message": "a fault that was asked for"}, outcome: "done in part"}
		}
		if a := do(id); i == 0 || a.status != http.StatusOK {
			all = a
		}
	}
	return all
}
