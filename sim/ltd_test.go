package sim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"
)

// keys are the names of an object in the order in which they were written.
func topKeys(t *testing.T, body []byte) (keys []string) {
	t.Helper()
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(body, &lists); err != nil {
		t.Fatal(err)
	}
	for k := range lists {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func unjson(t *testing.T, body []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLTDWebhooksHaveTheShapeOfTheDocument(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/ltd_samples.json")
	if err != nil {
		t.Fatal(err)
	}
	samples := unjson(t, raw)
	for n := range 6 {
		b := LTDSale(n).At(testNow).CancelTickets(0)
		for typ, body := range map[string][]byte{
			"TransactionChanged": b.TransactionChanged(testNow), "ScheduledEticketDelivery": b.ScheduledEtickets(testNow),
		} {
			for _, wrong := range misshapen(typ, unjson(t, body), at(samples, typ)) {
				t.Error(wrong)
			}
			if got, want := topKeys(t, body), []string{"MessageType", "Payload", "Timestamp"}; !slices.Equal(got, want) {
				t.Errorf("%s: got %v; want %v", typ, got, want)
			}
		}
	}
}

func TestLTDValues(t *testing.T) {
	t.Parallel()
	summer := time.Date(2026, 6, 1, 18, 30, 0, 145_135_200, time.UTC)
	b := LTDBooking{Performances: []LTDPerformance{{At: time.Date(2026, 12, 7, 19, 30, 0, 0, time.UTC)}}, PurchasedAt: summer}
	due := b.Delivered(LTDScheduled)
	for _, c := range []struct {
		name string
		body []byte
		path string
		want any
	}{
		{"TimestampHasSevenDecimals", b.TransactionChanged(summer), "Timestamp", "2026-06-01T18:30:00.1451352Z"},
		{"PurchaseIsInLondonTime", b.TransactionChanged(summer), "Payload.PurchaseDateTime", "2026-06-01T19:30:00.145"},
		{"PerformanceIsInLondonTime", b.TransactionChanged(summer), "Payload.Orders.0.PerformanceTimeDate", "2026-12-07T19:30:00"},
		{"AmountIsANumber", b.TransactionChanged(summer), "Payload.TotalAmount", 108.0},
		{"SeatInfoIsRowAndSeat", b.TransactionChanged(summer), "Payload.Orders.0.Tickets.1.SeatInfo", "N39"},
		{"OneCancelledTicketMakesTheOrderCancelled", b.CancelTickets(1).TransactionChanged(summer), "Payload.Orders.0.OrderStatus", "Cancelled"},
		{"TheOthersStayPurchased", b.CancelTickets(1).TransactionChanged(summer), "Payload.Orders.0.Tickets.0.Status", "Purchased"},
		{"TheCountLeavesItOut", b.CancelTickets(1).TransactionChanged(summer), "Payload.TotalCount", 2.0},
		{"SeatIsANumber", b.ScheduledEtickets(summer), "Payload.Tickets.0.TicketName2", 40.0},
		{"BarcodeHasLeadingZeros", b.ScheduledEtickets(summer), "Payload.Tickets.0.Barcode", b.filled().Performances[0].Tickets[2].Barcode},
		{"NoBarcodeBeforeItIsDue", due.TransactionChanged(summer), "Payload.Orders.0.Tickets.0.Barcode", ""},
		{"AffiliateIsOurs", b.ScheduledEtickets(summer), "Payload.AffiliateId", LTDAffiliateID},
		{"OnlyLiveTicketsAreDelivered", b.CancelTickets(0, 1).ScheduledEtickets(summer), "Payload.Tickets.0.TicketName2", 38.0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := at(unjson(t, c.body), c.path); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: got %#v; want %#v", c.path, got, c.want)
			}
		})
	}
	if got := b.filled().Performances[0].Tickets[0].Barcode; len(got) != 20 || got[:2] != "00" {
		t.Errorf("barcode: got %q; want 20 digits with leading zeros", got)
	}
	before := string(b.TransactionChanged(summer))
	b.CancelTickets(0, 1, 2, 7, -1)
	if after := string(b.TransactionChanged(summer)); after != before {
		t.Error("a change of a copy reached the booking")
	}
	if again := LTDSale(5); !reflect.DeepEqual(again, LTDSale(5)) {
		t.Error("the same n made another booking")
	}
}

func TestLTDBasketHasItsBarcodesWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	clock := testNow
	l := NewLTD(LTDOptions{APIKey: "key", Now: func() time.Time { return clock }})
	b := LTDSale(0).At(testNow)
	l.Put(b)
	get := func(path, key string) (int, any) {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Api-Key", key)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		return w.Code, unjson(t, w.Body.Bytes())
	}
	path := "/rest/v2/Baskets/" + b.BasketID
	for _, key := range []string{"", "other"} {
		if status, body := get(path, key); status != 401 || at(body, "Message") == nil {
			t.Errorf("key %q: got %d %v; want 401", key, status, body)
		}
	}
	if status, _ := get("/rest/v2/Baskets/none", "key"); status != 404 {
		t.Errorf("got %d; want 404", status)
	}
	status, body := get(path, "key")
	if status != 200 || at(body, "BookingReference") != b.BookingReference || at(body, "Items.0.Tickets.0.Barcode") != "" {
		t.Errorf("before it is due: got %d %v", status, body)
	}
	if got := at(body, "Items.0.Tickets.0.ScheduledOn"); got != localTime(b.ScheduledOn) {
		t.Errorf("ScheduledOn: got %v; want %s", got, localTime(b.ScheduledOn))
	}
	clock = b.ScheduledOn
	if _, body := get(path, "key"); at(body, "Items.0.Tickets.0.Barcode") != b.Performances[0].Tickets[0].Barcode {
		t.Errorf("when it is due: got %v", body)
	}
	if got := l.Reads(b.BasketID); got != 2 {
		t.Errorf("got %d reads; want 2", got)
	}
	if err := l.SetFaults(Faults{Faults: []Fault{{Kind: FaultStatus, Status: 503, Count: 1}}}); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(path, "key"); status != 503 {
		t.Errorf("got %d; want 503", status)
	}

	other := NewLTD(LTDOptions{APIKey: "key", BasketPath: "/v3/orders/{basket}/summary"})
	other.Put(b)
	r := httptest.NewRequest("GET", "/v3/orders/"+b.BasketID+"/summary", nil)
	r.Header.Set("Api-Key", "key")
	w := httptest.NewRecorder()
	other.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("another path: got %d; want 200", w.Code)
	}
}
