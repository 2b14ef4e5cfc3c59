package sim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status of a transaction at vivenu (its OpenAPI document; the prose of "Webhooks" writes RESERVED_BY_SYSTEM). Who
// moves next: RESERVED-BY-SYSTEM, the buyer, who pays; COMPLETE, the organiser, who delivers; CANCELED is final.
const (
	vivenuNew      = "NEW"
	vivenuReserved = "RESERVED-BY-SYSTEM"
	vivenuAborted  = "ABORTED"
	vivenuComplete = "COMPLETE"
	vivenuCanceled = "CANCELED"
)

// Status of a ticket at vivenu. A ticket that was canceled and one that was given to somebody else are both INVALID.
const (
	vivenuValid   = "VALID"
	vivenuInvalid = "INVALID"
	vivenuHeld    = "RESERVED"
)

// The organiser whose webhooks are simulated. Invented.
var vivenuSellerID = vivenuID("seller")

// A VivenuBuyer is who buys.
type VivenuBuyer struct {
	CustomerID string
	FirstName  string
	LastName   string
	Email      string
	Phone      string
	Company    string
}

// A VivenuEvent is what is sold. Every field has a default.
type VivenuEvent struct {
	ID        string
	Name      string
	Venue     string
	City      string
	Start     time.Time
	End       time.Time // default three hours after Start
	UpdatedAt time.Time // default eight weeks before Start
}

// A VivenuTicket is one ticket. Every field has a default, which VivenuTransaction fills in.
type VivenuTicket struct {
	ID         string
	TypeID     string // of the ticket type
	Name       string // of the ticket type, default "Regular"
	CartItemID string // what a cancellation names
	PriceMinor int64  // cents; 0 is free
	Status     string // default as the transaction's status wants
	Section    string // empty is general admission: no seat
	Row        string
	Seat       string
	Barcode    string
	Secret     string
	OriginID   string    // of the ticket that this one replaces; set by Transferred
	CanceledAt time.Time // zero: not canceled
	UpdatedAt  time.Time // default the transaction's CreatedAt
}

// A VivenuEntry is one line of a history.
type VivenuEntry struct {
	At   time.Time
	Type string // such as "reserved" or "partial.canceled"
}

// A VivenuTransaction is a purchase as vivenu knows it. Every field has a default, so that VivenuTransaction{} is a
// whole purchase of two tickets; a field that is set always wins. It is a value: the methods that change it return a
// copy, so one purchase can be told in several states.
//
// The default times are fixed, so that the same literal is the same bytes on every run. Use [VivenuTransaction.At] where
// the event has to lie ahead of a clock.
type VivenuTransaction struct {
	ID       string // 24 hexadecimal digits
	SellerID string
	Mode     string // of its webhooks: "dev" (default) or "prod"

	Status             string // default "NEW"
	PaymentStatus      string // default "AWAITING"
	PaymentMethod      string // default "adyen"
	Origin             string // default "yourticket"
	CancellationReason string

	Buyer       VivenuBuyer
	Event       VivenuEvent
	Tickets     []VivenuTicket // default two tickets at 40.50
	Currency    string         // default "EUR"
	ChargeMinor int64          // what the buyer pays besides the tickets, in cents
	RefundMinor int64          // set by Canceled and TicketsCanceled, for what was paid

	Secret         string // of the transaction; it lets anybody read it
	CheckoutID     string
	CheckoutSecret string
	IntentID       string // the purchase intent that it came from, if any

	History []VivenuEntry

	CreatedAt time.Time
	UpdatedAt time.Time

	// Variant chooses where the document leaves a choice. Bit 0: keys that do not apply (a POS's data in an online sale)
	// are missing, not null; which of the two vivenu does is not public.
	Variant int
}

// VivenuSale is a purchase in the organiser's shop that is not paid yet. n ≥ 0 chooses ids, buyer, event, seats and money;
// the same n is always the same purchase.
func VivenuSale(n int) VivenuTransaction {
	t := VivenuTransaction{
		ID:    vivenuID("transaction", strconv.Itoa(n)),
		Event: vivenuEvent(n), ChargeMinor: int64(n%3) * 125, Buyer: vivenuBuyer(n),
	}
	for i := range 1 + (n+1)%4 {
		it := VivenuTicket{PriceMinor: 1950 + int64(n%30)*250}
		if n%3 != 1 {
			it.Section, it.Row, it.Seat = "Stalls", rows[n%len(rows)], strconv.Itoa(1+n%20+i)
		}
		t.Tickets = append(t.Tickets, it)
	}
	return t.filled()
}

func vivenuBuyer(n int) VivenuBuyer {
	first, last, _ := strings.Cut(fullName(n), " ")
	return VivenuBuyer{FirstName: first, LastName: last}
}

// vivenuEvent is the n-th of the catalogue.
func vivenuEvent(n int) VivenuEvent {
	e := tevoEvents[n%len(tevoEvents)]
	return VivenuEvent{ID: vivenuID("event", e.id), Name: e.name, Venue: e.venue, City: e.locality}
}

// vivenuID is an id in the form that vivenu's have; the parts alone decide.
func vivenuID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}

func vivenuSecret(parts ...string) string {
	sum := sha256.Sum256([]byte("secret\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// vivenuTime is a time as vivenu keeps it: in milliseconds.
func vivenuTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// vivenuStamp is how vivenu writes a time.
func vivenuStamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// vivenuAmount is how vivenu writes money: a JSON number in the currency's main unit.
func vivenuAmount(minor int64) float64 { return float64(minor) / 100 }

func (b VivenuBuyer) filled(key string) VivenuBuyer {
	n := spread(key)
	invented := vivenuBuyer(n)
	b.FirstName, b.LastName = cmp.Or(b.FirstName, invented.FirstName), cmp.Or(b.LastName, invented.LastName)
	b.Email = cmp.Or(b.Email, strings.ToLower(b.FirstName+"."+b.LastName)+"@example.com")
	b.CustomerID = cmp.Or(b.CustomerID, vivenuID("customer", b.Email))
	b.Phone = cmp.Or(b.Phone, fmt.Sprintf("+49 30 555%04d", n%10_000))
	return b
}

func (b VivenuBuyer) name() string { return b.FirstName + " " + b.LastName }

func (e VivenuEvent) filled(created time.Time) VivenuEvent {
	first := vivenuEvent(0)
	e.ID, e.Name = cmp.Or(e.ID, first.ID), cmp.Or(e.Name, first.Name)
	e.Venue, e.City = cmp.Or(e.Venue, first.Venue), cmp.Or(e.City, first.City)
	if e.Start.IsZero() {
		e.Start = created.AddDate(0, 0, 42).Truncate(24 * time.Hour).Add(18 * time.Hour)
	}
	if e.End.IsZero() {
		e.End = e.Start.Add(3 * time.Hour)
	}
	if e.UpdatedAt.IsZero() {
		e.UpdatedAt = e.Start.AddDate(0, 0, -56)
	}
	return e
}

// Moved is the event at another time, as long as it was.
func (e VivenuEvent) Moved(start, at time.Time) VivenuEvent {
	e = e.filled(at)
	length := e.End.Sub(e.Start)
	e.Start = vivenuTime(start)
	e.End = e.Start.Add(length)
	if at = vivenuTime(at); at.After(e.UpdatedAt) {
		e.UpdatedAt = at
	}
	return e
}

// fillTickets puts the defaults of the tickets of one purchase in place; key is the purchase's id.
func fillTickets(tickets []VivenuTicket, key, status string, created time.Time) []VivenuTicket {
	if len(tickets) == 0 {
		tickets = []VivenuTicket{
			{PriceMinor: 4050, Section: "Stalls", Row: "F", Seat: "12"},
			{PriceMinor: 4050, Section: "Stalls", Row: "F", Seat: "13"},
		}
	}
	tickets = slices.Clone(tickets)
	for i := range tickets {
		it, k := &tickets[i], strconv.Itoa(i)
		it.ID = cmp.Or(it.ID, vivenuID("ticket", key, k))
		it.Name = cmp.Or(it.Name, "Regular")
		it.TypeID = cmp.Or(it.TypeID, vivenuID("type", it.Name))
		it.CartItemID = cmp.Or(it.CartItemID, vivenuID("cart", key, k))
		it.Status = cmp.Or(it.Status, status)
		it.Barcode = cmp.Or(it.Barcode, strings.ToUpper(vivenuID("barcode", it.ID)[:12]))
		it.Secret = cmp.Or(it.Secret, vivenuSecret("ticket", it.ID))
		if it.UpdatedAt.IsZero() {
			it.UpdatedAt = created
		}
	}
	return tickets
}

// place is the seat in one line, as tickets carry it; general admission has none.
func (t VivenuTicket) place() string {
	if t.Section == "" {
		return ""
	}
	return t.Section + ", " + t.Row + ", " + t.Seat
}

func (t VivenuTicket) canceled() bool { return !t.CanceledAt.IsZero() }

// filled returns the transaction with every default in place. It is idempotent.
func (t VivenuTransaction) filled() VivenuTransaction {
	t.ID = cmp.Or(t.ID, vivenuID("transaction"))
	t.SellerID = cmp.Or(t.SellerID, vivenuSellerID)
	t.Mode = cmp.Or(t.Mode, "dev")
	t.Status = cmp.Or(t.Status, vivenuNew)
	t.PaymentStatus = cmp.Or(t.PaymentStatus, "AWAITING")
	t.PaymentMethod = cmp.Or(t.PaymentMethod, "adyen")
	t.Origin = cmp.Or(t.Origin, "yourticket")
	t.Currency = cmp.Or(t.Currency, "EUR")
	if t.CreatedAt.IsZero() {
		t.CreatedAt = time.Date(2026, 6, 1, 14, 40, 1, 0, time.UTC)
	}
	if t.UpdatedAt.IsZero() {
		t.UpdatedAt = t.CreatedAt
	}
	t.Buyer = t.Buyer.filled(t.ID)
	t.Event = t.Event.filled(t.CreatedAt)
	status := vivenuHeld
	switch t.Status {
	case vivenuComplete:
		status = vivenuValid
	case vivenuCanceled, vivenuAborted:
		status = vivenuInvalid
	}
	t.Tickets = fillTickets(t.Tickets, t.ID, status, t.CreatedAt)
	t.Secret = cmp.Or(t.Secret, vivenuSecret("transaction", t.ID))
	t.CheckoutID = cmp.Or(t.CheckoutID, vivenuID("checkout", t.ID))
	t.CheckoutSecret = cmp.Or(t.CheckoutSecret, vivenuSecret("checkout", t.ID))
	t.History = slices.Clone(t.History)
	if len(t.History) == 0 {
		t.History = []VivenuEntry{{t.CreatedAt, "created"}}
	}
	return t
}

// TicketsMinor is the price of the tickets in cents, those that were canceled included and the charge not.
func (t VivenuTransaction) TicketsMinor() int64 {
	var sum int64
	for _, it := range t.filled().Tickets {
		if it.OriginID == "" { // a ticket that changed hands is paid for once
			sum += it.PriceMinor
		}
	}
	return sum
}

// AmountMinor is what the buyer pays in cents.
func (t VivenuTransaction) AmountMinor() int64 { return t.TicketsMinor() + t.ChargeMinor }

// At moves the transaction in time: created and last updated at a time, its event six weeks later.
func (t VivenuTransaction) At(at time.Time) VivenuTransaction {
	t = t.filled()
	t.CreatedAt = vivenuTime(at)
	t.UpdatedAt = t.CreatedAt
	t.History = nil
	t.Event.Start, t.Event.End, t.Event.UpdatedAt = time.Time{}, time.Time{}, time.Time{}
	for i := range t.Tickets {
		t.Tickets[i].UpdatedAt = t.CreatedAt
	}
	return t.filled()
}

// Updated sets updatedAt and nothing else. Unlike the changes below it can move backwards.
func (t VivenuTransaction) Updated(at time.Time) VivenuTransaction {
	t = t.filled()
	t.UpdatedAt = vivenuTime(at)
	return t
}

// touched moves updatedAt forward and writes the history, if there is something to write.
func (t VivenuTransaction) touched(at time.Time, entry string) VivenuTransaction {
	t = t.filled()
	if at = vivenuTime(at); at.After(t.UpdatedAt) {
		t.UpdatedAt = at
	}
	if entry != "" {
		t.History = append(t.History, VivenuEntry{at, entry})
	}
	return t
}

// setTicket changes ticket i; a transaction without one is left as it is.
func (t *VivenuTransaction) setTicket(i int, change func(*VivenuTicket)) {
	if i >= 0 && i < len(t.Tickets) {
		change(&t.Tickets[i])
		t.Tickets[i].UpdatedAt = t.UpdatedAt
	}
}

// Reserved is the transaction after the system reserved its seats: nothing is paid yet.
func (t VivenuTransaction) Reserved(at time.Time) VivenuTransaction {
	t = t.touched(at, "reserved")
	t.Status, t.PaymentStatus = vivenuReserved, "AWAITING"
	for i := range t.Tickets {
		t.setTicket(i, func(it *VivenuTicket) { it.Status = vivenuHeld })
	}
	return t
}

// Complete is the transaction after it was paid, or as LOCAL-AWAITING promised, and its tickets issued. A payment status that
// was set by [VivenuTransaction.Paid] stays; else it is RECEIVED. Assumption: that holds for free ones too.
func (t VivenuTransaction) Complete(at time.Time) VivenuTransaction {
	t = t.touched(at, "completed")
	t.Status = vivenuComplete
	if t.PaymentStatus == "AWAITING" {
		t.PaymentStatus = "RECEIVED"
		t.History = append(t.History, VivenuEntry{vivenuTime(at), "payment.succeeded"})
	}
	for i := range t.Tickets {
		t.setTicket(i, func(it *VivenuTicket) { it.Status = vivenuValid })
	}
	return t
}

// Paid sets the payment status, such as "LOCAL-AWAITING" (the buyer pays at the counter), "LOCAL-RECEIVED", "CHARGEBACK".
func (t VivenuTransaction) Paid(status string, at time.Time) VivenuTransaction {
	entry := map[string]string{
		"RECEIVED": "payment.succeeded", "LOCAL-RECEIVED": "payment.localReceived", "FAILED": "payment.failed",
		"CANCELED": "payment.canceled", "CHARGEBACK": "payment.chargeback", "DISPUTE": "dispute.created", "REFUND": "refunded",
	}[status]
	t = t.touched(at, entry)
	t.PaymentStatus = status
	return t
}

// Aborted is the transaction after the buyer let the reservation run out.
func (t VivenuTransaction) Aborted(at time.Time) VivenuTransaction {
	t = t.touched(at, "aborted")
	t.Status, t.PaymentStatus = vivenuAborted, "CANCELED"
	for i := range t.Tickets {
		t.setTicket(i, func(it *VivenuTicket) { it.Status = vivenuInvalid })
	}
	return t
}

// Canceled is the transaction after all of it was canceled. What was paid is refunded.
func (t VivenuTransaction) Canceled(at time.Time) VivenuTransaction {
	return t.canceledFor("REQUESTED_BY_CUSTOMER", true, at)
}

func (t VivenuTransaction) canceledFor(reason string, refund bool, at time.Time) VivenuTransaction {
	t = t.touched(at, "canceled")
	t.Status, t.CancellationReason = vivenuCanceled, reason
	for i := range t.Tickets {
		t.setTicket(i, func(it *VivenuTicket) {
			it.Status = vivenuInvalid
			if !it.canceled() && it.OriginID == "" {
				it.CanceledAt = vivenuTime(at)
			}
		})
	}
	switch t.PaymentStatus {
	case "RECEIVED", "LOCAL-RECEIVED", "POS-RECEIVED":
		if refund {
			t.RefundMinor, t.PaymentStatus = t.AmountMinor(), "REFUND"
			t.History = append(t.History, VivenuEntry{vivenuTime(at), "refunded"})
		}
	case "REFUND":
	default:
		t.PaymentStatus = "CANCELED"
	}
	return t
}

// TicketsCanceled is the transaction after a partial cancellation. It stays COMPLETE: vivenu has no status for it. What was
// paid for the tickets is refunded.
func (t VivenuTransaction) TicketsCanceled(at time.Time, tickets ...int) VivenuTransaction {
	t = t.touched(at, "partial.canceled")
	for _, i := range tickets {
		t.setTicket(i, func(it *VivenuTicket) {
			if !it.canceled() {
				t.RefundMinor += it.PriceMinor
				it.CanceledAt = vivenuTime(at)
			}
			it.Status = vivenuInvalid
		})
	}
	return t
}

// TicketStatus sets the status of ticket i, such as "DETAILSREQUIRED".
func (t VivenuTransaction) TicketStatus(i int, status string, at time.Time) VivenuTransaction {
	t = t.touched(at, "")
	t.setTicket(i, func(it *VivenuTicket) { it.Status = status })
	return t
}

// Transferred is the transaction after ticket i was given to somebody else: it is INVALID, though nobody canceled it, and a
// ticket with another id and barcode replaces it. Assumption: both are listed among the transaction's tickets, the new
// one without a transactionId, as the document's sample allows.
func (t VivenuTransaction) Transferred(i int, newTicketID string, at time.Time) VivenuTransaction {
	t = t.touched(at, "")
	if i < 0 || i >= len(t.Tickets) {
		return t
	}
	next := t.Tickets[i]
	next.OriginID, next.ID = next.ID, newTicketID
	next.Barcode, next.Secret, next.UpdatedAt = "", "", t.UpdatedAt
	t.setTicket(i, func(it *VivenuTicket) { it.Status = vivenuInvalid })
	t.Tickets = append(t.Tickets, next)
	return t.filled()
}

// EventMoved is the transaction after its event was put off.
func (t VivenuTransaction) EventMoved(start, at time.Time) VivenuTransaction {
	t = t.filled()
	t.Event = t.Event.Moved(start, at)
	return t
}

// WithEmail is the transaction after its customer's address was corrected.
func (t VivenuTransaction) WithEmail(email string, at time.Time) VivenuTransaction {
	t = t.touched(at, "")
	t.Buyer.Email = email
	return t
}
