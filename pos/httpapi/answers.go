package httpapi

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	"willcall/pos"
)

// The answer bodies of openapi.yaml, schemas Health, Capabilities, Inventory, Customer, Invoice, PurchaseOrder, Delivery, Hold
// and the lists. An answer is taken whole or not at all: half an invoice must not pass for one.

// decode reads a body into an answer and checks it. Its errors quote no value of the body.
func decode(body []byte, into answer) error {
	if err := json.Unmarshal(body, into); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return errors.New("a member has the wrong type")
		}
		return errors.New("it is not JSON")
	}
	return into.check()
}

// wanted is what an answer must be about; empty fields are open.
type wanted struct {
	id   string
	void bool
}

func (w wanted) check(id string, voided bool) error {
	switch {
	case w.id != "" && w.id != id:
		return errors.New("it is another record than asked for")
	case w.void && !voided:
		return errors.New("the record is not void")
	}
	return nil
}

type healthAnswer struct {
	Status string `json:"status"`
}

func (a *healthAnswer) check() error {
	if a.Status != "ok" {
		return errors.New("status is not ok")
	}
	return nil
}

type capabilitiesAnswer struct {
	SellsSeats   *bool `json:"sells_seats"`
	Holds        *bool `json:"holds"`
	TicketUpload *bool `json:"ticket_upload"`
	// Newer than the contract's first edition: a POS that does not say so cannot.
	UpdateCustomers  bool     `json:"update_customers"`
	Deliveries       bool     `json:"deliveries"`
	VoidLines        bool     `json:"void_lines"`
	FulfillPurchases bool     `json:"fulfill_purchases"`
	SettleSeconds    *float64 `json:"settle_seconds"`
}

func (a *capabilitiesAnswer) check() error {
	if a.SellsSeats == nil || a.Holds == nil || a.TicketUpload == nil || a.SettleSeconds == nil {
		return errors.New("a capability is missing")
	}
	if *a.SettleSeconds < 0 || *a.SettleSeconds > 60 {
		return errors.New("settle_seconds is out of range")
	}
	return nil
}

func (a *capabilitiesAnswer) record() pos.Capabilities {
	return pos.Capabilities{
		NativeKey:            true,
		SearchCustomers:      true,
		SearchInvoices:       true,
		SearchPurchaseOrders: true,
		SellsSeats:           *a.SellsSeats,
		UpdateCustomers:      a.UpdateCustomers,
		Holds:                *a.Holds,
		TicketUpload:         *a.TicketUpload,
		ReadDeliveries:       a.Deliveries,
		VoidLines:            a.VoidLines,
		FulfillPurchases:     a.FulfillPurchases,
		SettleDelay:          time.Duration(math.Ceil(*a.SettleSeconds*1000)) * time.Millisecond,
	}
}

type holdAnswer struct {
	ID                string   `json:"id"`
	ExternalReference string   `json:"external_reference"`
	InventoryID       string   `json:"inventory_id"`
	TicketIDs         []string `json:"ticket_ids"`
	Quantity          int      `json:"quantity"`
	ExpiresAt         string   `json:"expires_at"`

	until time.Time
}

func (a *holdAnswer) check() error {
	if a.ID == "" || a.ExternalReference == "" || a.InventoryID == "" || a.Quantity < 1 {
		return errors.New("a hold has no id, external_reference, group or quantity")
	}
	var err error
	a.until, err = parseTime(a.ExpiresAt)
	return err
}

func (a *holdAnswer) record() pos.Hold {
	return pos.Hold{
		ID: a.ID, Ref: a.ExternalReference, InventoryID: a.InventoryID, TicketIDs: a.TicketIDs, Quantity: a.Quantity, Until: a.until,
	}
}

type eventAnswer struct {
	Name     string  `json:"name"`
	StartsAt *string `json:"starts_at"`

	startsAt time.Time
}

func (a *eventAnswer) check() error {
	if a.Name == "" {
		return errors.New("an event has no name")
	}
	if a.StartsAt == nil {
		return nil
	}
	var err error
	a.startsAt, err = parseTime(*a.StartsAt)
	return err
}

func (a *eventAnswer) record() pos.Event { return pos.Event{Name: a.Name, StartsAt: a.startsAt} }

type inventoryAnswer struct {
	ID       string      `json:"id"`
	Event    eventAnswer `json:"event"`
	Section  string      `json:"section"`
	Row      string      `json:"row"`
	Quantity *int        `json:"quantity"`
	Status   pos.Stock   `json:"status"`
	Tickets  []struct {
		ID     string    `json:"id"`
		Seat   string    `json:"seat"`
		Status pos.Stock `json:"status"`
	} `json:"tickets"`

	want wanted
}

func (a *inventoryAnswer) check() error {
	if a.ID == "" || a.Status == "" || a.Quantity == nil || *a.Quantity < 0 {
		return errors.New("a group has no id, status or quantity")
	}
	for _, t := range a.Tickets {
		if t.ID == "" || t.Status == "" {
			return errors.New("a ticket has no id or status")
		}
	}
	if err := a.Event.check(); err != nil {
		return err
	}
	return a.want.check(a.ID, false)
}

func (a *inventoryAnswer) record() pos.Inventory {
	inv := pos.Inventory{
		ID: a.ID, Event: a.Event.record(), Section: a.Section, Row: a.Row, Quantity: *a.Quantity, Status: a.Status,
	}
	for _, t := range a.Tickets {
		inv.Tickets = append(inv.Tickets, pos.Ticket{ID: t.ID, Seat: t.Seat, Status: t.Status})
	}
	return inv
}

type customerAnswer struct {
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	Email     string           `json:"email"`
	Phone     string           `json:"phone"`
	Company   string           `json:"company"`
	Kind      pos.CustomerKind `json:"kind"`
	CreatedAt string           `json:"created_at"`

	createdAt time.Time
}

func (a *customerAnswer) check() error {
	if a.ID == "" {
		return errors.New("a customer has no id")
	}
	var err error
	a.createdAt, err = parseTime(a.CreatedAt)
	return err
}

func (a *customerAnswer) record() pos.Customer {
	return pos.Customer{
		ID: a.ID, Name: a.Name, Email: a.Email, Phone: a.Phone, Company: a.Company, Kind: a.Kind, CreatedAt: a.createdAt,
	}
}

type customersAnswer struct {
	Items []customerAnswer `json:"items"`
}

func (a *customersAnswer) check() error {
	if a.Items == nil {
		return errNoItems
	}
	for i := range a.Items {
		if err := a.Items[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (a *customersAnswer) records() []pos.Customer {
	var all []pos.Customer
	for i := range a.Items {
		all = append(all, a.Items[i].record())
	}
	return all
}

// errNoItems: a body that is no list at all must not pass for an empty one, or a search that failed would look
// like a record that is not there.
var errNoItems = errors.New("items is missing")

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, errors.New("a time is not RFC 3339")
	}
	return t.UTC(), nil
}

// parseMoney reads an amount that must not be negative.
func parseMoney(b moneyBody) (pos.Money, error) {
	m, err := pos.ParseMoney(b.Amount, b.Currency)
	if err != nil {
		return pos.Money{}, err
	}
	if m.Minor < 0 {
		return pos.Money{}, errors.New("an amount is negative")
	}
	return m, nil
}
