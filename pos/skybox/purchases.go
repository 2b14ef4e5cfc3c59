package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"willcall/pos"
)

type purchaseRequest struct {
	VendorID       json.Number   `json:"vendorId"`
	AccountID      json.Number   `json:"accountId"`
	ExternalRef    string        `json:"externalRef"`
	CurrencyCode   string        `json:"currencyCode"`
	PurchaseTerm   string        `json:"purchaseTerm"`
	PaymentMethod  string        `json:"paymentMethod"`
	PaymentStatus  string        `json:"paymentStatus"`
	DeliveryMethod string        `json:"deliveryMethod"`
	InternalNotes  string        `json:"internalNotes"`
	Lines          []lineRequest `json:"lines"`
}

// stockRequest is inventory that a purchase brings in. Cost is of all of it, as in the document's example.
type stockRequest struct {
	EventMapping    *mappingBody `json:"eventMapping"`
	Quantity        int          `json:"quantity"`
	Section         string       `json:"section"`
	Row             string       `json:"row"`
	LowSeat         int          `json:"lowSeat"`
	HighSeat        int          `json:"highSeat"`
	Cost            json.Number  `json:"cost"`
	StockType       string       `json:"stockType"`
	SplitType       string       `json:"splitType"`
	SeatType        string       `json:"seatType"`
	HideSeatNumbers bool         `json:"hideSeatNumbers"`
	Notes           string       `json:"notes,omitempty"`
}

// seatsUnknown marks inventory whose seats are not known. SkyBox wants numbers (lowSeat, highSeat), and gets 1 to the quantity, hidden
// from the exchanges.
const seatsUnknown = "Seat numbers are not known yet; those shown were made up."

type purchaseAnswer struct {
	ID            json.Number   `json:"id"`
	VendorID      json.Number   `json:"vendorId"`
	ExternalRef   string        `json:"externalRef"`
	PaymentStatus string        `json:"paymentStatus"`
	CurrencyCode  string        `json:"currencyCode"`
	CreatedDate   string        `json:"createdDate"`
	InternalNotes string        `json:"internalNotes"`
	Received      bool          `json:"received"`
	Notes         []noteBody    `json:"notes"`
	Lines         *[]boughtLine `json:"lines"`
}

// boughtLine is a line of a purchase, with all of its inventory.
type boughtLine struct {
	ID        json.Number    `json:"id"`
	Quantity  int            `json:"quantity"`
	Amount    json.Number    `json:"amount"`
	Inventory *inventoryBody `json:"inventory"`
	Cancelled bool           `json:"cancelled"`
}

// A purchase is one that SkyBox holds, and what voiding it needs to know besides.
type purchase struct {
	pos.PurchaseOrder
	live  []string // ids of lines that are not cancelled
	noted bool     // the reason of a void is there, though it may not be void yet
	void  bool     // its payment status is VOID
}

// purchase reads a purchase, events and vendor included, for which it may ask. It is void if it has no live line. Its lines are the
// live ones, or all that are left if it is void; one whose payment status alone is VOID has none, as in [Client.record].
func (c *Client) purchase(ctx context.Context, k call, a *purchaseAnswer) (*purchase, error) {
	if !isID(a.ID.String()) || !isID(a.VendorID.String()) {
		return nil, k.unfit(errors.New("a purchase has no id or vendor"))
	}
	if a.Lines == nil {
		return nil, k.unfit(errNoLines)
	}
	reason := voidReason(a.Notes)
	po := &purchase{noted: reason != "", void: a.PaymentStatus == "VOID", PurchaseOrder: pos.PurchaseOrder{
		ID: a.ID.String(), Ref: a.ExternalRef, Fulfillment: pos.Pending, Vendor: pos.Vendor{ID: a.VendorID.String()},
	}}
	if a.Received {
		po.Fulfillment = pos.Complete
	}
	var err error
	if po.Payment, err = payment(a.PaymentStatus); err != nil {
		return nil, k.unfit(err)
	}
	if po.CreatedAt, err = parseTime(a.CreatedDate); err != nil {
		return nil, k.unfit(err)
	}
	code := a.CurrencyCode
	if code == "" {
		code = c.cfg.Currency
	}
	var all, live []pos.PurchaseLine
	for _, l := range *a.Lines {
		line, err := c.purchaseLine(ctx, k, l, code)
		if err != nil {
			return nil, err
		}
		all = append(all, line)
		if !l.Cancelled {
			live = append(live, line)
			po.live = append(po.live, line.ID)
		}
	}
	switch {
	case len(live) == 0:
		po.Voided, po.Lines, po.VoidReason = true, all, reason
	case !po.void:
		po.Lines = live
	}
	name, ok := strings.CutPrefix(lastLine(a.InternalNotes), vendorNote)
	if ok && po.Vendor.ID == c.cfg.VendorID {
		po.Vendor.Name = name
		return po, nil
	}
	po.Vendor.Name, err = c.vendorName(ctx, k.op, po.Vendor.ID)
	return po, err
}

func lastLine(s string) string { return s[strings.LastIndexByte(s, '\n')+1:] }

func (c *Client) purchaseLine(ctx context.Context, k call, l boughtLine, code string) (pos.PurchaseLine, error) {
	total, err := parseAmount(l.Amount, code)
	if err == nil && !isID(l.ID.String()) {
		err = errors.New("a line has no id")
	}
	if err != nil {
		return pos.PurchaseLine{}, k.unfit(err)
	}
	line := pos.PurchaseLine{ID: l.ID.String(), Quantity: l.Quantity, Total: total}
	stock := l.Inventory
	if stock == nil {
		// Of a purchase of something that is no tickets.
		return line, nil
	}
	if line.Event, err = c.event(ctx, k.op, stock); err != nil {
		return pos.PurchaseLine{}, err
	}
	line.Section, line.Row = c.place(stock.Section), c.place(stock.Row)
	if line.Quantity == 0 {
		line.Quantity = max(stock.Quantity, len(stock.Tickets))
	}
	if !stock.HideSeatNumbers || stock.Notes != seatsUnknown {
		line.Seats = stock.seats()
	}
	return line, nil
}

// place reads a section or row.
func (c *Client) place(s string) string {
	if c.cfg.NoPlace != "" && s == c.cfg.NoPlace {
		return ""
	}
	return s
}

// seats are the seat numbers of inventory, upwards.
func (b *inventoryBody) seats() []string {
	var numbers []int
	for _, t := range b.Tickets {
		if n := seatNumber(t); n > 0 {
			numbers = append(numbers, n)
		}
	}
	step := b.step()
	if len(b.Tickets) == 0 && b.LowSeat > 0 && b.HighSeat-b.LowSeat < 1000 {
		for n := b.LowSeat; n <= b.HighSeat; n += step {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var seats []string
	for _, n := range numbers {
		seats = append(seats, strconv.Itoa(n))
	}
	return seats
}

// readPurchase reads a purchase by its id (SkyBox OpenAPI 1.0.0, purchases, by id).
func (c *Client) readPurchase(ctx context.Context, op, id string) (*purchase, error) {
	if !isID(id) {
		return nil, unknownID(op, "a purchase")
	}
	k := call{op: op, method: http.MethodGet}
	var a purchaseAnswer
	if err := c.get(ctx, op, "/purchases/"+id, &a); err != nil {
		return nil, err
	}
	if a.ID.String() != id {
		return nil, k.unfit(errors.New("it is another record than asked for"))
	}
	po, err := c.purchase(ctx, k, &a)
	return po, lost(err)
}

// FindPurchaseOrders searches for purchases by externalRef (SkyBox OpenAPI 1.0.0, purchases, search), as [Client.FindInvoices] does for
// invoices. Purchases of another reference are left out: each could cost a question for its vendor and its event.
func (c *Client) FindPurchaseOrders(ctx context.Context, ref string) ([]pos.PurchaseOrder, error) {
	const op = "find purchase orders"
	k := call{op: op, method: http.MethodGet}
	if ref == "" {
		return nil, invalid(op, "there is nothing to search by")
	}
	records, err := c.search(ctx, op, "/purchases", url.Values{"externalRef": {ref}})
	if err != nil {
		return nil, err
	}
	var all []pos.PurchaseOrder
	for _, r := range records {
		has, err := refOf(r)
		if err != nil {
			return nil, k.unfit(err) // it could be ours
		}
		if has != ref {
			continue
		}
		var a purchaseAnswer
		if err := decode(r, &a); err != nil {
			return nil, k.unfit(err)
		}
		var po *purchase
		if a.Lines == nil {
			po, err = c.readPurchase(ctx, op, a.ID.String())
		} else {
			po, err = c.purchase(ctx, k, &a)
		}
		if err != nil {
			return nil, lost(err)
		}
		all = append(all, po.PurchaseOrder)
	}
	slices.SortStableFunc(all, func(a, b pos.PurchaseOrder) int { return older(a.CreatedAt, b.CreatedAt, a.ID, b.ID) })
	return all, nil
}

// CreatePurchaseOrder books a purchase, which brings its tickets into the inventory (SkyBox OpenAPI 1.0.0, purchases, insert). The vendor
// is looked up by name and, where SkyBox does not know it, is [Config.VendorID] or created. Assumed: EventMapping comes back as it was
// sent, though SkyBox may map the event to one of its own.
//
// Errors: [pos.Invalid], also where a setting is missing that SkyBox demands; [pos.NotFound] for a vendor id that cannot exist;
// [pos.Unsupported] for seats that are no numbers, or have gaps; [pos.OutcomeUnknown].
func (c *Client) CreatePurchaseOrder(ctx context.Context, o pos.Op, in pos.PurchaseInput) (pos.PurchaseOrder, error) {
	const op = "create purchase order"
	if len(in.Lines) == 0 {
		return pos.PurchaseOrder{}, invalid(op, "the purchase order has no lines")
	}
	var totals []pos.Money
	for _, l := range in.Lines {
		totals = append(totals, l.Total)
	}
	code, err := currency(op, totals)
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	req := purchaseRequest{
		AccountID:      c.account,
		ExternalRef:    o.Ref,
		CurrencyCode:   code,
		PurchaseTerm:   c.cfg.PurchaseTerm,
		PaymentMethod:  c.cfg.PurchaseMethod,
		PaymentStatus:  paid(in.Payment),
		DeliveryMethod: c.cfg.DeliveryMethod,
		InternalNotes:  o.Key,
	}
	for _, l := range in.Lines {
		stock, err := c.stock(op, l)
		if err != nil {
			return pos.PurchaseOrder{}, err
		}
		req.Lines = append(req.Lines, lineRequest{
			AccountID: c.account, LineType: "PURCHASE", LineItemType: "INVENTORY", Quantity: l.Quantity, Amount: stock.Cost, Inventory: stock,
		})
	}
	vendor, err := c.vendor(ctx, op, in.Vendor)
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	req.VendorID = json.Number(vendor)
	if vendor == c.cfg.VendorID && in.Vendor.ID == "" {
		req.InternalNotes += "\n" + vendorNote + in.Vendor.Name
	}
	k := call{op: op, method: http.MethodPost, path: "/purchases", body: req}
	body, err := c.do(ctx, k)
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	var a purchaseAnswer
	if err := decode(body, &a); err != nil {
		return pos.PurchaseOrder{}, k.unfit(err)
	}
	if a.Lines == nil {
		po, err := c.readPurchase(ctx, op, a.ID.String())
		if err != nil {
			return pos.PurchaseOrder{}, k.fault("written, and it could not be read back", err)
		}
		return po.PurchaseOrder, nil
	}
	po, err := c.purchase(ctx, k, &a)
	if err != nil {
		return pos.PurchaseOrder{}, k.fault("written, and it could not be read back", err)
	}
	return po.PurchaseOrder, nil
}

// The longest section and row that the document allows (Inventory).
const (
	maxSection = 51
	maxRow     = 44
)

// stock is the inventory of a purchase line.
func (c *Client) stock(op string, l pos.PurchaseLine) (*stockRequest, error) {
	if c.cfg.Venue == "" {
		return nil, invalid(op, "SkyBox wants to know the venue, and no placeholder is set (Config.Venue)")
	}
	cost, err := amount(l.Total)
	if err != nil {
		return nil, &pos.Error{Class: pos.Invalid, Op: op, Err: err}
	}
	s := &stockRequest{
		EventMapping: c.mapping(l.Event),
		Quantity:     l.Quantity,
		Section:      l.Section,
		Row:          l.Row,
		Cost:         cost,
		StockType:    c.cfg.StockType,
		SplitType:    "DEFAULT",
		SeatType:     "CONSECUTIVE",
	}
	for _, place := range []*string{&s.Section, &s.Row} {
		if *place == "" {
			*place = c.cfg.NoPlace
		}
	}
	switch {
	case s.Section == "" || s.Row == "":
		return nil, invalid(op, "SkyBox wants a section and a row, and no placeholder is set (Config.NoPlace)")
	case len([]rune(s.Section)) > maxSection || len([]rune(s.Row)) > maxRow:
		return nil, invalid(op, "the section or the row is too long for SkyBox")
	case len(l.Seats) == 0:
		s.LowSeat, s.HighSeat, s.HideSeatNumbers, s.Notes = 1, l.Quantity, true, seatsUnknown
		return s, nil
	case len(l.Seats) != l.Quantity:
		return nil, invalid(op, "a line names more or fewer seats than it buys")
	}
	var numbers []int
	for _, seat := range l.Seats {
		n, err := strconv.Atoi(seat)
		if err != nil || n < 1 || strconv.Itoa(n) != seat {
			return nil, &pos.Error{Class: pos.Unsupported, Op: op, Message: "a seat is not a number, and SkyBox keeps numbers only"}
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	s.LowSeat, s.HighSeat = numbers[0], numbers[len(numbers)-1]
	for step, kind := range []string{1: "CONSECUTIVE", 2: "ALTERNATING"} {
		even := step > 0
		for i, n := range numbers {
			even = even && n == numbers[0]+i*step
		}
		if even {
			s.SeatType = kind
			return s, nil
		}
	}
	return nil, &pos.Error{Class: pos.Unsupported, Op: op,
		Message: "the seats are neither side by side nor every other one: book them as several lines"}
}

// VoidPurchaseOrder notes the reason and cancels each live line (SkyBox OpenAPI 1.0.0, purchases). Like [Client.VoidInvoice] it does what
// is left to do, reports success only if no line is left, and returns the same errors.
func (c *Client) VoidPurchaseOrder(ctx context.Context, _ pos.Op, id string, in pos.VoidInput) (pos.PurchaseOrder, error) {
	const op = "void purchase order"
	po, err := c.readPurchase(ctx, op, id)
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	if po.Voided {
		return po.PurchaseOrder, nil
	}
	v := steps{c: c, op: op}
	if !po.noted {
		// Before the lines: once they are cancelled nothing says that the note is missing.
		if err := v.write(ctx, http.MethodPost, "/purchases/"+id+"/notes", noteBody{Text: voidNote + in.Reason}); err != nil {
			return pos.PurchaseOrder{}, v.after(err)
		}
	}
	for _, line := range po.live {
		if err := v.line(ctx, http.MethodPut, "/purchases/"+id+"/lines/"+line+"/cancel", nil); err != nil {
			return pos.PurchaseOrder{}, err
		}
	}
	after, err := c.readPurchase(ctx, op, id)
	switch {
	case err != nil:
		return pos.PurchaseOrder{}, v.after(err)
	case after.Voided:
		return after.PurchaseOrder, nil
	case v.refused != nil:
		return pos.PurchaseOrder{}, v.stillLive()
	}
	return pos.PurchaseOrder{}, &pos.Error{Class: pos.OutcomeUnknown, Op: op, Message: "SkyBox took it, and does not show the purchase void yet"}
}
