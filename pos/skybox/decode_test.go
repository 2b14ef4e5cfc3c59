package skybox

import (
	"encoding/json"
	"math"
	"net/http"
	"testing"
	"time"

	"willcall/pos"
)

func TestAmountsAreExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		currency, json string
		minor          int64
	}{
		{"USD", "240", 24000}, {"USD", "240.0", 24000}, {"USD", "240.00", 24000}, {"USD", "0.1", 10}, {"USD", "0.29", 29},
		{"USD", "1.15", 115}, {"USD", "0", 0}, {"USD", "0.0", 0}, {"USD", "-5.25", -525}, {"USD", "1.2E7", 1200000000},
		{"USD", "1.234567891E7", 1234567891}, {"USD", "1e2", 10000}, {"USD", "2.5E-1", 25}, {"USD", "25E-2", 25}, {"USD", "1000E-3", 100},
		{"USD", "90071992547409.93", 9007199254740993}, {"USD", "92233720368547758.07", math.MaxInt64},
		{"JPY", "1500", 1500}, {"JPY", "1500.0", 1500}, {"JPY", "1.5E3", 1500}, {"EUR", "0.05", 5}, {"MXN", "100.10", 10010},
	} {
		got, err := parseAmount(json.Number(c.json), c.currency)
		if err != nil || got != (pos.Money{Minor: c.minor, Currency: c.currency}) {
			t.Errorf("parseAmount(%s %s): got %+v, %v; want %d", c.json, c.currency, got, err, c.minor)
		}
	}
	for _, c := range []struct{ currency, json string }{
		{"USD", "0.005"}, {"USD", "0.30000000000000004"}, {"USD", "1.0E-3"}, {"JPY", "0.5"}, {"USD", "1e99"}, {"USD", "1e"}, {"USD", ""}, {"USD", "-"},
		{"USD", ".5"}, {"USD", "0x10"}, {"USD", "NaN"}, {"USD", "92233720368547758.08"}, {"XBT", "1"}, {"CHF", "1"}, {"KWD", "1"}, {"", "1"},
	} {
		if got, err := parseAmount(json.Number(c.json), c.currency); err == nil {
			t.Errorf("parseAmount(%s %s): got %+v; want an error", c.json, c.currency, got)
		}
	}
	for _, c := range []struct {
		m    pos.Money
		want string
	}{
		{pos.Money{Minor: 24000, Currency: "USD"}, `{"amount":240.00}`}, {pos.Money{Minor: 5, Currency: "USD"}, `{"amount":0.05}`},
		{pos.Money{Minor: 1500, Currency: "JPY"}, `{"amount":1500}`}, {pos.Money{Minor: 9007199254740993, Currency: "EUR"}, `{"amount":90071992547409.93}`},
	} {
		n, err := amount(c.m)
		got, jsonErr := json.Marshal(struct {
			Amount json.Number `json:"amount"`
		}{n})
		if err != nil || jsonErr != nil || string(got) != c.want {
			t.Errorf("amount(%+v): got %s, %v, %v; want %s", c.m, got, err, jsonErr, c.want)
		}
	}
}

func TestNumbersAreKeptAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"amount":240.00}`: "240.00", `{"amount":1.2E7}`: "1.2E7", `{"amount":90071992547409.93}`: "90071992547409.93", `{"amount":"1.50"}`: "1.50",
		`{"amount":null}`: "", `{"Amount":7}`: "", `{}`: "",
	} {
		var line lineAnswer
		if err := decode([]byte(body), &line); err != nil || line.Amount.String() != want {
			t.Errorf("%s: got %q, %v; want %q", body, line.Amount, err, want)
		}
	}
	for _, value := range []string{`"one"`, `""`, `" 7"`, `"7 "`, `"null"`, `"true"`, `"[7]"`, `"7,8"`, `true`, `[7]`, `{}`, `07`, `NaN`, `+7`} {
		var line lineAnswer
		if decode([]byte(`{"amount":`+value+`}`), &line) == nil {
			t.Errorf("%s: got %q; want an error", value, line.Amount)
		}
	}
}

// FuzzPlain: what plain returns is the same number, without an exponent.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"1.2E7", "-0.5e-3", "240.0", "0", "12e-18", "1e18"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var n json.Number
		if json.Unmarshal([]byte(s), &n) != nil || n == "" {
			return
		}
		text, err := plain(n.String())
		if err != nil {
			return
		}
		want, _ := n.Float64()
		got, err := json.Number(text).Float64()
		if err != nil || got != want {
			t.Errorf("plain(%s): got %s; want the same number", n, text)
		}
	})
}

func TestTimes(t *testing.T) {
	t.Parallel()
	want := time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)
	for _, s := range []string{
		"2027-02-01T19:30:00Z", "2027-02-01T19:30:00.000Z", "2027-02-01T14:30:00-05:00", "2027-02-01T14:30:00.000-0500", "2027-02-01T19:30:00", "2027-02-01T19:30:00.000",
	} {
		if got, err := parseTime(s); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("parseTime(%s): got %v, %v; want %v", s, got, err, want)
		}
	}
	if got, err := parseTime(""); err != nil || !got.IsZero() {
		t.Errorf("parseTime of none: got %v, %v; want none", got, err)
	}
	if _, err := parseTime("1800000000000"); err == nil {
		t.Error("parseTime of milliseconds: got no error; want one")
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"1": true, "44": true, "123456789012345678": true,
		"": false, "0": false, "007": false, "-1": false, "1.0": false, "1e3": false, "..": false, "44/lines": false, "1234567890123456789": false, "٤": false,
	} {
		if isID(id) != want {
			t.Errorf("isID(%q): got %v; want %v", id, !want, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "99999999": 24 * time.Hour, "Fri, 01 Jan 2027 00:01:00 GMT": time.Minute,
	} {
		h := http.Header{}
		h.Set("Retry-After", value)
		if got := retryAfter(h, now); got != want {
			t.Errorf("retryAfter(%q): got %v; want %v", value, got, want)
		}
	}
}

func TestPickTakesSeatsSideBySide(t *testing.T) {
	t.Parallel()
	group := func(kind string, seats ...string) *groupBody {
		b := &groupBody{Status: pos.Available, SeatType: kind}
		for _, s := range seats {
			b.Tickets = append(b.Tickets, seatBody{ID: json.Number("10" + s), SeatNumber: json.Number(s), Status: "AVAILABLE"})
		}
		return b
	}
	for name, c := range map[string]struct {
		group *groupBody
		n     int
		want  string // the first of them; "" is none
	}{
		"FirstPair":           {group("CONSECUTIVE", "1", "2", "3"), 2, "101"},
		"PairAfterAGap":       {group("CONSECUTIVE", "1", "3", "4"), 2, "103"},
		"Unsorted":            {group("CONSECUTIVE", "4", "1", "3"), 2, "103"},
		"NoPairTakesTheFirst": {group("CONSECUTIVE", "1", "3", "5"), 2, "101"},
		"EveryOther":          {group("ALTERNATING", "1", "2", "4"), 2, "102"},
		"TooMany":             {group("CONSECUTIVE", "1", "2"), 3, ""},
	} {
		got := c.group.pick(c.n, map[string]bool{})
		if c.want == "" && got != nil || c.want != "" && (len(got) != c.n || got[0] != c.want) {
			t.Errorf("%s: got %v; want %d from %q", name, got, c.n, c.want)
		}
	}
	held := group("CONSECUTIVE", "1")
	held.Status = pos.OnHold
	if got := held.pick(1, map[string]bool{}); got != nil {
		t.Errorf("a group on hold: got %v; want none", got)
	}
	taken := map[string]bool{"101": true}
	if got := group("CONSECUTIVE", "1", "2").pick(1, taken); len(got) != 1 || got[0] != "102" || !taken["102"] {
		t.Errorf("a ticket of another line: got %v, taken %v; want 102", got, taken)
	}
}

// FuzzAnswers: whatever is sent, what is taken for an answer is whole, and an error names no word of it.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`[{"propertyPath":"lines[0].itemIds","message":"no"}]`, `{"email":"x","errors":{"address":{"city":"x"}}}`, `{"rows":[{"id":1}]}`,
		`{"id":1,"customerId":2,"externalRef":"r","paymentStatus":"VOID","fulfillmentStatus":"PENDING","currencyCode":"USD","lines":[{"id":3,"amount":1.5E3,"cancelled":true}]}`,
		`{"id":1,"externalRef":"r","paymentStatus":"PAID","fulfillmentStatus":"COMPLETE","lines":[]}`,
	} {
		f.Add([]byte(s))
	}
	c := &Client{}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, name := range fieldNames(body) {
			if !isField(name) {
				t.Errorf("fieldNames: got %q, which is no field", name)
			}
		}
		var a invoiceAnswer
		if decode(body, &a) != nil {
			return
		}
		inv, err := c.record(&a)
		if err != nil {
			return
		}
		if !isID(inv.ID) || inv.Payment == "" || inv.Fulfillment == "" {
			t.Errorf("record: got %+v; want it whole", inv)
		}
		if inv.Voided && (len(inv.live) > 0 || !inv.void) || !inv.Voided && inv.void && len(inv.Lines) > 0 {
			t.Errorf("record: got %+v, live %v; want void in whole, or live, or nothing", inv, inv.live)
		}
		for _, l := range inv.Lines {
			if !isID(l.ID) || l.Total.Currency == "" {
				t.Errorf("record: got line %+v; want it whole", l)
			}
		}
	})
}
