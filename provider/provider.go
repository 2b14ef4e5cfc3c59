// Package provider holds what the providers' packages share: a delivery as it came off the wire, what a decoder makes of
// it, how it is proven, and the errors that say whose fault it is. It knows no provider and keeps no registry.
package provider

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"willcall/order"
)

var (
	// ErrSignature means that the delivery is not proven to come from the provider: 401, and nothing is kept.
	ErrSignature = errors.New("not authentic")
	// ErrNoSecret means that we cannot verify because no secret is configured on our side: 503, so that the provider
	// tries again once it is.
	ErrNoSecret = errors.New("no secret is configured for this source")
	// ErrNotOurs means that an authentic delivery is meant for somebody else, such as another environment or partner: 403, and
	// nothing is kept.
	ErrNotOurs = errors.New("not meant for this source")
	// ErrMalformed means that an authentic delivery cannot be read: it is kept for a person, and answered as taken.
	ErrMalformed = errors.New("cannot be decoded")
)

// Malformed is an [ErrMalformed] that says which field is wrong and why. It never says what the field holds: that may be buyer
// data.
func Malformed(path, why string) error { return fmt.Errorf("%w: %s: %s", ErrMalformed, path, why) }

// Delivery is one webhook, poll result or re-read, with the very bytes that came.
type Delivery struct {
	ID       string // of the inbox row
	Header   http.Header
	Token    string // the secret path segment, where the source uses one
	Body     []byte
	Received time.Time
}

// Disposition says what is done with a delivery beside keeping it.
type Disposition string

const (
	Forward     Disposition = "forward"     // goes to its order's workflow
	Recorded    Disposition = "recorded"    // known, but moves no order
	Parked      Disposition = "parked"      // of an order that we do not know yet: waits in the inbox until we do
	Unknown     Disposition = "unknown"     // of a type that no document names: kept, counted, shown to operators
	Quarantined Disposition = "quarantined" // authentic, but cannot be decoded: kept until a person replays it
)

// Decoded is what a decoder makes of a delivery.
type Decoded struct {
	Type        string // as operators and metrics see it: "seller/order_created"
	Disposition Disposition
	DedupeKey   string       // under which the provider repeats the delivery, or "": the door hashes source and body
	OrderID     string       // the provider's order id; "" where no order is concerned
	Kind        order.Kind   // which side of that order we are on
	Event       *order.Event // for Forward

	// Concern is another name of the order ("ticket:65f0…"), for deliveries that do not bear its id. The order that has it
	// among its [order.Event.Refs] gets the event. Where none has, the one of OrderID does; without OrderID it is parked.
	Concern string `json:",omitzero"`
	// About is what the delivery is news of, where that is no order.
	About About `json:",omitzero"`
	// Files are what came with the delivery and is kept outside of it: tickets, barcodes, links. They may hold buyer data.
	Files []File `json:",omitzero"`
	// Content is a digest of what the delivery says, without what changes from one transmission of it to the next; zero: all of
	// the body counts. A second delivery under one DedupeKey is a repeat if its content is the same, and a conflict otherwise.
	Content [sha256.Size]byte `json:",omitzero"`
	// Ask says that the sender expects the order's state in the answer.
	Ask bool `json:",omitzero"`
}

// About names something that is no order and may concern many. The zero value is nothing.
type About struct {
	Kind string // AboutEvent or AboutCustomer
	ID   string // the provider's
}

const (
	AboutEvent    = "event"    // a performance, match or concert: every open order of it hears the news
	AboutCustomer = "customer" // a buyer: the POS hears of it
)

// File is a ticket, a barcode or a link that came with a delivery.
type File struct {
	Name      string // within the order: "ticket V 100", "proof 1"; no buyer data
	MediaType string
	Body      []byte
}

// Ticket is a ticket as it came with a delivery. It is buyer data like [Buyer]: it goes from the stored document to the POS and
// nowhere else.
type Ticket struct {
	Line, Key string // as in an [order.LineFact]
	Files     []File // the ticket itself
	Links     []Link // where it is to be had, or what proves it
	Code      string // a barcode with its place, as one line of text
}

// Link is something that came as an address.
type Link struct{ Name, URL string }

// Buyer is who bought. It is buyer data: it goes from the stored document to the POS and nowhere else, never into an
// error, a log line or a workflow history.
type Buyer struct {
	Class   order.BuyerClass
	ID      string // the provider's id of the buyer, "" where it has none
	Name    string
	Company string
	Email   string
	Phone   string
	Address Address
}

// Address is a postal address; Country is ISO 3166-1 alpha-2 where the provider gives it so.
type Address struct {
	Street, Extended, City, Region, PostalCode, Country string
}

// Seller is whom we bought from, as the vendor of a purchase order.
type Seller struct {
	ID   string
	Name string
}

// DedupeKey is the key of a delivery that bears no id of its own: a digest of where it came in, what it is and the digest of
// every byte.
func DedupeKey(source, eventType string, body [sha256.Size]byte) string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(source), []byte(eventType), body[:]} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
