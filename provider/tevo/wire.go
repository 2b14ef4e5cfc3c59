// Package tevo speaks Ticket Evolution: it proves, decodes and synthesizes its webhooks and calls its signed REST API.
// It owns every field name of that provider. It decides nothing about orders, keeps no state, and never lets buyer data
// into an order.Event or an error: what is read of the buyer is read by [Buyer] alone.
//
// Sources: "Order Notifications (Webhooks)" and "Processing Orders via Webhooks" of Ticket Evolution's wiki. What is said
// to be public comes from other pages of that wiki or from its client libraries; what is called an assumption stands in
// no document at all.
package tevo

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"willcall/provider"
)

// Limits of what is taken for true. They are far beyond any real order and keep a broken document from swelling an order
// that lies in Postgres and travels through workflow histories.
const (
	maxLines    = 500
	maxQuantity = 10_000
	maxID       = 64
	maxText     = 256 // bytes of a name, section, row or seat
)

// malformed says which field is wrong and why. It never says what the field holds: that may be buyer data.
func malformed(path, why string) error {
	return fmt.Errorf("%w: %s: %s", provider.ErrMalformed, path, why)
}

// form is the outer shape of every webhook: application/x-www-form-urlencoded with these four fields. ("Order
// Notifications", Description)
type form struct {
	groupID   string
	recipient string
	eventType string
	body      string
}

// parseForm reads the very bytes. It does not use url.ParseQuery, which takes a literal ";" for an error.
func parseForm(raw []byte) (form, error) {
	var f form
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(string(raw), "&") {
		k, v, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(k)
		if err != nil {
			continue // no field of ours
		}
		var dst *string
		switch name {
		case "order_group_id":
			dst = &f.groupID
		case "recipient":
			dst = &f.recipient
		case "event_type":
			dst = &f.eventType
		case "body":
			dst = &f.body
		default:
			continue
		}
		if seen[name] {
			return f, malformed(name, "it is given twice")
		}
		seen[name] = true
		if *dst, err = url.QueryUnescape(v); err != nil {
			return f, malformed(name, "it is not form-encoded")
		}
	}
	f.groupID, f.recipient, f.eventType = clean(f.groupID), clean(f.recipient), clean(f.eventType)
	if f.eventType == "" {
		return f, malformed("event_type", "it is missing")
	}
	return f, nil
}

// typ is the type as operators see it: "seller/order_created", as on the wire but for unprintable characters and
// length. Catalogue webhooks name no recipient and have the bare event type.
func (f form) typ() string {
	if f.recipient == "" {
		return cut(f.eventType)
	}
	return cut(f.recipient + "/" + f.eventType)
}

// body is whatever the field body may hold: an order (O), a shipment (S) or an order item (I). Only fields that say
// something about the order are here; names and addresses are not, so that they cannot leak.
type body struct {
	item // the id of any of the three, and the fields of I

	UpdatedAt scalar `json:"updated_at"`

	OID         scalar         `json:"oid"` // O: "<group id>-<id>"
	State       scalar         `json:"state"`
	SellerState scalar         `json:"seller_state"`
	BuyerState  scalar         `json:"buyer_state"`
	FraudCheck  scalar         `json:"fraud_check_status"`
	Buyer       object[party]  `json:"buyer"`
	Items       list[item]     `json:"items"`
	Shipments   list[shipment] `json:"shipments"`

	Type    scalar `json:"type"`    // S
	Airbill scalar `json:"airbill"` // S
}

// party is as much of a buyer as Decode may know.
type party struct {
	Type scalar `json:"type"`
}

type item struct {
	ID                 scalar        `json:"id"`
	OrderItemID        scalar        `json:"order_item_id"`
	OrderItemLinkID    scalar        `json:"order_item_link_id"`
	URL                scalar        `json:"url"`
	Price              scalar        `json:"price"`
	Quantity           scalar        `json:"quantity"`
	Seats              list[scalar]  `json:"seats"`
	EticketFinalizedAt scalar        `json:"eticket_finalized_at"`
	InHand             scalar        `json:"in_hand"`
	InHandOn           scalar        `json:"in_hand_on"`
	TicketGroup        object[group] `json:"ticket_group"`
}

type group struct {
	RemoteID scalar       `json:"remote_id"`
	Section  scalar       `json:"section"`
	Row      scalar       `json:"row"`
	Seats    list[scalar] `json:"seats"`
	Tickets  list[ticket] `json:"tickets"`
	Format   scalar       `json:"format"`
	InHand   scalar       `json:"in_hand"`
	InHandOn scalar       `json:"in_hand_on"`
	Event    object[show] `json:"event"`
}

type ticket struct {
	Seat scalar `json:"seat"`
}

type show struct {
	ID       scalar `json:"id"`
	Name     scalar `json:"name"`
	OccursAt scalar `json:"occurs_at"`
}

type shipment struct {
	ID      scalar     `json:"id"`
	Type    scalar     `json:"type"`
	Airbill scalar     `json:"airbill"`
	Items   list[item] `json:"items"`
}

// parseBody reads the JSON in the field body. Its errors carry nothing of the document.
func parseBody(text string, dst any) error {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return malformed("body", "it is missing")
	case text[0] != '{':
		return malformed("body", "want a JSON object")
	}
	if err := json.Unmarshal([]byte(text), dst); err != nil {
		return malformed("body", "it is not JSON") // a wrong shape is no error here: it is found where the field is used
	}
	return nil
}

// isOrder reports whether the body is an order. Shipments and items have none of these fields; a shipment has a state.
func (b *body) isOrder() bool {
	return b.OID.given() || b.SellerState.given() || b.BuyerState.given()
}

// A scalar is a string, number or boolean as text: the samples disagree on which of them a field is. null, "" and an
// absent field are the same. Control characters are dropped: Postgres cannot keep a NUL, and nothing here needs others.
type scalar struct {
	text string
	kind byte // 's'tring, 'n'umber, 'b'oolean, or 'x' for an array or object, which are no scalars
}

func (s *scalar) UnmarshalJSON(b []byte) error {
	*s = scalar{}
	switch b[0] {
	case 'n':
	case '"':
		var t string
		if err := json.Unmarshal(b, &t); err != nil {
			return err
		}
		*s = scalar{clean(t), 's'}
	case 't', 'f':
		*s = scalar{string(b), 'b'}
	case '{', '[':
		s.kind = 'x'
	default:
		*s = scalar{string(b), 'n'}
	}
	return nil
}

func (s scalar) given() bool { return s.text != "" || s.kind == 'x' }

// word is an enumerated value in lower case.
func (s scalar) word() string { return strings.ToLower(s.text) }

// id is the text if it can be an id in a path, a key or a workflow id, else "".
func (s scalar) id() string {
	if s.kind != 's' && s.kind != 'n' || !isID(s.text) {
		return ""
	}
	return s.text
}

// isID takes what can stand in a REST path and in a workflow id. Ticket Evolution's ids are integers; a decimal point or
// an exponent would make two ids of one.
func isID(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// A list is an array; null, "" and an absent field are an empty one.
type list[T any] struct {
	all   []T
	wrong bool // it is something else than a list of T
}

func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = list[T]{}
	switch {
	case b[0] == '[':
		if err := json.Unmarshal(b, &l.all); err != nil {
			*l = list[T]{wrong: true}
		}
	case b[0] != 'n' && string(b) != `""`:
		l.wrong = true
	}
	return nil
}

// An object is a JSON object; anything else in its place counts as absent.
type object[T any] struct {
	v     T
	given bool
}

func (o *object[T]) UnmarshalJSON(b []byte) error {
	*o = object[T]{}
	if b[0] != '{' {
		return nil
	}
	o.given = true
	return json.Unmarshal(b, &o.v)
}

// layouts are the ways to write a time. The samples have the first alone; the others are those of the same software
// elsewhere (public: answers of 2012) and of its language's defaults. A time without a zone is taken for UTC.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05-0700",
	"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006/01/02 15:04:05 -0700",
}

// moment reads a time. Years that JSON cannot write, or that can only be a mistake, are not read.
func (s scalar) moment() (time.Time, bool) {
	for _, l := range layouts {
		if t, err := time.Parse(l, s.text); err == nil {
			t = t.UTC()
			return t, t.Year() >= 1970 && t.Year() <= 9999
		}
	}
	return time.Time{}, false
}

// day reads a calendar day as UTC midnight. Of a moment it takes the day that is written there, whatever the zone.
func (s scalar) day() (time.Time, bool) {
	head, _, _ := strings.Cut(s.text, "T")
	head, _, _ = strings.Cut(head, " ")
	t, err := time.Parse(time.DateOnly, head)
	return t, err == nil && t.Year() >= 1970
}

// clean drops what is not UTF-8 or not printable, and the blanks around the rest.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
}

// cut shortens s to maxText bytes, between two characters.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
