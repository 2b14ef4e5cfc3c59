package activities

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
	"willcall/postgres"
	"willcall/provider"
)

// told notes whom the desk tells, and fails before it tells the one that breaks names.
type told struct {
	ids    []string
	breaks string
	err    error
}

func (d *desk) telling(to *told) {
	d.Tell = func(_ context.Context, id order.Identity, _ order.Event) error {
		if id.ID == to.breaks {
			return to.err
		}
		to.ids = append(to.ids, id.ID)
		return nil
	}
}

// save stores an order of the performance E1 as the read model has it.
func (d *desk) save(orderID string, change func(*postgres.OrderRow)) string {
	d.t.Helper()
	row := postgres.OrderRow{Identity: sale(orderID), State: order.AwaitingFulfilment, EventID: "E1", Doc: []byte(`{}`), DecidedAt: time.Now(), Revision: 1}
	if change != nil {
		change(&row)
	}
	if _, err := d.DB.SaveOrder(d.t.Context(), row, nil, nil); err != nil {
		d.t.Fatal(err)
	}
	return row.ID
}

// news says of E1 that it starts so many hours after its first date.
func news(id string, hours int) NoticeStep {
	at := time.Date(2027, 2, 1, hours, 0, 0, 0, time.UTC) // each newer than the one before
	return NoticeStep{Source: "tevo", Subject: "E1", Event: order.Event{ID: id, Type: "event/updated", At: at, Received: at,
		News: &order.News{ShowID: "E1", StartsAt: kickOff.Add(time.Duration(hours) * time.Hour)}}}
}

func TestOnlyOpenOrdersOfTheEventAreTold(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	var to told
	d.telling(&to)
	want := []string{
		d.save("1", nil),
		d.save("2", func(o *postgres.OrderRow) { o.State = order.Fulfilled }),
		d.save("3", func(o *postgres.OrderRow) {
			o.Kind, o.ID = order.Purchase, order.WorkflowID("tevo", "3", order.Purchase)
		}),
	}
	d.save("4", func(o *postgres.OrderRow) { o.EventID = "E2" })
	d.save("5", func(o *postgres.OrderRow) { o.Source, o.ID = "other", "order:other:5" })
	d.save("6", func(o *postgres.OrderRow) { o.State = order.Completed })
	d.save("7", func(o *postgres.OrderRow) { o.State = order.Cancelled })
	d.save("8", func(o *postgres.OrderRow) { o.State, o.ClosedAt = order.Fulfilled, time.Now() })
	d.save("9", func(o *postgres.OrderRow) { o.EventID = "" })
	got, err := attempt[Told](d, "TellOrders", news("n1", 1), nil)
	if err != nil || got.Orders != len(want) || !slices.Equal(to.ids, want) {
		t.Errorf("got %+v %v, told %v; want %v told", got, err, to.ids, want)
	}
}

func TestEveryOrderOfALargeEventIsTold(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	var to told
	d.telling(&to)
	var want []string
	for i := range 405 { // two full pages and a bit
		want = append(want, d.save(fmt.Sprintf("%04d", i), nil))
	}
	got, err := attempt[Told](d, "TellOrders", news("n1", 1), nil)
	if err != nil || got.Orders != len(want) || !slices.Equal(to.ids, want) {
		t.Errorf("got %+v %v, told %d; want all %d, each once and in order", got, err, len(to.ids), len(want))
	}
}

func TestTellingGoesOnBehindTheLastOneThatWasTold(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	to := told{breaks: "order:tevo:4", err: errors.New("no answer from the server")}
	d.telling(&to)
	var want []string
	for i := range 6 {
		want = append(want, d.save(fmt.Sprint(i), nil))
	}
	var at tellProgress
	_, err := attempt[Told](d, "TellOrders", news("n1", 1), func(env *testsuite.TestActivityEnvironment) {
		env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
			if err := details.Get(&at); err != nil {
				t.Error(err)
			}
		})
	})
	if !retried(err) || !slices.Equal(to.ids, want[:4]) {
		t.Fatalf("got %v, told %v; want %v and another attempt", err, to.ids, want[:4])
	}
	if (at == tellProgress{}) {
		t.Fatal("no heartbeat says how far the telling came")
	}
	// The SDK sends the first heartbeat at once and may keep later ones back.
	i, found := slices.BinarySearch(want, at.After)
	if !found || at.Told != i+1 {
		t.Fatalf("got progress %+v; want an order and its number", at)
	}
	to.breaks, to.ids = "", nil
	got, err := attempt[Told](d, "TellOrders", news("n1", 1), func(env *testsuite.TestActivityEnvironment) { env.SetHeartbeatDetails(at) })
	if err != nil || got.Orders != len(want) || !slices.Equal(to.ids, want[i+1:]) {
		t.Errorf("got %+v %v, told %v; want %v, %d in all", got, err, to.ids, want[i+1:], len(want))
	}
}

// begin begins an order of the performance E1.
func (d *desk) begin(orderID string) *order.Order {
	d.t.Helper()
	at := time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)
	o, err := d.BeginOrder(d.t.Context(), BeginInput{Order: sale(orderID), Now: at, Events: []order.Event{{ID: "w" + orderID, At: at, Received: at,
		Snapshot: &order.Snapshot{APIID: "1", Buyer: order.Office, Show: order.Show{ID: "E1", StartsAt: kickOff},
			Lines: []order.Line{{ID: "1", Inventory: "58222", Quantity: 2, Unit: order.Money{Minor: 2700, Currency: "USD"}}}}}}})
	if err != nil {
		d.t.Fatal(err)
	}
	return o
}

func TestNewsIsKeptForOrdersToCome(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	d.telling(&told{})
	before := d.begin("1")
	if before.Facts.Times.News.By != "" {
		t.Fatalf("got %+v; want no news yet", before.Facts.Times)
	}
	for _, n := range []NoticeStep{news("n2", 2), news("n1", 1)} { // the older comes late
		if _, err := attempt[Told](d, "TellOrders", n, nil); err != nil {
			t.Fatal(err)
		}
	}
	o := d.begin("2")
	if o.Facts.Times.Now.By.By != "n2" || !o.Show().StartsAt.Equal(kickOff.Add(2*time.Hour)) {
		t.Errorf("got %+v; want the newer news, n2", o.Facts.Times)
	}
	if plan := o.Plan(time.Date(2027, 2, 2, 0, 0, 0, 0, time.UTC)); plan.Attention == nil || plan.Attention.Reason != order.ReasonEventMoved || o.AttentionKey != plan.Attention.Key() {
		t.Errorf("got attention %+v, settled as %q; want %s", plan.Attention, o.AttentionKey, order.ReasonEventMoved)
	}
	row, timeline, _, err := d.DB.Order(t.Context(), o.ID)
	if err != nil || row.AttentionReason != string(order.ReasonEventMoved) || !row.EventStartsAt.Equal(kickOff.Add(2*time.Hour)) || row.Revision != o.Revision {
		t.Errorf("got row %+v %v; want it stored with the news", row, err)
	}
	lines := 0
	for _, e := range timeline {
		if e.WebhookID == "n2" {
			lines++
		}
	}
	if lines != 1 {
		t.Errorf("the news is %d times in the timeline; want once", lines)
	}
	again := d.begin("2")
	if again.Facts.Times != o.Facts.Times {
		t.Errorf("a second beginning: got %+v; want %+v", again.Facts.Times, o.Facts.Times)
	}
}

// TestStoringAnOrderBringsTheNewsThatItHasNotHeard: it was spread before the order was known to be of that performance.
func TestStoringAnOrderBringsTheNewsThatItHasNotHeard(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	d.telling(&told{})
	o := d.begin("1")
	n := news("n1", 1)
	if _, err := attempt[Told](d, "TellOrders", n, nil); err != nil {
		t.Fatal(err)
	}
	saved, err := d.SaveOrder(t.Context(), SaveInput{Order: o, Now: n.Event.At})
	if err != nil || !reflect.DeepEqual(saved.News, &n.Event) {
		t.Fatalf("got %+v %v; want %+v", saved.News, err, n.Event)
	}
	o.Apply(*saved.News)
	if saved, err = d.SaveOrder(t.Context(), SaveInput{Order: o, Now: n.Event.At}); err != nil || saved.News != nil {
		t.Errorf("got %+v %v; want nothing that the order knows", saved.News, err)
	}
}

// buyers is a desk whose provider tells of customers, with the customer of buyer b7 in the POS.
func buyers(t *testing.T, caps pos.Capabilities) *desk {
	t.Helper()
	d := setup(t, fake.Options{Capabilities: caps, Groups: stock})
	d.configure(func(src *Source) { src.Customer = src.Buyer })
	b := dana
	b.ID = "b7"
	if _, err := d.do("CreateInvoice", d.step("1", order.DoInvoice, b)); err != nil {
		t.Fatal(err)
	}
	return d
}

var updating = pos.Capabilities{SearchCustomers: true, SearchInvoices: true, UpdateCustomers: true}

// renamed stores news that a buyer has another name by now.
func (d *desk) renamed(id, name string, hour int) NoticeStep {
	d.t.Helper()
	b := dana
	b.ID, b.Name = id, name
	at := time.Date(2027, 2, 1, hour, 0, 0, 0, time.UTC)
	w := d.put(document{At: at, Buyer: b}, postgres.Webhook{Type: "customer/updated"})
	return NoticeStep{Source: "tevo", Subject: id, Event: order.Event{ID: w, Type: "customer/updated", At: at, Received: at}}
}

func (d *desk) update(n NoticeStep) (Told, error) {
	return attempt[Told](d, "UpdateCustomer", n, nil)
}

func (d *desk) wantUpdate(n NoticeStep, result, name string, calls int) {
	d.t.Helper()
	told, err := d.update(n)
	if err != nil || told.Result != result {
		d.t.Errorf("got %+v %v; want %s", told, err, result)
	}
	all := d.pos.State().Customers
	if len(all) != 1 || all[0].Name != name || d.pos.Calls(fake.UpdateCustomer) != calls {
		d.t.Errorf("got customers %+v after %d updates; want one named %s after %d", all, d.pos.Calls(fake.UpdateCustomer), name, calls)
	}
}

func TestNewsOfABuyerReachesThePOSOnce(t *testing.T) {
	t.Parallel()
	d := buyers(t, updating)
	n := d.renamed("b7", "Dana Different", 2)
	for range 3 {
		d.wantUpdate(n, "updated", "Dana Different", 1)
	}
	d.wantUpdate(d.renamed("b7", "Dana Outdated", 1), "stale", "Dana Different", 1)
	d.wantUpdate(d.renamed("b8", "Somebody Else", 3), "unknown", "Dana Different", 1)
	d.wantUpdate(d.renamed("b7", "Dana Newest", 4), "updated", "Dana Newest", 2)
	if c := d.pos.State().Customers[0]; c.Email != dana.Email || c.Kind != pos.Retail {
		t.Errorf("got %+v; want the rest as it was told", c)
	}
}

func TestAPOSThatLosesTheAnswerIsAskedAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []fake.Kind{fake.LostBefore, fake.LostAfter} {
		d := buyers(t, updating)
		n := d.renamed("b7", "Dana Different", 2)
		d.pos.SetFaults(fake.Fault{Call: fake.UpdateCustomer, Kind: kind, Count: 1})
		if _, err := d.update(n); classIn(err) != "outcome_unknown" || !retried(err) {
			t.Errorf("%s: got %v; want outcome_unknown, to be tried again", kind, err)
		}
		d.wantUpdate(n, "updated", "Dana Different", 2)
		d.wantUpdate(n, "updated", "Dana Different", 2)
	}
}

func TestWhereNoCustomerCanBeUpdatedNothingFails(t *testing.T) {
	t.Parallel()
	d := buyers(t, capable)
	d.wantUpdate(d.renamed("b7", "Dana Different", 2), "unsupported", "Dana Example", 0)

	quiet := buyers(t, updating)
	n := quiet.renamed("b7", "Dana Different", 2)
	quiet.configure(func(src *Source) { src.Customer = nil })
	quiet.wantUpdate(n, "unsupported", "Dana Example", 0)
	quiet.configure(func(src *Source) { src.Customer, src.POS = src.Buyer, nil })
	if told, err := quiet.update(n); err != nil || told.Result != "unsupported" {
		t.Errorf("without a POS: got %+v %v; want unsupported", told, err)
	}
}

func TestACustomerWhoWasDeletedInThePOSIsUnknown(t *testing.T) {
	t.Parallel()
	d := buyers(t, updating)
	n := d.renamed("b7", "Dana Different", 2)
	d.configure(func(src *Source) { src.POS = fake.New(fake.Options{Capabilities: updating}) })
	for range 2 {
		if told, err := d.update(n); err != nil || told.Result != "unknown" {
			t.Errorf("got %+v %v; want unknown", told, err)
		}
	}
}

func TestNewsOfABuyerThatCannotBeReadIsForAPerson(t *testing.T) {
	t.Parallel()
	d := buyers(t, updating)
	gone := d.renamed("b7", "Dana Different", 2)
	gone.Event.ID = postgres.NewID()
	if _, err := d.update(gone); classIn(err) != "invalid" || retried(err) {
		t.Errorf("a document that is gone: got %v; want invalid", err)
	}
	n := d.renamed("b7", "Dana Different", 2)
	d.pos.SetFaults(fake.Fault{Call: fake.Capabilities, Kind: fake.LostBefore, Count: 1})
	if _, err := d.update(n); classIn(err) != "transient" || !retried(err) {
		t.Errorf("a POS that is down: got %v; want transient", err)
	}
	d.configure(func(src *Source) {
		src.Customer = func([]byte) (provider.Buyer, error) { return provider.Buyer{}, provider.ErrMalformed }
	})
	if _, err := d.update(n); classIn(err) != "invalid" || retried(err) {
		t.Errorf("a document that is not one: got %v; want invalid", err)
	}
}
