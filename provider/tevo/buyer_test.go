package tevo

import (
	"errors"
	"reflect"
	"testing"

	"willcall/order"
	"willcall/provider"
)

func TestBuyer(t *testing.T) {
	t.Parallel()
	forms := samples(t)
	full := provider.Buyer{
		Class: order.Client, ID: "30117", Name: "Wren Pemberly", Email: "wren.pemberly@example.com", Phone: "+1 201-555-0117 x12",
		Address: provider.Address{Street: "3 Example Lane", City: "Brantley", Region: "IL", PostalCode: "00004", Country: "US"},
	}
	tevo := provider.Buyer{
		Class: order.Office, ID: "6", Name: "Main Office", Company: "Ticket Evolution", Email: "orders@tevo.example.com", Phone: "201-555-0199",
		Address: provider.Address{Street: "12 Sample Street", Extended: "Third Floor", City: "Fairhaven", Region: "NY", PostalCode: "00001", Country: "US"},
	}
	change := func(b provider.Buyer, f func(*provider.Buyer)) provider.Buyer {
		f(&b)
		return b
	}
	for _, c := range []struct {
		name, fixture, patch string
		want                 provider.Buyer
	}{
		{"Whole", "seller_order_created_client", "", full},
		{"BuyerNull", "seller_order_created_client", "buyer = null", full},
		{"BuyerWithoutType", "seller_order_created_client", "buyer.type delete", full},
		{"IDsAsText", "seller_order_created_client", "buyer.id = \"30117\"\nclient.id = \"30117\"", full},
		{"ClientNull", "seller_order_created_client", "client = null", change(full, func(b *provider.Buyer) { b.Phone = "201-555-0117" })},
		{"ClientEmpty", "seller_order_created_client", "client = {}", change(full, func(b *provider.Buyer) { b.Phone = "201-555-0117" })},
		{"ClientWithoutEmail", "seller_order_created_client", "client.email_addresses = []", full},
		{"ClientWithoutPhone", "seller_order_created_client", "client.phone_numbers = null", change(full, func(b *provider.Buyer) { b.Phone = "201-555-0117" })},
		{"EmailsAsTexts", "seller_order_created_client", `client.email_addresses = [null, "", "wren.pemberly@example.com"]`, full},
		{"EmailAsObject", "seller_order_created_client", "client = null\n" + `buyer.email_address = {"id": 1, "address": "wren.pemberly@example.com"}`,
			change(full, func(b *provider.Buyer) { b.Phone = "201-555-0117" })},
		{"PrimaryFirst", "seller_order_created_client", `client.primary_email_address = {"address": "wren@example.com"}` + "\n" + `client.primary_phone_number = {"number": "201-555-0100"}`,
			change(full, func(b *provider.Buyer) { b.Email, b.Phone = "wren@example.com", "201-555-0100" })},
		{"PhoneAsNumber", "seller_order_created_client", "client = null\nbuyer.phone = 2015550117", change(full, func(b *provider.Buyer) { b.Phone = "2015550117" })},
		{"Company", "seller_order_created_client", `client.company = {"id": 4, "name": "Quarry Works"}`, change(full, func(b *provider.Buyer) { b.Company = "Quarry Works" })},
		{"CompanyAsText", "seller_order_created_client", `client.company = "Quarry Works"`, change(full, func(b *provider.Buyer) { b.Company = "Quarry Works" })},
		{"ShippingAddress", "seller_order_created_client", "billing_address = null\n" + `shipping_address = {"street_address": "9 Other Lane", "locality": "Kingsferry", "region": "TX", "postal_code": 12345, "country_code": "US"}`,
			change(full, func(b *provider.Buyer) {
				b.Address = provider.Address{Street: "9 Other Lane", City: "Kingsferry", Region: "TX", PostalCode: "12345", Country: "US"}
			})},
		{"BillingBeforeShipping", "seller_order_created_client", `shipping_address = {"locality": "Kingsferry"}`, full},
		{"OwnAddress", "seller_order_created_client", "billing_address = null\n" + `client.addresses = [{}, {"locality": "Kingsferry"}]`,
			change(full, func(b *provider.Buyer) { b.Address = provider.Address{City: "Kingsferry"} })},
		{"NoAddress", "seller_order_created_client", "billing_address = null", change(full, func(b *provider.Buyer) { b.Address = provider.Address{} })},
		{"TwoPeople", "seller_order_created_client", `buyer = {"type": "Client", "id": 4, "name": "Odalys Penn", "company": "Not Hers"}`, full},
		{"BuyerOfAnotherType", "seller_order_created_client", `buyer = {"type": "Affiliate", "name": "Carousel", "company": "Carousel Tickets"}`, full},
		{"OfficeIsNotAskedForItsClient", "seller_order_created", `client = {"id": 30117, "name": "Wren Pemberly"}`, tevo},
		{"OfficeWithoutAddressOfItsOwn", "seller_order_created", "buyer.email_address = null", change(tevo, func(b *provider.Buyer) { b.Email = "billing@tevo.example.com" })},
		{"OfficeWithoutBrokerage", "seller_order_created", "buyer.brokerage = null", change(tevo, func(b *provider.Buyer) { b.Company = "" })},
		{"Poll", "poll_completed", "", tevo},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Buyer([]byte(with(t, forms[c.fixture], c.patch).Encode()))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestBuyerRefuses(t *testing.T) {
	t.Parallel()
	forms := samples(t)
	nobody := "body.buyer: it has neither a name nor an e-mail address"
	for _, c := range []struct{ name, raw, want string }{
		{"Empty", "", "event_type: it is missing"},
		{"NoBody", "event_type=order_created", "body: it is missing"},
		{"NoJSON", "event_type=order_created&body={", "body: it is not JSON"},
		{"Shipment", forms["seller_airbill_uploaded"].Encode(), "body: want an order"},
		{"Item", forms["seller_etickets_finalized"].Encode(), "body: want an order"},
		{"Nobody", "event_type=order_created&body={}", nobody},
		{"NullsEverywhere", `event_type=order_created&body={"buyer":null,"client":null,"billing_address":null,"shipping_address":null}`, nobody},
		{"WrongEverywhere", `event_type=order_created&body={"buyer":[1],"client":"x","billing_address":7,"shipping_address":false}`, nobody},
		{"WrongWithin", `event_type=order_created&body={"client":{"name":[],"company":[],"email_addresses":{"a":1},"phone_numbers":[[1]],"addresses":[2]}}`, nobody},
	} {
		got, err := Buyer([]byte(c.raw))
		want := provider.ErrMalformed.Error() + ": " + c.want
		if !errors.Is(err, provider.ErrMalformed) || err.Error() != want || !reflect.DeepEqual(got, provider.Buyer{}) {
			t.Errorf("%s: got %+v, %v; want %s", c.name, got, err, want)
		}
	}
}
