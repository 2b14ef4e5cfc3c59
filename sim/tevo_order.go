package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// States of an order at Ticket Evolution, as the client libraries list them. Who moves next: pending, the
// seller; open, the buyer's fraud review (the seller cannot see the order); the others are final here.
const (
	tevoPending       = "pending"
	tevoOpen          = "open"
	tevoAccepted      = "accepted"
	tevoRejected      = "rejected"
	tevoCanceled      = "canceled"
	tevoCanceledAfter = "canceled_post_acceptance"
	tevoCompleted     = "completed"
)

// States of a shipment that matter here.
const (
	shipmentPending   = "pending"
	shipmentDelivered = "delivered"
)

// tevoOfficeID is Ticket Evolution's own office ("Processing Orders via Webhooks", Sales to TEvo).
const tevoOfficeID = "6"

// The office whose webhooks are simulated. Invented.
const (
	ourOfficeID    = "4410"
	ourBrokerageID = "14410"
	ourOfficeName  = "Harbor Lane Tickets"

	otherOfficeID    = "5120" // who sells to us
	otherBrokerageID = "15120"
)

// sellerOffice is the office, brokerage and name that the order's ticket groups belong to.
func (o TEvoOrder) sellerOffice() (office, brokerage, name string) {
	if o.Purchase {
		return otherOfficeID, otherBrokerageID, brokerNames[0]
	}
	return ourOfficeID, ourBrokerageID, ourOfficeName
}

// A TEvoOrder is an order as Ticket Evolution knows it. Every field has a default, so that
// TEvoOrder{ID: "147277", Fraud: "pending"} is a whole order; a field that is set always wins. It is a value: the methods
// that change it return a copy, so one order can be told in several states.
//
// The default times are fixed, so that the same literal is the same bytes on every run. Use [TEvoOrder.At] where
// the event has to lie ahead of a clock.
type TEvoOrder struct {
	GroupID string // left half of the order number
	ID      string // right half, the one in paths; differs between seller and buyer
	// Purchase tells the order from the buyer's side: we bought. Accept and reject are not ours then.
	Purchase bool

	State       string // default "pending"
	SellerState string // default State
	BuyerState  string // default State

	BuyerType  string // "Office" (default) or "Client"
	BuyerID    string // default for an Office is "6", Ticket Evolution itself
	BuyerName  string
	BuyerEmail string
	BuyerPhone string

	// Fraud is the fraud_check_status: "pending", "approved", "declined", or empty for null.
	Fraud string

	Items []TEvoItem // default one item of two tickets

	EventID    string
	EventName  string
	VenueID    string
	VenueName  string
	Locality   string
	Region     string
	OccursAt   time.Time // default six weeks after CreatedAt
	Delivery   string    // shipment type, default "Eticket"
	Format     string    // of the ticket groups, default Delivery
	ShipmentID string
	// Shipments are how the items travel; none is one shipment of type Delivery and with id ShipmentID that holds them all.
	Shipments  []TEvoShipment
	Tracking   string // tracking number; set with the airbill
	AirbillURL string // set by AirbillUploaded

	RejectionReason    string
	CancellationReason string
	Instructions       string

	CreatedAt time.Time
	UpdatedAt time.Time

	// Variant chooses among the ways in which the documents' samples disagree on types. 0 follows the
	// order_created sample. Bit 0: flags are booleans, not "true". Bit 1: empty values are "" where the sample has
	// null and null where it has "". Bit 2: the order's ids are strings and the ticket group's are numbers. Bit 3:
	// an absent fraud check is an explicit null instead of no key.
	Variant int

	hideUploads bool // see TEvoOptions.HideUploads
}

// A TEvoItem is one line of an order: some tickets of one ticket group.
type TEvoItem struct {
	ID            string // items[].id, the order_item_link_id; differs per party
	OrderItemID   string // items[].order_item_id; shared, also in shipments[].items[].id
	TicketGroupID string
	RemoteID      string   // our POS's id of the inventory
	Quantity      int      // default 2
	PriceMinor    int64    // US cents per ticket, default 2700
	Section       string   // default "113"
	Row           string   // default "A"
	Seats         []string // default unknown: a null per ticket
	NotInHand     bool
	InHandOn      string // date, default the day of the order
	Finalized     bool   // etickets are uploaded and final

	Uploaded     []TEvoPage // pages of the files that were added, one after the other
	Kept         []TEvoPage // of these, the pages that are final; none in a finalised item: whoever finalised it did not use the API
	FinalizedAt  time.Time  // default, where it is finalised, UpdatedAt of the order
	DownloadedAt time.Time  // when the buyer fetched them; zero: not yet
}

// A TEvoPage is a page of a ticket file.
type TEvoPage struct {
	File string // SHA-256 of the file it came in, in hex
	Page int    // its number in there, from 1
	Text string // what stands on it
}

// A TEvoShipment is some items of an order that travel together.
type TEvoShipment struct {
	ID    string
	Type  string   // default Delivery of the order
	State string   // default "pending"
	Items []string // their order_item_ids; none is all

	Link, Source string // where the buyer claims a mobile transfer, and the system that it came from; set when it is completed
}

// AmountMinor is the price of all tickets of the order in US cents, without fees.
func (o TEvoOrder) AmountMinor() int64 {
	var sum int64
	for _, it := range o.filled().Items {
		sum += it.PriceMinor * int64(it.Quantity)
	}
	return sum
}

// OID is the whole order number, such as "44442-147277".
func (o TEvoOrder) OID() string { o = o.filled(); return o.GroupID + "-" + o.ID }

// OfficeSale is the most common order: Ticket Evolution itself (office 6) buys from us. n ≥ 0 chooses ids, event,
// seats and money; the same n is always the same order.
func OfficeSale(n int) TEvoOrder {
	e := tevoEvents[n%len(tevoEvents)]
	id := strconv.Itoa(147277 + n)
	o := TEvoOrder{
		GroupID: strconv.Itoa(44442 + n), ID: id,
		BuyerType: "Office", BuyerID: tevoOfficeID,
		EventID: e.id, EventName: e.name, VenueID: e.venueID, VenueName: e.venue, Locality: e.locality, Region: e.region,
		Items: []TEvoItem{{
			RemoteID: strconv.Itoa(58222 + n), Quantity: 1 + (n+1)%4, PriceMinor: 2700 + int64(n%40)*325,
			Section: sections[(n+2)%len(sections)], Row: rows[n%len(rows)],
		}},
	}
	return o.filled()
}

// ClientSale is a sale to the seller's own customer with the fraud check still pending. n is as in [OfficeSale].
func ClientSale(n int) TEvoOrder {
	o := OfficeSale(n)
	o.BuyerType, o.BuyerID, o.Fraud = "Client", strconv.Itoa(30000+n), "pending"
	o.BuyerName, o.BuyerEmail, o.BuyerPhone = "", "", ""
	return o.filled()
}

// Purchase is an order in which we are the buyer and the seller has not answered yet. n is as in [OfficeSale].
func Purchase(n int) TEvoOrder {
	o := OfficeSale(n)
	o.Purchase = true
	o.BuyerID, o.BuyerName, o.BuyerEmail, o.BuyerPhone = ourOfficeID, "", "", ""
	return o.filled()
}

// filled returns the order with every default in place. It is idempotent.
func (o TEvoOrder) filled() TEvoOrder {
	o.ID = cmp.Or(o.ID, "147277")
	o.GroupID = cmp.Or(o.GroupID, "44442")
	o.State = cmp.Or(o.State, tevoPending)
	o.SellerState = cmp.Or(o.SellerState, o.State)
	o.BuyerState = cmp.Or(o.BuyerState, o.State)
	if o.CreatedAt.IsZero() {
		o.CreatedAt = time.Date(2026, 6, 1, 14, 40, 1, 0, time.UTC)
	}
	if o.UpdatedAt.IsZero() {
		o.UpdatedAt = o.CreatedAt
	}
	if o.OccursAt.IsZero() {
		o.OccursAt = o.CreatedAt.AddDate(0, 0, 42).Truncate(24 * time.Hour).Add(19 * time.Hour)
	}
	e := tevoEvents[0]
	o.EventID, o.EventName = cmp.Or(o.EventID, e.id), cmp.Or(o.EventName, e.name)
	o.VenueID, o.VenueName = cmp.Or(o.VenueID, e.venueID), cmp.Or(o.VenueName, e.venue)
	o.Locality, o.Region = cmp.Or(o.Locality, e.locality), cmp.Or(o.Region, e.region)
	o.Delivery = cmp.Or(o.Delivery, "Eticket")
	o.ShipmentID = cmp.Or(o.ShipmentID, o.derivedID(99))
	o.Format = cmp.Or(o.Format, o.Delivery)
	o.Shipments = slices.Clone(o.Shipments)
	for i := range o.Shipments {
		sh := &o.Shipments[i]
		sh.ID = cmp.Or(sh.ID, o.derivedID(90-i))
		sh.Type, sh.State = cmp.Or(sh.Type, o.Delivery), cmp.Or(sh.State, shipmentPending)
	}
	o.fillBuyer()
	if len(o.Items) == 0 {
		o.Items = []TEvoItem{{}}
	}
	o.Items = slices.Clone(o.Items)
	for i := range o.Items {
		it := &o.Items[i]
		it.ID = cmp.Or(it.ID, o.derivedID(1+i))
		it.OrderItemID = cmp.Or(it.OrderItemID, o.derivedID(50+i))
		it.TicketGroupID = cmp.Or(it.TicketGroupID, "2"+o.derivedID(1+i))
		it.RemoteID = cmp.Or(it.RemoteID, "5"+o.derivedID(1+i))
		it.Quantity = cmp.Or(it.Quantity, 2)
		it.PriceMinor = cmp.Or(it.PriceMinor, 2700)
		it.Section, it.Row = cmp.Or(it.Section, "113"), cmp.Or(it.Row, "A")
		it.InHandOn = cmp.Or(it.InHandOn, o.CreatedAt.Format(time.DateOnly))
	}
	return o
}

// parcels are the shipments of the order, which must be filled.
func (o TEvoOrder) parcels() []TEvoShipment {
	if len(o.Shipments) == 0 {
		o.Shipments = []TEvoShipment{{ID: o.ShipmentID, Type: o.Delivery, State: shipmentPending}}
	}
	list := slices.Clone(o.Shipments)
	for i := range list {
		if list[i].Items == nil {
			for _, it := range o.Items {
				list[i].Items = append(list[i].Items, it.OrderItemID)
			}
		}
	}
	return list
}

// way is the type of the shipment that holds an item.
func (o TEvoOrder) way(orderItemID string) string {
	for _, sh := range o.parcels() {
		if slices.Contains(sh.Items, orderItemID) {
			return sh.Type
		}
	}
	return ""
}

func (o *TEvoOrder) fillBuyer() {
	o.BuyerType = cmp.Or(o.BuyerType, "Office")
	if o.BuyerType == "Client" {
		o.BuyerID = cmp.Or(o.BuyerID, "30000")
		o.BuyerName = cmp.Or(o.BuyerName, fullName(spread(o.ID)))
		local := strings.ToLower(strings.ReplaceAll(o.BuyerName, " ", "."))
		o.BuyerEmail = cmp.Or(o.BuyerEmail, local+"@example.com")
		o.BuyerPhone = cmp.Or(o.BuyerPhone, fmt.Sprintf("201-555-%04d", 100+spread(o.BuyerName)%100))
		return
	}
	o.BuyerID = cmp.Or(o.BuyerID, tevoOfficeID)
	switch o.BuyerID {
	case tevoOfficeID:
		o.BuyerName = cmp.Or(o.BuyerName, "Ticket Evolution")
		o.BuyerEmail = cmp.Or(o.BuyerEmail, "orders@tevo.example.com")
	case ourOfficeID:
		o.BuyerName = cmp.Or(o.BuyerName, ourOfficeName)
		o.BuyerEmail = cmp.Or(o.BuyerEmail, "sales@harborlane.example.com")
	default:
		o.BuyerName = cmp.Or(o.BuyerName, brokerNames[spread(o.BuyerID)%len(brokerNames)])
		o.BuyerEmail = cmp.Or(o.BuyerEmail, "office"+o.BuyerID+"@example.com")
	}
	o.BuyerPhone = cmp.Or(o.BuyerPhone, "201-555-0199")
}

// spread turns a text into a number that depends on every character of it.
func spread(s string) int {
	n := 0
	for _, r := range s {
		n = (n*31 + int(r)) % 100_003
	}
	return n
}

// derivedID makes an id that belongs to this order alone.
func (o TEvoOrder) derivedID(k int) string {
	return fmt.Sprintf("%s%02d", o.ID, k)
}

// At moves the order in time: created and last updated at t, its event six weeks later. Ticket Evolution keeps whole
// seconds.
func (o TEvoOrder) At(t time.Time) TEvoOrder {
	o = o.filled()
	for i := range o.Items {
		if o.Items[i].InHandOn == o.CreatedAt.Format(time.DateOnly) {
			o.Items[i].InHandOn = ""
		}
	}
	o.CreatedAt = t.UTC().Truncate(time.Second)
	o.UpdatedAt, o.OccursAt = o.CreatedAt, time.Time{}
	return o.filled()
}

// Updated sets updated_at and nothing else. Unlike the changes below it can move backwards.
func (o TEvoOrder) Updated(at time.Time) TEvoOrder {
	o = o.filled()
	o.UpdatedAt = at.UTC().Truncate(time.Second)
	return o
}

// touched moves updated_at forward. Two changes within one second share an updated_at, as they would there.
func (o TEvoOrder) touched(at time.Time) TEvoOrder {
	o = o.filled()
	if at = at.UTC().Truncate(time.Second); at.After(o.UpdatedAt) {
		o.UpdatedAt = at
	}
	return o
}

// FraudResponse sets the fraud check's answer: "approved", "declined", or "pending" for an interim one.
func (o TEvoOrder) FraudResponse(status string, at time.Time) TEvoOrder {
	o = o.touched(at)
	o.Fraud = status
	return o
}

// Accepted is the order after its seller accepted it.
func (o TEvoOrder) Accepted(at time.Time) TEvoOrder { return o.inState(tevoAccepted, at) }

// Completed is the order after delivery.
func (o TEvoOrder) Completed(at time.Time) TEvoOrder { return o.inState(tevoCompleted, at) }

// Rejected is the order after its seller rejected it.
func (o TEvoOrder) Rejected(reason string, at time.Time) TEvoOrder {
	o = o.inState(tevoRejected, at)
	o.RejectionReason = reason
	return o
}

// Canceled is the order after a cancellation: "canceled" before it was accepted, "canceled_post_acceptance" after.
func (o TEvoOrder) Canceled(at time.Time) TEvoOrder {
	state := tevoCanceled
	if o = o.touched(at); o.State == tevoAccepted || o.State == tevoCompleted {
		state = tevoCanceledAfter
	}
	o = o.inState(state, at)
	o.CancellationReason = "Other"
	return o
}

func (o TEvoOrder) inState(state string, at time.Time) TEvoOrder {
	o = o.touched(at)
	o.State, o.SellerState, o.BuyerState = state, state, state
	return o
}

// AirbillUploaded is the order after the buyer provided an airbill for its shipment.
func (o TEvoOrder) AirbillUploaded(at time.Time) TEvoOrder {
	o = o.touched(at)
	if len(o.Shipments) > 0 {
		o.Shipments[0].Type = "ProvidedAirbill"
	} else if o.Format == o.Delivery {
		o.Format = "ProvidedAirbill"
	}
	o.Delivery = "ProvidedAirbill"
	o.Tracking = "3423" + o.ID
	o.AirbillURL = "http://media.example.com/deliveries/airbills/" + o.ShipmentID + "/original.pdf?" + strconv.FormatInt(at.Unix(), 10)
	return o
}

// DeliverTo is the order after the recipient's address changed.
func (o TEvoOrder) DeliverTo(email string, at time.Time) TEvoOrder {
	o = o.touched(at)
	o.BuyerEmail = email
	return o
}

// EticketsFinalized is the order after the etickets of item i were uploaded and finalised. An order without an
// item i is left as it is.
func (o TEvoOrder) EticketsFinalized(i int, at time.Time) TEvoOrder {
	o = o.touched(at)
	if i < len(o.Items) {
		o.Items[i].Finalized = true
	}
	return o
}

// InHand is the order after the date moved on which item i is in the seller's hands.
func (o TEvoOrder) InHand(i int, on, at time.Time) TEvoOrder {
	o = o.touched(at)
	if i < len(o.Items) {
		o.Items[i].InHandOn, o.Items[i].NotInHand = on.UTC().Format(time.DateOnly), on.After(at)
	}
	return o
}
