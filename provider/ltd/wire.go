// Package ltd speaks London Theatre Direct: it proves and decodes its webhooks, and asks its REST API for e-tickets that no
// webhook brought. It owns every field name of that provider. It decides nothing about orders, keeps no state, and never lets
// buyer data or a barcode into an order.Event or an error: what is read of the buyer is read by [Buyer] alone, and barcodes
// leave in [provider.Decoded.Files] alone.
//
// We are the affiliate: a booking is a sale that our shop made through London Theatre Direct, which issues the tickets.
//
// Sources: "List of all webhooks types" of its developer portal, with the sections "Scheduled E-tickets Available" and
// "Transaction changed". What is said to be public comes from other pages of that portal; what is called an assumption stands
// in no document at all.
package ltd

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/provider"
	"willcall/provider/wire"
)

// maxTickets is far beyond any real booking; see the limits of package wire.
const maxTickets = 500

// message is the outer shape of every webhook. ("List of all webhooks types", both samples)
type message struct {
	MessageType wire.Scalar          `json:"MessageType"`
	Payload     wire.Object[payload] `json:"Payload"`
	Timestamp   wire.Scalar          `json:"Timestamp"` // UTC with seven decimals
}

// payload is that of either type. Only fields that say something about the order are here; the customer is not, so that it
// cannot leak. TotalCount is left out: the sample has 1 beside two tickets, so that whoever trusted it would lose one.
type payload struct {
	BookingReference wire.Scalar `json:"BookingReference"`

	AffiliateID wire.Scalar       `json:"AffiliateId"` // of ScheduledEticketDelivery
	Tickets     wire.List[issued] `json:"Tickets"`

	BasketID     wire.Scalar       `json:"BasketId"` // of TransactionChanged
	DeliveryType wire.Scalar       `json:"DeliveryType"`
	TotalAmount  wire.Scalar       `json:"TotalAmount"`
	Orders       wire.List[booked] `json:"Orders"`
}

// booked is what was bought of one performance. ("Transaction changed", Orders) OrderStatus is left out: the sample has
// "Cancelled" there beside a ticket that is still "Purchased", so that each ticket speaks for itself.
type booked struct {
	EventID     wire.Scalar       `json:"EventId"`
	EventName   wire.Scalar       `json:"EventName"`
	Performance wire.Scalar       `json:"PerformanceTimeDate"` // without a zone
	Tickets     wire.List[ticket] `json:"Tickets"`
}

type ticket struct {
	SeatInfo    wire.Scalar `json:"SeatInfo"`
	Barcode     wire.Scalar `json:"Barcode"`
	BarcodeType wire.Scalar `json:"BarcodeType"`
	Status      wire.Scalar `json:"Status"`
	AreaName    wire.Scalar `json:"AreaName"` // not in the sample; the other type has it
}

// issued is a ticket that has become available. ("Scheduled E-tickets Available", Tickets) Row and seat are documented as
// strings (public: TicketInfoBooking); the sample has the seat as a number.
type issued struct {
	EventName   wire.Scalar `json:"EventName"`
	Performance wire.Scalar `json:"PerformanceDate"` // without a zone
	Row         wire.Scalar `json:"TicketName1"`
	Seat        wire.Scalar `json:"TicketName2"`
	AreaName    wire.Scalar `json:"AreaName"`
	Barcode     wire.Scalar `json:"Barcode"`
	BarcodeType wire.Scalar `json:"BarcodeType"`
}

// is reports whether the message is of the type. The portal writes types in one way; letter case is not worth a lost booking.
func (m *message) is(messageType string) bool {
	return strings.EqualFold(m.MessageType.Text, messageType)
}

// parse reads the very bytes. Its errors carry nothing of the document. A message that breaks off still has what was read
// before.
func parse(raw []byte, dst any) error {
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\ufeff"))) // .NET likes to begin with a byte order mark
	switch {
	case len(raw) == 0:
		return provider.Malformed("body", "it is missing")
	case raw[0] != '{':
		return provider.Malformed("body", "want a JSON object")
	}
	// A wrong shape is no error here: it is found where the field is used.
	if err := json.Unmarshal(raw, dst, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return provider.Malformed("body", "it is not JSON")
	}
	return nil
}
