package tevo

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
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
	Buyer    wire.Object[contact] `json:"buyer"`
	Client   wire.Object[contact] `json:"client"`
	Billing  wire.Object[address] `json:"billing_address"`
	Shipping wire.Object[address] `json:"shipping_address"`
}

type contact struct {
	Type      wire.Scalar `json:"type"`
	ID        wire.Scalar `json:"id"`
	Name      wire.Scalar `json:"name"`
	Company   named       `json:"company"`
	Brokerage named       `json:"brokerage"`

	Email        reach            `json:"email_address"`
	EmailShort   reach            `json:"email"`
	EmailPrimary reach            `json:"primary_email_address"`
	Emails       wire.List[reach] `json:"email_addresses"`

	Phone        reach            `json:"phone"`
	PhoneLong    reach            `json:"phone_number"`
	PhonePrimary reach            `json:"primary_phone_number"`
	Phones       wire.List[reach] `json:"phone_numbers"`

	Address   wire.Object[address] `json:"address"`
	Billing   wire.Object[address] `json:"primary_billing_address"`
	Shipping  wire.Object[address] `json:"primary_shipping_address"`
	Addresses wire.List[address]   `json:"addresses"`
}

// named is a company or brokerage: its name, or an object with it.
type named struct {
	Name  wire.Scalar
	Email wire.Scalar
}

// UnmarshalJSONFrom reads either.
func (n *named) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*n = named{}
	if dec.PeekKind() != '{' {
		return n.Name.UnmarshalJSONFrom(dec)
	}
	var o struct {
		Name  wire.Scalar `json:"name"`
		Email wire.Scalar `json:"email"`
	}
	err := json.UnmarshalDecode(dec, &o)
	n.Name, n.Email = o.Name, o.Email
	return err
}

// reach is an e-mail address or a phone number: the bare text, or an object that holds it.
type reach struct{ Text string }

// UnmarshalJSONFrom reads either.
func (r *reach) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*r = reach{}
	if dec.PeekKind() != '{' {
		var s wire.Scalar
		err := s.UnmarshalJSONFrom(dec)
		r.Text = s.Text
		return err
	}
	var o struct {
		Address     wire.Scalar `json:"address"`
		CountryCode wire.Scalar `json:"country_code"`
		Number      wire.Scalar `json:"number"`
		Extension   wire.Scalar `json:"extension"`
	}
	err := json.UnmarshalDecode(dec, &o)
	r.Text = o.Address.Text
	if r.Text == "" && o.Number.Text != "" {
		r.Text = strings.TrimSpace(o.CountryCode.Text + " " + o.Number.Text)
		if o.Extension.Text != "" {
			r.Text += " x" + o.Extension.Text
		}
	}
	return err
}

type address struct {
	Street     wire.Scalar `json:"street_address"`
	Extended   wire.Scalar `json:"extended_address"`
	Locality   wire.Scalar `json:"locality"`
	Region     wire.Scalar `json:"region"`
	PostalCode wire.Scalar `json:"postal_code"`
	Country    wire.Scalar `json:"country_code"`
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
		return provider.Buyer{}, provider.Malformed("body", "want an order")
	}
	var o orderBody
	if err := parseBody(f.body, &o); err != nil {
		return provider.Buyer{}, err
	}
	var buyer provider.Buyer
	if b.buyerClass() == order.Office {
		buyer = o.Buyer.V.office()
	} else {
		buyer = o.client()
	}
	if buyer.Name == "" && buyer.Company == "" && buyer.Email == "" {
		return provider.Buyer{}, provider.Malformed("body.buyer", "it has neither a name nor an e-mail address")
	}
	return buyer, nil
}

// office reads a broker's office. Its own name tells little ("Main Office"): the brokerage is the company.
func (c contact) office() provider.Buyer {
	return provider.Buyer{
		Class:   order.Office,
		ID:      c.ID.ID(),
		Name:    c.Name.Text,
		Company: cmp.Or(c.Brokerage.Name.Text, c.Company.Name.Text),
		Email:   cmp.Or(c.email(), c.Brokerage.Email.Text),
		Phone:   c.phone(),
		Address: c.address(),
	}
}

// client reads a member of the public from the client object and, where that is silent, from the buyer. A buyer of some
// type that is no Client's is not asked: it would be somebody else.
func (o orderBody) client() provider.Buyer {
	c, b := o.Client.V, o.Buyer.V
	if w := b.Type.Word(); w != "client" && w != "" && o.Client.Given {
		b = contact{}
	}
	if cid, bid := c.ID.ID(), b.ID.ID(); cid != "" && bid != "" && cid != bid {
		b = contact{} // two people: the client is the one who bought
	}
	return provider.Buyer{
		Class:   order.Client,
		ID:      cmp.Or(c.ID.ID(), b.ID.ID()),
		Name:    cmp.Or(c.Name.Text, b.Name.Text),
		Company: cmp.Or(c.Company.Name.Text, b.Company.Name.Text, b.Brokerage.Name.Text),
		Email:   cmp.Or(c.email(), b.email()),
		Phone:   cmp.Or(c.phone(), b.phone()),
		Address: cmp.Or(o.Billing.V.plain(), o.Shipping.V.plain(), c.address(), b.address()),
	}
}

func (c contact) email() string {
	return cmp.Or(c.EmailPrimary.Text, c.Email.Text, c.EmailShort.Text, first(c.Emails))
}

func (c contact) phone() string {
	return cmp.Or(c.PhonePrimary.Text, c.Phone.Text, c.PhoneLong.Text, first(c.Phones))
}

func first(l wire.List[reach]) string {
	for _, r := range l.All {
		if r.Text != "" {
			return r.Text
		}
	}
	return ""
}

func (c contact) address() provider.Address {
	own := cmp.Or(c.Billing.V.plain(), c.Shipping.V.plain(), c.Address.V.plain())
	for _, a := range c.Addresses.All {
		own = cmp.Or(own, a.plain())
	}
	return own
}

func (a address) plain() provider.Address {
	return provider.Address{
		Street: a.Street.Text, Extended: a.Extended.Text, City: a.Locality.Text,
		Region: a.Region.Text, PostalCode: a.PostalCode.Text, Country: a.Country.Text,
	}
}
