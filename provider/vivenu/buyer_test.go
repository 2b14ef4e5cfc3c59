package vivenu

import (
	"errors"
	"reflect"
	"testing"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
)

func TestBuyer(t *testing.T) {
	t.Parallel()
	bodies := samples(t)
	full := provider.Buyer{
		Class: order.Client, ID: "65f0a1b2c3d4e5f600000003", Name: "Isolde Marchbank", Company: "Marchbank Joinery", Email: "isolde.marchbank@example.com",
		Address: provider.Address{Street: "14 Tanners Row", Extended: "Second Bell", City: "Little Hadley", Region: "Wexmoor", PostalCode: "LH9 4QX", Country: "GB"},
	}
	change := func(f func(*provider.Buyer)) provider.Buyer {
		b := full
		f(&b)
		return b
	}
	const tx, intent = "data.transaction.", "data.purchaseIntent."
	const noAddress = tx + "street = null\n" + tx + "line2 = null\n" + tx + "city = null\n" + tx + "state = null\n" + tx + "country = null\n" + tx + "postal = null\n"
	for _, c := range []struct {
		name, fixture, patch string
		want                 provider.Buyer
	}{
		{"Transaction", "transaction_complete", "", full},
		{"Reserved", "transaction_reservedBySystem", "", full},
		{"Polled", "transaction_polled_part", "", full},
		{"PartlyCancelled", "transaction_partiallyCanceled", "", full},
		{"Intent", "purchaseIntent_created", "", full},
		{"FirstAndLastName", "transaction_complete", tx + "name = null", full},
		{"LastNameAlone", "transaction_complete", tx + "name = null\n" + tx + "prename = null", change(func(b *provider.Buyer) { b.Name = "Marchbank" })},
		{"FirstAndLastNameOfAnIntent", "purchaseIntent_created", intent + `name = ""`, full},
		{"PostalAsNumber", "transaction_complete", tx + "postal = 10115", change(func(b *provider.Buyer) { b.Address.PostalCode = "10115" })},
		{"NoID", "transaction_complete", tx + "customerId = null", change(func(b *provider.Buyer) { b.ID = "" })},
		{"CompanyAlone", "transaction_complete", tx + "name = null\n" + tx + "prename = null\n" + tx + "lastname = null\n" + tx + "email = null",
			change(func(b *provider.Buyer) { b.Name, b.Email = "", "" })},
		{"DeliveryAddress", "transaction_complete", noAddress + tx + `deliveryAddress = {"street": "9 Other Lane", "city": "Port Ansel", "name": "Tamsin Okoro"}`,
			change(func(b *provider.Buyer) { b.Address = provider.Address{Street: "9 Other Lane", City: "Port Ansel"} })},
		{"NoAddress", "transaction_complete", noAddress + tx + "deliveryAddress = []", change(func(b *provider.Buyer) { b.Address = provider.Address{} })},
		{"DeliveryAddressOfAnIntent", "purchaseIntent_created", intent + "address = null", full},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Buyer([]byte(providertest.Patch(t, bodies[c.fixture], c.patch)))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
	want := change(func(b *provider.Buyer) { b.Phone = "+44 1632 960117" })
	for _, patch := range []string{"", "data.customer.name delete", `data.customer.location.center = "?"`} {
		got, err := Customer([]byte(providertest.Patch(t, bodies["customer_updated"], patch)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("customer with %q: got %+v, %v; want %+v", patch, got, err, want)
		}
	}
}

func TestBuyerRefuses(t *testing.T) {
	t.Parallel()
	const nobody = ": it has neither a name nor an e-mail address"
	for _, c := range []struct {
		name, raw, want string
		read            func([]byte) (provider.Buyer, error)
	}{
		{"Empty", "", "body: it is missing", Buyer},
		{"NoJSON", "{", "body: it is not JSON", Buyer},
		{"NoData", "{}", "data: want an object", Buyer},
		{"Ticket", `{"data": {"ticket": {"name": "Isolde Marchbank"}}}`, "data: want a transaction or a purchase intent", Buyer},
		{"Customer", sample(t, "customer_created"), "data: want a transaction or a purchase intent", Buyer},
		{"Nobody", `{"data": {"transaction": {}}}`, "data.transaction" + nobody, Buyer},
		{"NobodyInAnIntent", `{"data": {"purchaseIntent": {"name": null}}}`, "data.purchaseIntent" + nobody, Buyer},
		{"WrongEverywhere", `{"data": {"transaction": {"name": [], "email": {}, "company": [1], "address": 7, "deliveryAddress": "x"}}}`, "data.transaction" + nobody, Buyer},
		{"CustomerEmpty", " ", "body: it is missing", Customer},
		{"CustomerTransaction", sample(t, "transaction_complete"), "data.customer: want an object", Customer},
		{"CustomerNobody", `{"data": {"customer": {"_id": "1"}}}`, "data.customer" + nobody, Customer},
	} {
		got, err := c.read([]byte(c.raw))
		want := provider.ErrMalformed.Error() + ": " + c.want
		if !errors.Is(err, provider.ErrMalformed) || err.Error() != want || !reflect.DeepEqual(got, provider.Buyer{}) {
			t.Errorf("%s: got %+v, %v; want %s", c.name, got, err, want)
		}
	}
}
