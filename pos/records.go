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
	Voided      bool // false in an input
}

// InvoiceInput is a sale to be booked. Its reference is the Op's.
type InvoiceInput struct {
	CustomerID string
	HoldID     string  // empty where the seats are not held
	Payment    Payment // empty means Unpaid
	Lines      []InvoiceLine

	// Sale is the number that the marketplace gave the sale, by which other tools may have booked it; empty where it has none.
	Sale string
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

// Total is the sum over the lines that are not void.
func (i Invoice) Total() (sum Money, ok bool) {
	ok = true
	for _, l := range i.Lines {
		if l.Voided {
			continue
		}
		if sum.Currency == "" {
			sum.Currency = l.Total.Currency
		}
		ok = ok && sum.Currency == l.Total.Currency
		sum.Minor += l.Total.Minor
	}
	return sum, ok
}

// HoldInput asks to keep tickets of one group for a customer. Its reference is the Op's.
type HoldInput struct {
	InventoryID string
	TicketIDs   []string // empty lets the POS pick; otherwise Quantity many
	Quantity    int      // tickets, at least 1
	CustomerID  string   // empty where the buyer is not known yet
	Until       time.Time
}

// A Hold is tickets that are kept for a sale.
type Hold struct {
	ID          string
	Ref         string // empty in a POS that does not keep it
	InventoryID string
	TicketIDs   []string
	Quantity    int
	Until       time.Time // UTC
}

// A DeliveryForm is how tickets come to their buyer.
type DeliveryForm string

// The forms of delivery.
const (
	FormFile     DeliveryForm = "file"      // a file with tickets in it: Content, MediaType
	FormLink     DeliveryForm = "link"      // an address where the buyer claims them: URL
	FormTransfer DeliveryForm = "transfer"  // they were transferred to the buyer in the system Via
	FormParcel   DeliveryForm = "parcel"    // a carrier has them: Carrier, Tracking
	FormWillCall DeliveryForm = "will_call" // they lie at the box office, or with whom the buyer gets them from
)

// A Delivery is tickets of an invoice that are there to be given to its buyer, or that were. It is buyer data.
type Delivery struct {
	Form DeliveryForm
	// LineID is the line of the invoice whose tickets these are; empty where TicketIDs or there being one line tell it.
	LineID string
	// TicketIDs are the POS's ids of the tickets, in the order of a file's pages; empty = the POS does not say which, all of the
	// line's if LineID is given.
	TicketIDs []string

	Name      string // of a file, for people
	MediaType string
	Content   []byte
	URL       string // of a link; may also come with a transfer
	Via       string // of a link or transfer: the system that the tickets are in, as the POS names it
	Carrier   string
	Tracking  string
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
