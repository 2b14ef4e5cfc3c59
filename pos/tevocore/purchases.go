package tevocore

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
)

// purchaseOrder makes a purchase order of an order.
func (c *Client) purchaseOrder(o *orderBody) (pos.PurchaseOrder, error) {
	created, err := o.common()
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	if o.Seller.ID == "" {
		return pos.PurchaseOrder{}, errors.New("a purchase has no seller")
	}
	po := pos.PurchaseOrder{
		ID: string(o.ID), Ref: text(o.Reference), Vendor: pos.Vendor{ID: string(o.Seller.ID), Name: o.Seller.Name},
		Fulfillment: o.fulfillment(), Voided: fates[o.State], VoidReason: o.voidReason(), CreatedAt: created,
	}
	// A purchase is compared by the name that it was asked for under.
	if name := c.vendors[po.Vendor.ID]; name != "" {
		po.Vendor.Name = name
	}
	var cost int64
	for _, it := range o.Items {
		quantity, total, err := c.line(it.Quantity, it.Price)
		if err != nil {
			return pos.PurchaseOrder{}, err
		}
		event, err := it.Group.Event.record()
		if err != nil {
			return pos.PurchaseOrder{}, err
		}
		if it.ID == "" {
			return pos.PurchaseOrder{}, errors.New("an item has no id")
		}
		cost += total.Minor
		po.Lines = append(po.Lines, pos.PurchaseLine{
			ID: string(it.ID), Event: event, Section: it.Group.Section, Row: it.Group.Row, Seats: seatNames(it.Group.Seats),
			Quantity: quantity, Total: total,
		})
	}
	po.Payment = c.payment(o, cost)
	return po, nil
}

// seatNames are nil where a seat is not known: samples have a null for each then.
func seatNames(raw []jsontext.Value) []string {
	var names []string
	for _, r := range raw {
		s := text(r)
		if s == "" {
			return nil
		}
		names = append(names, s)
	}
	return names
}

// FindPurchaseOrders is to purchases what [Client.FindInvoices] is to sales.
func (c *Client) FindPurchaseOrders(ctx context.Context, ref string) ([]pos.PurchaseOrder, error) {
	var found []pos.PurchaseOrder
	err := c.findOrders(ctx, "find purchase orders", "PurchaseOrder", ref, func(o *orderBody) error {
		po, err := c.purchaseOrder(o)
		found = append(found, po)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// CreatePurchaseOrder books a purchase (Orders/Create with is_purchase); each line makes a ticket group. The vendor is an
// office: by its id, or by a name of Config.Vendors. The event is looked up in the catalogue by its exact name and time,
// and must be one. Seats are numbers that follow each other, or leave one out each. Whatever of that does not hold is
// [pos.Invalid], before anything is written. Other errors: [pos.NotFound], [pos.OutcomeUnknown].
func (c *Client) CreatePurchaseOrder(ctx context.Context, op pos.Op, in pos.PurchaseInput) (pos.PurchaseOrder, error) {
	const what = "create purchase order"
	invalid := func(message string) error { return &pos.Error{Class: pos.Invalid, Op: what, Message: message} }
	vendor := in.Vendor.ID
	if vendor == "" {
		if vendor = c.cfg.Vendors[in.Vendor.Name]; vendor == "" {
			return pos.PurchaseOrder{}, invalid("no office is configured for this vendor's name")
		}
	}
	if !isID(vendor) {
		return pos.PurchaseOrder{}, &pos.Error{Class: pos.NotFound, Op: what, Message: "the vendor's id is none"}
	}
	var items []itemRequest
	var sum int64
	for _, l := range in.Lines {
		price, message := c.price(l.Total, l.Quantity)
		if message != "" {
			return pos.PurchaseOrder{}, invalid(message)
		}
		low, order, ok := seatOrder(l.Seats, l.Quantity)
		if !ok {
			return pos.PurchaseOrder{}, invalid("a line's seats are not as many numbers as its tickets, next to each other or every other one")
		}
		sum += l.Total.Minor
		items = append(items, itemRequest{
			Quantity: l.Quantity, Price: price, LowSeat: low, SeatOrder: order,
			Group: &groupRequest{Section: l.Section, Row: l.Row, Quantity: l.Quantity},
		})
	}
	events := map[pos.Event]json.Number{}
	for i, l := range in.Lines {
		key := pos.Event{Name: l.Event.Name, StartsAt: l.Event.StartsAt.UTC()}
		if events[key] == "" {
			id, err := c.eventID(ctx, what, l.Event)
			if err != nil {
				return pos.PurchaseOrder{}, err
			}
			events[key] = json.Number(id)
		}
		items[i].Group.EventID = events[key]
	}
	request, err := c.order(op, in.Payment, sum, items)
	if err != nil {
		return pos.PurchaseOrder{}, invalid("the total has no currency")
	}
	request.IsPurchase, request.SellerID, request.BuyerID = true, json.Number(vendor), json.Number(c.cfg.OfficeID)
	o, err := c.create(ctx, what, request)
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	po, err := c.purchaseOrder(o)
	if err != nil {
		return pos.PurchaseOrder{}, unusable(what, err)
	}
	return po, nil
}

// seatOrder says how seats stand as Ticket Evolution has it, which requires an order also where seats are not known.
func seatOrder(seats []string, quantity int) (low int, order string, ok bool) {
	if len(seats) == 0 {
		return 0, "consecutive", true
	}
	if len(seats) != quantity {
		return 0, "", false
	}
	step := 1
	for i, s := range seats {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || strconv.Itoa(n) != s {
			return 0, "", false
		}
		if i == 0 {
			low = n
		}
		if i == 1 && n == low+2 {
			step = 2
		}
		if n != low+i*step {
			return 0, "", false
		}
	}
	if step == 2 {
		return low, "odd_even", true
	}
	return low, "consecutive", true
}

// eventID looks an event up by its exact name and, where it has one, its time (Events/Search).
func (c *Client) eventID(ctx context.Context, what string, want pos.Event) (string, error) {
	var ids []string
	err := c.list(ctx, what, "/v9/events/search", "events", url.Values{"q": {want.Name}}, func(_ head, raw jsontext.Value) error {
		var e eventAnswer
		if parse(raw, &e) != nil || e.Name != want.Name {
			return nil
		}
		got, err := e.record()
		if err != nil {
			return nil
		}
		if want.StartsAt.IsZero() || got.StartsAt.Equal(want.StartsAt.Truncate(time.Second)) {
			ids = append(ids, string(e.ID))
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if len(ids) != 1 {
		return "", &pos.Error{Class: pos.Invalid, Op: what,
			Message: strconv.Itoa(len(ids)) + " events of the catalogue have a line's name and time; it must be one"}
	}
	return ids[0], nil
}

// VoidPurchaseOrder cancels a purchase (Orders/Cancel), which its seller must agree to: see [Client.VoidInvoice] for the
// proposal and its [pos.Unsupported]. Other errors: [pos.Invalid], [pos.NotFound], [pos.OutcomeUnknown].
func (c *Client) VoidPurchaseOrder(ctx context.Context, _ pos.Op, id string, in pos.VoidInput) (pos.PurchaseOrder, error) {
	const what = "void purchase order"
	o, err := c.void(ctx, what, id, true, in)
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	po, err := c.purchaseOrder(o)
	if err != nil {
		return pos.PurchaseOrder{}, unusable(what, err)
	}
	return po, nil
}
