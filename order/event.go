package order

import (
	"slices"
	"time"
)

// Event is what one webhook, poll or re-read said of an order. Every field but the first four is an assertion that may
// be absent; an event with none of them only leaves a line in the timeline.
//
// It travels as a signal and so lies in workflow histories: no buyer name, e-mail, address or barcode.
type Event struct {
	ID       string    `json:"id"`       // of the row in the inbox; activities read the document by it
	Type     string    `json:"type"`     // the provider's own name, for people: "seller/order_created"
	At       time.Time `json:"at"`       // the version: when the provider last changed the object, else when we received it
	Received time.Time `json:"received"` // when the door took it

	Snapshot *Snapshot      `json:"snapshot,omitempty"`
	Fraud    Fraud          `json:"fraud,omitempty"`
	Payment  Payment        `json:"payment,omitempty"`
	Status   Status         `json:"status,omitempty"`
	Unknown  string         `json:"unknown,omitempty"` // a status word that the decoder does not know
	Intent   *Intent        `json:"intent,omitempty"`  // the order is a purchase intent, not a sale yet
	Lines    []LineFact     `json:"lines,omitempty"`
	Shipment []ShipmentFact `json:"shipments,omitempty"`
	News     *News          `json:"news,omitempty"` // of the performance itself; every open order of it hears that

	// Part says that a part of the order was cancelled: tickets that are invalid are no longer owed, nor paid for.
	Part bool `json:"part,omitempty"`
	// Revoked says that the provider has made the tickets of a cancelled order invalid: what was delivered is worthless.
	Revoked bool `json:"revoked,omitempty"`
	// Reread says that the document does not tell all: the order is to be read again over the provider's API.
	Reread bool `json:"reread,omitempty"`
	// Unusable says why a ticket that came with this event cannot be used. It never quotes the ticket.
	Unusable string `json:"unusable,omitempty"`
	// Case is the id of a support case that the provider has assigned to us.
	Case string `json:"case,omitempty"`
	// Hint says that something may have changed in our POS about the order: it is to be read again there.
	Hint bool `json:"hint,omitempty"`
	// Supply is what our POS holds for the buyer.
	Supply *Supply `json:"supply,omitempty"`
	// Refs are other names of the order, "<kind>:<id>" such as "ticket:65f0…": news that bears one of them and not the
	// order's own id finds the order by it.
	Refs []string `json:"refs,omitempty"`
}

// Snapshot is the order as a whole, as one document described it. It stands or falls whole: of two, the newer counts.
type Snapshot struct {
	APIID string     `json:"api_id"` // the id in the provider's REST paths
	Buyer BuyerClass `json:"buyer,omitempty"`
	Show  Show       `json:"event"`
	Lines []Line     `json:"lines"`
	Free  bool       `json:"free,omitempty"` // the document itself says that the order costs nothing
}

// BuyerClass separates trade from public: only a Client's order passes a fraud check.
type BuyerClass string

const (
	Office BuyerClass = "office" // another broker, or Ticket Evolution itself
	Client BuyerClass = "client" // a member of the public
)

// Show is the performance, match or concert that the tickets are for.
type Show struct {
	ID       string    `json:"id,omitempty"`
	Name     string    `json:"name,omitempty"`
	StartsAt time.Time `json:"starts_at,omitzero"`
}

// Line is one position of an order: so many tickets of one ticket group.
type Line struct {
	ID        string   `json:"id"`                  // stable over all documents of the order
	ItemID    string   `json:"item_id,omitempty"`   // the id of this line in the provider's REST paths
	Inventory string   `json:"inventory,omitempty"` // the ticket group's id in our POS
	Quantity  int      `json:"quantity"`
	Unit      Money    `json:"unit"`         // price of one ticket
	Sum       Money    `json:"sum,omitzero"` // price of the whole line, where it does not divide into tickets
	Section   string   `json:"section,omitempty"`
	Row       string   `json:"row,omitempty"`
	Seats     []string `json:"seats,omitempty"`
	Delivery  Delivery `json:"delivery,omitempty"`

	// What is known beside the snapshot. A decoder leaves these alone: they are merged from LineFacts.
	InHand    Day       `json:"in_hand,omitzero"`
	Delivered time.Time `json:"delivered,omitzero"` // whole line; the earliest time that a document gave
	Tickets   []string  `json:"tickets,omitempty"`  // keys of single tickets that are delivered, sorted
	Cancelled bool      `json:"cancelled,omitempty"`
	Used      bool      `json:"used,omitempty"`   // somebody has entered with it
	Ticket    Validity  `json:"ticket,omitzero"`  // of a line that is one ticket whose provider tells its state
	Became    string    `json:"became,omitempty"` // the ticket that took its place, after a transfer
}

// Amount is what the whole line costs.
func (l Line) Amount() Money {
	if l.Sum != (Money{}) {
		return l.Sum
	}
	return l.Unit.Times(int64(l.Quantity))
}

// Known reports whether a snapshot has described the line; before that only facts about it have arrived.
func (l Line) Known() bool { return l.Quantity > 0 }

// DeliveredQuantity is how many of the line's tickets are with the buyer.
func (l Line) DeliveredQuantity() int {
	if !l.Delivered.IsZero() || l.Ticket.State == TicketValid {
		return l.Quantity
	}
	return min(len(l.Tickets), l.Quantity)
}

// Delivery is how tickets travel.
type Delivery string

const (
	DeliveryETicket  Delivery = "eticket"
	DeliveryMobile   Delivery = "mobile"
	DeliveryShipped  Delivery = "shipped" // physical tickets, by carrier
	DeliveryWillCall Delivery = "will_call"
	DeliveryOther    Delivery = "other"
)

// Day is a date register: the calendar day (UTC midnight) that the newest document gave.
type Day struct {
	On time.Time `json:"on,omitzero"`
	Stamp
}

// LineFact adds to one line; a zero field says nothing.
type LineFact struct {
	LineID    string    `json:"line_id"`
	Delivered time.Time `json:"delivered,omitzero"`
	Tickets   []string  `json:"tickets,omitempty"`
	Cancelled bool      `json:"cancelled,omitempty"`
	InHandOn  time.Time `json:"in_hand_on,omitzero"`

	Used   bool        `json:"used,omitempty"`   // somebody has entered with it
	Ticket TicketState `json:"ticket,omitempty"` // as of TicketAt
	Became string      `json:"became,omitempty"` // the id of the ticket that took its place

	TicketAt time.Time `json:"ticket_at,omitzero"` // version of Ticket; zero: that of the event
}

// TicketState says what a single ticket is worth, where a line is one ticket and the provider tells.
type TicketState string

const (
	TicketReserved TicketState = "reserved" // the purchase is not finished
	TicketDetails  TicketState = "details"  // names are missing: it would be refused at the door
	TicketValid    TicketState = "valid"    // with the buyer, and good
	TicketInvalid  TicketState = "invalid"  // revoked, cancelled, or replaced by another
)

// Validity is a register of a ticket's state.
type Validity struct {
	State TicketState `json:"state,omitempty"`
	Stamp
}

// yields reports whether the state to, of the version stamp, takes v's place. Of two of one version the worse counts: a
// ticket that may be worthless must not pass for good.
func (v Validity) yields(to TicketState, stamp Stamp) bool {
	if !v.At.Equal(stamp.At) {
		return v.At.Before(stamp.At)
	}
	rank := []TicketState{TicketValid, TicketDetails, TicketReserved, TicketInvalid}
	if a, b := slices.Index(rank, v.State), slices.Index(rank, to); a != b {
		return a < b
	}
	return v.By < stamp.By
}

// ShipmentFact adds to one shipment.
type ShipmentFact struct {
	ID           string `json:"id"`
	AirbillReady bool   `json:"airbill_ready,omitempty"`
	Changed      bool   `json:"changed,omitempty"`       // recipient or address changed; read it from the document
	AirbillAsked bool   `json:"airbill_asked,omitempty"` // the seller waits for an airbill from us
	Shipped      bool   `json:"shipped,omitempty"`       // on its way

	Lines        []string `json:"lines,omitempty"`        // of a shipment of ours that is on its way: what is in it
	Reclassified bool     `json:"reclassified,omitempty"` // it travels in another way than was agreed
}

// Payment says how far the buyer has paid, where the provider tells. Empty: it does not, or it is no matter of ours.
type Payment string

const (
	PaymentAwaited  Payment = "awaited"  // the buyer's move
	PaymentFailed   Payment = "failed"   // the buyer's move, and a person's
	PaymentPaid     Payment = "paid"     // ours
	PaymentReturned Payment = "returned" // refunded, disputed or charged back: a person's move
	PaymentUnknown  Payment = "unknown"  // a word that we do not know: treated as awaited, and an operator is asked
)

// caution ranks payments of equal version: the more careful one counts.
func (p Payment) caution() int {
	return slices.Index([]Payment{PaymentPaid, PaymentAwaited, PaymentFailed, PaymentUnknown, PaymentReturned}, p)
}

// Intent is what is known of a purchase that the seller must approve before the buyer may finish it.
type Intent struct {
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Becomes   string    `json:"becomes,omitempty"` // the provider's id of the order that it became
}

// News is what the provider says of a performance, match or concert. A zero field says nothing.
type News struct {
	ShowID   string    `json:"event_id"`
	Name     string    `json:"name,omitempty"`
	StartsAt time.Time `json:"starts_at,omitzero"`
	Off      bool      `json:"off,omitempty"`    // it will not take place, or is no longer sold
	Unsaid   bool      `json:"unsaid,omitempty"` // something has changed, and the document does not say what
}

// Fraud is what the provider's fraud service says.
type Fraud string

const (
	FraudPending  Fraud = "pending"  // the fraud service's move
	FraudApproved Fraud = "approved" // ours
	FraudDeclined Fraud = "declined" // an operator's
	FraudNone     Fraud = "none"     // the provider says that no check is made
	FraudUnknown  Fraud = "unknown"  // a word that we do not know: treated as pending, and an operator is asked
)

// caution ranks fraud answers of equal version: the more careful one counts.
func (f Fraud) caution() int {
	switch f {
	case FraudDeclined:
		return 4
	case FraudUnknown:
		return 3
	case FraudPending:
		return 2
	case FraudApproved:
		return 1
	}
	return 0
}

// Status is where the provider says that the order stands. Pending says nothing; all others are final facts that stay
// true whatever older document arrives later.
type Status string

const (
	StatusPending        Status = "pending"         // waits for us to accept or reject
	StatusAccepted       Status = "accepted"        // by us or by a person, at the provider
	StatusRejected       Status = "rejected"        // by the seller
	StatusCancelProposed Status = "cancel_proposed" // one party wants out; both must agree
	StatusCancelled      Status = "cancelled"
	StatusCompleted      Status = "completed"
	StatusExpired        Status = "expired" // a reservation or a purchase intent whose time is over
)

// Stamp orders values of one register: the later version wins, and of equal ones the greater event id, so that the
// outcome does not depend on arrival.
type Stamp struct {
	At time.Time `json:"at,omitzero"`
	By string    `json:"by,omitempty"` // id of the event
}

func (s Stamp) before(t Stamp) bool {
	if !s.At.Equal(t.At) {
		return s.At.Before(t.At)
	}
	return s.By < t.By
}
