package ltd

import (
	"strings"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// sale is who bought, in a TransactionChanged. ("Transaction changed", Customer and its sample)
type sale struct {
	MessageType wire.Scalar `json:"MessageType"`
	Payload     wire.Object[struct {
		Customer wire.Object[customer] `json:"Customer"`
	}] `json:"Payload"`
}

type customer struct {
	FullName    wire.Scalar          `json:"FullName"`
	Email       wire.Scalar          `json:"Email"`
	PhoneNumber wire.Scalar          `json:"PhoneNumber"`
	Address     wire.Object[address] `json:"Address"`
}

type address struct {
	Line1    wire.Scalar `json:"AddressLine1"`
	Line2    wire.Scalar `json:"AddressLine2"`
	Line3    wire.Scalar `json:"AddressLine3"`
	Line4    wire.Scalar `json:"AddressLine4"`
	City     wire.Scalar `json:"City"`
	Country  wire.Scalar `json:"Country"`
	PostCode wire.Scalar `json:"PostCode"`
}

// Buyer reads who bought from the bytes of a TransactionChanged; [order.Facts] names the event that has it. Everybody who books
// is a member of the public. The document gives customers no id, and leaves any field of an address empty or null.
//
// It returns [provider.ErrMalformed], without a value, if raw is of another type or names nobody: neither a name nor an e-mail
// address.
func Buyer(raw []byte) (provider.Buyer, error) {
	var doc sale
	if err := parse(raw, &doc); err != nil {
		return provider.Buyer{}, err
	}
	if !strings.EqualFold(doc.MessageType.Text, changed) {
		return provider.Buyer{}, provider.Malformed("MessageType", "want "+changed)
	}
	c := doc.Payload.V.Customer.V
	if c.FullName.Text == "" && c.Email.Text == "" {
		return provider.Buyer{}, provider.Malformed("Payload.Customer", "it has neither a name nor an e-mail address")
	}
	a := c.Address.V
	var lines []string
	for _, l := range []wire.Scalar{a.Line1, a.Line2, a.Line3, a.Line4} {
		if l.Text != "" {
			lines = append(lines, l.Text)
		}
	}
	to := provider.Address{City: a.City.Text, PostalCode: a.PostCode.Text, Country: a.Country.Text}
	if len(lines) > 0 {
		to.Street, to.Extended = lines[0], strings.Join(lines[1:], ", ")
	}
	return provider.Buyer{Class: order.Client, Name: c.FullName.Text, Email: c.Email.Text, Phone: c.PhoneNumber.Text, Address: to}, nil
}
