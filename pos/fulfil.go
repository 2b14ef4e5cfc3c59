package pos

import (
	"context"
	"net/url"
	"unicode/utf8"
)

// FulfillmentInput is what the delivery of an invoice or a purchase order shall be.
type FulfillmentInput struct {
	State Fulfillment
	// Files replace those that the record has; nil leaves them as they are.
	Files []TicketFile
}

// A TicketFile is a ticket, or where it is to be had. It is buyer data: it goes to the POS and nowhere else.
type TicketFile struct {
	Name      string // for people; 1 to 255 bytes
	MediaType string
	TicketIDs []string // the POS's, whose tickets the file holds; empty = all of the record
	Content   []byte   // either this
	URL       string   // or this
}

// Fulfil sets the state of delivery of the invoice with this id, with the ticket files where the POS takes any and without
// them where it does not (Capabilities.TicketUpload); it reports whether it sent files. It may be called again after whatever error.
//
// Errors: those of [Adapter.SetFulfillment]; [OutcomeUnknown] if the answer is not of that invoice in that state.
func Fulfil(ctx context.Context, a Adapter, op Op, id string, in FulfillmentInput) (Invoice, bool, error) {
	const what = "set fulfillment"
	_, in, err := fulfillable(ctx, a, op, in, what)
	if err != nil {
		return Invoice{}, false, err
	}
	inv, err := a.SetFulfillment(correlated(ctx, op), op, id, in)
	if err != nil {
		return Invoice{}, false, ofWrite(what, err)
	}
	if inv.ID != id || inv.Voided || inv.Fulfillment != in.State {
		return Invoice{}, false, &Error{Class: OutcomeUnknown, Op: what, Message: "the answer is not of that invoice in that state"}
	}
	return inv, in.Files != nil, nil
}

// FulfilPurchase is to purchase orders what [Fulfil] is to invoices: the tickets that we bought have come. Errors: those of
// [Adapter.FulfillPurchaseOrder], which is not called where Capabilities.FulfillPurchases is false; [OutcomeUnknown] if the answer
// is not of that purchase order in that state.
func FulfilPurchase(ctx context.Context, a Adapter, op Op, id string, in FulfillmentInput) (PurchaseOrder, bool, error) {
	const what = "fulfill purchase order"
	caps, in, err := fulfillable(ctx, a, op, in, what)
	if err != nil {
		return PurchaseOrder{}, false, err
	}
	if !caps.FulfillPurchases {
		return PurchaseOrder{}, false, &Error{Class: Unsupported, Op: what, Message: "this POS cannot be told that a purchase has come"}
	}
	po, err := a.FulfillPurchaseOrder(correlated(ctx, op), op, id, in)
	if err != nil {
		return PurchaseOrder{}, false, ofWrite(what, err)
	}
	if po.ID != id || po.Voided || po.Fulfillment != in.State {
		return PurchaseOrder{}, false, &Error{Class: OutcomeUnknown, Op: what, Message: "the answer is not of that purchase order in that state"}
	}
	return po, in.Files != nil, nil
}

// fulfillable returns what is to be sent to this POS, and what it can do.
func fulfillable(ctx context.Context, a Adapter, op Op, in FulfillmentInput, what string) (Capabilities, FulfillmentInput, error) {
	if err := checkKey(what, op.Key); err != nil {
		return Capabilities{}, in, err
	}
	if err := in.check(what); err != nil {
		return Capabilities{}, in, err
	}
	caps, err := a.Capabilities(correlated(ctx, op))
	if err != nil {
		return Capabilities{}, in, ofRead(what, err)
	}
	if !caps.TicketUpload {
		in.Files = nil
	}
	if err := ctx.Err(); err != nil {
		return Capabilities{}, in, &Error{Class: Transient, Op: what, Message: "stopped before the write", Err: err}
	}
	return caps, in, nil
}

// check quotes nothing: names and links may hold buyer data.
func (in FulfillmentInput) check(what string) error {
	invalid := func(message string) error { return &Error{Class: Invalid, Op: what, Message: message} }
	if in.State != Pending && in.State != Complete {
		return invalid("the state of delivery is neither pending nor complete")
	}
	for _, f := range in.Files {
		switch u, err := url.Parse(f.URL); {
		case f.Name == "" || len(f.Name) > maxText || !utf8.ValidString(f.Name) || f.MediaType == "":
			return invalid("a ticket file has no name, too long a one, or no media type")
		case (f.URL == "") == (len(f.Content) == 0):
			return invalid("a ticket file has neither content nor address, or both")
		case err != nil || f.URL != "" && !u.IsAbs():
			return invalid("a ticket file's address is no URL")
		}
	}
	return nil
}
