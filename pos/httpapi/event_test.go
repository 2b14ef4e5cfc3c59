package httpapi_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"willcall/pos/httpapi"
	"willcall/sim"
)

// The first vector is the published one of Standard Webhooks, as its libraries have it in their tests. All were computed by hand, too:
//
//	printf '%s.%s.%s' "$id" "$timestamp" "$body" |
//	  openssl dgst -sha256 -mac HMAC -macopt hexkey:"$(printf %s "${secret#whsec_}" | base64 -d | od -An -tx1 | tr -d ' \n')" -binary | base64
const (
	publishedSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	publishedID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	publishedBody   = `{"test": 2432232314}`
	publishedAt     = 1614265330
	publishedSum    = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

	secretA = "whsec_c2FtcGxlLXNlY3JldC1vZi0zMi1ieXRlcy1sZW5ndGg="
	secretB = "whsec_YW5vdGhlci1zZWNyZXQtd2hpbGUtaXQtY2hhbmdlcyE="
	event   = `{"type":"invoice.deliveries_changed","timestamp":"2027-01-31T12:00:00Z","data":{"invoice_id":"inv_7","external_reference":"ord_123"}}`
	eventAt = 1801396800
	sumA    = "v1,XF5692EQdtmQSMzi3VOgGv4khGNyMDcRgxeZWTRyD+k="
	// Over the id "evt_1", the timestamp 1 and the body [".1801396800.[].
	sumDivided = "v1,TsmFwpfIMHsxKP/QCm9jxDe8/1Fzzz+7Oss5jLL74kg="
	sumB       = "v1,t6aHYWD4LXexn8Zlgqqw5Qsb6jp7kyZU5VrknjtlFF0="
)

type signedEvent struct {
	id, at, sums, body string
	secrets            []string
	now                time.Time
}

func TestVerifyEvent(t *testing.T) {
	t.Parallel()
	good := signedEvent{"evt_1", strconv.Itoa(eventAt), sumA, event, []string{secretA}, time.Unix(eventAt, 0)}
	for name, c := range map[string]struct {
		change func(*signedEvent)
		want   error
	}{
		"Good": {func(*signedEvent) {}, nil},
		"Published": {func(d *signedEvent) {
			*d = signedEvent{publishedID, strconv.Itoa(publishedAt), publishedSum, publishedBody, []string{publishedSecret}, time.Unix(publishedAt, 0)}
		}, nil},
		"OldSecretStillListed":     {func(d *signedEvent) { d.secrets = []string{secretB, secretA} }, nil},
		"SignedByBoth":             {func(d *signedEvent) { d.sums = sumB + " " + sumA }, nil},
		"SignedByBothWeKnowNewer":  {func(d *signedEvent) { d.sums, d.secrets = sumA+" "+sumB, []string{secretB} }, nil},
		"SignedByBothWeKnowOlder":  {func(d *signedEvent) { d.sums = sumA + " " + sumB }, nil},
		"NewSecretListedAfter":     {func(d *signedEvent) { d.secrets = []string{secretA, secretB} }, nil},
		"OtherVersionsPassedOver":  {func(d *signedEvent) { d.sums = "v1a,AAAA v2,AAAA nonsense v1, v1,% " + sumA }, nil},
		"UnusableSecretBeside":     {func(d *signedEvent) { d.secrets = []string{"whsec_%", "", secretA} }, nil},
		"FiveMinutesOld":           {func(d *signedEvent) { d.now = d.now.Add(5 * time.Minute) }, nil},
		"FiveMinutesAhead":         {func(d *signedEvent) { d.now = d.now.Add(-5 * time.Minute) }, nil},
		"Old":                      {func(d *signedEvent) { d.now = d.now.Add(5*time.Minute + time.Second) }, httpapi.ErrStale},
		"Ahead":                    {func(d *signedEvent) { d.now = d.now.Add(-5*time.Minute - time.Second) }, httpapi.ErrStale},
		"OtherSecret":              {func(d *signedEvent) { d.secrets = []string{secretB} }, httpapi.ErrSignature},
		"OtherBody":                {func(d *signedEvent) { d.body += " " }, httpapi.ErrSignature},
		"OtherID":                  {func(d *signedEvent) { d.id = "evt_2" }, httpapi.ErrSignature},
		"OtherTimestamp":           {func(d *signedEvent) { d.at = strconv.Itoa(eventAt + 1) }, httpapi.ErrSignature},
		"NoSignature":              {func(d *signedEvent) { d.sums = "" }, httpapi.ErrSignature},
		"OtherVersion":             {func(d *signedEvent) { d.sums = strings.Replace(sumA, "v1", "v2", 1) }, httpapi.ErrSignature},
		"ShorterSignature":         {func(d *signedEvent) { d.sums = "v1,XF5692EQ" }, httpapi.ErrSignature},
		"NoID":                     {func(d *signedEvent) { d.id = "" }, httpapi.ErrSignature},
		"NoTimestamp":              {func(d *signedEvent) { d.at = "" }, httpapi.ErrSignature},
		"TimestampIsNoNumber":      {func(d *signedEvent) { d.at = "2027-01-31T12:00:00Z" }, httpapi.ErrSignature},
		"NegativeTimestamp":        {func(d *signedEvent) { d.at = "-1" }, httpapi.ErrSignature},
		"AnotherDivisionOfTheText": {divided, httpapi.ErrSignature},
		"NoSecret":                 {func(d *signedEvent) { d.secrets = nil }, httpapi.ErrNoSecret},
		"EmptySecret":              {func(d *signedEvent) { d.secrets = []string{"", "whsec_"} }, httpapi.ErrNoSecret},
		"SecretWithoutPrefix":      {func(d *signedEvent) { d.secrets = []string{strings.TrimPrefix(secretA, "whsec_")} }, httpapi.ErrNoSecret},
		"ShortSecret":              {func(d *signedEvent) { d.secrets = []string{"whsec_c2hvcnQ="} }, httpapi.ErrNoSecret},
		"LongSecret":               {func(d *signedEvent) { d.secrets = []string{"whsec_" + strings.Repeat("AAAA", 22)} }, httpapi.ErrNoSecret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := good
			c.change(&d)
			h := http.Header{}
			h.Set("webhook-id", d.id)
			h.Set("webhook-timestamp", d.at)
			h.Set("webhook-signature", d.sums)
			if err := httpapi.VerifyEvent(h, []byte(d.body), d.secrets, d.now); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
				t.Errorf("VerifyEvent: got %v; want %v", err, c.want)
			}
		})
	}
}

// divided claims that a text was signed for another id and time: the true ones are a part of its id, and the time and the body stand
// in the true body. The signature fits.
func divided(d *signedEvent) {
	d.sums = sumDivided
	d.id, d.at, d.body = "evt_1.1."+`["`, "1801396800", "[]"
}

func TestReadEvent(t *testing.T) {
	t.Parallel()
	got, err := httpapi.ReadEvent([]byte(event))
	want := httpapi.Event{
		Type: httpapi.EventDeliveriesChanged, At: time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC), InvoiceID: "inv_7", Ref: "ord_123",
	}
	if err != nil || got != want {
		t.Errorf("ReadEvent: got %+v, %v; want %+v", got, err, want)
	}
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"UnknownTypeAndMembers": {`{"type":"seat.moved","timestamp":"2027-01-31T12:00:00+01:00","data":{"more":1},"more":2}`, true},
		"Purchase":              {`{"type":"purchase_order.updated","timestamp":"2027-01-31T12:00:00Z","data":{"purchase_order_id":"po_1"}}`, true},
		"InvoiceOfNobody":       {`{"type":"invoice.updated","timestamp":"2027-01-31T12:00:00Z","data":{"external_reference":"r"}}`, false},
		"PurchaseOfNobody":      {`{"type":"purchase_order.updated","timestamp":"2027-01-31T12:00:00Z","data":{"invoice_id":"i"}}`, false},
		"NoType":                {`{"timestamp":"2027-01-31T12:00:00Z","data":{"invoice_id":"i"}}`, false},
		"NoTime":                {`{"type":"x","data":{"invoice_id":"i"}}`, false},
		"NoData":                {`{"type":"x","timestamp":"2027-01-31T12:00:00Z"}`, false},
		"ControlCharacter":      {`{"type":"invoice.updated","timestamp":"2027-01-31T12:00:00Z","data":{"invoice_id":"i\u0000"}}`, false},
		"LongID":                {`{"type":"invoice.updated","timestamp":"2027-01-31T12:00:00Z","data":{"invoice_id":"` + strings.Repeat("i", 129) + `"}}`, false},
		"NumberForID":           {`{"type":"invoice.updated","timestamp":"2027-01-31T12:00:00Z","data":{"invoice_id":7}}`, false},
		"NoJSON":                {`type=invoice.updated`, false},
		"Nothing":               {``, false},
	} {
		_, err := httpapi.ReadEvent([]byte(c.body))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, httpapi.ErrEvent) {
			t.Errorf("%s: got %v; want it taken: %v", name, err, c.ok)
		}
	}
}

func FuzzReadEvent(f *testing.F) {
	f.Add([]byte(event))
	f.Add([]byte(`{"type":"purchase_order.voided","timestamp":"2027-01-31T12:00:00Z","data":{"purchase_order_id":"\u0000"}}`))
	f.Add([]byte(`{"data":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := httpapi.ReadEvent(body)
		if err != nil {
			if err.Error() != httpapi.ErrEvent.Error() || e != (httpapi.Event{}) {
				t.Errorf("ReadEvent: got %+v, %v; want nothing but the bare error", e, err)
			}
			return
		}
		if e.Type == "" || strings.ContainsAny(e.Type+e.InvoiceID+e.PurchaseOrderID+e.Ref, "\x00\n\r\x7f") ||
			strings.HasPrefix(e.Type, "invoice.") && e.InvoiceID == "" {
			t.Errorf("ReadEvent: got %+v", e)
		}
	})
}

// The simulator signs with code of its own: what it posts is believed, read, and what the document says.
func TestEventsOfTheSimulatorAreBelieved(t *testing.T) {
	t.Parallel()
	schema := document(t).Components.Schemas["WebhookEvent"].Value
	var got []httpapi.Event
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := httpapi.VerifyEvent(r.Header, body, []string{secretB, secretA}, time.Date(2027, 1, 1, 0, 4, 0, 0, time.UTC)); err != nil {
			t.Errorf("VerifyEvent: got %v; want no error", err)
		}
		e, err := httpapi.ReadEvent(body)
		if err != nil {
			t.Errorf("ReadEvent: got %v; want no error", err)
		}
		var raw any
		if err := json.Unmarshal(body, &raw); err != nil || schema.VisitJSON(raw) != nil {
			t.Errorf("the event is outside of the contract: %v, %v", err, schema.VisitJSON(raw))
		}
		got = append(got, e)
	}))
	t.Cleanup(receiver.Close)
	_, faults, _ := simulated(t, sim.POSOptions{Events: sim.POSEvents{URL: receiver.URL, Secret: secretA}}, nil)
	inv := faults.pos.Sell("ord", "Ada Sample", sim.POSInvoiceLine{InventoryID: "g1", Total: sim.POSMoney{Amount: "1.00", Currency: "USD"}})
	if err := faults.pos.SetDeliveries(inv.ID, nil); err != nil {
		t.Fatalf("SetDeliveries: %v", err)
	}
	for range 2 { // a person who voids a void invoice does nothing
		if err := faults.pos.VoidByHand(inv.ID, "cancelled"); err != nil {
			t.Fatalf("VoidByHand: %v", err)
		}
	}
	at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	want := []httpapi.Event{
		{Type: httpapi.EventDeliveriesChanged, At: at, InvoiceID: inv.ID, Ref: "ord"},
		{Type: httpapi.EventInvoiceVoided, At: at, InvoiceID: inv.ID, Ref: "ord"},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("events: got %+v; want %+v", got, want)
	}
}
