package order

// Reason says why an order needs a person. The words are values of the search attribute OrderAttention, and each has an
// entry in docs/operations.md. Failures of a step have the reason "step_" and their class, as in "step_unavailable".
type Reason string

const (
	ReasonDetailsMissing         Reason = "details_missing"          // no document has described the order in time
	ReasonFraudDeclined          Reason = "fraud_declined"           // approve all the same, or reject
	ReasonFraudOverdue           Reason = "fraud_overdue"            // the fraud service has not answered in time
	ReasonApprovalOverdue        Reason = "approval_overdue"         // nobody approved in time
	ReasonUnknownStatus          Reason = "unknown_status"           // the provider uses a word that we do not know
	ReasonAmountUnclear          Reason = "amount_unclear"           // several currencies, or no price
	ReasonAmountChanged          Reason = "amount_changed"           // lines or prices changed after the invoice
	ReasonCancelProposed         Reason = "cancel_proposed"          // the other party wants out
	ReasonCancelAtProvider       Reason = "cancel_at_provider"       // cancelled by us, still alive at the provider
	ReasonCancelledAfterDelivery Reason = "cancelled_after_delivery" // the buyer has tickets
	ReasonFraudAfterAcceptance   Reason = "fraud_after_acceptance"   // declined when it was too late to refuse
	ReasonRecipientChanged       Reason = "recipient_changed"        // after the tickets were sent
	ReasonFulfilmentOverdue      Reason = "fulfilment_overdue"       // tickets not delivered in time
	ReasonPaymentOverdue         Reason = "payment_overdue"          // the buyer has not paid in time
	ReasonPaymentFailed          Reason = "payment_failed"           // the buyer tried to pay, and could not
	ReasonPaymentReturned        Reason = "payment_returned"         // refunded, disputed or charged back
	ReasonCancelledAfterUse      Reason = "cancelled_after_use"      // somebody has entered with a ticket of it
	ReasonTicketInvalid          Reason = "ticket_invalid"           // revoked at the provider, and nothing says why
	ReasonTicketUnusable         Reason = "ticket_unusable"          // what was uploaded is no ticket
	ReasonTicketsSurplus         Reason = "tickets_surplus"          // more tickets came than were ordered
	ReasonAttachByHand           Reason = "attach_by_hand"           // which tickets belong on the invoice cannot be told
	ReasonTicketsUnplaced        Reason = "tickets_unplaced"         // tickets came for a line that the order does not have
	ReasonSupplyLost             Reason = "supply_lost"              // whoever was to supply the tickets of our sale is out
	ReasonRereadByHand           Reason = "reread_by_hand"           // what has changed must be looked up, and we hold no credentials
	ReasonEventMoved             Reason = "event_moved"              // the performance is at another time
	ReasonEventOff               Reason = "event_off"                // the performance will not take place
	ReasonEventChanged           Reason = "event_changed"            // something has changed about the performance
	ReasonSupportCase            Reason = "support_case"             // the provider has assigned a case to us
	ReasonAirbillRequested       Reason = "airbill_requested"        // the seller waits for an airbill from us
	ReasonDeliveryReclassified   Reason = "delivery_reclassified"    // the tickets come in another way than was agreed
	ReasonTicketsUnclear         Reason = "tickets_unclear"          // whose tickets the files in the POS are cannot be told
	ReasonDeliveryDiffers        Reason = "delivery_differs"         // the POS holds tickets that travel in another way than was sold
	ReasonTicketsChanged         Reason = "tickets_changed"          // the POS holds other tickets than were delivered
	ReasonInvoiceVoided          Reason = "invoice_voided"           // by somebody else, in the POS
	ReasonStepSlow               Reason = "step_slow"                // a step has been retried for long: an outage?
)

// StepFailed is the reason for a step that failed with the given class.
func StepFailed(class string) Reason { return Reason("step_" + class) }

// Attention is a matter that a person must settle, beside the state.
type Attention struct {
	Reason Reason `json:"reason"`
	Detail string `json:"detail"`         // what is wrong
	Advice string `json:"advice"`         // what to do
	Step   StepID `json:"step,omitempty"` // the step that failed, if one did

	about string // separates one matter from the next of the same reason
}

// Key identifies the matter: once it is resolved it is not raised again, but a new matter of the same reason is.
func (a Attention) Key() string {
	k := string(a.Reason)
	if a.Step != "" {
		k += " " + string(a.Step)
	}
	if a.about != "" {
		k += " " + a.about
	}
	return k
}
