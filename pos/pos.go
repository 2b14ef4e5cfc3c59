// Package pos is the port to a broker's point of sale (POS): the records that Willcall books there, the
// [Adapter] that every POS implements, the classes of its errors, and the one place that knows how a record is
// booked exactly once ([EnsureCustomer], [EnsureInvoice], [EnsurePurchaseOrder], [EnsureHold], [VoidInvoiceByRef],
// [VoidPurchaseOrderByRef], [KeepInvoiceLines], [ReleaseHold], [Fulfil], [FulfilPurchase]).
//
// It imports the standard library only, and must not know an HTTP status, a provider, a workflow or a database.
// Adapters live below it. Callers write through the Ensure and Void functions and never through an Adapter's
// Create methods: an adapter tries once and reports, it does not search, wait or retry.
package pos

import (
	"context"
	"time"
)

// An Op is one intended effect at the POS.
type Op struct {
	// Key names the intent: source/order/step/n. It is the same over attempts, resets and continue-as-new, and
	// n is raised only for a deliberate new intent, such as an invoice after the first one was voided.
	// Printable ASCII, at most 255 characters.
	Key string
	// Ref is stored in the POS as the record's external reference, and found again by it. At most 255
	// characters. Customers have none: no known POS stores a reference on them.
	Ref string
}

// Capabilities say what a POS can do.
type Capabilities struct {
	// NativeKey: a write repeated under the same Op.Key has no second effect and gives the first answer.
	NativeKey bool
	// SearchCustomers, SearchInvoices and SearchPurchaseOrders: the Find method of that kind works.
	SearchCustomers, SearchInvoices, SearchPurchaseOrders bool
	// SellsSeats: lines may name tickets. Where false, only group and quantity count.
	SellsSeats bool
	// UpdateCustomers: what is known of a customer can be changed.
	UpdateCustomers bool
	// Holds: seats can be kept for a customer before they are sold.
	Holds bool
	// SearchHolds: FindHolds works.
	SearchHolds bool
	// TicketUpload: ticket files can be attached to an invoice.
	TicketUpload bool
	// ReadDeliveries: what is there to be given to the buyer of an invoice can be read.
	ReadDeliveries bool
	// VoidLines: single lines of an invoice can be made void.
	VoidLines bool
	// FulfillPurchases: a purchase order can be told that its tickets have come, with their files where TicketUpload.
	FulfillPurchases bool
	// SettleDelay is how long after a write a search may still miss it. 0 = searches see writes at once.
	SettleDelay time.Duration
}

// An Adapter speaks to one POS on behalf of one tenant. It is safe for concurrent use.
//
// Every method tries once, ends soon after ctx does, and returns errors that are [*Error], so that the class
// says whether a repetition is safe: a read without an answer is [Transient], a write without an answer is
// [OutcomeUnknown], also when ctx ended it. No error holds buyer data or credentials. Any method may return
// [Transient], [RateLimited] and [Unauthorized]; what else comes back is said at each method.
//
// Find methods return voided records too, and may return more than what was asked for: the caller compares.
type Adapter interface {
	// Capabilities may ask the POS, and keeps the answer for some minutes.
	Capabilities(ctx context.Context) (Capabilities, error)
	// Ping returns nil if the POS takes requests.
	Ping(ctx context.Context) error

	// GetInventory returns [NotFound] for an unknown group.
	GetInventory(ctx context.Context, id string) (Inventory, error)

	// FindCustomers returns the customers that match, oldest first; none is no error.
	FindCustomers(ctx context.Context, q CustomerQuery) ([]Customer, error)
	// CreateCustomer returns [Invalid], [InProgress] or [OutcomeUnknown].
	CreateCustomer(ctx context.Context, op Op, in CustomerInput) (Customer, error)

	// UpdateCustomer replaces what the POS knows of the customer, and keeps its kind; repeating it changes nothing. It returns
	// [Invalid], [NotFound], [OutcomeUnknown], or [Unsupported] where Capabilities.UpdateCustomers is false.
	UpdateCustomer(ctx context.Context, op Op, id string, in CustomerInput) (Customer, error)

	// FindInvoices returns the invoices with this reference, oldest first; none is no error.
	FindInvoices(ctx context.Context, ref string) ([]Invoice, error)
	// GetInvoice returns [NotFound] for an unknown id.
	GetInvoice(ctx context.Context, id string) (Invoice, error)
	// CreateInvoice returns [Invalid], [NotFound], [Unavailable], [ReferenceConflict], [InProgress] or
	// [OutcomeUnknown].
	CreateInvoice(ctx context.Context, op Op, in InvoiceInput) (Invoice, error)
	// VoidInvoice makes the invoice with this id void; a void one stays as it is and is no error. It returns
	// [Invalid], [NotFound] or [OutcomeUnknown].
	VoidInvoice(ctx context.Context, op Op, id string, in VoidInput) (Invoice, error)
	// SetFulfillment replaces an invoice's state of delivery and, where in.Files is not nil, its ticket files; repeating it
	// changes nothing. It returns [Invalid], also for a void invoice, [NotFound], [OutcomeUnknown], or [Unsupported] and
	// changes nothing: for files where Capabilities.TicketUpload is false, and always in a POS that cannot be told whether
	// an invoice is delivered. Callers use [Fulfil].
	SetFulfillment(ctx context.Context, op Op, id string, in FulfillmentInput) (Invoice, error)

	// VoidInvoiceLines makes these lines of the invoice void; a void one stays as it is and is no error. An invoice whose last
	// live line is voided is void as a whole. It returns [Invalid], [NotFound] for an unknown invoice or line, [OutcomeUnknown], or
	// [Unsupported] where Capabilities.VoidLines is false. Callers use [KeepInvoiceLines].
	VoidInvoiceLines(ctx context.Context, op Op, id string, lineIDs []string, in VoidInput) (Invoice, error)
	// GetDeliveries returns what is there to be given to the buyer of the invoice; nothing yet is no error. It returns
	// [NotFound], or [Unsupported] where Capabilities.ReadDeliveries is false.
	GetDeliveries(ctx context.Context, invoiceID string) ([]Delivery, error)

	// FindHolds returns the holds with this reference that are in force, oldest first; none is no error. It returns
	// [Unsupported] where Capabilities.SearchHolds is false.
	FindHolds(ctx context.Context, ref string) ([]Hold, error)
	// PlaceHold returns [Invalid], [NotFound], [Unavailable], [InProgress], [OutcomeUnknown], or [Unsupported] where
	// Capabilities.Holds is false. Callers use [EnsureHold].
	PlaceHold(ctx context.Context, op Op, in HoldInput) (Hold, error)
	// ReleaseHold gives the tickets back; a hold that is not there any more is no error. It returns [Invalid],
	// [OutcomeUnknown] or [Unsupported].
	ReleaseHold(ctx context.Context, op Op, id string) error

	// FindPurchaseOrders returns the purchase orders with this reference, oldest first; none is no error.
	FindPurchaseOrders(ctx context.Context, ref string) ([]PurchaseOrder, error)
	// CreatePurchaseOrder returns what CreateInvoice does, save [Unavailable].
	CreatePurchaseOrder(ctx context.Context, op Op, in PurchaseInput) (PurchaseOrder, error)
	// VoidPurchaseOrder is to purchase orders what VoidInvoice is to invoices; in.Restock has no meaning.
	VoidPurchaseOrder(ctx context.Context, op Op, id string, in VoidInput) (PurchaseOrder, error)
	// FulfillPurchaseOrder is to purchase orders what SetFulfillment is to invoices: the tickets that we bought have come. It
	// returns [Unsupported] where Capabilities.FulfillPurchases is false. Callers use [FulfilPurchase].
	FulfillPurchaseOrder(ctx context.Context, op Op, id string, in FulfillmentInput) (PurchaseOrder, error)
}

// A SaleFinder is an Adapter whose POS other tools write to as well, and whose records can be searched by the number that the
// marketplace gave a sale. [EnsureInvoice] looks there before it writes; see [InvoiceInput.Sale].
type SaleFinder interface {
	// FindInvoicesBySale returns the invoices, ours too, that bear this number of a marketplace, void ones included.
	FindInvoicesBySale(ctx context.Context, sale string) ([]Invoice, error)
}

// VoidInput says what to void and why.
type VoidInput struct {
	// Ref is the external reference whose records are voided.
	Ref string
	// Restock puts the tickets back into the pool. False: they are dead, e.g. because the buyer has them.
	Restock bool
	// Reason is for people who look at the POS. No buyer data; 1 to 255 characters.
	Reason string
}

type correlationKey struct{}

// WithCorrelation returns a context whose requests to the POS carry id, so that both sides' logs can be put
// side by side. The Ensure and Void functions use the Op's key where the caller set none.
func WithCorrelation(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlationKey{}, id)
}

// Correlation returns the id of [WithCorrelation], or "".
func Correlation(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}
