package vivenu

import (
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
)

// TestDecodeRefuses has one fault a case, and the field that is named for it.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	bodies := samples(t)
	const tickets = "data.transaction.tickets"
	for _, c := range []struct{ fixture, patch, want string }{
		{"transaction_complete", `type = null`, "type: it is missing"},
		{"transaction_complete", `type = ""`, "type: it is missing"},
		{"transaction_complete", `type = ["transaction.complete"]`, "type: it is missing"},
		{"transaction_complete", `data delete`, "data: want an object"},
		{"transaction_complete", `data = []`, "data: want an object"},
		{"transaction_complete", `data = "{}"`, "data: want an object"},
		{"transaction_complete", `data = {}`, "data.transaction: want an object"},
		{"transaction_complete", `data.transaction = null`, "data.transaction: want an object"},
		{"transaction_complete", `data.transaction = [{"_id": "1"}]`, "data.transaction: want an object"},
		{"transaction_complete", `data.transaction._id = null`, "data.transaction._id: want an id"},
		{"transaction_complete", `data.transaction._id = "65/../f0"`, "data.transaction._id: want an id"},
		{"transaction_complete", `data.transaction._id = {"$oid": "65f0"}`, "data.transaction._id: want an id"},
		{"transaction_complete", `data.transaction.updatedAt = "yesterday"`, "data.transaction.updatedAt: want a time"},
		{"transaction_complete", `data.transaction.updatedAt = 1772355900000`, "data.transaction.updatedAt: want a time"},
		{"transaction_complete", `data.tickets = {"0": {}}`, "data.tickets: want a list of tickets"},
		{"transaction_complete", `data.tickets = "none"`, "data.tickets: want a list of tickets"},
		{"transaction_complete", `data.tickets = ["65f0"]`, "data.tickets: want a list of tickets"},
		{"transaction_complete", `data.tickets.0 = null`, "data.tickets[0]._id: want an id"},
		{"transaction_complete", `data.tickets.1._id = 1.5`, "data.tickets[1]._id: want an id"},
		{"transaction_complete", `data.tickets.1._id = "65f0a1b2c3d4e5f60000000b"`, "data.tickets[1]._id: another ticket has the same"},
		{"transaction_complete", `data.tickets.0.realPrice delete`, "data.tickets[0].realPrice: it is missing"},
		{"transaction_complete", `data.tickets.0.realPrice = "about 29"`, "data.tickets[0].realPrice: want an amount of money"},
		{"transaction_complete", `data.tickets.0.realPrice = {"amount": 29}`, "data.tickets[0].realPrice: want an amount of money"},
		{"transaction_complete", `data.tickets.0.realPrice = 29.505`, "data.tickets[0].realPrice: it is finer than the currency's minor unit"},
		{"transaction_complete", `data.tickets.0.realPrice = -29.5`, "data.tickets[0].realPrice: it is negative"},
		{"transaction_complete", `data.tickets.0.currency = "euro"`, "data.tickets[0].realPrice: its currency must be three capital letters"},
		{"transaction_complete", "data.tickets.0.currency delete\ndata.transaction.currency delete", "data.tickets[0].realPrice: its currency must be three capital letters"},
		{"transaction_reservedBySystem", tickets + ` = "two"`, tickets + ": want a list of tickets"},
		{"transaction_reservedBySystem", tickets + ` = []`, tickets + ": it is missing or empty"},
		{"transaction_reservedBySystem", tickets + ` delete`, tickets + ": it is missing or empty"},
		{"transaction_reservedBySystem", tickets + `.0._id delete`, tickets + "[0]._id: want an id"},
		{"transaction_reservedBySystem", tickets + `.0.amount = 0`, tickets + "[0].amount: want a whole number from 1 to 10000"},
		{"transaction_reservedBySystem", tickets + `.0.amount = 1.5`, tickets + "[0].amount: want a whole number from 1 to 10000"},
		{"transaction_reservedBySystem", tickets + `.0.price = null`, tickets + "[0].price: it is missing"},
		{"transaction_reservedBySystem", tickets + `.1 = {"_id": "65f0a1b2c3d4e5f600000033", "amount": 1, "price": 1}`, tickets + "[1]._id: another item has the same"},
		{"transaction_partiallyCanceled", `data.transaction._id = ""`, "data.transaction._id: want an id"},
		{"transaction_canceled", `data.transaction._id = ""`, "data.transaction._id: want an id"},
		{"ticket_created", `data.ticket = "65f0"`, "data.ticket: want an object"},
		{"ticket_created", `data.ticket._id = "a b"`, "data.ticket._id: want an id"},
		{"ticket_created", `data.ticket.transactionId = "a b"`, "data.ticket.transactionId: want an id"},
		{"ticket_created", `data.ticket.updatedAt = "?"`, "data.ticket.updatedAt: want a time"},
		{"ticket_created_transfer", `data.ticket.originTicketId = []`, "data.ticket.originTicketId: want an id"},
		{"ticket_checkin", `data.ticket._id = "a b"`, "data.ticket._id: want an id"},
		{"ticket_checkin_id", `data.ticketId = "a b"`, "data.ticketId: want an id"},
		{"scan_created", `data.scan = null`, "data.scan: want an object"},
		{"scan_created", `data.scan.ticketId = null`, "data.scan.ticketId: want an id"},
		{"ticketTransfer_created", `data.ticketTransfer delete`, "data.ticketTransfer: want an object"},
		{"ticketTransfer_created", `data.ticketTransfer.ticketIds = []`, "data.ticketTransfer.ticketIds: want an id"},
		{"ticketTransfer_created", `data.ticketTransfer.ticketIds = "65f0"`, "data.ticketTransfer.ticketIds: want a list of ids"},
		{"ticketTransfer_created", `data.ticketTransfer.ticketIds.0 = "a b"`, "data.ticketTransfer.ticketIds: want an id"},
		{"ticketTransfer_transferred", `data.ticketTransfer.outcome.tickets = 1`, "data.ticketTransfer.outcome.tickets: want a list of tickets"},
		{"ticketTransfer_transferred", `data.ticketTransfer.outcome.tickets.0.ticketId delete`, "data.ticketTransfer.outcome.tickets[0].ticketId: want an id"},
		{"ticketTransfer_transferred", `data.ticketTransfer.outcome.tickets.1.originTicketId = null`, "data.ticketTransfer.outcome.tickets[1].originTicketId: want an id"},
		{"checkout_aborted", `data.checkout = []`, "data.checkout: want an object"},
		{"checkout_aborted", `data.checkout._id = null`, "data.checkout._id: want an id"},
		{"customer_created", `data.customer._id = null`, "data.customer._id: want an id"},
		{"event_updated", `data.event = null`, "data.event: want an object"},
		{"event_updated", `data.event.updatedAt = "soon"`, "data.event.updatedAt: want a time"},
		{"support_assignedToSeller", `data.support._id = null`, "data.support._id: want an id"},
		{"support_assignedToSeller", `data.support.transactionId = "a b"`, "data.support.transactionId: want an id"},
		{"purchaseIntent_created", `data.purchaseIntent = null`, "data.purchaseIntent: want an object"},
		{"purchaseIntent_created", `data.purchaseIntent._id = null`, "data.purchaseIntent._id: want an id"},
		{"purchaseIntent_created", `data.purchaseIntent.tickets = null`, "data.purchaseIntent.tickets: it is missing or empty"},
		{"purchaseIntent_created", `data.purchaseIntent.tickets.0.amount delete`, "data.purchaseIntent.tickets[0].amount: want a whole number from 1 to 10000"},
		{"purchaseIntent_created", `data.purchaseIntent.currency = null`, "data.purchaseIntent.tickets[0].price: its currency must be three capital letters"},
		{"purchaseIntent_approved", `data.purchaseIntent.transactionId = "a b"`, "data.purchaseIntent.transactionId: want an id"},
		{"purchaseIntent_approved", `data.purchaseIntent.updatedAt = "?"`, "data.purchaseIntent.updatedAt: want a time"},
	} {
		out, err := Decode(delivery("1", providertest.Patch(t, bodies[c.fixture], c.patch)), ours)
		providertest.Refused(t, c.fixture+" with "+c.patch, out, err, c.want)
	}
	many := "[" + strings.Repeat("{},", maxLines) + "{}]"
	for fixture, path := range map[string]string{
		"transaction_complete": "data.tickets", "transaction_reservedBySystem": tickets,
		"purchaseIntent_created": "data.purchaseIntent.tickets", "ticketTransfer_transferred": "data.ticketTransfer.outcome.tickets",
	} {
		out, err := Decode(delivery("1", providertest.Patch(t, bodies[fixture], path+" = "+many)), ours)
		providertest.Refused(t, "501 tickets", out, err, path+": there are too many")
	}
}

func TestDecodeWire(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"Empty", "", "body: it is missing"},
		{"Blank", " \n", "body: it is missing"},
		{"Null", "null", "body: want a JSON object"},
		{"List", `[{"type": "ticket.created"}]`, "body: want a JSON object"},
		{"Text", "hello", "body: want a JSON object"},
		{"Form", "type=ticket.created", "body: want a JSON object"},
		{"Nothing", "{}", "type: it is missing"},
		{"Cut", `{"type": "ticket.created", "data": {"ticket"`, "body: it is not JSON"},
		{"Two", `{"type": "ticket.created"}{}`, "body: it is not JSON"},
		{"Deep", `{"type": "ticket.created", "data": ` + strings.Repeat("[", 200_000), "body: it is not JSON"},
		{"DeepUnread", `{"type": "ticket.created", "x": ` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}", "body: it is not JSON"},
		{"NotUTF8", "{\"type\": \"ticket.created\", \"data\": {\"ticket\": {\"_id\": \"\xff\"}}}", "data.ticket._id: want an id"},
		{"NoData", `{"type": "ticket.created"}`, "data: want an object"},
	} {
		out, err := Decode(provider.Delivery{Body: []byte(c.body), Received: received}, ours)
		providertest.Refused(t, c.name, out, err, c.want)
	}
	for _, c := range []struct {
		name, body, typ string
		want            provider.Disposition
	}{
		{"Unprintable", `{"type": "a\u0000b\u001b[31m"}`, "ab[31m", provider.Unknown},
		{"Long", `{"type": "` + strings.Repeat("é", 500) + `"}`, strings.Repeat("é", 128), provider.Unknown},
		{"Number", `{"type": 7, "data": 8}`, "7", provider.Unknown},
		{"Case", `{"type": "Ticket.Created", "data": {}}`, "Ticket.Created", provider.Unknown},
		{"Later", `{"data": null, "type": "fund.closed"}`, "fund.closed", provider.Recorded},
		{"Names twice", `{"type": "ticket.created", "type": "job.started", "data": {}}`, "job.started", provider.Recorded},
	} {
		out, err := Decode(provider.Delivery{Body: []byte(c.body), Received: received}, ours)
		if err != nil || out.Type != c.typ || out.Disposition != c.want || out.Kind != "" || out.Event != nil {
			t.Errorf("%s: got %+v, %v; want %s, %s", c.name, out, err, c.typ, c.want)
		}
	}
}

// TestAnEndGetsThrough breaks every field of a cancelled order, one at a time: while it still has an id the news is forwarded.
func TestAnEndGetsThrough(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id     string
		status order.Status
	}{
		"transaction_canceled":    {"data.transaction._id", order.StatusCancelled},
		"purchaseIntent_expired":  {"data.purchaseIntent._id", order.StatusExpired},
		"purchaseIntent_rejected": {"data.purchaseIntent._id", order.StatusRejected},
	} {
		body := sample(t, name)
		for _, path := range providertest.Leaves(t, body) {
			if path == c.id || path == "type" {
				continue
			}
			out, err := Decode(delivery("1", providertest.Patch(t, body, path+` = [{"a b": "c"}]`)), ours)
			if err != nil || out.Event == nil || out.Event.Status != c.status {
				t.Errorf("%s without %s: got %+v, %v; want %s", name, path, out, err, c.status)
			}
		}
	}
}
