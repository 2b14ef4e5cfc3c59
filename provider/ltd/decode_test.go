package ltd

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, f := range providertest.Load(t, parts) {
		t.Run(f.Name, func(t *testing.T) {
			body := f.Body("delivery")
			if body == "" {
				t.Fatal("the delivery is empty")
			}
			f.Check(t, "want", decoded(delivery(f.Name, body)))
			f.CheckBuyer(t, "buyer", Buyer, []byte(body))
		})
	}
}

// TestDecodeDrift writes the same booking in other ways that must mean the same.
func TestDecodeDrift(t *testing.T) {
	t.Parallel()
	docs := samples(t)
	for _, c := range []struct{ fixture, patch string }{
		{"transaction_changed", `MessageType = "TransactionChanged"`},
		{"transaction_changed", `Payload.TotalAmount = "108"`},
		{"transaction_changed", `Payload.TotalAmount = 108.0000`},
		{"transaction_changed", `Payload.TotalAmount = "108.00"`},
		{"transaction_changed", `Payload.TotalCount = 99`},
		{"transaction_changed", `Payload.TotalCount delete`},
		{"transaction_changed", `Payload.BasketId = "33de23ee-5e42-4aba-b941-6546e57fec28"`},
		{"transaction_changed", `Payload.DeliveryType = "PrintAtHome"`},
		{"transaction_changed", `Payload.DeliveryType = "Print-At-Home"`},
		{"transaction_changed", `Payload.DeliveryType = "E-Tickets"`},
		{"transaction_changed", `Payload.DeliveryType = "Scheduled E-tickets"`},
		{"transaction_changed", `Payload.Customer = null`},
		{"transaction_changed", `Payload.Customer = []`},
		{"transaction_changed", `Payload.PurchaseDateTime = "never"`},
		{"transaction_changed", `Payload.Orders.0.OrderStatus = "Purchased"`},
		{"transaction_changed", `Payload.Orders.0.OrderStatus = {}`},
		{"transaction_changed", `Payload.Orders.0.EventId = "3868"`},
		{"transaction_changed", `Payload.Orders.0.VenueName = 7`},
		{"transaction_changed", `Payload.Orders.0.EventName = " The Clockmaker's \u0000Daughter"`},
		{"transaction_changed", `Payload.Orders.0.PerformanceTimeDate = "2024-03-17T13:00:00.000"`},
		{"transaction_changed", `Payload.Orders.0.PerformanceTimeDate = "2024-03-17 13:00:00"`},
		{"transaction_changed", `Payload.Orders.0.PerformanceTimeDate = "2024-03-17T13:00"`},
		{"transaction_changed", `Payload.Orders.0.PerformanceTimeDate = "2024-03-17T13:00:00Z"`},
		{"transaction_changed", `Payload.Orders.0.PerformanceTimeDate = "2024-03-17T14:00:00+01:00"`},
		{"transaction_changed", `Payload.Orders.0.Tickets.0.Status = " PURCHASED"`},
		{"transaction_changed", `Payload.Orders.0.Tickets.0.Status = null`},
		{"transaction_changed", `Payload.Orders.0.Tickets.1.Status = "cancelled"`},
		{"transaction_changed", `Payload.Orders.0.Tickets.1.Status = "Canceled"`},
		{"transaction_changed", `Payload.Orders.0.Tickets.0.Barcode = 23017425`},
		{"transaction_changed", `Payload.Orders.0.Tickets.0.SeatInfo = "e-15"`},
		{"transaction_changed", `Payload.Orders.0.Tickets.0.SeatInfo = "Row E Seat 15"`},
		{"transaction_changed", `Payload.Orders.1 = null`},
		{"transaction_changed", `Payload.Orders.1 = {"EventId": 1, "Tickets": []}`},
		{"transaction_changed", `Payload.Orders.1 = {"EventId": 1, "Tickets": null}`},
		{"transaction_changed", `Payload.Tickets = []`},
		{"transaction_changed", `Timestamp = "2024-03-05T08:26:11.1451352+00:00"`},
		{"transaction_changed", `Timestamp = "2024-03-05T08:26:11.1451352"`},
		{"scheduled_eticket_delivery", `Payload.AffiliateId = "281FFAAA-A70B-4CD2-A401-9E50B00A1204"`},
		{"scheduled_eticket_delivery", `Payload.CustomerEmail = null`},
		{"scheduled_eticket_delivery", `Payload.Tickets.0.TicketName2 = "40"`},
		{"scheduled_eticket_delivery", `Payload.Tickets.0.TicketName2 = 40.0`},
		{"scheduled_eticket_delivery", `Payload.Tickets.0.TicketName2 = "Seat 40 "`},
		{"scheduled_eticket_delivery", `Payload.Tickets.0.TicketName1 = "n"`},
		{"scheduled_eticket_delivery", `Payload.Tickets.0.VenueName = null`},
		{"scheduled_eticket_delivery", `Payload.Orders = null`},
	} {
		base := docs[c.fixture]
		got, want := decoded(delivery("1", providertest.Patch(t, base, c.patch))), decoded(delivery("1", base))
		for _, r := range []*providertest.Result{&got, &want} { // a seat is shown as it is written
			for i, f := range r.Files {
				r.Files[i].Body = strings.Replace(f.Body, `"SEAT40"`, `"40"`, 1)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s: got %s; want %s", c.fixture, c.patch, providertest.Pretty(t, got), providertest.Pretty(t, want))
		}
	}
	for _, lead := range []string{"\ufeff", " \r\n"} {
		body := docs["transaction_changed"]
		if got, want := decoded(delivery("1", lead+body)), decoded(delivery("1", body)); !reflect.DeepEqual(got, want) {
			t.Errorf("behind %q: got %s; want %s", lead, providertest.Pretty(t, got), providertest.Pretty(t, want))
		}
	}
}

func TestDecodeVersions(t *testing.T) {
	t.Parallel()
	body := sample(t, "transaction_changed")
	for _, c := range []struct {
		patch string
		want  time.Time
	}{
		{`Timestamp = "2024-03-05T08:26:11.1451352Z"`, time.Date(2024, 3, 5, 8, 26, 11, 145135200, time.UTC)},
		{`Timestamp = "2024-07-05T09:26:11+01:00"`, time.Date(2024, 7, 5, 8, 26, 11, 0, time.UTC)},
		{`Timestamp = null`, received}, {`Timestamp = ""`, received}, {`Timestamp delete`, received},
	} {
		out, err := Decode(delivery("1", providertest.Patch(t, body, c.patch)), gbp)
		if err != nil || !out.Event.At.Equal(c.want) || out.Event.At.Location() != time.UTC {
			t.Errorf("%s: got %+v, %v; want the version %s", c.patch, out.Event, err, c.want)
		}
	}
}

func TestDecodeDelivery(t *testing.T) {
	t.Parallel()
	body := sample(t, "transaction_changed")
	for word, want := range map[string]order.Delivery{
		`"Print at Home"`: order.DeliveryETicket, `"E-Tickets"`: order.DeliveryETicket, `"ETicket"`: order.DeliveryETicket,
		`"Scheduled E-tickets"`: order.DeliveryETicket, `"ScheduledETickets"`: order.DeliveryETicket,
		`"Venue Dispatch"`: order.DeliveryOther, `"Owl"`: order.DeliveryOther, `4`: order.DeliveryOther, `{}`: order.DeliveryOther,
		`null`: "", `""`: "",
	} {
		out, err := Decode(delivery("1", providertest.Patch(t, body, "Payload.DeliveryType = "+word)), gbp)
		if err != nil || out.Event.Snapshot.Lines[0].Delivery != want {
			t.Errorf("%s: got %+v, %v; want %q", word, out.Event, err, want)
		}
	}
}

func TestDecodeInventory(t *testing.T) {
	t.Parallel()
	body := sample(t, "transaction_changed")
	for id, want := range map[string]string{"3868": "TG-90", `"3868"`: "TG-90", "3869": "3869", "null": ""} {
		out, err := Decode(delivery("1", providertest.Patch(t, body, "Payload.Orders.0.EventId = "+id)), gbp)
		if err != nil || out.Event.Snapshot.Lines[0].Inventory != want {
			t.Errorf("EventId %s: got %+v, %v; want the ticket group %q", id, out.Event, err, want)
		}
	}
}

func TestDecodeShow(t *testing.T) {
	t.Parallel()
	type perf struct {
		id         int
		at, status string
	}
	booking := func(perfs ...perf) string {
		var orders []string
		for _, p := range perfs {
			orders = append(orders, fmt.Sprintf(`{"EventId":%d,"EventName":"Show %d","PerformanceTimeDate":%q,"Tickets":[{"SeatInfo":"A1","Status":%q}]}`,
				p.id, p.id, p.at, p.status))
		}
		return `{"MessageType":"TransactionChanged","Payload":{"BookingReference":"B1","TotalAmount":10,"Orders":[` + strings.Join(orders, ",") + `]}}`
	}
	early, late := perf{1, "2024-01-01T19:00:00", "Purchased"}, perf{2, "2024-01-02T19:00:00", "Purchased"}
	undated := perf{3, "", "Purchased"}
	gone := func(p perf) perf { p.status = "Cancelled"; return p }
	for name, c := range map[string]struct {
		perfs []perf
		want  string
	}{
		"Earliest":               {[]perf{late, early}, "1"},
		"EarliestFirst":          {[]perf{early, late}, "1"},
		"EarliestIsCancelled":    {[]perf{gone(early), late}, "2"},
		"CancelledIsLast":        {[]perf{late, gone(early)}, "2"},
		"AllCancelled":           {[]perf{gone(late), gone(early)}, "1"},
		"DatedBeforeUndated":     {[]perf{undated, late}, "2"},
		"UndatedBehindDated":     {[]perf{late, undated}, "2"},
		"UndatedBeforeCancelled": {[]perf{gone(early), undated}, "3"},
	} {
		out, err := Decode(delivery("1", booking(c.perfs...)), gbp)
		if err != nil || out.Event.Snapshot.Show.ID != c.want || out.Event.Snapshot.Show.Name != "Show "+c.want {
			t.Errorf("%s: got %+v, %v; want show %s", name, out.Event, err, c.want)
		}
	}
}

// TestLinesAddUpToTotalAmount is the rule that makes our invoice agree with London Theatre Direct's total.
func TestLinesAddUpToTotalAmount(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		minor, live, gone := r.Int64N(1_000_000), 1+r.IntN(12), r.IntN(4)
		if r.IntN(10) == 0 {
			minor = r.Int64N(20)
		}
		var tickets []string
		for i := range live + gone {
			status := "Purchased"
			if i >= live {
				status = "Cancelled"
			}
			tickets = append(tickets, fmt.Sprintf(`{"SeatInfo":"A%d","Status":%q}`, i, status))
		}
		r.Shuffle(len(tickets), func(i, j int) { tickets[i], tickets[j] = tickets[j], tickets[i] })
		amount := fmt.Sprintf("%d.%02d", minor/100, minor%100)
		body := `{"MessageType":"TransactionChanged","Payload":{"BookingReference":"B1","TotalAmount":` + amount +
			`,"Orders":[{"EventId":1,"Tickets":[` + strings.Join(tickets, ",") + `]}]}}`
		out, err := Decode(delivery("1", body), gbp)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		o := order.New(order.Identity{}, order.DefaultPolicy())
		o.Apply(*out.Event)
		if got, want := o.Total(), (order.Money{Minor: minor, Currency: "GBP"}); got != want {
			t.Fatalf("%s: got total %s; want %s", body, got, want)
		}
		if got := out.Event.Snapshot.Free; got != (minor == 0) {
			t.Fatalf("%s: got free %t", body, got)
		}
		least, most := int64(1<<62), int64(0)
		for _, l := range o.LiveLines() {
			least, most = min(least, l.Unit.Minor), max(most, l.Unit.Minor)
		}
		if len(o.LiveLines()) != live || most-least > 1 || least < 0 {
			t.Fatalf("%s: got %d live lines from %d to %d; want %d, at most a penny apart", body, len(o.LiveLines()), least, most, live)
		}
	}
}

func TestCancelledLinesCostNothing(t *testing.T) {
	t.Parallel()
	out, err := Decode(delivery("1", sample(t, "transaction_cancelled")), gbp)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range out.Event.Snapshot.Lines {
		if l.Unit.Minor != 0 || l.Quantity != 1 {
			t.Errorf("got %+v; want one ticket that costs nothing", l)
		}
	}
	if out.Event.Snapshot.Free {
		t.Error("got a free order; want a cancelled one")
	}
	o := order.New(order.Identity{Kind: order.Sale}, order.DefaultPolicy())
	o.Apply(*out.Event)
	if state := o.Plan(received).State; state != order.Cancelled {
		t.Errorf("got state %s; want %s", state, order.Cancelled)
	}
}

// life is all that is ever sent of one booking.
func life(t *testing.T) []string {
	created := sample(t, "transaction_created")
	const tickets = `{"EventName": "The Clockmaker's Daughter", "PerformanceDate": "2024-07-17T13:00:00", "TicketName1": "N", "TicketName2": %s, "Barcode": "00009177", "BarcodeType": "QRCode"}`
	issued := func(at string, list ...string) string {
		return `{"MessageType":"ScheduledEticketDelivery","Payload":{"AffiliateId":"` + affiliate + `","BookingReference":"CSK50001","Tickets":[` +
			strings.Join(list, ",") + `]},"Timestamp":"` + at + `"}`
	}
	one := providertest.Patch(t, created, `Payload.Orders.1.Tickets.1.Status = "Cancelled"
		Payload.TotalAmount = 160
		Payload.TotalCount = 1
		Timestamp = "2024-05-03T09:00:00.0000000Z"`)
	moved := providertest.Patch(t, one, `Payload.DeliveryType = "Print at Home"
		Payload.Orders.1.Tickets.0.SeatInfo = "n 40"
		Timestamp = "2024-05-03T09:00:00.0000001Z"`)
	return []string{
		created, one, moved,
		issued("2024-07-16T08:00:00.5Z", fmt.Sprintf(tickets, "40"), fmt.Sprintf(tickets, `"41"`)),
		issued("2024-07-16T08:00:00.6Z", `{"EventName": "MIDWINTER PROPERLY", "PerformanceDate": "2024-12-20T19:30:00", "TicketName1": "AA", "TicketName2": 12, "Barcode": "00774411"}`),
		sample(t, "basket_polled"),
	}
}

// TestEveryOrderOfArrival plays a booking's life.
func TestEveryOrderOfArrival(t *testing.T) {
	t.Parallel()
	o := providertest.EveryOrder(t, order.DefaultPolicy(), decode, providertest.Deliveries(received, life(t)...)...)
	if o.ProviderOrderID != "CSK50001" || o.Kind != order.Sale {
		t.Errorf("got %s %s; want the sale CSK50001", o.Kind, o.ProviderOrderID)
	}
	lines := o.LiveLines()
	if len(lines) != 2 || lines[0].DeliveredQuantity() != 1 || lines[1].DeliveredQuantity() != 1 || o.Total().Minor != 16_000 {
		t.Errorf("got %+v; want two live lines of 160.00 that are delivered", lines)
	}
	if len(o.Facts.Lines) != 3 {
		t.Errorf("got lines %s; want the three of the booking", providertest.Marshal(t, o.Facts.Lines))
	}
}

// TestAnUnknownSeatIsNotLost has tickets come before the booking, and for a seat that the booking does not name.
func TestAnUnknownSeatIsNotLost(t *testing.T) {
	t.Parallel()
	out, err := Decode(delivery("1", sample(t, "scheduled_eticket_delivery")), gbp)
	if err != nil {
		t.Fatal(err)
	}
	o := order.New(order.Identity{Kind: order.Sale}, order.DefaultPolicy())
	o.Apply(*out.Event)
	if len(o.Facts.Lines) != 3 || len(o.Lines()) != 0 {
		t.Errorf("got %s; want three lines that no snapshot describes", providertest.Marshal(t, o.Facts.Lines))
	}
	if len(out.Files) != 3 {
		t.Errorf("got %d files; want 3", len(out.Files))
	}
	for _, f := range out.Files {
		if !bytes.Contains(f.Body, []byte(`"00000015125182882200"`)) {
			t.Errorf("got %s; want the barcode with its zeros", f.Body)
		}
	}
}

func TestFilesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	body := `{"MessageType":"TransactionChanged","Payload":{"BookingReference":"B1","TotalAmount":10,"Orders":[` +
		`{"EventName":"One","PerformanceTimeDate":"2024-03-17T13:00:00","Tickets":[{"SeatInfo":"E15","Barcode":"1"},{"SeatInfo":"E15","Barcode":"2"}]},` +
		`{"EventName":"Two","PerformanceTimeDate":"2024-03-17T13:00:00","Tickets":[{"SeatInfo":"E15","Barcode":"3"},{"SeatInfo":"","Barcode":"4"},{"SeatInfo":"","Barcode":"5"}]},` +
		`{"EventName":"One","PerformanceTimeDate":"2024-03-18T13:00:00","Tickets":[{"SeatInfo":"E15","Barcode":"6"}]}]}}`
	out, err := Decode(delivery("1", body), gbp)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range out.Files {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) != 6 {
		t.Errorf("got names %q; want six that differ", names)
	}
}

func TestTypesAreAllThatAreNamed(t *testing.T) {
	t.Parallel()
	if got, want := Types(), []string{"TransactionChanged", "ScheduledEticketDelivery"}; !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
	for _, typ := range Types() {
		out, _ := Decode(delivery("1", `{"MessageType":"`+typ+`"}`), gbp)
		if out.Disposition == provider.Unknown {
			t.Errorf("%s: got unknown", typ)
		}
	}
}

func TestAnUnknownStatusAsksAPersonUntilItIsGone(t *testing.T) {
	t.Parallel()
	body := sample(t, "transaction_unknown_status")
	mended := providertest.Patch(t, body, `Payload.Orders.0.Tickets.1.Status = "Purchased"
		Timestamp = "2024-09-01T10:00:00Z"`)
	policy := order.DefaultPolicy()
	policy.FraudService = false // London Theatre Direct has none
	o := order.New(order.Identity{Kind: order.Sale}, policy)
	for _, c := range []struct {
		body string
		want bool
	}{{body, true}, {mended, false}} {
		out, err := Decode(delivery("1", c.body), gbp)
		if err != nil {
			t.Fatal(err)
		}
		o.Apply(*out.Event)
		a := o.Plan(received).Attention
		if got := a != nil && a.Reason == order.ReasonUnknownStatus; got != c.want {
			t.Errorf("got attention %+v; want one for an unknown status: %t", a, c.want)
		}
	}
}

// TestNullEverywhere has each value of the samples null, and says which ones cannot be done without.
func TestNullEverywhere(t *testing.T) {
	t.Parallel()
	for name, needed := range map[string][]string{
		"transaction_changed":        {"MessageType", "Payload.BookingReference", "Payload.TotalAmount"},
		"transaction_cancelled":      {"MessageType", "Payload.BookingReference", "Payload.Orders.0.Tickets.0.Status", "Payload.Orders.0.Tickets.1.Status"},
		"scheduled_eticket_delivery": {"MessageType", "Payload.AffiliateId", "Payload.BookingReference"},
	} {
		body := sample(t, name)
		var refused []string
		for _, path := range providertest.Leaves(t, body) {
			null, _ := Decode(delivery("1", providertest.Patch(t, body, path+" = null")), gbp)
			none, _ := Decode(delivery("1", providertest.Patch(t, body, path+" delete")), gbp)
			blank, _ := Decode(delivery("1", providertest.Patch(t, body, path+` = ""`)), gbp)
			if !reflect.DeepEqual(null, none) || !reflect.DeepEqual(null, blank) {
				t.Errorf("%s: %s: got %+v for null, %+v for nothing, %+v for an empty text; want one answer", name, path, null, none, blank)
			}
			if null.Disposition != provider.Forward {
				refused = append(refused, path)
			}
		}
		slices.Sort(refused)
		if !slices.Equal(refused, needed) {
			t.Errorf("%s: got %q needed; want %q", name, refused, needed)
		}
	}
}

// TestAnotherOrderOfTheListCancelsNoMore lists places that cannot be told apart in every way: as many are live as the newest
// message says, whatever came before.
func TestAnotherOrderOfTheListCancelsNoMore(t *testing.T) {
	t.Parallel()
	o := order.New(order.Identity{Kind: order.Sale}, order.DefaultPolicy())
	for i, statuses := range []string{"PPPP", "CPPP", "PPPC", "PCPP", "CPCP", "PPCC", "CCPP"} {
		var tickets []string
		for _, s := range statuses {
			tickets = append(tickets, `{"SeatInfo":"","Status":"`+map[rune]string{'P': "Purchased", 'C': "Cancelled"}[s]+`"}`)
		}
		body := fmt.Sprintf(`{"MessageType":"TransactionChanged","Payload":{"BookingReference":"B1","TotalAmount":%d,"Orders":[{"Tickets":[%s]}]},"Timestamp":"2024-01-01T00:00:%02dZ"}`,
			10*strings.Count(statuses, "P"), strings.Join(tickets, ","), i)
		out, err := Decode(delivery(fmt.Sprint(i), body), gbp)
		if err != nil {
			t.Fatal(err)
		}
		o.Apply(*out.Event)
		live := strings.Count(statuses, "P")
		if got := len(o.LiveLines()); got != live || o.Total().Minor != int64(1000*live) {
			t.Errorf("after %s: got %d live lines of %s; want %d of 10.00 each", statuses, got, o.Total(), live)
		}
	}
}
