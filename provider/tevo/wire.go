// Package tevo speaks Ticket Evolution: it proves, decodes and synthesizes its webhooks and calls its signed REST API.
// It owns every field name of that provider. It decides nothing about orders, keeps no state, and never lets buyer data
// into an order.Event or an error: what is read of the buyer is read by [Buyer] alone.
//
// Sources: "Order Notifications (Webhooks)" and "Processing Orders via Webhooks" of Ticket Evolution's wiki. What is said
// to be public comes from other pages of that wiki or from its client libraries; what is called an assumption stands in
// no document at all.
package tevo

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/provider"
	"willcall/provider/wire"
)

// maxLines is far beyond any real order; see the limits of package wire.
const maxLines = 500

// form is the outer shape of every webhook: application/x-www-form-urlencoded with group id, recipient, event type and body
// ("Order Notifications", Description), or with event type and the id of an event (public: Catalog Notifications).
type form struct {
	groupID   string
	recipient string
	eventType string
	eventID   string // of the performance; "" where it is not given, or not once
	body      []byte
}

// parseForm reads the very bytes. It does not use url.ParseQuery, which takes a literal ";" for an error and reads the
// body, nearly all of the form, twice.
func parseForm(raw []byte) (form, error) { return parseFields(raw, unescape) }

// parseFields does the same with the value of the field body read by the function given. It reads on behind a fault, so that
// the type is known wherever in the form it stands.
func parseFields(raw []byte, body func([]byte) ([]byte, bool)) (form, error) {
	var f form
	var fault error
	seen := map[string]bool{}
	for pair := range bytes.SplitSeq(raw, []byte("&")) {
		k, v, _ := bytes.Cut(pair, []byte("="))
		key, ok := unescape(k)
		name := string(key)
		if !ok || !slices.Contains([]string{"order_group_id", "recipient", "event_type", "event_id", "body"}, name) {
			continue // no field of ours
		}
		again := seen[name]
		seen[name] = true
		if name == "event_id" {
			// No document has it in an order's webhook, so that none is refused for it.
			if value, ok := unescape(v); ok && !again {
				f.eventID = wire.Clean(string(value))
			} else {
				f.eventID = ""
			}
			continue
		}
		if again {
			fault = cmp.Or(fault, provider.Malformed(name, "it is given twice"))
			continue
		}
		read := unescape
		if name == "body" {
			read = body
		}
		value, ok := read(v)
		if !ok {
			fault = cmp.Or(fault, provider.Malformed(name, "it is not form-encoded"))
			continue
		}
		switch name {
		case "order_group_id":
			f.groupID = wire.Clean(string(value))
		case "recipient":
			f.recipient = wire.Clean(string(value))
		case "event_type":
			f.eventType = wire.Clean(string(value))
		case "body":
			f.body = value
		}
	}
	if f.eventType == "" {
		fault = cmp.Or(fault, provider.Malformed("event_type", "it is missing"))
	}
	return f, fault
}

// unescape undoes form encoding, as url.QueryUnescape does; ok is false where a "%" is not followed by two hex digits.
func unescape(in []byte) (out []byte, ok bool) {
	out = make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		switch c := in[i]; c {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(in) {
				return nil, false
			}
			hi, lo := nibble[in[i+1]], nibble[in[i+2]]
			if hi < 0 || lo < 0 {
				return nil, false
			}
			out = append(out, byte(hi)<<4|byte(lo))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out, true
}

// nibble is the value of a hex digit, -1 for any other byte.
var nibble = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i, c := range "0123456789abcdef" {
		t[c] = int8(i)
	}
	for i, c := range "ABCDEF" {
		t[c] = int8(10 + i)
	}
	return t
}()

// typ is the type as operators see it: "seller/order_created", as on the wire but for unprintable characters and
// length. Catalogue webhooks name no recipient and have the bare event type.
func (f form) typ() string {
	if f.recipient == "" {
		return wire.Cut(f.eventType)
	}
	return wire.Cut(f.recipient + "/" + f.eventType)
}

// body is whatever the field body may hold: an order (O), a shipment (S) or an order item (I). Only fields that say
// something about the order are here; names and addresses are not, so that they cannot leak.
type body struct {
	item // the id of any of the three, and the fields of I

	UpdatedAt wire.Scalar `json:"updated_at"`

	OID         wire.Scalar         `json:"oid"` // O: "<group id>-<id>"
	State       wire.Scalar         `json:"state"`
	SellerState wire.Scalar         `json:"seller_state"`
	BuyerState  wire.Scalar         `json:"buyer_state"`
	FraudCheck  wire.Scalar         `json:"fraud_check_status"`
	Buyer       wire.Object[party]  `json:"buyer"`
	Items       wire.List[item]     `json:"items"`
	Shipments   wire.List[shipment] `json:"shipments"`
	IsPO        wire.Scalar         `json:"isPO"` // in lists: a purchase

	Order   wire.Object[struct{}] `json:"order"` // S
	Type    wire.Scalar           `json:"type"`
	Airbill wire.Scalar           `json:"airbill"`

	OrderID wire.Scalar `json:"order_id"` // I
}

// party is as much of a buyer as Decode may know.
type party struct {
	Type wire.Scalar `json:"type"`
}

type item struct {
	ID                 wire.Scalar            `json:"id"`
	OrderItemID        wire.Scalar            `json:"order_item_id"`
	OrderItemLinkID    wire.Scalar            `json:"order_item_link_id"`
	URL                wire.Scalar            `json:"url"`
	Price              wire.Scalar            `json:"price"`
	Quantity           wire.Scalar            `json:"quantity"`
	Seats              wire.List[wire.Scalar] `json:"seats"`
	EticketFinalizedAt wire.Scalar            `json:"eticket_finalized_at"`
	EticketFinalized   wire.Scalar            `json:"eticket_finalized"`
	EticketAvailable   wire.Scalar            `json:"eticket_available"`
	EticketPages       wire.Scalar            `json:"eticket_pdf_pages"`
	EticketSize        wire.Scalar            `json:"eticket_file_size"`
	EticketDownloaded  wire.Scalar            `json:"eticket_downloaded_at"`
	InHand             wire.Scalar            `json:"in_hand"`
	InHandOn           wire.Scalar            `json:"in_hand_on"`
	TicketGroup        wire.Object[group]     `json:"ticket_group"`
}

type group struct {
	RemoteID wire.Scalar            `json:"remote_id"`
	Section  wire.Scalar            `json:"section"`
	Row      wire.Scalar            `json:"row"`
	Seats    wire.List[wire.Scalar] `json:"seats"`
	Tickets  wire.List[ticket]      `json:"tickets"`
	Format   wire.Scalar            `json:"format"`
	InHand   wire.Scalar            `json:"in_hand"`
	InHandOn wire.Scalar            `json:"in_hand_on"`
	Event    wire.Object[show]      `json:"event"`
}

type ticket struct {
	Seat wire.Scalar `json:"seat"`
}

type show struct {
	ID       wire.Scalar `json:"id"`
	Name     wire.Scalar `json:"name"`
	OccursAt wire.Scalar `json:"occurs_at"`
}

// performance is what the body of a catalogue webhook may hold: the event as orders have it, with a version as theirs.
type performance struct {
	show
	UpdatedAt wire.Scalar `json:"updated_at"`
}

type shipment struct {
	ID      wire.Scalar     `json:"id"`
	Type    wire.Scalar     `json:"type"`
	State   wire.Scalar     `json:"state"`
	Airbill wire.Scalar     `json:"airbill"`
	Items   wire.List[item] `json:"items"`
}

// parseBody reads the JSON in the field body. Its errors carry nothing of the document.
func parseBody(text []byte, dst any) error {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		return provider.Malformed("body", "it is missing")
	case text[0] != '{':
		return provider.Malformed("body", "want a JSON object")
	}
	if err := json.Unmarshal(text, dst, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return provider.Malformed("body", "it is not JSON") // a wrong shape is no error here: it is found where the field is used
	}
	return nil
}

// shape is what kind of object a body is.
type shape byte

const (
	unclear       shape = 0 // nothing in it tells: the event type must
	wholeOrder    shape = 'O'
	wholeShipment shape = 'S'
	oneItem       shape = 'I'
)

// shape goes by the fields that one kind alone has. A state they all may have.
func (b *body) shape() shape {
	switch {
	case b.OID.Given(), b.SellerState.Given(), b.BuyerState.Given():
		return wholeOrder
	case b.Order.Given:
		return wholeShipment
	case b.OrderID.Given():
		return oneItem
	}
	return unclear
}
