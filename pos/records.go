package pos

import "time"

// A Payment says how far a record is paid.
type Payment string

// The states of payment. A new record is Unpaid or Paid.
const (
	Unpaid  Payment = "UNPAID"
	Partial Payment = "PARTIAL"
	Paid    Payment = "PAID"
)

// A Fulfillment says whether the tickets of a record were delivered.
type Fulfillment string

// The states of delivery.
const (
	Pending  Fulfillment = "PENDING"
	Complete Fulfillment = "COMPLETE"
)

// A CustomerKind says what sort of buyer a customer is.
type CustomerKind string

// The kinds of customers.
const (
	Retail      CustomerKind = "RETAIL"
	Broker      CustomerKind = "BROKER"
	Marketplace CustomerKind = "MARKETPLACE"
)

// CustomerInput is a customer to be created. Fields other than Name and Kind may be empty where unknown.
type CustomerInput struct {
	Name    string
	Email   string
	Phone   string
	Company string
	Kind    CustomerKind
}

// A Customer is a buyer as the POS knows them.
type Customer struct {
	ID        string
	Name      string
	Email     string
	Phone     string
	Company   string
	Kind      CustomerKind
	CreatedAt time.Time // UTC
}

// A CustomerQuery asks for customers with this e-mail address, or this telephone number. One of the two is set.
type CustomerQuery struct {
	Email string
	Phone string
}

// An InvoiceLine is tickets of one group.
type InvoiceLine struct {
	ID          string // empty in an input
	InventoryID string
	TicketIDs   []string // empty in an input lets the POS pick; otherwise Quantity many
	Quantity    int      // tickets, at least 1
	Total       Money    // of the whole line, not of one ticket
	Description string
}

// InvoiceInput is a sale to be booked. Its reference is the Op's.
type InvoiceInput struct {
	CustomerID string
	HoldID     string  // empty where the seats are not held
	Payment    Payment // empty means Unpaid
	Lines      []InvoiceLine
}

// An Invoice is a sale as the POS knows it.
type Invoice struct {
	ID          string
	Ref         string
	CustomerID  string
	HoldID      string
	Lines       []InvoiceLine
	Payment     Payment
	Fulfillment Fulfillment
	Voided      bool
	VoidReason  string
	CreatedAt   time.Time // UTC
}

// A Vendor is whom tickets were bought from.
type Vendor struct {
	ID   string // the POS's id; empty in an input lets the POS look the name up, or add it
	Name string
}

// An Event is what tickets are for.
type Event struct {
	Name     string
	StartsAt time.Time // UTC; zero while it is not announced
}

// A PurchaseLine is tickets of one row, bought together.
type PurchaseLine struct {
	ID       string // empty in an input
	Event    Event
	Section  string
	Row      string
	Seats    []string // empty where they are not known
	Quantity int      // tickets, at least 1
	Total    Money    // of the whole line, not of one ticket
}

// PurchaseInput is a purchase to be booked. Its reference is the Op's.
type PurchaseInput struct {
	Vendor  Vendor
	Payment Payment // empty means Unpaid
	Lines   []PurchaseLine
}

// A PurchaseOrder is a purchase as the POS knows it.
type PurchaseOrder struct {
	ID          string
	Ref         string
	Vendor      Vendor
	Lines       []PurchaseLine
	Payment     Payment
	Fulfillment Fulfillment
	Voided      bool
	VoidReason  string
	CreatedAt   time.Time // UTC
}

// A Stock says whether a group or a ticket can be sold.
type Stock string

// The states of stock. Groups are Available, OnHold or Depleted; tickets Available, OnHold or Sold.
const (
	Available Stock = "AVAILABLE"
	OnHold    Stock = "ON_HOLD"
	Depleted  Stock = "DEPLETED"
	Sold      Stock = "SOLD"
)

// An Inventory is a ticket group: tickets of one row that are sold together or in part.
type Inventory struct {
	ID       string
	Event    Event
	Section  string
	Row      string
	Quantity int // tickets that can be sold now
	Status   Stock
	Tickets  []Ticket // nil where the POS does not know single seats
}

// A Ticket is one seat of a group.
type Ticket struct {
	ID     string
	Seat   string
	Status Stock
}
