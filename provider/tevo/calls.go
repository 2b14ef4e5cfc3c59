package tevo

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// Order is one order as the API gave it. Raw holds buyer data.
type Order struct {
	ID        string // right half of the order number, the one in paths
	GroupID   string // left half, the one that webhooks carry; "" if the order has no oid
	UpdatedAt time.Time
	Raw       json.RawMessage

	body body
}

// Form is the order as it goes into the inbox; see [Synthesize]. kind is our side of it.
func (o Order) Form(kind order.Kind) []byte { return Synthesize(o.Raw, Recipient(kind), o.GroupID) }

func readOrder(raw json.RawMessage) (Order, bool) {
	o := Order{Raw: raw}
	if parseBody(raw, &o.body) != nil || o.body.ID.ID() == "" {
		return Order{}, false
	}
	o.ID, o.GroupID = o.body.ID.ID(), groupOf(o.body.OID)
	o.UpdatedAt, _ = o.body.UpdatedAt.Moment()
	return o, true
}

// Page is one page of Orders/Index.
type Page struct {
	Orders  []Order
	Skipped int  // orders of the other side, which were not asked for
	More    bool // there is a next page
}

const (
	perPage  = 100  // what we ask for; the API may give fewer (public: seen with 10)
	maxPages = 1000 // of one poll
)

// ListOrders is Orders/Index: the orders of one side that were updated at or after the given time, page 1 first. Orders
// that change while the pages are read can move between them; the next poll, with a window that overlaps, finds them.
//
// The side is asked for by type=Order, a sale, or type=PurchaseOrder (public: a third party's client, which also says that
// the API answers with both sides to a type that it does not know). So an order whose isPO contradicts is skipped: a sale
// that passes for a purchase would be bought. That isPO means this is an assumption; the samples, all of sales, have false.
func (c *Client) ListOrders(ctx context.Context, kind order.Kind, updatedSince time.Time, page int) (Page, error) {
	const op = "list orders"
	page = max(page, 1)
	if page > maxPages {
		return Page{}, &provider.CallError{Class: provider.Unsupported, Op: op, Detail: "the pages do not end; poll a shorter time"}
	}
	typ, foreign := "Order", "true"
	if kind == order.Purchase {
		typ, foreign = "PurchaseOrder", "false"
	}
	a, err := c.call(ctx, op, http.MethodGet, "/v9/orders", url.Values{
		"type":           {typ},
		"updated_at.gte": {updatedSince.UTC().Format(time.RFC3339)},
		"page":           {strconv.Itoa(page)},
		"per_page":       {strconv.Itoa(perPage)},
	}, nil)
	if err != nil {
		return Page{}, err
	}
	var in struct {
		Orders wire.List[json.RawMessage] `json:"orders"`
		Total  wire.Scalar                `json:"total_entries"`
	}
	if parseBody(a.Body, &in) != nil || in.Orders.Wrong || in.Orders.All == nil {
		return Page{}, provider.Odd(op, false, a.Status, "the answer is no list of orders")
	}
	var p Page
	for _, raw := range in.Orders.All {
		o, ok := readOrder(raw)
		if !ok {
			o = Order{Raw: raw} // into the inbox all the same, where a person sees that it cannot be read
		}
		if o.body.IsPO.Word() == foreign {
			p.Skipped++
			continue
		}
		p.Orders = append(p.Orders, o)
	}
	p.More = more(page, len(in.Orders.All), in.Total)
	return p, nil
}

// more reports whether there are pages behind this one, which has got entries. It does not believe that pages are as long
// as we ask for or as the answer says: at worst one empty page is read. Without total_entries only an empty page is the last.
func more(page, got int, total wire.Scalar) bool {
	all, err := strconv.Atoi(total.Text)
	return got > 0 && (err != nil || page*got < all)
}

// ShowOrder is Orders/Show. id is the right half of the order number.
func (c *Client) ShowOrder(ctx context.Context, id string) (Order, error) {
	const op = "show order"
	if !wire.IsID(id) {
		return Order{}, &provider.CallError{Class: provider.Invalid, Op: op, Detail: "the order has no id that the API knows"}
	}
	a, err := c.call(ctx, op, http.MethodGet, "/v9/orders/"+id, nil, nil)
	if err != nil {
		return Order{}, err
	}
	o, ok := readOrder(a.Body)
	if !ok || o.ID != id {
		return Order{}, provider.Odd(op, false, a.Status, "the answer is not the order")
	}
	return o, nil
}

// A Reason is why an order is rejected; the API takes no other. (public: Orders/Reject)
type Reason string

// The reasons.
const (
	NoLongerAvailable Reason = "Tickets No Longer Available"
	PricedIncorrectly Reason = "Tickets Priced Incorrectly"
	DuplicateOrder    Reason = "Duplicate Order"
	FraudulentOrder   Reason = "Fraudulent Order"
	TestOrder         Reason = "Test Order"
	OtherReason       Reason = "Other"
)

// Valid reports whether the API takes the reason.
func (r Reason) Valid() bool {
	return slices.Contains([]Reason{NoLongerAvailable, PricedIncorrectly, DuplicateOrder, FraudulentOrder, TestOrder, OtherReason}, r)
}

// Accept is Orders/Accept, for a pending sale; it returns the order as it stands then. It must not be called again after
// [OutcomeUnknown] without a look at the order: use [Client.EnsureAccepted].
func (c *Client) Accept(ctx context.Context, id string) (Order, error) {
	return c.review(ctx, "accept order", id, "accept", map[string]any{"reviewer_id": c.ReviewerID})
}

// Reject is Orders/Reject, for a pending sale; otherwise as [Client.Accept].
func (c *Client) Reject(ctx context.Context, id string, reason Reason) (Order, error) {
	if !reason.Valid() {
		return Order{}, &provider.CallError{Class: provider.Invalid, Op: "reject order", Detail: "the API does not know this reason"}
	}
	return c.review(ctx, "reject order", id, "reject", map[string]any{"reviewer_id": c.ReviewerID, "reason": reason})
}

func (c *Client) review(ctx context.Context, op, id, verb string, in map[string]any) (Order, error) {
	if !wire.IsID(id) {
		return Order{}, &provider.CallError{Class: provider.Invalid, Op: op, Detail: "the order has no id that the API knows"}
	}
	if c.ReviewerID <= 0 {
		return Order{}, &provider.CallError{Class: provider.Unauthorized, Op: op, Detail: "no reviewer id is configured"}
	}
	a, err := c.call(ctx, op, http.MethodPost, "/v9/orders/"+id+"/"+verb, nil, in)
	if err != nil {
		return Order{}, err
	}
	o, ok := readOrder(a.Body)
	if !ok || o.ID != id {
		return Order{}, provider.Odd(op, true, a.Status, "the answer is not the order") // 202: taken, to be done later
	}
	return o, nil
}

// GetAirbill is Shipments/Get Airbill: the file and its media type. What the call answers is not public. Assumption: the
// file itself, or JSON whose field airbill or file holds it in base64. JSON with anything else, such as a link, is
// [Unsupported].
func (c *Client) GetAirbill(ctx context.Context, shipmentID string) (file []byte, mediaType string, err error) {
	const op = "get airbill"
	if !wire.IsID(shipmentID) {
		return nil, "", &provider.CallError{Class: provider.Invalid, Op: op, Detail: "the shipment has no id that the API knows"}
	}
	a, err := c.call(ctx, op, http.MethodGet, "/v9/shipments/"+shipmentID+"/get_airbill", nil, nil)
	if err != nil {
		return nil, "", err
	}
	file, mediaType, err = fileIn(op, a, "airbill", "file")
	if err == nil && mediaType != "application/pdf" && !strings.HasPrefix(mediaType, "image/") {
		return nil, "", &provider.CallError{Class: provider.Unsupported, Op: op, Status: a.Status, Detail: "the answer is neither a PDF nor an image"}
	}
	if err != nil {
		return nil, "", err
	}
	return file, mediaType, nil
}

// fileIn is the file that an answer is, or that one of these fields of its JSON holds in base64. Its media type is that of the
// content and not of the header: what is stored and printed must be what it says it is.
func fileIn(op string, a provider.Answer, fields ...string) (file []byte, mediaType string, err error) {
	file = a.Body
	var in map[string]wire.Scalar
	if parseBody(a.Body, &in) == nil {
		var text string
		for _, f := range fields {
			text = cmp.Or(text, in[f].Text)
		}
		if _, data, found := strings.Cut(text, ";base64,"); found {
			text = data
		}
		if file, err = base64.StdEncoding.DecodeString(text); err != nil || len(file) == 0 {
			return nil, "", &provider.CallError{Class: provider.Unsupported, Op: op, Status: a.Status, Detail: "the answer holds no file; " + provider.FieldNames(a.Body)}
		}
	}
	if len(file) == 0 {
		return nil, "", &provider.CallError{Class: provider.NotFound, Op: op, Status: a.Status, Detail: "the answer is empty"}
	}
	mediaType, _, _ = strings.Cut(http.DetectContentType(file), ";")
	return file, mediaType, nil
}
