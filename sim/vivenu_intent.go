package sim

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// Status of a purchase intent. That one has run out is no status: only its event and its history tell.
const (
	intentNew      = "new"
	intentComplete = "complete"
	intentCanceled = "canceled"

	intentAwaiting = "awaiting" // the organiser says yes or no
	intentApproved = "approved" // the buyer pays
	intentRejected = "rejected"
)

// A VivenuIntent is a request to buy that the organiser has to approve, before there is a transaction. Every field has a
// default, and it is a value, as a [VivenuTransaction] is.
type VivenuIntent struct {
	ID       string
	SellerID string
	Mode     string // of its webhooks: "dev" (default) or "prod"

	Status          string // default "new"
	ApprovalStatus  string // default "awaiting"
	RejectionReason string
	// Strategy says whether the buyer may withdraw: "cancellationAllowed" (default) or "notAllowed".
	Strategy string

	Buyer    VivenuBuyer
	Event    VivenuEvent
	Tickets  []VivenuTicket // their status and barcode are not told: there are no tickets yet
	Currency string

	Secret        string
	TransactionID string // set by Completed
	CheckoutID    string // set by Completed

	History []VivenuEntry

	ExpiresAt time.Time // default two days after CreatedAt
	CreatedAt time.Time
	UpdatedAt time.Time

	Variant int // as in VivenuTransaction
}

// VivenuRequest is a purchase intent that nobody has answered. n is as in [VivenuSale].
func VivenuRequest(n int) VivenuIntent {
	t := VivenuSale(n)
	return VivenuIntent{ID: vivenuID("intent", strconv.Itoa(n)), Buyer: t.Buyer, Event: t.Event, Tickets: t.unsold()}.filled()
}

// unsold is the tickets as they are asked for, before they are tickets of a transaction.
func (t VivenuTransaction) unsold() []VivenuTicket {
	var list []VivenuTicket
	for _, it := range t.filled().Tickets {
		list = append(list, VivenuTicket{Name: it.Name, PriceMinor: it.PriceMinor, Section: it.Section, Row: it.Row, Seat: it.Seat})
	}
	return list
}

// filled returns the intent with every default in place. It is idempotent.
func (p VivenuIntent) filled() VivenuIntent {
	p.ID = cmp.Or(p.ID, vivenuID("intent"))
	p.SellerID = cmp.Or(p.SellerID, vivenuSellerID)
	p.Mode = cmp.Or(p.Mode, "dev")
	p.Status = cmp.Or(p.Status, intentNew)
	p.ApprovalStatus = cmp.Or(p.ApprovalStatus, intentAwaiting)
	p.Strategy = cmp.Or(p.Strategy, "cancellationAllowed")
	p.Currency = cmp.Or(p.Currency, "EUR")
	if p.CreatedAt.IsZero() {
		p.CreatedAt = time.Date(2026, 6, 1, 14, 40, 1, 0, time.UTC)
	}
	if p.UpdatedAt.IsZero() {
		p.UpdatedAt = p.CreatedAt
	}
	if p.ExpiresAt.IsZero() {
		p.ExpiresAt = p.CreatedAt.AddDate(0, 0, 2)
	}
	p.Buyer = p.Buyer.filled(p.ID)
	p.Event = p.Event.filled(p.CreatedAt)
	p.Tickets = fillTickets(p.Tickets, p.ID, vivenuHeld, p.CreatedAt)
	p.Secret = cmp.Or(p.Secret, vivenuSecret("intent", p.ID))
	p.History = slices.Clone(p.History)
	if len(p.History) == 0 {
		p.History = []VivenuEntry{{p.CreatedAt, "created"}}
	}
	return p
}

// At moves the intent in time, as [VivenuTransaction.At] does.
func (p VivenuIntent) At(at time.Time) VivenuIntent {
	p = p.filled()
	p.CreatedAt = vivenuTime(at)
	p.UpdatedAt, p.ExpiresAt, p.History = p.CreatedAt, time.Time{}, nil
	p.Event.Start, p.Event.End, p.Event.UpdatedAt = time.Time{}, time.Time{}, time.Time{}
	for i := range p.Tickets {
		p.Tickets[i].UpdatedAt = p.CreatedAt
	}
	return p.filled()
}

func (p VivenuIntent) touched(at time.Time, entry string) VivenuIntent {
	p = p.filled()
	if at = vivenuTime(at); at.After(p.UpdatedAt) {
		p.UpdatedAt = at
	}
	if entry != "" {
		p.History = append(p.History, VivenuEntry{at, entry})
	}
	return p
}

// Updated is the intent after something of no consequence changed in it.
func (p VivenuIntent) Updated(at time.Time) VivenuIntent { return p.touched(at, "") }

// Approved is the intent after the organiser said yes.
func (p VivenuIntent) Approved(at time.Time) VivenuIntent {
	p = p.touched(at, "approved")
	p.ApprovalStatus = intentApproved
	return p
}

// Rejected is the intent after the organiser said no. Assumption: its status is canceled then.
func (p VivenuIntent) Rejected(reason string, at time.Time) VivenuIntent {
	p = p.touched(at, "rejected")
	p.Status, p.ApprovalStatus, p.RejectionReason = intentCanceled, intentRejected, reason
	return p
}

// Expired is the intent after it ran out. Assumption: its status is canceled then, for there is none for it.
func (p VivenuIntent) Expired(at time.Time) VivenuIntent {
	p = p.touched(at, "expired")
	p.Status, p.ExpiresAt = intentCanceled, vivenuTime(at)
	return p
}

// Cancelled is the intent after it was withdrawn. The event is spelt with two l, the status with one.
func (p VivenuIntent) Cancelled(at time.Time) VivenuIntent {
	p = p.touched(at, "canceled")
	p.Status = intentCanceled
	return p
}

// Completed is the intent after the buyer paid, in the transaction with this id.
func (p VivenuIntent) Completed(transactionID string, at time.Time) VivenuIntent {
	p = p.touched(at, "completed")
	p.Status, p.TransactionID = intentComplete, transactionID
	p.CheckoutID = vivenuID("checkout", transactionID)
	return p
}

// Transaction is the purchase that the intent becomes: the same buyer and tickets, created at a time.
func (p VivenuIntent) Transaction(at time.Time) VivenuTransaction {
	p = p.filled()
	t := VivenuTransaction{
		ID: cmp.Or(p.TransactionID, vivenuID("transaction", p.ID)), SellerID: p.SellerID, Mode: p.Mode, Buyer: p.Buyer, Event: p.Event,
		Currency: p.Currency, IntentID: p.ID, CreatedAt: vivenuTime(at), Variant: p.Variant,
	}
	for _, it := range p.Tickets {
		t.Tickets = append(t.Tickets, VivenuTicket{Name: it.Name, PriceMinor: it.PriceMinor, Section: it.Section, Row: it.Row, Seat: it.Seat})
	}
	return t.filled()
}
