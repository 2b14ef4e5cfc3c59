// Package vivenu speaks vivenu: it proves and decodes its webhooks, calls its REST API and keeps the subscription by which
// the webhooks come. It owns every field name of that provider. It decides nothing about orders and keeps no state. Buyer
// data, barcodes and the secrets that its documents carry never get into an order.Event or an error: what is read of the
// buyer is read by [Buyer] and [Customer] alone.
//
// Sources: vivenu's "Webhooks", by section: its samples show fields, not combinations of values. What is said to be public
// comes from vivenu's published OpenAPI description; what is called an assumption stands in neither.
package vivenu

import (
	"bytes"
	"crypto/sha256"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/provider"
	"willcall/provider/wire"
)

// maxLines is far beyond any real order; see the limits of package wire.
const maxLines = 500

// parse reads a whole document. Its errors carry nothing of it. A wrong shape is no error here: it is found where the field
// is used.
func parse(text []byte, dst any) error {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		return provider.Malformed("body", "it is missing")
	case text[0] != '{':
		return provider.Malformed("body", "want a JSON object")
	}
	if err := unmarshal(text, dst); err != nil {
		return provider.Malformed("body", "it is not JSON")
	}
	return nil
}

func unmarshal(text []byte, dst any) error {
	return json.Unmarshal(text, dst, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// envelope is the outer shape of every webhook. ("Webhooks", Webhook Payload)
type envelope struct {
	ID   wire.Scalar    `json:"id"` // of the transmission (public): a retry may bear another
	Type wire.Scalar    `json:"type"`
	Data jsontext.Value `json:"data"`
}

// digest is what a delivery says without the id of its transmission.
func (e envelope) digest(typ string) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(typ+"\x00"), e.Data...))
}

// members are the fields of data, each as it came.
type members map[string]jsontext.Value

func (e envelope) members() (members, error) {
	var m members
	if len(e.Data) == 0 || e.Data[0] != '{' || unmarshal(e.Data, &m) != nil {
		return nil, provider.Malformed("data", "want an object")
	}
	return m, nil
}

// object reads one field of data into dst and reports whether it is an object.
func (m members) object(name string, dst any) bool {
	v := m[name]
	return len(v) > 0 && v[0] == '{' && unmarshal(v, dst) == nil
}

// The documents below have only fields that say something about the order; names, addresses, barcodes and secrets are not
// there, so that they cannot leak.

// transaction is an order. ("Webhooks", transaction.complete)
type transaction struct {
	ID            wire.Scalar               `json:"_id"`
	EventID       wire.Scalar               `json:"eventId"`
	Tickets       wire.List[cartItem]       `json:"tickets"`
	Products      wire.List[wire.Scalar]    `json:"products"`
	Additional    wire.List[wire.Scalar]    `json:"additionalItems"`
	Currency      wire.Scalar               `json:"currency"`
	RealPrice     wire.Scalar               `json:"realPrice"`
	Status        wire.Scalar               `json:"status"`
	PaymentStatus wire.Scalar               `json:"paymentStatus"`
	Cancellation  wire.Object[cancellation] `json:"cancellationInfo"`
}

type cancellation struct {
	Items wire.List[cancellable] `json:"cancellableItems"`
}

type cancellable struct {
	CancelledAt wire.Scalar `json:"cancelledAt"`
}

// cartItem is so many tickets of one type, before each of them is a document of its own. ("Webhooks",
// purchaseIntent.created)
type cartItem struct {
	ID           wire.Scalar          `json:"_id"`
	Amount       wire.Scalar          `json:"amount"`
	Price        wire.Scalar          `json:"price"` // of one (public)
	TicketTypeID wire.Scalar          `json:"ticketTypeId"`
	Seating      wire.Object[seating] `json:"seatingInfo"`
	AsHardTicket wire.Scalar          `json:"asHardTicket"`
}

// ticket is one ticket. ("Webhooks", ticket.created)
type ticket struct {
	ID             wire.Scalar          `json:"_id"`
	TransactionID  wire.Scalar          `json:"transactionId"`
	OriginTicketID wire.Scalar          `json:"originTicketId"`
	TicketTypeID   wire.Scalar          `json:"ticketTypeId"`
	CategoryName   wire.Scalar          `json:"categoryName"`
	Currency       wire.Scalar          `json:"currency"`
	RealPrice      wire.Scalar          `json:"realPrice"`
	Status         wire.Scalar          `json:"status"`
	Seat           wire.Scalar          `json:"seat"`
	Seating        wire.Object[seating] `json:"seatingInfo"`
	DeliveryType   wire.Scalar          `json:"deliveryType"`
	UpdatedAt      wire.Scalar          `json:"updatedAt"`
}

type seating struct {
	SectionName wire.Scalar `json:"sectionName"`
	RowName     wire.Scalar `json:"rowName"`
	SeatName    wire.Scalar `json:"seatName"`
}

// scan has the barcode, too, which is why it is read no further. ("Webhooks", scan.created)
type scan struct {
	TicketID wire.Scalar `json:"ticketId"`
	Type     wire.Scalar `json:"type"`
	Result   wire.Scalar `json:"scanResult"`
}

// transfer hands tickets on to somebody else. ("Webhooks", ticketTransfer.created)
type transfer struct {
	TicketIDs wire.List[wire.Scalar] `json:"ticketIds"`
	Outcome   wire.Object[outcome]   `json:"outcome"`
}

type outcome struct {
	Tickets    wire.List[successor] `json:"tickets"`    // of a transfer
	CheckoutID wire.Scalar          `json:"checkoutId"` // of a purchase intent
}

type successor struct {
	TicketID       wire.Scalar `json:"ticketId"`
	OriginTicketID wire.Scalar `json:"originTicketId"`
}

// intent is a purchase that the seller must approve. ("Webhooks", purchaseIntent.created)
type intent struct {
	ID             wire.Scalar            `json:"_id"`
	Status         wire.Scalar            `json:"status"`
	ApprovalStatus wire.Scalar            `json:"approvalStatus"`
	EventID        wire.Scalar            `json:"eventId"`
	Currency       wire.Scalar            `json:"currency"`
	RealPrice      wire.Scalar            `json:"realPrice"`
	Tickets        wire.List[cartItem]    `json:"tickets"`
	Products       wire.List[wire.Scalar] `json:"products"`
	Additional     wire.List[wire.Scalar] `json:"additionalItems"`
	ExpiresAt      wire.Scalar            `json:"expiresAt"`
	TransactionID  wire.Scalar            `json:"transactionId"`
	Outcome        wire.Object[outcome]   `json:"outcome"`
}

// identified is as much as is read of objects that only have to be told apart: checkouts, customers.
type identified struct {
	ID        wire.Scalar `json:"_id"`
	UpdatedAt wire.Scalar `json:"updatedAt"`
}

// show is a performance. ("Webhooks", event.created)
type show struct {
	ID    wire.Scalar `json:"_id"`
	Name  wire.Scalar `json:"name"`
	Start wire.Scalar `json:"start"`
}

// support is a question that a buyer has asked. ("Webhooks", support.assignedToSeller)
type support struct {
	ID            wire.Scalar `json:"_id"`
	TransactionID wire.Scalar `json:"transactionId"`
}
