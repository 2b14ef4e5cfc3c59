package order

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Do names what a step does. The names are part of business keys and of stored orders: never change one.
type Do string

const (
	DoInvoice           Do = "invoice"             // find or create the customer, then the invoice
	DoVoidInvoice       Do = "void_invoice"        // void whatever invoice bears the order's reference
	DoPurchaseOrder     Do = "purchase_order"      // record the purchase in the POS
	DoVoidPurchaseOrder Do = "void_purchase_order" // void whatever purchase order bears the order's reference
	DoConfirm           Do = "confirm"             // read the order again at the provider before anything is written
	DoAccept            Do = "accept"              // accept the order at the provider
	DoReject            Do = "reject"              // reject the order at the provider
	DoAirbill           Do = "airbill"             // fetch and store a shipment's airbill
	DoReread            Do = "reread"              // read the order again because a document did not tell all
	DoReadInvoice       Do = "read_invoice"        // read the invoice that an operator named as the order's
	DoAttach            Do = "attach"              // put the tickets that somebody brought on the invoice

	DoLook        Do = "look"         // read what the POS holds for the buyer, because it says that something has changed
	DoETickets    Do = "etickets"     // give the files of one line to the provider
	DoRevoke      Do = "revoke"       // take the files of one line back from the provider
	DoTransfer    Do = "transfer"     // tell the provider where the buyer claims tickets, or that they were transferred
	DoWillCall    Do = "will_call"    // tell the provider that the tickets lie at the box office
	DoFulfil      Do = "fulfil"       // mark the invoice in the POS delivered
	DoReceive     Do = "receive"      // put tickets that we bought, and that lie at the provider, on the purchase order
	DoHold        Do = "hold"         // keep the tickets of a sale that is not certain yet
	DoReleaseHold Do = "release_hold" // give them back
	DoCredit      Do = "credit"       // void the lines of the invoice whose tickets were cancelled
)

// Undoes reports whether the step is a compensation: the only kind that may begin after a cancellation or rejection.
func (d Do) Undoes() bool {
	return d == DoVoidInvoice || d == DoVoidPurchaseOrder || d == DoReject || d == DoRevoke || d == DoReleaseHold
}

// Gives reports whether the step gives tickets away.
func (d Do) Gives() bool { return d == DoETickets || d == DoTransfer || d == DoWillCall }

// undoing pairs each step that writes to the POS with the one that takes it back.
var undoing = map[Do]Do{DoInvoice: DoVoidInvoice, DoPurchaseOrder: DoVoidPurchaseOrder}

// StepID names one intent of one order: "invoice/1", "airbill:61627/1". The number is raised only by a deliberate new
// intent, never by a retry, a reset or a new run, so that "<order id>/<step id>" is a key under which the outside world
// can be asked what became of the step.
type StepID string

// ID builds a step id; subject may be empty.
func ID(do Do, subject string, n int) StepID {
	if subject != "" {
		subject = ":" + subject
	}
	return StepID(string(do) + subject + "/" + strconv.Itoa(n))
}

// Do is the step's verb.
func (id StepID) Do() Do {
	do, _, _ := strings.Cut(string(id), "/")
	do, _, _ = strings.Cut(do, ":")
	return Do(do)
}

// Subject is what the verb is about beside the order, such as a shipment id; mostly empty.
func (id StepID) Subject() string {
	head := string(id)[:max(strings.LastIndex(string(id), "/"), 0)]
	_, subject, _ := strings.Cut(head, ":")
	return subject
}

// Outcome is what came of a step.
type Outcome string

const (
	Running Outcome = "running" // the POS's or provider's move; it is retried for as long as it is wanted
	Done    Outcome = "done"
	Failed  Outcome = "failed"          // retrying cannot mend it: an operator's move
	Unsure  Outcome = "outcome_unknown" // stopped in the middle: it may or may not have happened
)

// Result is the newest that is known of a step.
type Result struct {
	Outcome  Outcome   `json:"outcome"`
	At       time.Time `json:"at"`                 // when this outcome was learnt; for Running: when it began
	Class    string    `json:"class,omitempty"`    // of a failure: pos.Class, as text
	Detail   string    `json:"detail,omitempty"`   // of a failure, or what was left out: for people, without buyer data
	Ref      string    `json:"ref,omitempty"`      // what was made: an invoice's, purchase order's or document's id
	Customer string    `json:"customer,omitempty"` // of DoInvoice: the POS customer
	Amount   Money     `json:"amount,omitzero"`    // what was invoiced
	Lines    []string  `json:"lines,omitempty"`    // ids of the lines that were invoiced, or delivered
	Can      []Ability `json:"can,omitempty"`      // of DoInvoice and DoPurchaseOrder: what the POS could do then; it decides the road
	Holds    []string  `json:"holds,omitempty"`    // of DoHold: the ids in the POS
	By       string    `json:"by,omitempty"`       // the operator who resolved it by hand
	Tries    int       `json:"tries,omitempty"`    // of a failed step: how often it has failed
	Slow     bool      `json:"slow,omitempty"`     // of a running step: it has been retried for longer than is usual
}

// Ability is something that not every POS can do.
type Ability string

const (
	CanReadDeliveries   Ability = "read_deliveries"   // tell what is there for the buyer
	CanVoidLines        Ability = "void_lines"        // void single lines of an invoice
	CanTakeFiles        Ability = "take_files"        // take ticket files
	CanFulfillPurchases Ability = "fulfill_purchases" // be told that the tickets of a purchase have come
)

// Record notes the result r of step id. A result that contradicts a later one is ignored; Done stays done.
func (o *Order) Record(id StepID, r Result) {
	if o.Steps == nil {
		o.Steps = map[StepID]Result{}
	}
	old, ok := o.Steps[id]
	if ok && old.Outcome == Done && r.Outcome != Done {
		return
	}
	if r.Tries = old.Tries; r.Outcome == Failed {
		r.Tries++
	}
	o.Steps[id] = r
	if what := r.String(); what != "" {
		o.note(r.At, string(id)+" "+what, "", r.Detail)
	}
	if r.At.After(o.LastNews) {
		o.LastNews = r.At
	}
	o.Revision++
}

// String says what came of a step, in the words of the timeline. Being begun is not worth a line.
func (r Result) String() string {
	switch {
	case r.Outcome == Running && !r.Slow:
		return ""
	case r.Slow:
		return "is slow"
	case r.Outcome == Failed:
		return "failed: " + r.Class
	case r.Ref != "":
		return string(r.Outcome) + ": " + r.Ref
	}
	return string(r.Outcome)
}

// StepIDs returns the ids of all steps begun, sorted.
func (o *Order) StepIDs() []StepID { return slices.Sorted(maps.Keys(o.Steps)) }

// InvoiceID is the POS invoice in force, or "".
func (o *Order) InvoiceID() string { return o.inForce(DoInvoice, DoVoidInvoice) }

// PurchaseOrderID is the POS purchase order in force, or "".
func (o *Order) PurchaseOrderID() string { return o.inForce(DoPurchaseOrder, DoVoidPurchaseOrder) }

// CustomerID is the POS customer of the newest invoice, or "".
func (o *Order) CustomerID() (customer string) {
	for n := 1; ; n++ {
		r, ok := o.Steps[ID(DoInvoice, "", n)]
		if !ok {
			return customer
		}
		if r.Customer != "" {
			customer = r.Customer
		}
	}
}

func (o *Order) inForce(do, undo Do) string { return o.resultInForce(do, undo).Ref }

// resultInForce is the result of the newest intent to invoice, or to purchase, that was not taken back, less what was credited.
func (o *Order) resultInForce(do, undo Do) Result {
	n := 1
	for o.Steps[ID(undo, "", n)].Outcome == Done {
		n++
	}
	r := o.Steps[ID(do, "", n)]
	for _, id := range o.steps(DoCredit, Done) {
		if c := o.Steps[id]; do == DoInvoice && c.Ref == r.Ref && len(c.Lines) < len(r.Lines) {
			r.Lines, r.Amount = c.Lines, c.Amount // credits only take away, so the shortest is the last
		}
	}
	return r
}
