package order

import "time"

// Policy is how the broker wants the orders of one source to be handled. It is read once, when a run begins.
type Policy struct {
	FraudService bool `json:"fraud_service"` // a Client's order waits for its approval
	AutoAccept   bool `json:"auto_accept"`   // false: an operator approves each sale first
	Invoice      bool `json:"invoice"`       // write sales and purchases to the POS
	ProviderAPI  bool `json:"provider_api"`  // we hold credentials: accept, reject and airbills go through the provider's API

	Confirm bool `json:"confirm"` // read the order again at the provider before it is written to the POS

	// Adopt says that the sale is our own: its invoice stands in the POS already, under the provider's order id. It is looked
	// for and never made.
	Adopt bool `json:"adopt,omitempty"`

	// Attach says that tickets which others bring are put on the POS's invoice, and that the order is not fulfilled before. It is
	// absent from the histories of orders that were begun before there was such a step.
	Attach bool `json:"attach,omitempty"`

	// Deliver says that the tickets of a sale are read from the POS and given to the provider.
	Deliver bool `json:"deliver,omitempty"`
	// Hold says that the tickets of a sale which waits for a payment, a check or an approval are kept in the POS meanwhile.
	Hold bool `json:"hold,omitempty"`

	// UndoAgain is how soon a compensation that was refused is tried again without anybody's word, at intervals that double up to a
	// day; a person is asked all the same. 0, as in orders that were begun before there was such a thing: never.
	UndoAgain time.Duration `json:"undo_again,omitempty"`

	DetailsWait  time.Duration `json:"details_wait"`  // until the order's own document must have come
	FraudWait    time.Duration `json:"fraud_wait"`    // until the fraud service must have answered
	PaymentWait  time.Duration `json:"payment_wait"`  // until the buyer must have paid
	ApprovalWait time.Duration `json:"approval_wait"` // until an operator or the seller must have approved
	StepPatience time.Duration `json:"step_patience"` // how long a step may be retried before a person is told
	FulfilWithin time.Duration `json:"fulfil_within"` // from acceptance or the in-hand day to delivery
	EventLead    time.Duration `json:"event_lead"`    // how long before the event everything must be delivered
	Grace        time.Duration `json:"grace"`         // after the event begins, until the order may be completed
	Quiet        time.Duration `json:"quiet"`         // a final order stays open so long after its last news
}

// DefaultPolicy is careful: it invoices and accepts, and holds every Client for the fraud service.
func DefaultPolicy() Policy {
	return Policy{
		FraudService: true, AutoAccept: true, Invoice: true, ProviderAPI: true,
		DetailsWait: time.Hour, FraudWait: 24 * time.Hour, PaymentWait: 24 * time.Hour, ApprovalWait: 4 * time.Hour, StepPatience: 15 * time.Minute,
		UndoAgain:    5 * time.Minute,
		FulfilWithin: 48 * time.Hour, EventLead: 24 * time.Hour, Grace: 72 * time.Hour, Quiet: 72 * time.Hour,
	}
}

// minToAct is the least time that a person gets between becoming responsible and being reminded.
const minToAct = time.Hour

// settleNews is how long a fact may stand alone that others are to explain: a ticket becomes invalid, and a moment later we
// hear that it was transferred or that a part of the order was cancelled.
const settleNews = 15 * time.Minute

// lookAgain is how soon an invoice that was not found is looked for again.
const lookAgain = 30 * time.Second

// keepOpen is how long an order without a known event date stays open after its last news.
const keepOpen = 180 * 24 * time.Hour
