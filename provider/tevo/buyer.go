package tevo

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/order"
	"willcall/provider"
)

// orderBody is who bought, in an O body. What is documented, and what is not:
//
//   - buyer of type Office: documented by the order_created sample.
//   - billing_address, shipping_address: documented there; either may be null.
//   - client: null in the samples, for they show an Office; "the Client's information" where the buyer is one (public:
//     Orders/Show). Its fields id, name, email_addresses, phone_numbers are those of the answers of 2012, where buyer is
//     null; addresses, company and primary_… are those of Clients/Show. Assumption: orders still have them.
//   - buyer of type Client: named by "Processing Orders", never shown. Assumption: it has the fields of a client, or
//     email_address and phone as an Office has them.
type orderBody struct {
	Buyer    object[contact] `json:"buyer"`
	Client   object[contact] `json:"client"`
	Billing  object[address] `json:"billing_address"`
	Shipping object[address] `json:"shipping_address"`
}

type contact struct {
	Type      scalar `json:"type"`
	ID        scalar `json:"id"`
	Name      scalar `json:"name"`
	Company   named  `json:"company"`
	Brokerage named  `json:"brokerage"`

	Email        reach       `json:"email_address"`
	EmailShort   reach       `json:"email"`
	EmailPrimary reach       `json:"primary_email_address"`
	Emails       list[reach] `json:"email_addresses"`

	Phone        reach       `json:"phone"`
	PhoneLong    reach       `json:"phone_number"`
	PhonePrimary reach       `json:"primary_phone_number"`
	Phones       list[reach] `json:"phone_numbers"`

	Address   object[address] `json:"address"`
	Billing   object[address] `json:"primary_billing_address"`
	Shipping  object[address] `json:"primary_shipping_address"`
	Addresses list[address]   `json:"addresses"`
}

// named is a company or brokerage: its name, or an object with it.
type named struct {
	Name  scalar
	Email scalar
}

// UnmarshalJSONFrom reads either.
func (n *named) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*n = named{}
	if dec.PeekKind() != '{' {
		return n.Name.UnmarshalJSONFrom(dec)
	}
	var o struct {
		Name  scalar `json:"name"`
		Email scalar `json:"email"`
	}
	err := json.UnmarshalDecode(dec, &o)
	n.Name, n.Email = o.Name, o.Email
	return err
}

// reach is an e-mail address or a phone number: the bare text, or an object that holds it.
type reach struct{ text string }

// UnmarshalJSONFrom reads either.
func (r *reach) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*r = reach{}
	if dec.PeekKind() != '{' {
		var s scalar
		err := s.UnmarshalJSONFrom(dec)
		r.text = s.text
		return err
	}
	var o struct {
		Address     scalar `json:"address"`
		CountryCode scalar `json:"country_code"`
		Number      scalar `json:"number"`
		Extension   scalar `json:"extension"`
	}
	err := json.UnmarshalDecode(dec, &o)
	r.text = o.Address.text
	if r.text == "" && o.Number.text != "" {
		r.text = strings.TrimSpace(o.CountryCode.text + " " + o.Number.text)
		if o.Extension.text != "" {
			r.text += " x" + o.Extension.text
		}
	}
	return err
}

type address struct {
	Street     scalar `json:"street_address"`
	Extended   scalar `json:"extended_address"`
	Locality   scalar `json:"locality"`
	Region     scalar `json:"region"`
	PostalCode scalar `json:"postal_code"`
	Country    scalar `json:"country_code"`
}

// Buyer reads who bought from the bytes of a webhook or poll whose body is an order; [order.Facts] names the event that
// has it. A Client's address is the billing address, else the shipping address, else the client's own; an Office's is its
// own. Fields that the document lacks are empty.
//
// It returns [provider.ErrMalformed], without a value, if raw is no order or names nobody: neither a name nor an e-mail
// address.
func Buyer(raw []byte) (provider.Buyer, error) {
	f, err := parseForm(raw)
	if err != nil {
		return provider.Buyer{}, err
	}
	var b body
	if err := parseBody(f.body, &b); err != nil {
		return provider.Buyer{}, err
	}
	if s := b.shape(); s == wholeShipment || s == oneItem {
		return provider.Buyer{}, malformed("body", "want an order")
	}
	var o orderBody
	if err := parseBody(f.body, &o); err != nil {
		return provider.Buyer{}, err
	}
	var buyer provider.Buyer
	if b.buyerClass() == order.Office {
		buyer = o.Buyer.v.office()
	} else {
		buyer = o.client()
	}
	if buyer.Name == "" && buyer.Company == "" && buyer.Email == "" {
		return provider.Buyer{}, malformed("body.buyer", "it has neither a name nor an e-mail address")
	}
	return buyer, nil
}

// office reads a broker's office. Its own name tells little ("Main Office"): the brokerage is the company.
func (c contact) office() provider.Buyer {
	return provider.Buyer{
		Class:   order.Office,
		ID:      c.ID.id(),
		Name:    c.Name.text,
		Company: cmp.Or(c.Brokerage.Name.text, c.Company.Name.text),
		Email:   cmp.Or(c.email(), c.Brokerage.Email.text),
		Phone:   c.phone(),
		Address: c.address(),
	}
}

// client reads a member of the public from the client object and, where that is silent, from the buyer. A buyer of some
// type that is no Client's is not asked: it would be somebody else.
func (o orderBody) client() provider.Buyer {
	c, b := o.Client.v, o.Buyer.v
	if w := b.Type.word(); w != "client" && w != "" && o.Client.given {
		b = contact{}
	}
	if cid, bid := c.ID.id(), b.ID.id(); cid != "" && bid != "" && cid != bid {
		b = contact{} // two people: the client is the one who bought
	}
	return provider.Buyer{
		Class:   order.Client,
		ID:      cmp.Or(c.ID.id(), b.ID.id()),
		Name:    cmp.Or(c.Name.text, b.Name.text),
		Company: cmp.Or(c.Company.Name.text, b.Company.Name.text, b.Brokerage.Name.text),
		Email:   cmp.Or(c.email(), b.email()),
		Phone:   cmp.Or(c.phone(), b.phone()),
		Address: cmp.Or(o.Billing.v.plain(), o.Shipping.v.plain(), c.address(), b.address()),
	}
}

func (c contact) email() string {
	return cmp.Or(c.EmailPrimary.text, c.Email.text, c.EmailShort.text, first(c.Emails))
}

func (c contact) phone() string {
	return cmp.Or(c.PhonePrimary.text, c.Phone.text, c.PhoneLong.text, first(c.Phones))
}

func first(l list[reach]) string {
	for _, r := range l.all {
		if r.text != "" {
			return r.text
		}
	}
	return ""
}

func (c contact) address() provider.Address {
	own := cmp.Or(c.Billing.v.plain(), c.Shipping.v.plain(), c.Address.v.plain())
	for _, a := range c.Addresses.all {
		own = cmp.Or(own, a.plain())
	}
	return own
}

func (a address) plain() provider.Address {
	return provider.Address{
		Street: a.Street.text, Extended: a.Extended.text, City: a.Locality.text,
		Region: a.Region.text, PostalCode: a.PostalCode.text, Country: a.Country.text,
	}
}
