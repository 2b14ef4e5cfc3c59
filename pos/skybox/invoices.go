package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"willcall/pos"
)

// invoiceRequest has what the operation's text and the model demand together, though either demands less.
type invoiceRequest struct {
	CustomerID        json.Number   `json:"customerId"`
	AccountID         json.Number   `json:"accountId"`
	ExternalRef       string        `json:"externalRef"`
	CurrencyCode      string        `json:"currencyCode"`
	SalesTerm         string        `json:"salesTerm"`
	PaymentMethod     string        `json:"paymentMethod"`
	DeliveryMethod    string        `json:"deliveryMethod"`
	PaymentStatus     string        `json:"paymentStatus"`
	FulfillmentStatus string        `json:"fulfillmentStatus"`
	TaxAmount         json.Number   `json:"taxAmount"`
	ShippingAmount    json.Number   `json:"shippingAmount"`
	OtherAmount       json.Number   `json:"otherAmount"`
	InternalNotes     string        `json:"internalNotes"`
	Lines             []lineRequest `json:"lines"`
}

// lineRequest is a line to be added; Amount is of the whole line.
type lineRequest struct {
	AccountID    json.Number   `json:"accountId"`
	LineType     string        `json:"lineType"`
	LineItemType string        `json:"lineItemType"`
	Quantity     int           `json:"quantity"`
	Amount       json.Number   `json:"amount"`
	ItemIDs      []json.Number `json:"itemIds,omitempty"`
	Inventory    *stockRequest `json:"inventory,omitempty"`
}

type invoiceAnswer struct {
	ID                json.Number   `json:"id"`
	CustomerID        json.Number   `json:"customerId"`
	ExternalRef       string        `json:"externalRef"`
	PaymentStatus     string        `json:"paymentStatus"`
	FulfillmentStatus string        `json:"fulfillmentStatus"`
	DeliveryMethod    string        `json:"deliveryMethod"`
	CurrencyCode      string        `json:"currencyCode"`
	CreatedDate       string        `json:"createdDate"`
	Notes             []noteBody    `json:"notes"`
	Lines             *[]lineAnswer `json:"lines"`
}

type lineAnswer struct {
	ID           json.Number   `json:"id"`
	Quantity     int           `json:"quantity"`
	Amount       json.Number   `json:"amount"`
	LineItemType string        `json:"lineItemType"`
	Description  string        `json:"description"`
	ItemIDs      []json.Number `json:"itemIds"`
	InventoryIDs []json.Number `json:"inventoryIds"`
	Inventory    *struct {
		ID json.Number `json:"id"`
	} `json:"inventory"`
	Cancelled bool `json:"cancelled"`
}

// An invoice is one that SkyBox holds, and what voiding and delivering it needs to know besides.
type invoice struct {
	pos.Invoice
	live     []string // ids of lines that are not cancelled
	seated   []string // of them, those that sell tickets
	void     bool     // its payment status is VOID
	delivery string   // deliveryMethod
	notes    []noteBody
}

// record reads an invoice. Its lines are all that it shows; one that was deleted is not among them, one that was cancelled is void. An
// invoice whose payment status is VOID and that has a live line all the same, as by a person's hand, has none: so package pos takes
// it for one with other content, which is for a person, unless it is to be voided.
func (c *Client) record(a *invoiceAnswer) (*invoice, error) {
	if !isID(a.ID.String()) {
		return nil, errors.New("an invoice has no id")
	}
	if a.Lines == nil {
		// Taken for none it could make a live invoice pass for a void one.
		return nil, errNoLines
	}
	inv := &invoice{void: a.PaymentStatus == "VOID", delivery: a.DeliveryMethod, notes: a.Notes, Invoice: pos.Invoice{
		ID: a.ID.String(), Ref: a.ExternalRef, CustomerID: a.CustomerID.String(), Fulfillment: pos.Fulfillment(a.FulfillmentStatus),
	}}
	var err error
	if inv.Payment, err = payment(a.PaymentStatus); err != nil {
		return nil, err
	}
	if inv.Fulfillment != pos.Pending && inv.Fulfillment != pos.Complete {
		return nil, errors.New("a fulfillment status is not of the document's set")
	}
	if inv.CreatedAt, err = parseTime(a.CreatedDate); err != nil {
		return nil, err
	}
	code := a.CurrencyCode
	if code == "" {
		code = c.cfg.Currency
	}
	for _, l := range *a.Lines {
		line, err := l.record(code)
		if err != nil {
			return nil, err
		}
		inv.Lines = append(inv.Lines, line)
		if l.Cancelled {
			continue
		}
		inv.live = append(inv.live, line.ID)
		if l.LineItemType != "GENERIC" {
			inv.seated = append(inv.seated, line.ID)
		}
	}
	switch {
	case inv.void && len(inv.live) == 0:
		inv.Voided, inv.VoidReason = true, voidReason(a.Notes)
	case inv.void:
		inv.Lines = nil
	}
	return inv, nil
}

var errNoLines = errors.New("an invoice has no lines member")

// record reads a line. Which of its members name the group and the tickets in an answer is not in the document.
func (l lineAnswer) record(code string) (pos.InvoiceLine, error) {
	if !isID(l.ID.String()) {
		return pos.InvoiceLine{}, errors.New("a line has no id")
	}
	total, err := parseAmount(l.Amount, code)
	if err != nil {
		return pos.InvoiceLine{}, err
	}
	line := pos.InvoiceLine{ID: l.ID.String(), Quantity: l.Quantity, Total: total, Description: l.Description, Voided: l.Cancelled}
	for _, id := range l.ItemIDs {
		line.TicketIDs = append(line.TicketIDs, id.String())
	}
	switch {
	case l.Inventory != nil && isID(l.Inventory.ID.String()):
		line.InventoryID = l.Inventory.ID.String()
	case len(l.InventoryIDs) == 1:
		line.InventoryID = l.InventoryIDs[0].String()
	}
	return line, nil
}

// read reads an invoice by its id, with its tickets.
func (c *Client) read(ctx context.Context, op, id string) (*invoice, error) {
	if !isID(id) {
		return nil, unknownID(op, "an invoice")
	}
	k := call{op: op, method: http.MethodGet}
	var a invoiceAnswer
	if err := c.get(ctx, op, "/invoices/"+id, &a); err != nil {
		return nil, err
	}
	inv, err := c.record(&a)
	if err == nil && inv.ID != id {
		err = errors.New("it is another record than asked for")
	}
	if err != nil {
		return nil, k.unfit(err)
	}
	if err := c.complete(ctx, op, inv, *a.Lines); err != nil {
		return nil, err
	}
	return inv, nil
}

// complete asks for the tickets of lines that do not name them.
func (c *Client) complete(ctx context.Context, op string, inv *invoice, lines []lineAnswer) error {
	for i := range inv.Lines {
		line := &inv.Lines[i]
		generic := slices.ContainsFunc(lines, func(l lineAnswer) bool { return l.ID.String() == line.ID && l.LineItemType == "GENERIC" })
		if generic || line.InventoryID != "" && len(line.TicketIDs) > 0 {
			continue
		}
		tickets, err := c.sold(ctx, op, inv.ID, line.ID)
		if err != nil {
			return err
		}
		line.InventoryID, line.TicketIDs = "", nil
		for _, t := range tickets {
			line.InventoryID = t.InventoryID.String()
			line.TicketIDs = append(line.TicketIDs, t.ID.String())
		}
		if line.Quantity == 0 {
			line.Quantity = len(line.TicketIDs)
		}
	}
	return nil
}

// sold asks for the tickets of a line, all of one group (SkyBox OpenAPI 1.0.0, invoices, tickets of a line).
func (c *Client) sold(ctx context.Context, op, invoice, line string) ([]ticketBody, error) {
	k := call{op: op, method: http.MethodGet, path: "/invoices/" + invoice + "/lines/" + line + "/tickets"}
	body, err := c.do(ctx, k)
	if err != nil {
		return nil, lost(err)
	}
	var raw []json.RawMessage
	// The declared type is one ticket, the text speaks of tickets.
	if one := (ticketBody{}); decode(body, &one) == nil && one.ID != "" {
		raw = []json.RawMessage{body}
	} else if raw, err = list(body); err != nil {
		return nil, k.unfit(err)
	}
	var tickets []ticketBody
	for _, r := range raw {
		var t ticketBody
		if err := decode(r, &t); err != nil {
			return nil, k.unfit(err)
		}
		if !isID(t.ID.String()) || !isID(t.InventoryID.String()) || len(tickets) > 0 && tickets[0].InventoryID != t.InventoryID {
			return nil, k.unfit(errors.New("the tickets of a line have no ids, or not one group"))
		}
		tickets = append(tickets, t)
	}
	return tickets, nil
}

// lost makes a "not found" about a part of a record a read that failed: the record itself is there.
func lost(err error) error {
	var e *pos.Error
	if errors.As(err, &e) && e.Class == pos.NotFound {
		return &pos.Error{Class: pos.Transient, Op: e.Op, Message: "a part of the record is not there: " + e.Message}
	}
	return err
}

// FindInvoices searches for invoices by externalRef (SkyBox OpenAPI 1.0.0, invoices, search), voided ones too as far as SkyBox shows
// them. How the filter matches is not in the document: what came is returned as it came, oldest first, and the caller compares. An
// invoice of another reference that cannot be read is left out; one of this reference that cannot be makes the search fail.
//
// It may take several requests: for further pages, and for what summaries leave out.
func (c *Client) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	const op = "find invoices"
	k := call{op: op, method: http.MethodGet}
	if ref == "" {
		return nil, invalid(op, "there is nothing to search by")
	}
	records, err := c.search(ctx, op, "/invoices", url.Values{"externalRef": {ref}})
	if err != nil {
		return nil, err
	}
	var all []pos.Invoice
	for _, r := range records {
		var inv *invoice
		var a invoiceAnswer
		has, err := refOf(r)
		if err != nil {
			return nil, k.unfit(err) // it could be ours
		}
		if err = decode(r, &a); err == nil {
			inv, err = c.record(&a)
		}
		if has != ref {
			if err == nil {
				all = append(all, inv.Invoice)
			}
			continue
		}
		switch {
		case errors.Is(err, errNoLines):
			if inv, err = c.read(ctx, op, a.ID.String()); err != nil {
				return nil, lost(err)
			}
		case err != nil:
			return nil, k.unfit(err)
		default:
			if err := c.complete(ctx, op, inv, *a.Lines); err != nil {
				return nil, err
			}
		}
		all = append(all, inv.Invoice)
	}
	slices.SortStableFunc(all, func(a, b pos.Invoice) int { return older(a.CreatedAt, b.CreatedAt, a.ID, b.ID) })
	return all, nil
}

// FindInvoicesBySale searches for invoices whose externalRef is exactly the marketplace's own number of a sale. Other tools write into
// the same account: marketplaces themselves, and automation such as 1Ticket. One of them may have booked a sale that we are about to
// book, under a reference that is not ours, so that [Client.FindInvoices] by our reference does not see it. Who writes the invoice must
// be decided for each broker; where both may, this search comes before the write.
//
// What reference the other tools write is not in the document; that it is the marketplace's number is an assumption to be checked for
// each. Errors: those of FindInvoices.
func (c *Client) FindInvoicesBySale(ctx context.Context, sale string) ([]pos.Invoice, error) {
	all, err := c.FindInvoices(ctx, sale)
	// The filter may find more than was asked for, and another sale's invoice must not stop this one.
	return slices.DeleteFunc(all, func(i pos.Invoice) bool { return i.Ref != sale }), err
}

// GetInvoice returns one invoice (SkyBox OpenAPI 1.0.0, invoices, by id). Errors: [pos.NotFound].
func (c *Client) GetInvoice(ctx context.Context, id string) (pos.Invoice, error) {
	inv, err := c.read(ctx, "get invoice", id)
	if err != nil {
		return pos.Invoice{}, err
	}
	return inv.Invoice, nil
}

// CreateInvoice sells tickets (SkyBox OpenAPI 1.0.0, invoices, insert). SkyBox sells seats: where a line names none, the inventory is
// read and free ones are chosen that nobody holds. A line's amount is its total.
//
// The document has one refusal for everything, 400. After one the inventory is read: [pos.Unavailable] if the seats are not free, else
// [pos.Invalid]; [pos.Transient] if that could not be seen, for nothing was written. Other errors: [pos.NotFound] for a group or
// customer that cannot exist, [pos.OutcomeUnknown].
//
// Out of a hold the tickets are those of the hold, see [Client.held], and the sale is forced, as SkyBox calls it ("force", invoices,
// insert): else it refuses seats that are held. Whether the hold ends with that is not in the document; release it.
func (c *Client) CreateInvoice(ctx context.Context, o pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	const op = "create invoice"
	if len(in.Lines) == 0 {
		return pos.Invoice{}, invalid(op, "the invoice has no lines")
	}
	if !isID(in.CustomerID) {
		return pos.Invoice{}, unknownID(op, "a customer")
	}
	var totals []pos.Money
	for _, l := range in.Lines {
		totals = append(totals, l.Total)
	}
	code, err := currency(op, totals)
	if err != nil {
		return pos.Invoice{}, err
	}
	var tickets [][]string
	var query url.Values
	if in.HoldID == "" {
		tickets, err = c.choose(ctx, op, in.Lines)
	} else {
		tickets, err = c.held(ctx, op, in)
		query = url.Values{"force": {"true"}}
	}
	if err != nil {
		return pos.Invoice{}, err
	}
	req := invoiceRequest{
		CustomerID:        json.Number(in.CustomerID),
		AccountID:         c.account,
		ExternalRef:       o.Ref,
		CurrencyCode:      code,
		SalesTerm:         c.cfg.SalesTerm,
		PaymentMethod:     c.cfg.PaymentMethod,
		DeliveryMethod:    c.cfg.DeliveryMethod,
		PaymentStatus:     paid(in.Payment),
		FulfillmentStatus: string(pos.Pending),
		TaxAmount:         "0",
		ShippingAmount:    "0",
		OtherAmount:       "0",
		InternalNotes:     o.Key,
	}
	for i, l := range in.Lines {
		total, err := amount(l.Total)
		if err != nil {
			return pos.Invoice{}, &pos.Error{Class: pos.Invalid, Op: op, Err: err}
		}
		line := lineRequest{
			AccountID: c.account, LineType: "INVOICE", LineItemType: "INVENTORY", Quantity: len(tickets[i]), Amount: total,
		}
		for _, id := range tickets[i] {
			line.ItemIDs = append(line.ItemIDs, json.Number(id))
		}
		req.Lines = append(req.Lines, line)
	}
	k := call{op: op, method: http.MethodPost, path: "/invoices", query: query, body: req}
	body, err := c.do(ctx, k)
	if errors.Is(err, errBadRequest) {
		return pos.Invoice{}, c.whyRefused(ctx, op, in.Lines, tickets, err)
	}
	if err != nil {
		return pos.Invoice{}, err
	}
	return c.booked(ctx, k, body)
}

// booked reads the answer to a sale, and what it leaves out.
func (c *Client) booked(ctx context.Context, k call, body []byte) (pos.Invoice, error) {
	var a invoiceAnswer
	if err := decode(body, &a); err != nil {
		return pos.Invoice{}, k.unfit(err)
	}
	inv, err := c.record(&a)
	switch {
	case errors.Is(err, errNoLines):
		inv, err = c.read(ctx, k.op, a.ID.String())
	case err != nil:
		return pos.Invoice{}, k.unfit(err)
	default:
		err = c.complete(ctx, k.op, inv, *a.Lines)
	}
	if err != nil {
		return pos.Invoice{}, k.fault("written, and it could not be read back", err)
	}
	return inv.Invoice, nil
}

// choose says which tickets each line sells: those that it names, else free ones of its group that no hold keeps.
func (c *Client) choose(ctx context.Context, op string, lines []pos.InvoiceLine) ([][]string, error) {
	chosen := make([][]string, len(lines))
	taken := map[string]bool{}
	for i, l := range lines {
		if !isID(l.InventoryID) {
			return nil, unknownID(op, "inventory")
		}
		for _, id := range l.TicketIDs {
			if !isID(id) {
				return nil, unknownID(op, "a ticket")
			}
			taken[id] = true
		}
		chosen[i] = l.TicketIDs
	}
	groups := map[string]*groupBody{}
	for i, l := range lines {
		if len(l.TicketIDs) > 0 {
			continue
		}
		g := groups[l.InventoryID]
		if g == nil {
			var err error
			if g, err = c.group(ctx, op, l.InventoryID); err != nil {
				return nil, err
			}
			groups[l.InventoryID] = g
			kept, err := c.kept(ctx, op, g)
			if err != nil {
				return nil, err
			}
			for _, id := range kept {
				taken[id] = true
			}
		}
		if len(g.Tickets) == 0 && g.Status == pos.Available {
			return nil, &pos.Error{Class: pos.Unsupported, Op: op, Message: "inventory " + l.InventoryID + " shows no tickets, and SkyBox sells tickets"}
		}
		if chosen[i] = g.pick(l.Quantity, taken); chosen[i] == nil || l.Quantity < 1 {
			return nil, &pos.Error{Class: pos.Unavailable, Op: op,
				Message: "inventory " + l.InventoryID + " has fewer than " + strconv.Itoa(l.Quantity) + " tickets left"}
		}
	}
	return chosen, nil
}

// whyRefused tells seats that were sold in between from a request that is wrong, by one look at each group.
func (c *Client) whyRefused(ctx context.Context, op string, lines []pos.InvoiceLine, tickets [][]string, refusal error) error {
	groups := map[string]*groupBody{}
	for i, l := range lines {
		g := groups[l.InventoryID]
		if g == nil {
			var err error
			g, err = c.group(ctx, op, l.InventoryID)
			switch pos.ClassOf(err) {
			case "":
			case pos.NotFound:
				return &pos.Error{Class: pos.NotFound, Op: op, Message: "no inventory " + l.InventoryID}
			case pos.Unauthorized, pos.RateLimited:
				return err
			default:
				return &pos.Error{Class: pos.Transient, Op: op, Message: "refused, and whether for want of seats could not be seen", Err: err}
			}
			groups[l.InventoryID] = g
		}
		free := g.free()
		for _, id := range tickets[i] {
			if !slices.ContainsFunc(g.Tickets, func(t seatBody) bool { return t.ID.String() == id }) {
				return &pos.Error{Class: pos.NotFound, Op: op, Message: "inventory " + l.InventoryID + " has no ticket " + id}
			}
			if !slices.ContainsFunc(free, func(t seatBody) bool { return t.ID.String() == id }) {
				return &pos.Error{Class: pos.Unavailable, Op: op, Message: "ticket " + id + " is not for sale"}
			}
		}
		if g.Quantity < len(free) {
			// Tickets do not show that they are held, only the group's quantity does.
			return &pos.Error{Class: pos.Unavailable, Op: op, Message: "some tickets of inventory " + l.InventoryID + " are held, these perhaps"}
		}
	}
	return refusal
}
