// Package activities does what the order workflow wants done: it writes to the point of sale and to the providers, each
// effect once, and keeps orders in Postgres. It decides nothing: what to do and whether it is still wanted is said by package
// order, and an activity that learns something new reports it instead of acting on it.
//
// Every write to the outside is an operation in Postgres, under a business key "<source>/<order>/<step>/<n>" that survives
// retries, resets, continue-as-new and new runs. Nothing here retries by itself: Temporal does, by the class of the error.
package activities

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
	"willcall/provider"
)

// Activities holds what the activities need. Its exported methods with an error result are the activities; their names
// lie in histories.
type Activities struct {
	DB      *postgres.DB
	Inbox   *postgres.Inbox
	Sources map[string]Source
	Metrics *Metrics
	Logger  *slog.Logger

	// Tell hands an event to an order's workflow, as a webhook's is. A repetition has no effect.
	Tell func(context.Context, order.Identity, order.Event) error

	// DuplicatePause is how long FindDuplicates waits before each question to the POS.
	DuplicatePause time.Duration
	// LookPause is how long LookForAllTickets waits before it looks at each order.
	LookPause time.Duration
}

// Source is one configured provider account, as the activities see it.
type Source struct {
	Name, Kind string
	Policy     order.Policy
	POSName    string // tells one POS from another in keys; two sources may share one
	POS        pos.Adapter
	Decode     func(provider.Delivery) (provider.Decoded, error)
	Buyer      func(body []byte) (provider.Buyer, error)          // of a stored webhook that describes a sale
	Seller     func(body []byte) (provider.Seller, error)         // of a stored webhook that describes a purchase; nil where there are none
	Customer   func(body []byte) (provider.Buyer, error)          // of a stored webhook about a customer; nil where there are none
	Tickets    func(provider.Delivery) ([]provider.Ticket, error) // of a stored webhook that brings some; nil where none does
	Inventory  map[string]string                                  // the provider's id of what is sold → ticket group of the POS
	CustomerID string                                             // the POS customer of buyers who cannot be told apart; "" makes one for each
	Sale       func(id order.Identity, apiID string) string       // the number under which other tools book its sales in the POS; nil: the provider's order id
	API        *API                                               // nil without credentials
}

// API is a provider's API. Every error is a [provider.CallError].
type API struct {
	Show func(ctx context.Context, apiID string, id order.Identity) (body []byte, err error) // in the bytes of a webhook

	// Those that are nil the provider does not have.
	Accept  func(ctx context.Context, apiID string) error // also when it is accepted already
	Reject  func(ctx context.Context, apiID, reason string) error
	Airbill func(ctx context.Context, shipmentID string) (file []byte, mediaType string, err error)
	Poll    func(ctx context.Context, ask PollAsk, found func(body []byte) error) error

	// DeliverETickets gives the files of one line to the buyer: of their pages, counted over all of them from 1, those in keep. Both
	// ids of the line are looked up by it. What was uploaded before and not delivered is replaced; a line that is delivered
	// already stays as it is.
	DeliverETickets func(ctx context.Context, apiID, lineID string, files [][]byte, keep []int) error
	// RevokeETickets takes the files of one line back; none is no error.
	RevokeETickets func(ctx context.Context, apiID, lineID string) error
	// Transfer tells how the buyer gets the tickets of these lines by mobile transfer. It finds their shipments, makes new ones of
	// the right type where it must, and completes them; those that are complete stay as they are.
	Transfer func(ctx context.Context, apiID string, lines []LineTransfer) error
	// HandOver tells that the tickets of these lines lie where their buyer gets them.
	HandOver func(ctx context.Context, apiID string, lineIDs []string) error
	// ETickets fetches the files of one line that a seller has given to us.
	ETickets func(ctx context.Context, apiID, lineID string) (file []byte, err error)
}

// LineTransfer is how the tickets of one line are transferred. The link is buyer data.
type LineTransfer struct {
	LineID string
	Link   string // where the buyer claims them; "" where they were transferred already
	Via    string // the system that they are in, as the POS names it
}

// PollAsk says what a provider is polled for.
type PollAsk struct {
	Since time.Time
	// Names asks for all names of the orders that are found, also those that cost a call each: webhooks are parked.
	Names bool
	// Open lists the orders that wait for tickets, for a provider that does not list what has changed.
	Open func(ctx context.Context, each func(apiID, providerOrderID string) error) error
}

// Step tells an activity what one step of an order is about. It lies in histories: no buyer data.
type Step struct {
	Order    order.Identity `json:"order"`
	ID       order.StepID   `json:"id"`
	APIID    string         `json:"api_id,omitempty"`
	Document string         `json:"document,omitempty"` // the event whose stored document describes the order
	Show     order.Show     `json:"event,omitzero"`
	Lines    []order.Line   `json:"lines,omitempty"`
	Total    order.Money    `json:"total,omitzero"`
	Received time.Time      `json:"received,omitzero"` // when we first heard of the order
	Reason   string         `json:"reason,omitempty"`
	Paid     bool           `json:"paid,omitempty"`    // the buyer has paid the provider
	Look     bool           `json:"look,omitempty"`    // for tickets that the POS holds, as soon as there is an invoice
	Adopted  bool           `json:"adopted,omitempty"` // the invoice is not of our making; see order.Policy
	Invoice  string         `json:"invoice,omitempty"` // the id in the POS of the record that the step is about, where it is known; for DoReceive that of the purchase order
	Uploads  []order.Upload `json:"uploads,omitempty"` // what to attach

	Supplied []order.Supplied `json:"supplied,omitempty"` // what to deliver: the POS must still hold just that
	Holds    []string         `json:"holds,omitempty"`    // the ids in the POS of what is held for the order, by line as in Lines
	Until    time.Time        `json:"until,omitzero"`     // how long to hold
	Restock  *bool            `json:"restock,omitempty"`  // of what is voided: back on sale, which is what nil means, or dead
}

// key is the business key of the step.
func (s Step) key() string {
	id := s.Order.ProviderOrderID
	if s.Order.Kind == order.Purchase {
		id += ":buyer"
	}
	return s.Order.Source + "/" + id + "/" + string(s.ID)
}

// voiding is what to void and why.
func (s Step) voiding() pos.VoidInput {
	return pos.VoidInput{Ref: s.ref(), Restock: s.Restock == nil || *s.Restock, Reason: s.Reason}
}

// ref is what POS records of the order bear as external reference: the workflow id, which is what operators know. An invoice
// that was there before us bears the provider's order id.
func (s Step) ref() string {
	if s.Adopted {
		return s.Order.ProviderOrderID
	}
	return s.Order.ID
}

// Done is what a step came to.
type Done struct {
	Ref      string          `json:"ref,omitempty"`
	Customer string          `json:"customer,omitempty"`
	Amount   order.Money     `json:"amount,omitzero"`
	Lines    []string        `json:"lines,omitempty"`  // ids of the lines that were invoiced or delivered
	Can      []order.Ability `json:"can,omitempty"`    // what the POS could do then, sorted
	Holds    []string        `json:"holds,omitempty"`  // ids in the POS, by line as in Lines
	Detail   string          `json:"detail,omitempty"` // what was left out, for people
	Event    *order.Event    `json:"event,omitempty"`  // what was learnt: from the provider's API, or of an invoice that was found
}

// ErrNoSource means that a history names a source which the configuration no longer has.
var ErrNoSource = errors.New("the source is not configured")

func (a *Activities) source(name string) (Source, error) {
	s, ok := a.Sources[name]
	if !ok {
		return Source{}, ErrNoSource
	}
	return s, nil
}

func (a *Activities) log(s Step) *slog.Logger {
	return a.Logger.With("order", s.Order.ID, "source", s.Order.Source, "step", string(s.ID))
}
