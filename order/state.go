package order

// State says where an order stands. Attention is beside it: an order in any state may need a person.
type State string

const (
	Received              State = "received"                // the provider's move: we do not know the order itself yet
	AwaitingPayment       State = "awaiting_payment"        // the buyer's move
	AwaitingApproval      State = "awaiting_approval"       // an operator's move (sale), the seller's (purchase)
	AwaitingFraudApproval State = "awaiting_fraud_approval" // the fraud service's move
	Invoicing             State = "invoicing"               // the POS's move
	Invoiced              State = "invoiced"                // the provider's move: our acceptance is on its way
	AwaitingFulfilment    State = "awaiting_fulfilment"     // the seller's move: tickets
	PartiallyFulfilled    State = "partially_fulfilled"     // the seller's move: the rest of the tickets; the POS's while they are put on the invoice
	Fulfilled             State = "fulfilled"               // nobody's: until the event is over
	Completed             State = "completed"               // final
	Rejected              State = "rejected"                // final: refused by the seller
	Cancelled             State = "cancelled"               // final: called off after it was placed
)

// States lists every state, in the order in which a sale may pass through them.
func States() []State {
	return []State{Received, AwaitingPayment, AwaitingApproval, AwaitingFraudApproval, Invoicing, Invoiced,
		AwaitingFulfilment, PartiallyFulfilled, Fulfilled, Completed, Rejected, Cancelled}
}

// Final reports whether the order will not move on by itself.
func (s State) Final() bool { return s == Completed || s == Rejected || s == Cancelled }
