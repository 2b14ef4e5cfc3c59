package vivenu

import (
	"cmp"
	"strings"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// person is who bought, in a transaction, a purchase intent or a customer. The three spell first names, addresses and e-mail
// differently. ("Webhooks", transaction.complete, purchaseIntent.created, customer.created)
type person struct {
	ID         wire.Scalar `json:"_id"` // the buyer's in a customer alone
	CustomerID wire.Scalar `json:"customerId"`
	Company    wire.Scalar `json:"company"`
	Name       wire.Scalar `json:"name"`
	Prename    wire.Scalar `json:"prename"`
	Firstname  wire.Scalar `json:"firstname"`
	Lastname   wire.Scalar `json:"lastname"`
	Email      wire.Scalar `json:"email"`
	Primary    wire.Scalar `json:"primaryEmail"`
	Phone      wire.Scalar `json:"phone"`

	address                       // of a transaction
	Address  wire.Object[address] `json:"address"`
	Location wire.Object[address] `json:"location"`
	Delivery wire.Object[address] `json:"deliveryAddress"`
}

type address struct {
	Street  wire.Scalar `json:"street"`
	Line2   wire.Scalar `json:"line2"`
	City    wire.Scalar `json:"city"`
	State   wire.Scalar `json:"state"`
	Postal  wire.Scalar `json:"postal"`
	Country wire.Scalar `json:"country"`
}

func (a address) plain() provider.Address {
	return provider.Address{
		Street: a.Street.Text, Extended: a.Line2.Text, City: a.City.Text, Region: a.State.Text, PostalCode: a.Postal.Text, Country: a.Country.Text,
	}
}

func (p person) buyer(id string) provider.Buyer {
	full := strings.TrimSpace(cmp.Or(p.Prename.Text, p.Firstname.Text) + " " + p.Lastname.Text)
	return provider.Buyer{
		Class:   order.Client,
		ID:      id,
		Name:    cmp.Or(p.Name.Text, full),
		Company: p.Company.Text,
		Email:   cmp.Or(p.Email.Text, p.Primary.Text),
		Phone:   p.Phone.Text,
		Address: cmp.Or(p.plain(), p.Address.V.plain(), p.Location.V.plain(), p.Delivery.V.plain()),
	}
}

// Buyer reads who bought from the bytes of a webhook or poll of a transaction or a purchase intent; [order.Facts] names the
// event that has it. The address is the buyer's own, else the one to deliver to. Fields that the document lacks are empty.
//
// It returns [provider.ErrMalformed], without a value, if raw is neither of them or names nobody: neither a name nor a company
// nor an e-mail address.
func Buyer(raw []byte) (provider.Buyer, error) {
	data, err := dataOf(raw)
	if err != nil {
		return provider.Buyer{}, err
	}
	for _, name := range []string{"transaction", "purchaseIntent"} {
		var p person
		if data.object(name, &p) {
			return somebody("data."+name, p.buyer(p.CustomerID.ID()))
		}
	}
	return provider.Buyer{}, provider.Malformed("data", "want a transaction or a purchase intent")
}

// Customer reads a buyer from the bytes of a customer.created or customer.updated. Errors are those of [Buyer].
func Customer(raw []byte) (provider.Buyer, error) {
	data, err := dataOf(raw)
	if err != nil {
		return provider.Buyer{}, err
	}
	var p person
	if !data.object("customer", &p) {
		return provider.Buyer{}, provider.Malformed("data.customer", "want an object")
	}
	return somebody("data.customer", p.buyer(p.ID.ID()))
}

func dataOf(raw []byte) (members, error) {
	var env envelope
	if err := parse(raw, &env); err != nil {
		return nil, err
	}
	return env.members()
}

func somebody(path string, b provider.Buyer) (provider.Buyer, error) {
	if b.Name == "" && b.Company == "" && b.Email == "" {
		return provider.Buyer{}, provider.Malformed(path, "it has neither a name nor an e-mail address")
	}
	return b, nil
}
