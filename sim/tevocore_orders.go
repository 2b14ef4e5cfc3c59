package sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// States of an order that only its cancellation reaches; the others are in tevo_order.go.
const (
	tevoCancelProposed = "cancel_proposed"
	tevoCanceledOpen   = "canceled_open"
)

// coreOrder is an order: a sale to a client of ours, or a purchase from another office.
type coreOrder struct {
	group, id        string // the halves of the order number
	purchase         bool
	reference        string
	clientID         string // of a sale
	sellerID         string // office
	buyerID          string // office, of a purchase
	state            string
	items            []*coreItem
	shipments        []*coreShipment
	payments         []corePayment
	reason, notes    string // of the cancellation
	created, updated time.Time
	taken            bool // the tickets of its groups are this order's to give back
	files            []POSFile
}

type coreItem struct {
	id, orderItemID string // items[].id and items[].order_item_id
	group           string // ticket group; of a purchase the one that it made
	event           TEvoCoreEvent
	section, row    string
	seats           []int // of a purchase
	quantity        int
	price           int64    // US cents, of one ticket
	added           [][]byte // files of e-tickets
	kept            []int    // their pages that went to the buyer
	finalized       time.Time
	tickets         []*coreTicket
}

// final reports whether the item's e-tickets went to the buyer.
func (it *coreItem) final() bool { return !it.finalized.IsZero() }

type corePayment struct {
	id, kind string
	amount   int64
	refund   bool
}

func (o *coreOrder) void() bool {
	switch o.state {
	case tevoRejected, tevoCanceled, tevoCanceledOpen, tevoCanceledAfter:
		return true
	}
	return false
}

func (o *coreOrder) total() int64 {
	var sum int64
	for _, it := range o.items {
		sum += it.price * int64(it.quantity)
	}
	return sum
}

func (o *coreOrder) paid() int64 {
	var sum int64
	for _, p := range o.payments {
		if !p.refund {
			sum += p.amount
		}
	}
	return sum
}

func (o *coreOrder) payment() string {
	if paid := o.paid(); paid == 0 || paid < o.total() {
		return "UNPAID"
	}
	return "PAID"
}

func (o *coreOrder) fulfillment() string {
	if o.state == tevoCompleted {
		return "COMPLETE"
	}
	return "PENDING"
}

func usd(minor int64) POSMoney {
	m := POSMoney{Amount: decimal(minor), Currency: "USD"}
	if _, fraction, _ := strings.Cut(m.Amount, "."); len(fraction) == 1 {
		m.Amount += "0"
	}
	return m
}

func (o *coreOrder) voidReason() *string {
	if !o.void() {
		return nil
	}
	reason := cmp.Or(o.notes, o.reason)
	return &reason
}

func (o *coreOrder) invoice() POSInvoice {
	v := POSInvoice{
		ID: o.id, ExternalReference: o.reference, CustomerID: o.clientID, Payment: o.payment(), Fulfillment: o.fulfillment(),
		Voided: o.void(), VoidReason: o.voidReason(), CreatedAt: o.created.Format(time.RFC3339), Files: slices.Clone(o.files),
	}
	for _, it := range o.items {
		v.Lines = append(v.Lines, POSInvoiceLine{
			ID: it.id, InventoryID: it.group, TicketIDs: []string{}, Quantity: it.quantity, Total: usd(it.price * int64(it.quantity)),
		})
	}
	return v
}

func (o *coreOrder) purchaseOrder(vendor string) POSPurchaseOrder {
	v := POSPurchaseOrder{
		ID: o.id, ExternalReference: o.reference, Vendor: POSVendor{ID: o.sellerID, Name: vendor}, Payment: o.payment(),
		Fulfillment: o.fulfillment(), Voided: o.void(), VoidReason: o.voidReason(), CreatedAt: o.created.Format(time.RFC3339),
	}
	for _, it := range o.items {
		l := POSPurchaseLine{
			ID: it.id, Event: it.event.contract(), Section: it.section, Row: it.row, Seats: []string{},
			Quantity: it.quantity, Total: usd(it.price * int64(it.quantity)),
		}
		for _, seat := range it.seats {
			l.Seats = append(l.Seats, strconv.Itoa(seat))
		}
		v.Lines = append(v.Lines, l)
	}
	return v
}

// body is the order as Orders/Show answers it, in the types of the order_created sample that [TEvoOrder.Body] follows. That
// seller_reference_number is among its members, and that isPO tells a purchase from a sale, are assumptions. Like there, an
// order that waits for its seller has a total of "0.0": the price is in the items. It needs c.mu.
func (c *TEvoCore) body(o *coreOrder) object {
	items, shipments, payments := []any{}, []any{}, []any{}
	for _, it := range o.items {
		items = append(items, o.itemBody(it))
	}
	for _, sh := range o.shipments {
		shipments = append(shipments, object{"id": number(sh.id), "type": sh.kind, "state": sh.state, "url": "/shipments/" + sh.id})
	}
	for _, p := range o.payments {
		payments = append(payments, object{
			"id": number(p.id), "type": p.kind, "state": "completed", "amount": decimal(p.amount), "is_refund": p.refund,
		})
	}
	total := o.total()
	b := object{
		"id": number(o.id), "oid": o.group + "-" + o.id, "url": "/orders/" + o.id,
		"state": o.state, "seller_state": o.state, "buyer_state": o.state, "isPO": o.purchase,
		"seller_reference_number": orNull(o.reference), "created_at": stamp(o.created), "updated_at": stamp(o.updated),
		"items": items, "shipments": shipments, "payments": payments,
		"subtotal": decimal(total), "total": decimal(total), "balance": decimal(total - o.paid()), "returns_total": json.Number("0.0"),
		"seller": object{"type": "Office", "id": number(o.sellerID), "name": c.officeName(o.sellerID)},
		"client": nil, "buyer_cancellation_reason": nil, "buyer_cancellation_notes": nil,
		"seller_cancellation_reason": nil, "seller_cancellation_notes": nil,
	}
	side := "seller"
	if o.purchase {
		side = "buyer"
		b["buyer"] = object{"type": "Office", "id": number(o.buyerID), "name": c.officeName(o.buyerID)}
	} else if cl := c.client(o.clientID); cl != nil {
		buyer := cl.body()
		buyer["type"] = "Client"
		b["buyer"], b["client"] = buyer, cl.body()
	}
	b[side+"_cancellation_reason"], b[side+"_cancellation_notes"] = orNull(o.reason), orNull(o.notes)
	if o.state == tevoPending {
		b["total"], b["subtotal"], b["pending_balance"] = "0.0", "0.0", decimal(total)
	}
	return b
}

// itemBody is an item as Items/Show answers it, and as it is shown within its order.
func (o *coreOrder) itemBody(it *coreItem) object {
	tickets, seats := []any{}, []any{}
	for i, t := range it.tickets {
		tickets = append(tickets, object{"id": number(t.id), "barcode": orNull(t.barcode)})
		if i < len(it.seats) {
			seats = append(seats, it.seats[i])
		} else {
			seats = append(seats, nil)
		}
	}
	b := object{
		"id": number(it.id), "order_item_id": number(it.orderItemID), "quantity": it.quantity, "price": decimal(it.price),
		"eticket_available": it.final(), "eticket_finalized_at": nil, "eticket_downloaded_at": nil, "tickets": tickets,
		"ticket_group": object{
			"id": it.group, "section": it.section, "row": it.row, "quantity": it.quantity, "seats": seats, "event": it.event.body(),
			"url": "/ticket_groups/" + it.group, "office_id": number(o.sellerID),
		},
	}
	if it.final() {
		b["eticket_finalized_at"] = stamp(it.finalized)
	}
	return b
}

func (c *TEvoCore) officeName(id string) string {
	if id == c.opts.OfficeID {
		return ourOfficeName
	}
	return c.offices[id]
}

// order needs c.mu.
func (c *TEvoCore) order(id string) *coreOrder {
	return find(c.orders, id, func(o *coreOrder) string { return o.id })
}

// listOrders is Orders/Index, oldest first (assumption), with the filters type, state and the dates. Like everywhere,
// parameters that are not known are ignored.
func (c *TEvoCore) listOrders(r *coreRequest) coreAnswer {
	q := r.URL.Query()
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*coreOrder
	for _, o := range c.orders {
		ok, err := c.wantsOrder(q, o)
		if err != nil {
			return coreRefuse(http.StatusUnprocessableEntity, err.Error())
		}
		if ok && c.visible(o.created) {
			found = append(found, o)
		}
	}
	from, to, body, err := corePage(q, len(found))
	if err != nil {
		return coreRefuse(http.StatusUnprocessableEntity, err.Error())
	}
	list := []any{}
	for _, o := range found[from:to] {
		list = append(list, c.body(o))
	}
	body["orders"] = list
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: body}}
}

func (c *TEvoCore) wantsOrder(q url.Values, o *coreOrder) (bool, error) {
	if name := c.opts.ReferenceFilter; name != "" && q.Get(name) != "" && q.Get(name) != o.reference {
		return false, nil
	}
	if s := q.Get("state"); s != "" && s != o.state {
		return false, nil
	}
	if kind := q.Get("type"); kind == "Order" && o.purchase || kind == "PurchaseOrder" && !o.purchase {
		return false, nil
	}
	return tevoDates(q, o.created.Truncate(time.Second), o.updated.Truncate(time.Second))
}

// showOrder is Orders/Show. The id is the right half of the order number; the whole number is not found.
func (c *TEvoCore) showOrder(r *coreRequest) coreAnswer {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.order(r.PathValue("id"))
	if o == nil {
		return coreRefuse(http.StatusNotFound, "order not found")
	}
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: c.body(o)}}
}

// coreID is an id in a request: a number, or a string of digits as answers have it.
type coreID string

// UnmarshalJSON takes null and anything that is no id for none.
func (id *coreID) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if _, err := strconv.ParseUint(s, 10, 63); err == nil {
		*id = coreID(s)
	}
	return nil
}

// coreAmount is an amount in a request, a number or a string, in US cents; -1 is none that is exact.
type coreAmount int64

// UnmarshalJSON does not go through a float: an amount with a fraction of a cent must not be taken.
func (a *coreAmount) UnmarshalJSON(b []byte) error {
	*a = -1
	whole, fraction, _ := strings.Cut(strings.Trim(string(b), `"`), ".")
	if len(fraction) > 2 || whole == "" {
		return nil
	}
	if n, err := strconv.ParseUint(whole+(fraction + "00")[:2], 10, 53); err == nil {
		*a = coreAmount(n)
	}
	return nil
}

type coreOrderInput struct {
	IsPurchase bool   `json:"is_purchase"`
	ClientID   coreID `json:"client_id"`
	SellerID   coreID `json:"seller_id"`
	BuyerID    coreID `json:"buyer_id"`
	Reference  string `json:"seller_reference_number"`
	Shipped    []struct {
		Type  string          `json:"type"`
		Items []coreItemInput `json:"items"`
	} `json:"shipped_items"`
	Payments []struct {
		Type   string     `json:"type"`
		Amount coreAmount `json:"amount"`
	} `json:"payments"`
}

type coreItemInput struct {
	GroupID   coreID     `json:"ticket_group_id"`
	Quantity  int        `json:"quantity"`
	Price     coreAmount `json:"price"`
	LowSeat   int        `json:"low_seat"`
	SeatOrder string     `json:"seat_order"`
	Group     *struct {
		EventID  coreID `json:"event_id"`
		Section  string `json:"section"`
		Row      string `json:"row"`
		Quantity int    `json:"quantity"`
	} `json:"ticket_group"`
}

// UnmarshalJSON keeps apart what is absent and what is no amount.
func (in *coreItemInput) UnmarshalJSON(b []byte) error {
	type plain coreItemInput
	p := plain{Price: -1}
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*in = coreItemInput(p)
	return nil
}

// coreRead decodes a body; ok is false where it is no JSON of the wanted form.
func coreRead(r *coreRequest, v any) (coreAnswer, bool) {
	if err := json.Unmarshal(r.body, v); err != nil {
		return coreRefuse(http.StatusBadRequest, "the body is not JSON of the wanted form"), false
	}
	return coreAnswer{}, true
}

// coreReference is the reference in a body, for the log only: the call reports what is wrong.
func coreReference(body []byte) string {
	var in struct {
		Orders []struct {
			Reference string `json:"seller_reference_number"`
		} `json:"orders"`
	}
	if _ = json.Unmarshal(body, &in); len(in.Orders) == 0 {
		return ""
	}
	return in.Orders[0].Reference
}

// createOrders is Orders/Create: all of the array or none (assumption). A sale of our own inventory and a purchase are
// accepted at once: "most purchase orders are accepted immediately". A refusal repeats what was sent, with an errors map
// within each order, which is how clients are refused (assumption).
func (c *TEvoCore) createOrders(r *coreRequest) coreAnswer {
	var in struct {
		Orders []coreOrderInput `json:"orders"`
	}
	var sent struct {
		Orders []object `json:"orders"`
	}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	if a, ok := coreRead(r, &sent); !ok {
		return a
	}
	if len(in.Orders) == 0 {
		return coreRefuse(http.StatusBadRequest, "orders is required")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	before := map[*coreGroup]int{}
	refused := false
	for i, one := range in.Orders {
		faults := c.checkOrder(one)
		if len(faults) == 0 && r.fault.Kind == FaultSeatsGone {
			c.soldOut(one)
			faults.check(false, "base", "tickets are no longer available")
		}
		if len(faults) == 0 && !one.IsPurchase {
			c.take(one, before, faults)
		}
		if len(faults) > 0 {
			refused, sent.Orders[i]["errors"] = true, faults
		}
	}
	if refused {
		for g, left := range before {
			g.left = left
		}
		return coreAnswer{
			tevoAnswer: tevoAnswer{status: http.StatusUnprocessableEntity, body: object{"orders": sent.Orders}}, outcome: "refused: 422",
		}
	}
	made, first := []any{}, ""
	for i := range copies(r.fault) {
		for _, one := range in.Orders {
			o := c.addOrder(one)
			o.taken = i == 0 // the tickets go back once, however many orders claim them
			if i == 0 {
				made = append(made, c.body(o))
				first = cmp.Or(first, o.id)
			}
		}
	}
	return coreCreated(r.fault, object{"orders": made}, first)
}

// soldOut shows the first group of an order as sold out the next time it is looked at.
func (c *TEvoCore) soldOut(in coreOrderInput) {
	for _, sh := range in.Shipped {
		for _, it := range sh.Items {
			if it.GroupID != "" {
				c.hidden[string(it.GroupID)] = 1
				return
			}
		}
	}
}

// checkOrder says what is wrong with an order apart from what is in stock. It needs c.mu.
func (c *TEvoCore) checkOrder(in coreOrderInput) coreFaults {
	f := coreFaults{}
	office := func(id coreID) bool {
		if id == "" {
			return false
		}
		if _, ok := c.offices[string(id)]; !ok && !c.opts.Strict {
			c.offices[string(id)] = brokerNames[spread(string(id))%len(brokerNames)]
		}
		_, ok := c.offices[string(id)]
		return ok
	}
	if in.IsPurchase {
		f.check(office(in.SellerID), "seller_id", "is not an office")
		f.check(string(in.BuyerID) == c.opts.OfficeID, "buyer_id", "must be your office")
	} else {
		f.check(string(in.SellerID) == c.opts.OfficeID, "seller_id", "must be your office")
		f.check(c.client(string(in.ClientID)) != nil, "client_id", "is not a client")
	}
	f.check(len([]rune(in.Reference)) <= 255, "seller_reference_number", "is too long") // assumption
	if c.opts.UniqueReferences && in.Reference != "" {
		f.check(!slices.ContainsFunc(c.orders, func(o *coreOrder) bool {
			return o.reference == in.Reference && o.purchase == in.IsPurchase && !o.void()
		}), "seller_reference_number", "has already been taken")
	}
	n := 0
	for _, sh := range in.Shipped {
		f.check(sh.Type != "", "type", "can't be blank")
		for _, it := range sh.Items {
			n++
			c.checkItem(f, in.IsPurchase, it)
		}
	}
	f.check(n > 0, "shipped_items", "can't be blank")
	for _, p := range in.Payments {
		f.check(p.Type != "" && p.Amount >= 0, "payments", "is invalid")
	}
	return f
}

func (c *TEvoCore) checkItem(f coreFaults, purchase bool, it coreItemInput) {
	f.check(it.Quantity >= 1, "quantity", "must be greater than 0")
	f.check(it.Price >= 0, "price", "is not an amount")
	if !purchase {
		f.check(it.Group == nil, "ticket_group", "is for purchases only")
		f.check(c.group(string(it.GroupID)) != nil, "ticket_group_id", "is not a ticket group")
		return
	}
	f.check(it.SeatOrder == "consecutive" || it.SeatOrder == "odd_even", "seat_order", "is required for a purchase order")
	if it.Group == nil {
		f.check(false, "ticket_group", "is required for a purchase order")
		return
	}
	f.check(c.event(it.Group.EventID) != nil, "event_id", "is not an event")
	f.check(it.Group.Section != "", "section", "can't be blank")
	f.check(it.Group.Quantity == it.Quantity, "ticket_group", "quantity differs")
}

// event needs c.mu.
func (c *TEvoCore) event(id coreID) *TEvoCoreEvent {
	if i := slices.IndexFunc(c.events, func(e TEvoCoreEvent) bool { return e.ID == string(id) }); i >= 0 {
		return &c.events[i]
	}
	return nil
}

// take takes the tickets of an order out of their groups; what they held before goes into before. It needs c.mu.
func (c *TEvoCore) take(in coreOrderInput, before map[*coreGroup]int, f coreFaults) {
	for _, sh := range in.Shipped {
		for _, it := range sh.Items {
			g := c.group(string(it.GroupID))
			if _, seen := before[g]; !seen {
				before[g] = g.left
			}
			f.check(g.left >= it.Quantity, "quantity", "exceeds what is available")
			g.left -= it.Quantity
		}
	}
}

// addOrder needs c.mu.
func (c *TEvoCore) addOrder(in coreOrderInput) *coreOrder {
	at := c.now().UTC()
	o := &coreOrder{
		group: c.newID(), id: c.newID(), purchase: in.IsPurchase, reference: in.Reference, clientID: string(in.ClientID),
		sellerID: string(in.SellerID), buyerID: string(in.BuyerID), state: tevoAccepted, created: at, updated: at,
	}
	for _, sh := range in.Shipped {
		o.shipments = append(o.shipments, &coreShipment{id: c.newID(), kind: sh.Type, state: "pending"})
		for _, one := range sh.Items {
			it := &coreItem{id: c.newID(), orderItemID: c.newID(), quantity: one.Quantity, price: int64(one.Price)}
			if g := one.Group; g != nil {
				it.section, it.row, it.event = g.Section, g.Row, *c.event(g.EventID)
				it.group = c.newID()
				step := 1
				if one.SeatOrder == "odd_even" {
					step = 2
				}
				for i := range one.Quantity {
					if one.LowSeat > 0 {
						it.seats = append(it.seats, one.LowSeat+step*i)
					}
				}
				c.groups[it.group] = &coreGroup{id: it.group, section: it.section, row: it.row, event: it.event, left: it.quantity}
			} else {
				g := c.group(string(one.GroupID))
				it.group, it.section, it.row, it.event = g.id, g.section, g.row, g.event
			}
			for range one.Quantity {
				it.tickets = append(it.tickets, &coreTicket{id: c.newID()})
			}
			o.items = append(o.items, it)
		}
	}
	for _, p := range in.Payments {
		o.payments = append(o.payments, corePayment{id: c.newID(), kind: p.Type, amount: int64(p.Amount)})
	}
	c.orders = append(c.orders, o)
	return o
}

// cancelOrder is Orders/Cancel: it proposes, and what becomes of the proposal depends on [TEvoCoreOptions.Agree].
func (c *TEvoCore) cancelOrder(r *coreRequest) coreAnswer {
	var in coreReview
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.order(r.PathValue("id"))
	if o == nil {
		return coreRefuse(http.StatusNotFound, "order not found")
	}
	f := coreFaults{}
	in.check(f)
	if len(f) > 0 {
		return coreInvalid(f)
	}
	if o.void() || o.state == tevoCancelProposed {
		return coreRefuse(http.StatusUnprocessableEntity, "the order cannot be cancelled, it is "+o.state)
	}
	o.reason, o.updated = in.Reason, c.now().UTC()
	outcome := "voided"
	if c.opts.Agree == TEvoCoreAgreeAlways || c.opts.Agree == TEvoCoreAgreePurchases && o.purchase {
		o.state, outcome = tevoCancelProposed, "proposed"
	} else {
		c.cancelled(o)
	}
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: c.body(o)}, outcome: outcome, id: o.id}
}

// coreReview is who changes an order and why.
type coreReview struct {
	ReviewerID coreID `json:"reviewer_id"`
	Reason     string `json:"reason"`
}

func (in coreReview) check(f coreFaults) {
	f.check(in.ReviewerID != "", "reviewer_id", "can't be blank")
	f.check(slices.Contains(tevoReasons, in.Reason), "reason", "is not included in the list")
}

// cancelled makes an order void and gives back its tickets; those that a purchase brought are gone again. It needs c.mu.
func (c *TEvoCore) cancelled(o *coreOrder) {
	o.state, o.updated = tevoCanceledAfter, c.now().UTC()
	if !o.taken {
		return
	}
	o.taken = false
	for _, it := range o.items {
		g := c.groups[it.group]
		if o.purchase {
			g.left = 0
		} else if !c.opts.CancelKeepsTickets {
			g.left += it.quantity
		}
	}
}

// returnOrder is Orders/Return: an amount goes back, and with cancel_order the order is cancelled, without anybody having to
// agree (assumption, from "transition the order state to canceled post-acceptance"). The notes become the
// cancellation's (assumption).
func (c *TEvoCore) returnOrder(r *coreRequest) coreAnswer {
	in := struct {
		coreReview
		Amount coreAmount `json:"amount"`
		Cancel bool       `json:"cancel_order"`
		Notes  string     `json:"notes"`
	}{Amount: -1}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.order(r.PathValue("id"))
	if o == nil {
		return coreRefuse(http.StatusNotFound, "order not found")
	}
	f := coreFaults{}
	f.check(in.Amount >= 0 && int64(in.Amount) <= o.total(), "amount", "is invalid")
	if in.Cancel {
		in.check(f)
	}
	if len(f) > 0 {
		return coreInvalid(f)
	}
	if o.void() {
		return coreRefuse(http.StatusUnprocessableEntity, "the order cannot be returned, it is "+o.state)
	}
	if in.Amount > 0 {
		o.payments = append(o.payments, corePayment{id: c.newID(), kind: "offline", amount: int64(in.Amount), refund: true})
	}
	outcome := "returned"
	if in.Cancel {
		o.reason, o.notes, outcome = in.Reason, in.Notes, "voided"
		c.cancelled(o)
	}
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: c.body(o)}, outcome: outcome, id: o.id}
}

// errNoOrder is for paths to records of orders.
var errNoOrder = errors.New("order not found")
