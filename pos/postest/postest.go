// Package postest is the conformance suite of the port [pos.Adapter]: every adapter and every fake passes [Run]
// and [RandomFaults].
//
// It holds what the functions of package pos rely on. It must not know any adapter, and an adapter's own wire
// format is tested beside the adapter.
package postest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"willcall/pos"
)

// A Call is a method of the port.
type Call string

// The methods of the port that faults can hit.
const (
	Ping                 Call = "Ping"
	GetInventory         Call = "GetInventory"
	FindCustomers        Call = "FindCustomers"
	CreateCustomer       Call = "CreateCustomer"
	UpdateCustomer       Call = "UpdateCustomer"
	FindInvoices         Call = "FindInvoices"
	GetInvoice           Call = "GetInvoice"
	CreateInvoice        Call = "CreateInvoice"
	VoidInvoice          Call = "VoidInvoice"
	VoidInvoiceLines     Call = "VoidInvoiceLines"
	SetFulfillment       Call = "SetFulfillment"
	GetDeliveries        Call = "GetDeliveries"
	FindHolds            Call = "FindHolds"
	PlaceHold            Call = "PlaceHold"
	ReleaseHold          Call = "ReleaseHold"
	FindPurchaseOrders   Call = "FindPurchaseOrders"
	CreatePurchaseOrder  Call = "CreatePurchaseOrder"
	VoidPurchaseOrder    Call = "VoidPurchaseOrder"
	FulfillPurchaseOrder Call = "FulfillPurchaseOrder"
)

// A Kind is a way to go wrong.
type Kind string

// The kinds of faults.
const (
	LostBefore Kind = "lost_before" // no effect, no answer
	LostAfter  Kind = "lost_after"  // effect, no answer
	Refuse     Kind = "refuse"      // no effect, an error of Fault.Class
	Hang       Kind = "hang"        // no effect, no answer until the caller gives up
	Double     Kind = "double"      // the effect twice; creations of invoices and purchase orders only
	// Partial is of VoidInvoiceLines alone: some of the lines are made void, and there is no answer. It comes to POSes with
	// Capabilities.VoidLines only; one that voids line by line loses the answer to the first.
	Partial Kind = "partial"
)

// A Fault makes the next calls of one method go wrong.
type Fault struct {
	Call Call
	Kind Kind
	// Class is for Refuse: RateLimited, Transient, Unauthorized, Invalid and, for CreateInvoice, Unavailable.
	Class      pos.Class
	RetryAfter time.Duration // for Refuse with RateLimited; whole seconds
	Count      int           // how many calls, at least 1
}

// State is everything the POS holds, oldest first.
type State struct {
	Customers      []pos.Customer
	Invoices       []pos.Invoice
	PurchaseOrders []pos.PurchaseOrder
	Holds          []pos.Hold // those in force
}

// Faults is the way behind the POS under test.
type Faults interface {
	// Set replaces the faults, and sets how long after a write searches miss it.
	Set(lag time.Duration, faults ...Fault)
	State() State
	// Sleep lets time pass for the POS. It is a pos.Options.Sleep and need not wait.
	Sleep(ctx context.Context, d time.Duration) error
}

// Limits are what a POS cannot keep although its adapter is whole; the zero value keeps everything. What is limited is tested for
// being refused, or for the safe thing that comes instead.
type Limits struct {
	// Currency is the only one that the POS knows; amounts in another are Invalid. "" is any.
	Currency string
	// OneCurrency: all lines of a record are in one currency. A record in several is refused as [pos.Invalid], and nothing is written.
	OneCurrency bool
	// Customer is what the POS keeps of a customer, without id and time; nil is everything.
	Customer func(pos.CustomerInput) pos.Customer
	// AgelessCustomers have no time of creation; searches return them in the order of their age all the same.
	AgelessCustomers bool
	// VoidReason replaces whatever reason was given for voiding an invoice, PurchaseVoidReason that of a purchase order.
	VoidReason, PurchaseVoidReason string
	// AlwaysRestocks: a voided sale's tickets go back on sale; voiding without Restock is Unsupported and voids nothing.
	AlwaysRestocks bool
	// NoTransientWrites: the POS cannot say of a write that fails for the time being that nothing was done, so that the adapter
	// must say [pos.OutcomeUnknown] where others say [pos.Transient].
	NoTransientWrites bool
	// StaysDelivered: an invoice that is delivered cannot be pending again, which is Unsupported and changes nothing.
	StaysDelivered bool
}

// A Striker is a [Faults] that counts how many calls the faults hit. The suite then knows when a call hangs, and need not guess.
type Striker interface{ Struck() int }

// Limited is a [Faults] of a POS with limits.
type Limited interface{ Limits() Limits }

// A FileKeeper is a [Faults] that can also say which ticket files an invoice has. Where it is none, what became of them is
// not looked at.
type FileKeeper interface {
	FileNames(invoiceID string) []string
}

// A PurchaseFileKeeper is to purchase orders what a [FileKeeper] is to invoices.
type PurchaseFileKeeper interface {
	PurchaseFileNames(id string) []string
}

// A Supplier is a [Faults] of a POS with Capabilities.ReadDeliveries: it puts there what the POS has for the buyer of an invoice, in
// every form that this POS knows, and returns what GetDeliveries is to say. Called again it puts the same there.
type Supplier interface {
	Supply(inv pos.Invoice) []pos.Delivery
}

// A Rival is a [Faults] of a [pos.SaleFinder]: it books a marketplace's sale as another tool does, of whatever tickets, under the
// reference ref or, where ref is "", without one, and returns the id of the invoice.
type Rival interface {
	BookElsewhere(sale, ref string) (invoiceID string)
}

// A New returns an adapter for a POS that has the stock of [Stock] and nothing else.
type New func(t *testing.T) (pos.Adapter, Faults)

// Stock is what every POS under test can sell: groups g1 to g4 of eight seats each. Ticket ids are the group's,
// a dash, and the seat. A POS that gives ids of its own form is tested through [Renamed].
func Stock() []pos.Inventory {
	var stock []pos.Inventory
	for i := range 4 {
		g := pos.Inventory{
			ID:       fmt.Sprintf("g%d", i+1),
			Event:    pos.Event{Name: "The Sample Play", StartsAt: time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)},
			Section:  "A",
			Row:      fmt.Sprint(i + 1),
			Quantity: 8,
			Status:   pos.Available,
		}
		for seat := range 8 {
			g.Tickets = append(g.Tickets, pos.Ticket{
				ID: fmt.Sprintf("%s-%d", g.ID, seat+1), Seat: fmt.Sprint(seat + 1), Status: pos.Available,
			})
		}
		stock = append(stock, g)
	}
	return stock
}

// needs says what a POS must be able to do for a test to be about it.
var needs = map[string]func(pos.Capabilities) bool{
	"InvoiceSearchMatchesTheWholeReference":   searchable,
	"EnsureReportsADoubledWrite":              searchable,
	"EnsureReportsOtherContent":               searchable,
	"EnsureAfterAVoidNeedsANewKey":            searchable,
	"VoidByReferenceFindsWhatALostAnswerLeft": searchable,
	"EnsureCustomerTakesTheOldestOfTheEmail":  func(c pos.Capabilities) bool { return c.SearchCustomers },
	"CustomersThatCannotBeFoundAreNotMade":    func(c pos.Capabilities) bool { return !ensuresCustomers(c) },
	"LinesAreKeptAfterAPartialVoid":           func(c pos.Capabilities) bool { return c.VoidLines },
	"PartlyVoidInvoiceIsFoundByWhatIsLeft":    func(c pos.Capabilities) bool { return c.VoidLines && c.SearchInvoices },
	"HeldTicketsAreForTheHolder":              func(c pos.Capabilities) bool { return c.Holds },
	"HoldsAreReleasedTwice":                   func(c pos.Capabilities) bool { return c.Holds },
	"KeyHasOneEffectAndOneAnswer":             func(c pos.Capabilities) bool { return c.NativeKey },
	"KeyWithOtherContentIsInvalid":            func(c pos.Capabilities) bool { return c.NativeKey },
}

// ensuresCustomers reports whether a repetition of a customer can be recognised.
func ensuresCustomers(c pos.Capabilities) bool { return c.NativeKey || c.SearchCustomers }

func searchable(c pos.Capabilities) bool { return c.SearchInvoices && c.SearchPurchaseOrders }

// Run tests one adapter: all that its capabilities promise. start is called for every subtest.
func Run(t *testing.T, start New) {
	caps := begin(t, start).caps
	for name, test := range map[string]func(*testing.T, *setup){
		"PingAnswers":                             pingAnswers,
		"CapabilitiesStayTheSame":                 capabilitiesStayTheSame,
		"InventoryShowsItsTickets":                inventoryShowsItsTickets,
		"UnknownIDsAreNotFound":                   unknownIDsAreNotFound,
		"SearchesThatFindNothingAreNoErrors":      searchesThatFindNothingAreNoErrors,
		"CustomersAreFoundByEmailAndPhone":        customersAreFoundByEmailAndPhone,
		"CustomersThatCannotBeFoundAreNotMade":    customersThatCannotBeFoundAreNotMade,
		"OtherCurrenciesAreInvalid":               otherCurrenciesAreInvalid,
		"CustomersAreChanged":                     customersAreChanged,
		"InvoiceComesBackAsAsked":                 invoiceComesBackAsAsked,
		"InvoiceSearchMatchesTheWholeReference":   invoiceSearchMatchesTheWholeReference,
		"InvoiceWithoutTicketIDsPicksSome":        invoiceWithoutTicketIDsPicksSome,
		"SoldTicketsAreUnavailable":               soldTicketsAreUnavailable,
		"InvoiceOfUnknownCustomerIsRefused":       invoiceOfUnknownCustomerIsRefused,
		"VoidRestocksOnlyIfAsked":                 voidRestocksOnlyIfAsked,
		"VoidingAgainChangesNothing":              voidingAgainChangesNothing,
		"FulfillmentIsSetAndSetAgain":             fulfillmentIsSetAndSetAgain,
		"TicketFilesAreReplacedOrLeft":            ticketFilesAreReplacedOrLeft,
		"VoidInvoiceIsNotFulfilled":               voidInvoiceIsNotFulfilled,
		"FulfilFindsItsWayAfterALostAnswer":       fulfilFindsItsWayAfterALostAnswer,
		"PurchaseOrderComesBackAsAsked":           purchaseOrderComesBackAsAsked,
		"PurchaseOrderVoidsOnce":                  purchaseOrderVoidsOnce,
		"KeyHasOneEffectAndOneAnswer":             keyHasOneEffectAndOneAnswer,
		"KeyWithOtherContentIsInvalid":            keyWithOtherContentIsInvalid,
		"FaultsHaveTheirClasses":                  faultsHaveTheirClasses,
		"EndOfContextIsUnknownForWrites":          endOfContextIsUnknownForWrites,
		"RetryAfterIsPassedOn":                    retryAfterIsPassedOn,
		"ErrorsHoldNoBuyer":                       errorsHoldNoBuyer,
		"EnsureFindsWhatALostAnswerWrote":         ensureFindsWhatALostAnswerWrote,
		"EnsureAgainReturnsTheSame":               ensureAgainReturnsTheSame,
		"EnsureReportsADoubledWrite":              ensureReportsADoubledWrite,
		"EnsureReportsOtherContent":               ensureReportsOtherContent,
		"EnsureAfterAVoidNeedsANewKey":            ensureAfterAVoidNeedsANewKey,
		"EnsureAtOnceWritesOnceOrReports":         ensureAtOnceWritesOnceOrReports,
		"EnsureCustomerTakesTheOldestOfTheEmail":  ensureCustomerTakesTheOldestOfTheEmail,
		"VoidByReferenceFindsWhatALostAnswerLeft": voidByReferenceFindsWhatALostAnswerLeft,
		"VoidByReferenceOfNothingIsFine":          voidByReferenceOfNothingIsFine,
		"VoidByIDTouchesNoOther":                  voidByIDTouchesNoOther,
		"LinesAreVoidedOnce":                      linesAreVoidedOnce,
		"LinesAreKeptAfterAPartialVoid":           linesAreKeptAfterAPartialVoid,
		"PartlyVoidInvoiceIsFoundByWhatIsLeft":    partlyVoidInvoiceIsFoundByWhatIsLeft,
		"DeliveriesAreRead":                       deliveriesAreRead,
		"HoldsArePlacedOnce":                      holdsArePlacedOnce,
		"HeldTicketsAreForTheHolder":              heldTicketsAreForTheHolder,
		"HoldsAreReleasedTwice":                   holdsAreReleasedTwice,
		"PurchaseIsFulfilledAndFulfilledAgain":    purchaseIsFulfilledAndFulfilledAgain,
		"SaleOfAnotherToolIsNotBookedAgain":       saleOfAnotherToolIsNotBookedAgain,
	} {
		if needed, ok := needs[name]; ok && !needed(caps) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, begin(t, start))
		})
	}
}

// setup is one POS under test with what the tests need.
type setup struct {
	pos.Adapter
	Faults
	caps   pos.Capabilities
	limits Limits
}

func begin(t *testing.T, start New) *setup {
	t.Helper()
	s := &setup{}
	s.Adapter, s.Faults = start(t)
	if l, ok := s.Faults.(Limited); ok {
		s.limits = l.Limits()
	}
	caps, err := s.Capabilities(t.Context())
	if err != nil {
		t.Fatalf("Capabilities: got %v; want no error", err)
	}
	s.caps = caps
	return s
}

// in is the currency of an amount at this POS.
func (s *setup) in(currency string) string {
	if s.limits.Currency != "" {
		return s.limits.Currency
	}
	return currency
}

// opts are for a first attempt (1) or a later one.
func (s *setup) opts(attempt int) pos.Options { return pos.Options{Attempt: attempt, Sleep: s.Sleep} }

func (s *setup) customer(t *testing.T) string {
	t.Helper()
	c, err := s.CreateCustomer(t.Context(), pos.Op{Key: "customer/1"}, buyer())
	if err != nil {
		t.Fatalf("CreateCustomer: got %v; want no error", err)
	}
	return c.ID
}

// The buyer is nobody, and the words are ones that occur nowhere else: errors are searched for them.
const (
	buyerName  = "Zelda Quibblethorpe"
	buyerEmail = "Zelda.Quibblethorpe@example.com"
	buyerPhone = "+1 555 0199 2718"
)

func buyer() pos.CustomerInput {
	return pos.CustomerInput{Name: buyerName, Email: buyerEmail, Phone: buyerPhone, Kind: pos.Retail}
}

func sale(customer string, tickets ...string) pos.InvoiceInput {
	return pos.InvoiceInput{CustomerID: customer, Payment: pos.Paid, Lines: []pos.InvoiceLine{{
		InventoryID: tickets[0][:2], TicketIDs: tickets, Quantity: len(tickets),
		Total: pos.Money{Minor: 12000 * int64(len(tickets)), Currency: "USD"}, Description: "Section A",
	}}}
}

func purchase() pos.PurchaseInput {
	return pos.PurchaseInput{Vendor: pos.Vendor{Name: "Sample Tickets"}, Payment: pos.Paid, Lines: []pos.PurchaseLine{{
		Event:   pos.Event{Name: "The Sample Play", StartsAt: time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)},
		Section: "B", Row: "T", Seats: []string{"9", "10"}, Quantity: 2, Total: pos.Money{Minor: 18000, Currency: "USD"},
	}}}
}

// wantClass fails the test unless err is of the class, and an *pos.Error of the adapter.
func wantClass(t *testing.T, what string, err error, want ...pos.Class) {
	t.Helper()
	var e *pos.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v; want a *pos.Error of %v", what, err, want)
		return
	}
	for _, w := range want {
		if e.Class == w {
			return
		}
	}
	t.Errorf("%s: got class %s (%v); want %v", what, e.Class, err, want)
}

func liveInvoices(s State, ref string) []pos.Invoice {
	var live []pos.Invoice
	for _, i := range s.Invoices {
		if i.Ref == ref && !i.Voided {
			live = append(live, i)
		}
	}
	return live
}

func livePurchaseOrders(s State, ref string) []pos.PurchaseOrder {
	var live []pos.PurchaseOrder
	for _, o := range s.PurchaseOrders {
		if o.Ref == ref && !o.Voided {
			live = append(live, o)
		}
	}
	return live
}
