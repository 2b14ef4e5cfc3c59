package vivenu

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
	"willcall/provider/wire"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, f := range providertest.Load(t, parts) {
		t.Run(f.Name, func(t *testing.T) {
			body, _ := f.Part("delivery")
			f.Check(t, "want", decoded(delivery(f.Name, body)))
			f.CheckBuyer(t, "buyer", Buyer, []byte(body))
			f.CheckBuyer(t, "customer", Customer, []byte(body))
		})
	}
}

func TestEveryTypeHasAFixture(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	for _, body := range samples(t) {
		shown[decoded(delivery("1", body)).Decoded.Type] = true
	}
	for _, typ := range append(Types(), PolledTransaction, PolledIntent) {
		if !shown[typ] {
			t.Errorf("%s: got no fixture; want one", typ)
		}
	}
	if got := DefaultEvents(); got[documented-1] != "product.deleted" || len(got) != documented {
		t.Errorf("got %v; want the document's map, which ends in product.deleted", got)
	}
	if slices.ContainsFunc(Types(), func(s string) bool { return strings.HasSuffix(s, ".polled") }) {
		t.Errorf("got %v; want no type of our own", Types())
	}
}

// TestDecodeDrift writes the same documents in other ways in which JSON can say the same.
func TestDecodeDrift(t *testing.T) {
	t.Parallel()
	bodies := samples(t)
	for _, c := range []struct{ fixture, patch string }{
		{"transaction_complete", `data.tickets.0.realPrice = "29.5"`},
		{"transaction_complete", `data.tickets.0.realPrice = 29.50`},
		{"transaction_complete", `data.tickets.0.realPrice = 2.95e1`},
		{"transaction_complete", `data.tickets.0.realPrice = 29.500000000000004`},
		{"transaction_complete", `data.tickets.0.realPrice = 29.499999999999996`},
		{"transaction_complete", `data.tickets.0.currency = null`},
		{"transaction_complete", `data.tickets.0.currency delete`},
		{"transaction_complete", `data.tickets.0.status = "valid"`},
		{"transaction_complete", `data.tickets.0.deliveryType = "virtual"`},
		{"transaction_complete", `data.tickets.0.seatingInfo.seatName = 14`},
		{"transaction_complete", `data.tickets.0.seatingInfo.seatName = null`},
		{"transaction_complete", `data.tickets.0.seatingInfo.gate = {"a": [1]}`},
		{"transaction_complete", `data.tickets.0.updatedAt = "2026-03-01T10:05:00+01:00"`},
		{"transaction_complete", `data.tickets.0.transactionId = null`},
		{"transaction_complete", `data.transaction.updatedAt = "2026-03-01T09:05:00Z"`},
		{"transaction_complete", `data.transaction.status = "complete"`},
		{"transaction_complete", `data.transaction.status = null`},
		{"transaction_complete", `data.transaction.status delete`},
		{"transaction_complete", `data.transaction.status = "NEW"`},
		{"transaction_complete", `data.transaction.paymentStatus = "received"`},
		{"transaction_complete", `data.transaction.paymentStatus = "POS-RECEIVED"`},
		{"transaction_complete", `data.transaction.paymentStatus = "EXTERNAL"`},
		{"transaction_complete", `data.transaction.tickets = null`},
		{"transaction_complete", `data.transaction.tickets = {"0": 1}`},
		{"transaction_complete", `data.transaction.products = "none"`},
		{"transaction_complete", `data.transaction.cancellationInfo = null`},
		{"transaction_complete", `data.transaction.cancellationInfo = []`},
		{"transaction_complete", `data.transaction.cancellationInfo.cancellableItems = {}`},
		{"transaction_complete", `data.transaction.cancellationInfo.cancellableItems.0.cancelledAt = null`},
		{"transaction_complete", `data.transaction.cancellationInfo.cancellableItems.0.cancelledAt = ""`},
		{"transaction_complete", `data.transaction.realPrice = "59.00"`},
		{"transaction_complete", `data.transaction.realPrice = null`},
		{"transaction_complete", `data.transaction.unheard = {"of": ["it"]}`},
		{"transaction_complete", `data.checkout = "none"`},
		{"transaction_complete", `id = "another transmission"`},
		{"transaction_complete", `id delete`},
		{"transaction_complete", `mode = 7`},
		{"transaction_reservedBySystem", `data.tickets = null`},
		{"transaction_reservedBySystem", `data.tickets delete`},
		{"transaction_reservedBySystem", `data.tickets = ""`},
		{"transaction_reservedBySystem", `data.transaction.status = "RESERVED_BY_SYSTEM"`},
		{"transaction_reservedBySystem", `data.transaction.status = "NEW"`},
		{"transaction_reservedBySystem", `data.transaction.paymentStatus = "LOCAL-PENDING"`},
		{"transaction_reservedBySystem", `data.transaction.tickets.0.amount = "2"`},
		{"transaction_reservedBySystem", `data.transaction.tickets.0.amount = 2.0`},
		{"transaction_reservedBySystem", `data.transaction.tickets.0.price = "29.50"`},
		{"transaction_reservedBySystem", `data.transaction.tickets.0.asHardTicket = "false"`},
		{"transaction_reservedBySystem", `data.transaction.tickets.0.seatingInfo = []`},
		{"transaction_canceled", `data.transaction.status = "COMPLETE"`},
		{"transaction_canceled", `data.transaction.status = "ABORTED"`},
		{"transaction_canceled", `data.transaction.status = null`},
		{"transaction_canceled", `data.transaction.paymentStatus = "DISPUTE"`},
		{"transaction_canceled", `data.transaction.cancellationInfo.cancellableItems.0.cancelledAt = "2026-03-05T10:00:00Z"`},
		{"transaction_partiallyCanceled", `data.tickets = []`},
		{"transaction_partiallyCanceled", `data.tickets = [{"_id": "1", "status": "INVALID"}]`},
		{"transaction_partiallyCanceled", `data.transaction.cancellationInfo = null`},
		{"transaction_complete_free", `data.transaction.paymentStatus = null`},
		{"transaction_complete_free", `data.tickets.0.realPrice = "0.00"`},
		{"transaction_complete_free", `data.transaction.realPrice = 0.0`},
		{"ticket_created", `data.ticket.status = "BLANK"`},
		{"ticket_created", `data.ticket.originTicketId = "65f0a1b2c3d4e5f60000000b"`},
		{"ticket_created", `data.ticket.originTicketId = "?"`},
		{"ticket_created", `data.ticket.realPrice = "nothing"`},
		{"ticket_created_transfer", `data.ticket.transactionId = null`},
		{"ticket_created_transfer", `data.ticket.transactionId = ""`},
		{"ticket_checkin_id", `data.ticket = {}`},
		{"ticket_checkin_empty", `data.ticket = "?"`},
		{"ticket_checkin_empty", `data.ticketId = null`},
		{"purchaseIntent_created", `data.purchaseIntent.approvalStatus = "AWAITING"`},
		{"purchaseIntent_created", `data.purchaseIntent.approvalStatus = null`},
		{"purchaseIntent_created", `data.purchaseIntent.status delete`},
		{"purchaseIntent_created", `data.purchaseIntent.outcome = null`},
		{"purchaseIntent_created", `data.purchaseIntent.outcome = {"checkoutId": ""}`},
		{"purchaseIntent_created", `data.purchaseIntent.transactionId = null`},
		{"purchaseIntent_completed", `data.purchaseIntent.status = "new"`},
		{"purchaseIntent_rejected", `data.purchaseIntent.approvalStatus = "awaiting"`},
		{"purchaseIntent_expired", `data.purchaseIntent.approvalStatus = "awaiting"`},
		{"purchaseIntent_cancelled", `data.purchaseIntent.tickets = "all"`},
		{"purchaseIntent_cancelled", `data.purchaseIntent.status = "cancelled"`},
		{"event_updated", `data.event.start = "2026-04-21T20:30:00+01:00"`},
		{"support_without_transaction", `data.support.transactionId = null`},
		{"scan_created", `data.scan.type = "CHECKIN"`},
		{"ticketTransfer_transferred", `data.ticketTransfer.ticketIds = null`},
		{"ticketTransfer_created", `data.ticketTransfer.outcome = "none"`},
		{"job_started", `data = null`},
		{"unknown_type", `data = [1]`},
	} {
		base := bodies[c.fixture]
		got, want := decoded(delivery("1", providertest.Patch(t, base, c.patch))), decoded(delivery("1", base))
		if strings.HasPrefix(c.patch, "data = ") {
			got.Decoded.DedupeKey, want.Decoded.DedupeKey = "", ""
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s: got %s; want %s", c.fixture, c.patch, providertest.Pretty(t, got), providertest.Pretty(t, want))
		}
	}
}

func TestDecodeStatusWords(t *testing.T) {
	t.Parallel()
	polled := sample(t, "transaction_polled_chargeback")
	for _, c := range []struct {
		status  string
		want    order.Status
		revoked bool
		unknown string
	}{
		{"NEW", order.StatusPending, false, ""}, {"RESERVED-BY-SYSTEM", order.StatusPending, false, ""}, {"RESERVED_BY_SYSTEM", order.StatusPending, false, ""},
		{"ABORTED", order.StatusCancelled, false, ""}, {"COMPLETE", order.StatusAccepted, false, ""}, {"CANCELED", order.StatusCancelled, true, ""},
		{"", "", false, ""}, {"PARTIALLY_CANCELED", "", false, "partially_canceled"},
	} {
		out, err := Decode(delivery("1", providertest.Patch(t, polled, "data.transaction.status = "+providertest.Marshal(t, c.status))), ours)
		if err != nil || out.Event.Status != c.want || out.Event.Revoked != c.revoked || out.Event.Unknown != c.unknown {
			t.Errorf("status %s: got %+v, %v; want %q, revoked %t, unknown %q", c.status, out.Event, err, c.want, c.revoked, c.unknown)
		}
	}
	for _, c := range []struct {
		words string
		want  order.Payment
	}{
		{"RECEIVED POS-RECEIVED LOCAL-RECEIVED EXTERNAL", order.PaymentPaid}, {"AWAITING PENDING LOCAL-PENDING LOCAL-AWAITING", order.PaymentAwaited},
		{"FAILED", order.PaymentFailed}, {"REFUND CANCELED POS-CANCELED DISPUTE CHARGEBACK", order.PaymentReturned}, {"SETTLED PAID", order.PaymentUnknown},
	} {
		for word := range strings.FieldsSeq(c.words) {
			out, err := Decode(delivery("1", providertest.Patch(t, polled, "data.transaction.paymentStatus = "+providertest.Marshal(t, word))), ours)
			if err != nil || out.Event.Payment != c.want {
				t.Errorf("paymentStatus %s: got %+v, %v; want %s", word, out.Event, err, c.want)
			}
		}
	}
	for patch, want := range map[string]order.Payment{`= null`: "", `delete`: "", `= []`: order.PaymentUnknown} {
		out, err := Decode(delivery("1", providertest.Patch(t, polled, "data.transaction.paymentStatus "+patch)), ours)
		if err != nil || out.Event.Payment != want {
			t.Errorf("paymentStatus %s: got %+v, %v; want %q", patch, out.Event, err, want)
		}
	}
	for word, want := range map[string]order.TicketState{
		"VALID": order.TicketValid, "INVALID": order.TicketInvalid, "RESERVED": order.TicketReserved, "BLANK": order.TicketReserved, "DETAILSREQUIRED": order.TicketDetails,
	} {
		out, err := Decode(delivery("1", providertest.Patch(t, sample(t, "ticket_created"), "data.ticket.status = "+providertest.Marshal(t, word))), ours)
		if err != nil || len(out.Event.Lines) != 1 || out.Event.Lines[0].Ticket != want {
			t.Errorf("ticket %s: got %+v, %v; want %s", word, out.Event, err, want)
		}
	}
	out, err := Decode(delivery("1", providertest.Patch(t, sample(t, "ticket_created"), `data.ticket.status = "CHECKEDIN"`)), ours)
	if err != nil || len(out.Event.Lines) != 0 || out.Event.Unknown != "checkedin" {
		t.Errorf("got %+v, %v; want no fact and an unknown word", out.Event, err)
	}
	for _, c := range []struct {
		fixture, status, approval string
		want                      order.Status
		unknown                   string
	}{
		{"purchaseIntent_created", "new", "awaiting", order.StatusPending, ""}, {"purchaseIntent_updated", "new", "approved", order.StatusAccepted, ""},
		{"purchaseIntent_updated", "new", "rejected", order.StatusRejected, ""}, {"purchaseIntent_updated", "complete", "approved", order.StatusCompleted, ""},
		{"purchaseIntent_updated", "canceled", "approved", order.StatusCancelled, ""}, {"purchaseIntent_approved", "canceled", "approved", order.StatusCancelled, ""},
		{"purchaseIntent_approved", "new", "awaiting", order.StatusAccepted, ""}, {"purchaseIntent_expired", "canceled", "awaiting", order.StatusExpired, ""},
		{"purchaseIntent_rejected", "complete", "approved", order.StatusRejected, ""}, {"purchaseIntent_updated", "parked", "awaiting", order.StatusPending, "parked"},
		{"purchaseIntent_updated", "new", "escalated", order.StatusPending, "escalated"},
	} {
		patch := "data.purchaseIntent.status = " + providertest.Marshal(t, c.status) + "\ndata.purchaseIntent.approvalStatus = " + providertest.Marshal(t, c.approval)
		out, err := Decode(delivery("1", providertest.Patch(t, sample(t, c.fixture), patch)), ours)
		if err != nil || out.Event.Status != c.want || out.Event.Unknown != c.unknown {
			t.Errorf("%s, %s, %s: got %+v, %v; want %s, unknown %q", c.fixture, c.status, c.approval, out.Event, err, c.want, c.unknown)
		}
	}
}

func TestDecodeFree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fixture, patch string
		free           bool
		payment        order.Payment
	}{
		{"transaction_complete_free", `data.transaction.realPrice = 0`, true, order.PaymentPaid},
		{"transaction_complete_free", `data.transaction.realPrice = 2.5`, false, order.PaymentAwaited}, // a fee
		{"transaction_complete_free", `data.transaction.realPrice delete`, false, order.PaymentAwaited},
		{"transaction_complete_free", `data.tickets.0.realPrice = 1`, false, order.PaymentAwaited},
		{"transaction_complete_free", `data.transaction.paymentStatus = "FAILED"`, true, order.PaymentFailed},
		{"transaction_complete_free", `type = "transaction.partiallyCanceled"`, false, order.PaymentPaid},
		{"transaction_complete_free", "type = \"transaction.polled\"\ndata.transaction.status = \"NEW\"", true, order.PaymentAwaited},
		{"transaction_complete_free", "data.transaction.currency delete\ndata.tickets.0.currency delete", true, order.PaymentPaid},
		{"transaction_complete", `data.transaction.paymentStatus = "AWAITING"`, false, order.PaymentAwaited},
	} {
		out, err := Decode(delivery("1", providertest.Patch(t, sample(t, c.fixture), c.patch)), ours)
		if err != nil || out.Event.Payment != c.payment || (out.Event.Snapshot != nil && out.Event.Snapshot.Free) != c.free {
			t.Errorf("%s with %s: got %+v, %v; want free %t, %s", c.fixture, c.patch, out.Event, err, c.free, c.payment)
		}
	}
}

func TestDecodeReread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fixture, patch string
		want           bool
	}{
		{"transaction_complete_early", "", true},
		{"transaction_complete_early", `type = "transaction.polled"`, false}, // or it would never end
		{"transaction_complete_early", `data.transaction.status = "CANCELED"`, false},
		{"transaction_reservedBySystem", "", false}, {"transaction_complete", "", false}, {"transaction_partiallyCanceled", "", true},
		{"ticketTransfer_transferred_unsaid", "", true}, {"ticketTransfer_transferred", "", false},
	} {
		out, err := Decode(delivery("1", providertest.Patch(t, sample(t, c.fixture), c.patch)), ours)
		if err != nil || out.Event.Reread != c.want {
			t.Errorf("%s with %q: got %+v, %v; want reread %t", c.fixture, c.patch, out.Event, err, c.want)
		}
	}
}

func TestDecodeVersions(t *testing.T) {
	t.Parallel()
	base := sample(t, "transaction_complete")
	for _, patch := range []string{"data.transaction.updatedAt = null", `data.transaction.updatedAt = ""`, "data.transaction.updatedAt delete"} {
		out, err := Decode(delivery("1", providertest.Patch(t, base, patch)), ours)
		if err != nil || !out.Event.At.Equal(received) || out.DedupeKey != "3b9f0c52-6d1e-4a70-8f00-000000000001" {
			t.Errorf("%s: got %+v, %v; want the version %s, when it was received, and the id of the transmission as key", patch, out, err, received)
		}
	}
	// A cancellation of no readable version is still one.
	out, err := Decode(delivery("1", providertest.Patch(t, base, "data.transaction.updatedAt = \"?\"\ndata.transaction.status = \"CANCELED\"")), ours)
	if err != nil || out.Event.Status != order.StatusCancelled || !out.Event.At.Equal(received) {
		t.Errorf("got %+v, %v; want cancelled when it was received", out.Event, err)
	}
}

func TestDecodeKeys(t *testing.T) {
	t.Parallel()
	base := sample(t, "transaction_complete")
	first, _ := Decode(delivery("1", base), ours)
	const key = "transaction.complete/65f0a1b2c3d4e5f600000001/2026-03-01T09:05:00Z"
	if first.DedupeKey != key {
		t.Errorf("got key %s; want %s", first.DedupeKey, key)
	}
	again, _ := Decode(provider.Delivery{ID: "2", Body: []byte(strings.Replace(base, "3b9f0c52", "ffffffff", 1)), Received: received.Add(time.Hour)}, ours)
	if again.DedupeKey != first.DedupeKey || again.Content != first.Content {
		t.Errorf("got key %s, content %x; want those of the first transmission", again.DedupeKey, again.Content)
	}
	for what, patch := range map[string]string{"price": "data.tickets.0.realPrice = 30", "type": `type = "transaction.reservedBySystem"`} {
		other, _ := Decode(delivery("1", providertest.Patch(t, base, patch)), ours)
		same, _ := Decode(delivery("1", providertest.Patch(t, base, `id = "x"`)), ours)
		if other.Content == same.Content {
			t.Errorf("another %s: got the same content; want another", what)
		}
	}
	polled, _ := Decode(delivery("1", sample(t, "transaction_polled_chargeback")), ours)
	if polled.DedupeKey != "" {
		t.Errorf("got key %s; want none for a poll, whose tickets change without it", polled.DedupeKey)
	}
	unnamed, _ := Decode(delivery("1", sample(t, "scan_created")), ours)
	if !strings.HasPrefix(unnamed.DedupeKey, "3b9f0c52-") {
		t.Errorf("got key %s; want the id of the transmission for a scan, which has none of its own", unnamed.DedupeKey)
	}
}

func TestIntentOrderID(t *testing.T) {
	t.Parallel()
	if id, ok := IntentOf(IntentOrderID("65f0")); id != "65f0" || !ok {
		t.Errorf("got %s, %t; want 65f0", id, ok)
	}
	if _, ok := IntentOf("65f0"); ok {
		t.Errorf("got an intent for a transaction; want none")
	}
}

func TestPrice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		json, currency string
		minor          int64
		want           string // of the error
	}{
		{"29.99", "EUR", 2999, ""}, {"29.990000000000002", "EUR", 2999, ""}, {"29.989999999999998", "EUR", 2999, ""}, {`"29.99"`, "EUR", 2999, ""},
		{"0", "EUR", 0, ""}, {"0.0", "", 0, ""}, {"-0", "EUR", 0, ""}, {"1e-400", "EUR", 0, ""}, {"1e-999999999", "EUR", 0, ""},
		{"1e2", "EUR", 10000, ""}, {"1200", "JPY", 1200, ""}, {"1200.0000000000002", "JPY", 1200, ""}, {"1.234", "KWD", 1234, ""}, {"999999999999.99", "EUR", 99999999999999, ""},
		{"12.5", "JPY", 0, "it is finer than the currency's minor unit"}, {"29.995", "EUR", 0, "it is finer than the currency's minor unit"},
		{"29.99000002", "EUR", 0, "it is finer than the currency's minor unit"}, {"1e-300", "EUR", 0, ""},
		{"-1", "EUR", 0, "it is negative"}, {"1", "", 0, "its currency must be three capital letters"}, {"1", "eur", 0, "its currency must be three capital letters"},
		{"1", "E€", 0, "its currency must be three capital letters"}, {"null", "EUR", 0, "it is missing"}, {`""`, "EUR", 0, "it is missing"},
		{"true", "EUR", 0, "want an amount of money"}, {"1e400", "EUR", 0, "want an amount of money"}, {"1e13", "EUR", 0, "want an amount of money"}, {`"Inf"`, "EUR", 0, "want an amount of money"},
		{`"0x1p4"`, "EUR", 0, "want an amount of money"}, {`"1_000"`, "EUR", 0, "want an amount of money"}, {`"29,99"`, "EUR", 0, "want an amount of money"}, {`{"a":1}`, "EUR", 0, "want an amount of money"},
	} {
		var s struct{ P wire.Scalar }
		if err := unmarshal([]byte(`{"P":`+c.json+`}`), &s); err != nil {
			t.Fatal(err)
		}
		got, err := price(s.P, c.currency)
		if text := errText(err); text != c.want || err == nil && got.Minor != c.minor {
			t.Errorf("%s %s: got %+v, %q; want %d, %q", c.json, c.currency, got, text, c.minor, c.want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
