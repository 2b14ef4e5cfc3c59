package ltd

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
)

// TestDecodeRefuses has one fault a case, and the field that is named for it.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	docs := samples(t)
	const notMoney = "not an amount of money: want digits with at most one point"
	for _, c := range []struct{ fixture, patch, want string }{
		{"transaction_changed", `MessageType = null`, "MessageType: it is missing"},
		{"transaction_changed", `MessageType = {}`, "MessageType: it is missing"},
		{"transaction_changed", `Payload delete`, "Payload: want an object"},
		{"transaction_changed", `Payload = null`, "Payload: want an object"},
		{"transaction_changed", `Payload = []`, "Payload: want an object"},
		{"transaction_changed", `Payload = "{}"`, "Payload: want an object"},
		{"transaction_changed", `Payload = {}`, "Payload.BookingReference: want an id"},
		{"transaction_changed", `Payload.BookingReference = null`, "Payload.BookingReference: want an id"},
		{"transaction_changed", `Payload.BookingReference = "CSK/46133"`, "Payload.BookingReference: want an id"},
		{"transaction_changed", `Payload.BookingReference = 1e400`, "Payload.BookingReference: want an id"},
		{"transaction_changed", `Payload.BookingReference = ["CSK46133"]`, "Payload.BookingReference: want an id"},
		{"transaction_changed", `Payload.BasketId = {}`, "Payload.BasketId: want an id"},
		{"transaction_changed", `Payload.BasketId = "../1"`, "Payload.BasketId: want an id"},
		{"transaction_changed", `Timestamp = "yesterday"`, "Timestamp: want a time"},
		{"transaction_changed", `Timestamp = 1709627171`, "Timestamp: want a time"},
		{"transaction_changed", `Timestamp = "0001-01-01T00:00:00Z"`, "Timestamp: want a time"},
		{"transaction_changed", `Payload.TotalAmount = null`, "Payload.TotalAmount: it is missing"},
		{"transaction_changed", `Payload.TotalAmount = ""`, "Payload.TotalAmount: it is missing"},
		{"transaction_changed", `Payload.TotalAmount delete`, "Payload.TotalAmount: it is missing"},
		{"transaction_changed", `Payload.TotalAmount = "£108"`, "Payload.TotalAmount: " + notMoney},
		{"transaction_changed", `Payload.TotalAmount = "1,080.00"`, "Payload.TotalAmount: " + notMoney},
		{"transaction_changed", `Payload.TotalAmount = 1e400`, "Payload.TotalAmount: " + notMoney},
		{"transaction_changed", `Payload.TotalAmount = 99999999999999999999999999`, "Payload.TotalAmount: " + notMoney},
		{"transaction_changed", `Payload.TotalAmount = true`, "Payload.TotalAmount: " + notMoney},
		{"transaction_changed", `Payload.TotalAmount = {"Amount": 108}`, "Payload.TotalAmount: " + notMoney},
		{"transaction_changed", `Payload.TotalAmount = 108.005`, "Payload.TotalAmount: not an amount of money: it is finer than the currency's minor unit"},
		{"transaction_changed", `Payload.TotalAmount = -108`, "Payload.TotalAmount: it is negative"},
		{"transaction_changed", `Payload.Orders delete`, "Payload.Orders: it has no tickets"},
		{"transaction_changed", `Payload.Orders = null`, "Payload.Orders: it has no tickets"},
		{"transaction_changed", `Payload.Orders = []`, "Payload.Orders: it has no tickets"},
		{"transaction_changed", `Payload.Orders = [null]`, "Payload.Orders: it has no tickets"},
		{"transaction_changed", `Payload.Orders = {"0": {}}`, "Payload.Orders: want a list of orders"},
		{"transaction_changed", `Payload.Orders = [7]`, "Payload.Orders: want a list of orders"},
		{"transaction_changed", `Payload.Orders.0.Tickets = null`, "Payload.Orders: it has no tickets"},
		{"transaction_changed", `Payload.Orders.0.Tickets = []`, "Payload.Orders: it has no tickets"},
		{"transaction_changed", `Payload.Orders.0.Tickets = "E15"`, "Payload.Orders[0].Tickets: want a list of tickets"},
		{"transaction_changed", `Payload.Orders.0.Tickets = ["E15"]`, "Payload.Orders[0].Tickets: want a list of tickets"},
		{"transaction_changed", `Payload.Orders.0.Tickets.1 = null`, "Payload.Orders[0].Tickets[1]: it is empty"},
		{"transaction_changed", `Payload.Orders.0.Tickets.1 = {"Price": 3}`, "Payload.Orders[0].Tickets[1]: it is empty"},
		{"transaction_changed", `Payload.Orders.0.Tickets.1.Status = ["Cancelled"]`, "Payload.Orders[0].Tickets[1].Status: want a text"},
		{"transaction_changed", `Payload.Orders.0.Tickets.1.SeatInfo = {"Row": "J"}`, "Payload.Orders[0].Tickets[1].SeatInfo: want a text"},
		{"transaction_changed", `Payload.Orders.0.Tickets.1.Barcode = []`, "Payload.Orders[0].Tickets[1].Barcode: want a text"},
		{"transaction_changed", `Payload.Orders.0.EventId = 3868.5`, "Payload.Orders[0].EventId: want an id"},
		{"transaction_changed", `Payload.Orders.0.EventId = {}`, "Payload.Orders[0].EventId: want an id"},
		{"transaction_changed", `Payload.Orders.0.PerformanceTimeDate = "soon"`, "Payload.Orders[0].PerformanceTimeDate: want a time"},
		{"transaction_changed", `Payload.Orders.0.PerformanceTimeDate = {}`, "Payload.Orders[0].PerformanceTimeDate: want a time"},
		{"scheduled_eticket_delivery", `Payload.AffiliateId = null`, "Payload.AffiliateId: want our own"},
		{"scheduled_eticket_delivery", `Payload.AffiliateId = {}`, "Payload.AffiliateId: want our own"},
		{"scheduled_eticket_delivery", `Payload.AffiliateId = "281ffaaa"`, "Payload.AffiliateId: want our own"},
		{"scheduled_eticket_delivery", `Payload.Tickets = null`, "Payload.Tickets: it is missing or empty"},
		{"scheduled_eticket_delivery", `Payload.Tickets = []`, "Payload.Tickets: it is missing or empty"},
		{"scheduled_eticket_delivery", `Payload.Tickets = {}`, "Payload.Tickets: want a list of tickets"},
		{"scheduled_eticket_delivery", `Payload.Tickets.1 = null`, "Payload.Tickets[1]: it is empty"},
		{"scheduled_eticket_delivery", `Payload.Tickets.1.PerformanceDate = "soon"`, "Payload.Tickets[1].PerformanceDate: want a time"},
		{"scheduled_eticket_delivery", `Payload.Tickets.1.TicketName1 = []`, "Payload.Tickets[1].TicketName1: want a text"},
		{"scheduled_eticket_delivery", `Payload.Tickets.1.TicketName2 = []`, "Payload.Tickets[1].TicketName2: want a text"},
		{"scheduled_eticket_delivery", `Payload.Tickets.1.Barcode = {}`, "Payload.Tickets[1].Barcode: want a text"},
		{"basket_polled", `Payload.AffiliateId = "1"`, "Payload.AffiliateId: want our own"},
	} {
		refused(t, c.fixture+" with "+c.patch, providertest.Patch(t, docs[c.fixture], c.patch), gbp, c.want)
	}
	booking, issued := docs["transaction_changed"], docs["scheduled_eticket_delivery"]
	many := func(one string) string { return "[" + strings.Repeat(one+",", maxTickets) + one + "]" }
	refused(t, "many tickets", providertest.Patch(t, booking, "Payload.Orders.0.Tickets = "+many(`{"SeatInfo":"A1"}`)), gbp, "Payload.Orders: there are too many tickets")
	refused(t, "many tickets", providertest.Patch(t, issued, "Payload.Tickets = "+many(`{"TicketName1":"A"}`)), gbp, "Payload.Tickets: there are too many")
	refused(t, "no currency", booking, Settings{AffiliateID: affiliate}, "Payload.TotalAmount: not an amount of money: the currency must be three capital letters")
	refused(t, "no affiliate", issued, Settings{Currency: "GBP"}, "Payload.AffiliateId: want our own")
	refused(t, "no affiliate and none given", providertest.Patch(t, issued, `Payload.AffiliateId = ""`), Settings{Currency: "GBP"}, "Payload.AffiliateId: want our own")
	for body, want := range map[string]string{
		"": "body: it is missing", " \n": "body: it is missing", "null": "body: want a JSON object", "[]": "body: want a JSON object",
		"MessageType=TransactionChanged": "body: want a JSON object", booking[:len(booking)/2]: "body: it is not JSON", booking + "}": "body: it is not JSON",
		`{"MessageType": }`: "body: it is not JSON", strings.Repeat(`{"Payload":`, 20_000): "body: it is not JSON",
	} {
		refused(t, fmt.Sprintf("%.40q", body), body, gbp, want)
	}
}

func refused(t *testing.T, what, body string, s Settings, want string) {
	t.Helper()
	out, err := Decode(delivery("1", body), s)
	providertest.Refused(t, what, out, err, want)
	if out.OrderID != "" && out.Kind != order.Sale {
		t.Errorf("%s: got an order of kind %q", what, out.Kind)
	}
}

// TestARefusedMessageIsStillOfItsOrder lets an operator see which booking waits.
func TestARefusedMessageIsStillOfItsOrder(t *testing.T) {
	t.Parallel()
	out, err := Decode(delivery("1", providertest.Patch(t, sample(t, "transaction_changed"), "Payload.Orders = null")), gbp)
	if err == nil || out.Type != changed || out.OrderID != "CSK46133" || out.Kind != order.Sale {
		t.Errorf("got %+v, %v; want type, order and side beside the error", out, err)
	}
}

func TestUnknownTypesAreNoError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"MessageType":"Ping"}`, `{"MessageType":"Ping","Payload":null}`, `{"MessageType":7,"Payload":[]}`,
		`{"MessageType":"` + strings.Repeat("é", 1000) + `"}`,
	} {
		out, err := Decode(delivery("1", body), gbp)
		if err != nil || out.Disposition != provider.Unknown || out.Event != nil || len(out.Type) > 256 || out.Type == "" {
			t.Errorf("%.40s: got %+v, %v; want unknown", body, out, err)
		}
	}
}

func TestBuyerRefuses(t *testing.T) {
	t.Parallel()
	booking := sample(t, "transaction_changed")
	for body, want := range map[string]string{
		"":                                      "body: it is missing",
		booking[:100]:                           "body: it is not JSON",
		sample(t, "scheduled_eticket_delivery"): "MessageType: want TransactionChanged",
		sample(t, "basket_polled"):              "MessageType: want TransactionChanged",
		providertest.Patch(t, booking, "Payload.Customer = null"):                                               "Payload.Customer: it has neither a name nor an e-mail address",
		providertest.Patch(t, booking, "Payload.Customer = [1]"):                                                "Payload.Customer: it has neither a name nor an e-mail address",
		providertest.Patch(t, booking, "Payload = null"):                                                        "Payload.Customer: it has neither a name nor an e-mail address",
		providertest.Patch(t, booking, "Payload.Customer.FullName = \"\"\nPayload.Customer.Email = {\"a\": 1}"): "Payload.Customer: it has neither a name nor an e-mail address",
	} {
		b, err := Buyer([]byte(body))
		if !errors.Is(err, provider.ErrMalformed) || err.Error() != "cannot be decoded: "+want || b != (provider.Buyer{}) {
			t.Errorf("%.60q: got %+v, %v; want %s", body, b, err, want)
		}
	}
}

func TestBuyerDrift(t *testing.T) {
	t.Parallel()
	booking := sample(t, "transaction_created")
	for patch, want := range map[string]func(*provider.Buyer){
		`Payload.Customer.PhoneNumber = 442079460000`:                                    func(b *provider.Buyer) { b.Phone = "442079460000" },
		`Payload.Customer.FullName = null`:                                               func(b *provider.Buyer) { b.Name = "" },
		`Payload.Customer.Email = null`:                                                  func(b *provider.Buyer) { b.Email = "" },
		`Payload.Customer.Address = ""`:                                                  func(b *provider.Buyer) { b.Address = provider.Address{} },
		`Payload.Customer.Address.AddressLine1 = null`:                                   func(b *provider.Buyer) { b.Address.Street, b.Address.Extended = "14 Sample Mews", "Near the canal" },
		"Payload.Orders = 7\nTimestamp = \"soon\"\nMessageType = \"transactionchanged\"": func(*provider.Buyer) {},
	} {
		b, err := Buyer([]byte(booking))
		if err != nil {
			t.Fatal(err)
		}
		want(&b)
		got, err := Buyer([]byte(providertest.Patch(t, booking, patch)))
		if err != nil || got != b {
			t.Errorf("%s: got %+v, %v; want %+v", patch, got, err, b)
		}
	}
}
