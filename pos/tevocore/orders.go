package tevocore

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
)

// What sales and purchases share: both are orders.

// findOrders lists orders of one type (Order or PurchaseOrder), oldest first, and gives those of the reference to each.
// No order of the list may come without the member that is compared: where an account does not list it, a search that
// finds nothing would mean nothing. Entries of other references are not looked at any further.
func (c *Client) findOrders(ctx context.Context, op, kind, ref string, each func(*orderBody) error) error {
	query := url.Values{"type": {kind}}
	if c.cfg.SearchByReference != "" {
		query.Set(c.cfg.SearchByReference, ref)
	} else {
		query.Set("created_at.gte", stamp(c.now().AddDate(0, 0, -c.cfg.SearchDays)))
	}
	fault := func(message string, err error) error {
		return &pos.Error{Class: pos.Transient, Op: op, Message: message, Err: err}
	}
	var ours []*orderBody
	err := c.list(ctx, op, "/v9/orders", "orders", query, func(h head, raw jsontext.Value) error {
		if h.Reference == nil {
			return &pos.Error{Class: pos.Unsupported, Op: op,
				Message: "orders are listed without their reference, so that none can be found by it", Err: errNoReference}
		}
		if text(h.Reference) != ref {
			return nil
		}
		o := &orderBody{}
		if parse(raw, o) != nil {
			return fault("the order cannot be read", nil)
		}
		purchase, err := o.purchase()
		if err != nil {
			return fault("the order cannot be used", err)
		}
		// The type may be a filter that is not applied.
		if purchase == (kind == "PurchaseOrder") {
			ours = append(ours, o)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(ours, func(a, b *orderBody) int { return byID(string(a.ID), string(b.ID)) })
	for _, o := range ours {
		if err := each(o); err != nil {
			return fault("the order cannot be used", err)
		}
	}
	return nil
}

// show reads one order. An order of the other kind is [pos.NotFound]: the port has ids of each apart.
func (c *Client) show(ctx context.Context, op, id string, purchase bool) (*orderBody, error) {
	if !isID(id) {
		return nil, notFound(op)
	}
	answer := showAnswer{want: id}
	if err := c.get(ctx, op, "/v9/orders/"+id, nil, &answer); err != nil {
		return nil, err
	}
	is, err := answer.purchase()
	if err != nil {
		return nil, &pos.Error{Class: pos.Transient, Op: op, Message: "the answer cannot be used", Err: err}
	}
	if is != purchase {
		return nil, &pos.Error{Class: pos.NotFound, Op: op, Message: "the order of this id is of the other kind"}
	}
	return &answer.orderBody, nil
}

type orderRequest struct {
	IsPurchase     bool             `json:"is_purchase,omitempty"`
	ClientID       json.Number      `json:"client_id,omitempty"`
	SellerID       json.Number      `json:"seller_id"`
	BuyerID        json.Number      `json:"buyer_id,omitempty"`
	Reference      string           `json:"seller_reference_number"`
	Shipped        []shippedRequest `json:"shipped_items"`
	Payments       []paymentRequest `json:"payments"`
	Shipping       int              `json:"shipping"`
	ServiceFee     int              `json:"service_fee"`
	Tax            int              `json:"tax"`
	Discount       int              `json:"discount"`
	AdditionalCost int              `json:"additional_expense"`
	InternalNotes  string           `json:"internal_notes"`
}

type shippedRequest struct {
	Type  string        `json:"type"`
	Items []itemRequest `json:"items"`
}

type itemRequest struct {
	GroupID   json.Number   `json:"ticket_group_id,omitempty"`
	Quantity  int           `json:"quantity"`
	Price     json.Number   `json:"price"` // of one ticket
	LowSeat   int           `json:"low_seat,omitempty"`
	SeatOrder string        `json:"seat_order,omitempty"`
	Group     *groupRequest `json:"ticket_group,omitempty"`
}

type groupRequest struct {
	EventID  json.Number `json:"event_id"`
	Section  string      `json:"section"`
	Row      string      `json:"row"`
	Quantity int         `json:"quantity"`
}

type paymentRequest struct {
	Type   string      `json:"type"`
	Amount json.Number `json:"amount"`
}

// order makes the part of a request that sales and purchases share. The fees that Ticket Evolution would add to the items
// are none: the port's totals are of the lines, and hold everything.
func (c *Client) order(op pos.Op, payment pos.Payment, sum int64, items []itemRequest) (orderRequest, error) {
	r := orderRequest{
		SellerID: json.Number(c.cfg.OfficeID), Reference: op.Ref, Shipped: []shippedRequest{{Type: c.cfg.Delivery, Items: items}},
		Payments: []paymentRequest{}, InternalNotes: "willcall " + op.Key,
	}
	if payment == pos.Paid && c.cfg.PaymentType != "" {
		amount, err := pos.Money{Minor: sum, Currency: c.cfg.Currency}.Amount()
		if err != nil {
			return r, err
		}
		r.Payments = append(r.Payments, paymentRequest{Type: c.cfg.PaymentType, Amount: json.Number(amount)})
	}
	return r, nil
}

// price is that of one ticket, because Ticket Evolution computes totals itself. The message says why there is none.
func (c *Client) price(total pos.Money, quantity int) (_ json.Number, message string) {
	switch {
	case total.Currency != c.cfg.Currency:
		return "", "a line's total is in another currency than the account's"
	case quantity < 1 || total.Minor < 0:
		return "", "a line sells no tickets, or its total is negative"
	case total.Minor%int64(quantity) != 0:
		return "", "a line's total does not divide by its tickets, and only the price of one ticket can be written"
	}
	each, err := pos.Money{Minor: total.Minor / int64(quantity), Currency: total.Currency}.Amount()
	if err != nil {
		return "", "a line's total has no currency"
	}
	return json.Number(each), ""
}

// create posts one order and returns what became of it.
func (c *Client) create(ctx context.Context, what string, r orderRequest) (*orderBody, error) {
	body := struct {
		Orders []orderRequest `json:"orders"`
	}{[]orderRequest{r}}
	var answer ordersAnswer
	if err := c.post(ctx, what, "/v9/orders", body, &answer); err != nil {
		return nil, err
	}
	o := &answer.Orders[0]
	if is, err := o.purchase(); err != nil || is != r.IsPurchase {
		return nil, &pos.Error{Class: pos.OutcomeUnknown, Op: what, Message: "the answer is an order of the other kind, or does not say", Err: err}
	}
	return o, nil
}

type cancelRequest struct {
	ReviewerID json.Number `json:"reviewer_id"`
	Reason     string      `json:"reason"`
}

type returnRequest struct {
	cancelRequest
	Amount      int    `json:"amount"`
	CancelOrder bool   `json:"cancel_order"`
	Notes       string `json:"notes"`
}

// void cancels an order, unless it is cancelled already, and returns it as it is then. Where the cancellation waits for the
// other side the error is [pos.Unsupported]: no repetition helps, a person must make them agree; afterwards a repetition
// succeeds. It reads the order first, because a purchase's id must not cancel a sale, a second proposal is refused, and
// the answer to a cancellation is not documented.
func (c *Client) void(ctx context.Context, what, id string, purchase bool, in pos.VoidInput) (*orderBody, error) {
	o, err := c.show(ctx, what, id, purchase)
	if err != nil {
		return nil, err
	}
	switch {
	case o.State == stateProposed || fates[o.State]:
		return o, waits(what, o)
	case !purchase && o.client() == "":
		return nil, &pos.Error{Class: pos.Unsupported, Op: what,
			Message: "order " + id + " was placed by another office, whose sale is not ours to void"}
	case !purchase && !in.Restock && !c.cfg.CancelKeepsTickets:
		return nil, &pos.Error{Class: pos.Unsupported, Op: what,
			Message: "cancelled tickets go back on sale, and these must not: a person cancels order " + id}
	}
	path, body := "/cancel", any(c.cancellation(in.Reason))
	if c.cfg.VoidByReturn && !purchase {
		path, body = "/return", returnRequest{cancelRequest: c.cancellation(in.Reason), CancelOrder: true, Notes: in.Reason}
	}
	refusal := c.post(ctx, what, "/v9/orders/"+id+path, body, &anyAnswer{})
	if refusal != nil && pos.ClassOf(refusal) != pos.Invalid {
		return nil, refusal
	}
	// After a refusal, too: somebody may have cancelled in between.
	o, err = c.show(ctx, what, id, purchase)
	switch {
	case err == nil && (o.State == stateProposed || fates[o.State]):
		return o, waits(what, o)
	case refusal != nil:
		return nil, refusal
	}
	return nil, &pos.Error{Class: pos.OutcomeUnknown, Op: what, Message: "cancelled, and not seen to be", Err: err}
}

// waits is the error of an order whose cancellation is only proposed.
func waits(what string, o *orderBody) error {
	if o.State != stateProposed {
		return nil
	}
	return &pos.Error{Class: pos.Unsupported, Op: what,
		Message: "the cancellation of order " + string(o.ID) + " is proposed, and the other side must agree"}
}

func (c *Client) cancellation(reason string) cancelRequest {
	if !slices.Contains(reasons, reason) {
		reason = "Other"
	}
	return cancelRequest{ReviewerID: json.Number(c.cfg.ReviewerID), Reason: reason}
}

// unusable is a write whose answer cannot be taken for a record.
func unusable(what string, err error) error {
	return &pos.Error{Class: pos.OutcomeUnknown, Op: what, Message: "the answer cannot be used", Err: err}
}

// unreadable is the same for reads.
func unreadable(what string, err error) error {
	return &pos.Error{Class: pos.Transient, Op: what, Message: "the answer cannot be used", Err: err}
}
