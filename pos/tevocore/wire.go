package tevocore

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
)

// The answers, with the looseness that the published samples have: ids are numbers here and strings there, amounts are
// decimal strings or numbers. A record is taken whole or not at all: half an invoice must not pass for one.

// lenient takes what a browser would. It is one pass over an answer, where encoding/json makes two.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

func parse(body []byte, into any) error { return json.Unmarshal(body, into, lenient) }

// decode reads a body into an answer and checks it. Its errors quote no value of the body.
func decode(body []byte, into answer) error {
	if err := parse(body, into); err != nil {
		if _, wrong := errors.AsType[*json.SemanticError](err); wrong {
			return errors.New("a member has the wrong type")
		}
		return errors.New("it is not JSON")
	}
	return into.check()
}

// ident is an id, a JSON number or a string of digits; anything else is "".
type ident string

// UnmarshalJSONFrom fails for what is no JSON only: whoever needs the id checks that there is one.
func (id *ident) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	*id = ""
	if s := text(v); isID(s) {
		*id = ident(s)
	}
	return nil
}

// text is what a JSON string or number says; "" for anything else.
func text(b jsontext.Value) string {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return ""
	}
	if b[0] == '"' {
		s, _ := jsontext.AppendUnquote(nil, b) // what is not UTF-8 becomes U+FFFD
		return string(s)
	}
	if b[0] == '-' || b[0] >= '0' && b[0] <= '9' {
		return string(b)
	}
	return ""
}

// count reads a whole number that may be a string; -1 where it is none.
func count(b jsontext.Value) int {
	n, err := strconv.Atoi(text(b))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// truth reads a boolean that may be a string; ok is false where it is neither.
func truth(b jsontext.Value) (is, ok bool) {
	switch string(bytes.Trim(bytes.TrimSpace(b), `"`)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// amount reads an amount that must not be negative.
func (c *Client) amount(b jsontext.Value) (pos.Money, error) {
	m, err := pos.ParseMoney(text(b), c.cfg.Currency)
	if err != nil {
		return pos.Money{}, err
	}
	if m.Minor < 0 {
		return pos.Money{}, errors.New("an amount is negative")
	}
	return m, nil
}

// pageAnswer is one page of a list.
type pageAnswer struct {
	name    string // of the list in the body
	entries []jsontext.Value
	heads   []head
	total   int // of all pages; -1 unknown
}

// head is what is read of every entry: its id, and the reference of an order.
type head struct {
	ID        ident          `json:"id"`
	Reference jsontext.Value `json:"seller_reference_number"` // nil where the member is missing, unlike null
}

// UnmarshalJSONFrom reads the list that is asked for.
func (a *pageAnswer) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var raw map[string]jsontext.Value
	if err := json.UnmarshalDecode(dec, &raw); err != nil {
		return err
	}
	a.total = count(raw["total_entries"])
	if raw[a.name] == nil {
		return nil
	}
	return parse(raw[a.name], &a.entries)
}

func (a *pageAnswer) check() error {
	if a.entries == nil {
		// A body that is no list must not pass for an empty one: a search that failed would look like no record.
		return errors.New("there is no list")
	}
	a.heads = make([]head, len(a.entries))
	for i, e := range a.entries {
		if parse(e, &a.heads[i]) != nil || a.heads[i].ID == "" {
			return errors.New("an entry has no id")
		}
	}
	return nil
}

// eventAnswer is an event within other records.
type eventAnswer struct {
	ID       ident          `json:"id"`
	Name     string         `json:"name"`
	OccursAt jsontext.Value `json:"occurs_at"`
}

func (e eventAnswer) record() (pos.Event, error) {
	v := pos.Event{Name: e.Name}
	if e.Name == "" {
		return v, errors.New("an event has no name")
	}
	s := text(e.OccursAt)
	if s == "" {
		return v, nil
	}
	// The second form is one without a zone, which older samples have.
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(form, s); err == nil {
			v.StartsAt = at.UTC()
			return v, nil
		}
	}
	return v, errors.New("the time of an event is not one")
}

// groupAnswer is a ticket group, or a listing.
type groupAnswer struct {
	ID        ident          `json:"id"`
	Section   string         `json:"section"`
	Row       string         `json:"row"`
	Available jsontext.Value `json:"available_quantity"`
	Event     eventAnswer    `json:"event"`

	want  string
	left  int
	event pos.Event
}

func (a *groupAnswer) check() error {
	if string(a.ID) != a.want {
		return errors.New("it is another group than asked for")
	}
	if a.left = count(a.Available); a.left < 0 {
		return errors.New("a group does not say how many tickets are available")
	}
	var err error
	a.event, err = a.Event.record()
	return err
}

func (a *groupAnswer) record() pos.Inventory {
	inv := pos.Inventory{ID: string(a.ID), Event: a.event, Section: a.Section, Row: a.Row, Quantity: a.left, Status: pos.Available}
	if a.left == 0 {
		inv.Status = pos.Depleted
	}
	return inv
}

// orderBody is an order as it is shown, and within lists and the answers to writes.
type orderBody struct {
	ID        ident          `json:"id"`
	Reference jsontext.Value `json:"seller_reference_number"` // nil where the member is missing, unlike null
	State     string         `json:"state"`
	IsPO      jsontext.Value `json:"isPO"`
	CreatedAt string         `json:"created_at"`
	Buyer     party          `json:"buyer"`
	Seller    party          `json:"seller"`
	Client    party          `json:"client"`
	Items     []itemBody     `json:"items"`
	Payments  []struct {
		State    string         `json:"state"`
		Amount   jsontext.Value `json:"amount"`
		IsRefund jsontext.Value `json:"is_refund"`
	} `json:"payments"`
	SellerReason string `json:"seller_cancellation_reason"`
	SellerNotes  string `json:"seller_cancellation_notes"`
	BuyerReason  string `json:"buyer_cancellation_reason"`
	BuyerNotes   string `json:"buyer_cancellation_notes"`
}

// itemBody is an item of an order. Its id is the one that paths mean; order_item_id is another.
type itemBody struct {
	ID       ident          `json:"id"`
	Quantity jsontext.Value `json:"quantity"`
	Price    jsontext.Value `json:"price"` // of one ticket
	Group    struct {
		ID      ident            `json:"id"`
		Section string           `json:"section"`
		Row     string           `json:"row"`
		Seats   []jsontext.Value `json:"seats"`
		Event   eventAnswer      `json:"event"`
	} `json:"ticket_group"`
	Tickets []struct {
		ID ident `json:"id"`
	} `json:"tickets"`
	FinalizedAt jsontext.Value `json:"eticket_finalized_at"` // nil where the member is missing; null and "" while they are not final
}

// final reports whether the item's e-tickets are with the buyer; known is false where the item does not say.
func (it *itemBody) final() (is, known bool) {
	return text(it.FinalizedAt) != "", it.FinalizedAt != nil
}

// party is the buyer or the seller of an order.
type party struct {
	Type string `json:"type"` // "Office" or "Client"
	ID   ident  `json:"id"`
	Name string `json:"name"`
}

// fates says which states of an order are void. (public: the PHP client's list; "expired" and two l's in "cancelled" are
// of 2012.) A state that is not in it is not guessed.
var fates = map[string]bool{
	"pending": false, "open": false, "pending_substitution": false, "pending_consignment": false, "accepted": false,
	stateCompleted: false, stateProposed: false,
	"rejected": true, "canceled": true, "canceled_open": true, "canceled_post_acceptance": true, "cancelled": true, "expired": true,
}

const (
	// stateProposed is that of an order that one side has cancelled.
	stateProposed = "cancel_proposed"
	// stateCompleted is that of an order with which nothing is left to be done.
	stateCompleted = "completed"
)

// purchase reports whether the order is one in which the broker buys.
func (o *orderBody) purchase() (bool, error) {
	is, ok := truth(o.IsPO)
	if !ok {
		return false, errors.New("an order does not say whether it is a purchase")
	}
	return is, nil
}

// client is the id of the broker's own client who bought; "" where another office did.
func (o *orderBody) client() string {
	if o.Client.ID == "" && o.Buyer.Type == "Client" {
		return string(o.Buyer.ID)
	}
	return string(o.Client.ID)
}

// common checks what sales and purchases share.
func (o *orderBody) common() (created time.Time, err error) {
	switch _, known := fates[o.State]; {
	case o.ID == "":
		return created, errors.New("an order has no id")
	case o.Reference == nil:
		return created, errNoReference
	case !known:
		return created, errors.New("an order is in a state that is not known")
	case len(o.Items) == 0:
		return created, errors.New("an order has no items")
	}
	if created, err = time.Parse(time.RFC3339, o.CreatedAt); err != nil {
		return created, errors.New("created_at is not a time")
	}
	return created.UTC(), nil
}

// errNoReference: where orders come without their reference, none could ever be found by it.
var errNoReference = errors.New("an order comes without its seller_reference_number")

// voidReason prefers what a person wrote to the entry of the closed list.
func (o *orderBody) voidReason() string {
	if fates[o.State] {
		for _, s := range []string{o.SellerNotes, o.BuyerNotes, o.SellerReason, o.BuyerReason} {
			if s != "" {
				return s
			}
		}
	}
	return ""
}

func (o *orderBody) fulfillment() pos.Fulfillment {
	if o.State == stateCompleted {
		return pos.Complete
	}
	return pos.Pending
}

// payment compares what was paid with what the items cost: the order's own total is "0.0" until it is accepted, and the
// samples disagree on the types of its balances. Nobody decides by it, so a payment that cannot be read is none.
func (c *Client) payment(o *orderBody, cost int64) pos.Payment {
	var paid int64
	for _, p := range o.Payments {
		if refund, ok := truth(p.IsRefund); refund || !ok && p.IsRefund != nil {
			continue
		}
		if m, err := c.amount(p.Amount); err == nil && (p.State == "completed" || p.State == "captured") {
			paid += m.Minor
		}
	}
	switch {
	case paid == 0:
		return pos.Unpaid
	case paid < cost:
		return pos.Partial
	}
	return pos.Paid
}

// line is what an item says of tickets and money.
func (c *Client) line(quantity, price jsontext.Value) (int, pos.Money, error) {
	n := count(quantity)
	if n < 1 {
		return 0, pos.Money{}, errors.New("an item has no quantity")
	}
	each, err := c.amount(price)
	if err != nil {
		return 0, pos.Money{}, err
	}
	if each.Minor > (1<<62)/int64(n) {
		return 0, pos.Money{}, errors.New("an amount is out of range")
	}
	return n, pos.Money{Minor: each.Minor * int64(n), Currency: each.Currency}, nil
}

// ordersAnswer is the answer to Orders/Create: the one order that was asked for.
type ordersAnswer struct {
	Orders []orderBody `json:"orders"`
}

func (a *ordersAnswer) check() error {
	if len(a.Orders) != 1 {
		return errors.New("it is not one order")
	}
	return nil
}

// showAnswer is an order by its id.
type showAnswer struct {
	orderBody
	want string
}

func (a *showAnswer) check() error {
	if string(a.ID) != a.want {
		return errors.New("it is another order than asked for")
	}
	return nil
}

// anyAnswer is for writes whose answer is not documented.
type anyAnswer struct{ jsontext.Value }

func (a *anyAnswer) check() error { return nil }
