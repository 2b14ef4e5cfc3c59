package activities

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
	"willcall/postgres"
)

// waiting invoices one order after the other, each with a link in the POS, and stores them as orders that wait for their tickets.
func (d *desk) waiting(ids ...string) (steps []Step) {
	d.t.Helper()
	for _, id := range ids {
		s := d.selling(id, dollars("1", "S", 1, 1000))
		d.pos.SetDeliveries(s.Invoice, link("", "https://wallet.example.com/"+id))
		d.hears(s)
		steps = append(steps, s)
	}
	return steps
}

// change changes a stored order.
func (d *desk) change(s Step, change func(*order.Order)) {
	d.t.Helper()
	o, err := d.load(d.t.Context(), s.Order.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	change(o)
	o.Revision++
	if _, err := d.DB.SaveOrder(d.t.Context(), row(d.t, o), nil, nil); err != nil {
		d.t.Fatal(err)
	}
}

// hearing is a desk whose Tell tells the stored order, as its workflow would.
func hearing(t *testing.T) (*desk, *told) {
	t.Helper()
	d, _ := seller(t)
	to := &told{}
	d.Tell = func(_ context.Context, id order.Identity, e order.Event) error {
		if id.ID == to.breaks {
			return to.err
		}
		to.ids = append(to.ids, id.ID)
		d.change(Step{Order: id}, func(o *order.Order) { o.Apply(e) })
		return nil
	}
	return d, to
}

func (d *desk) lookForAllOf(prepare func(*testsuite.TestActivityEnvironment)) (Looks, error) {
	return attempt[Looks](d, "LookForAllTickets", LooksInput{Source: "tevo"}, prepare)
}

// finds is what a look for all tickets came to.
func (d *desk) finds(want Looks) {
	d.t.Helper()
	if got, err := d.lookForAllOf(nil); err != nil || got != want {
		d.t.Errorf("got %+v %v; want %+v", got, err, want)
	}
}

func TestOrdersHearOfTicketsThatHaveComeOnce(t *testing.T) {
	t.Parallel()
	d, to := hearing(t)
	reg := prometheus.NewRegistry()
	d.Metrics = NewMetrics(reg)
	s := d.waiting("1", "2")
	d.pos.SetDeliveries(s[1].Invoice) // nothing is there for the second
	d.finds(Looks{Looked: 2, New: 1})
	d.finds(Looks{Looked: 2})
	d.pos.SetDeliveries(s[1].Invoice, link("", "https://wallet.example.com/2"))
	d.finds(Looks{Looked: 2, New: 1})
	d.pos.SetDeliveries(s[0].Invoice) // taken back
	d.finds(Looks{Looked: 2, New: 1})
	d.finds(Looks{Looked: 2})
	d.void(pos.Invoice{ID: s[0].Invoice}) // nothing was there, and nothing will be
	d.finds(Looks{Looked: 2, New: 1})
	if want := []string{"order:tevo:1", "order:tevo:2", "order:tevo:1", "order:tevo:1"}; !slices.Equal(to.ids, want) {
		t.Errorf("told %v; want %v", to.ids, want)
	}
	o, _ := d.load(t.Context(), "order:tevo:2")
	w, err := d.DB.Webhook(t.Context(), o.Facts.Supply.By)
	if err != nil || w.Type != "pos/supply" || w.Via != postgres.ViaSweep || w.OrderID != "order:tevo:2" {
		t.Errorf("got row %+v %v; want what the order was told", w, err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0.0
	for _, f := range families {
		if f.GetName() == "willcall_looks_found_total" {
			counted = f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	if counted != 4 {
		t.Errorf("counted %g; want 4", counted)
	}
}

func TestOnlyOrdersThatWaitForOurTicketsAreLookedAt(t *testing.T) {
	t.Parallel()
	d, to := hearing(t)
	s := d.waiting("1", "2", "3", "4", "5", "6")
	d.change(s[0], func(o *order.Order) { o.Policy.Deliver = false })
	d.change(s[1], func(o *order.Order) { o.StateNow = order.Fulfilled })
	d.change(s[2], func(o *order.Order) { o.Record("void_invoice/1", order.Result{Outcome: order.Done, At: time.Now()}) })
	d.change(s[3], func(o *order.Order) {
		r := o.Steps["invoice/1"]
		r.Can = []order.Ability{order.CanVoidLines}
		o.Steps["invoice/1"] = r
	})
	d.change(s[4], func(o *order.Order) { o.Kind = order.Purchase })
	d.finds(Looks{Looked: 1, New: 1})
	if want := []string{"order:tevo:6"}; !slices.Equal(to.ids, want) {
		t.Errorf("told %v; want %v", to.ids, want)
	}
}

func TestTheSoonestEventComesFirst(t *testing.T) {
	t.Parallel()
	d, to := hearing(t)
	for i, s := range d.waiting("1", "2", "3") {
		hours := []int{0, 30, 20}[i]
		d.change(s, func(o *order.Order) {
			if hours > 0 {
				o.Facts.Show.StartsAt = kickOff.Add(time.Duration(hours) * time.Hour)
			}
		})
	}
	d.finds(Looks{Looked: 3, New: 3})
	if want := []string{"order:tevo:3", "order:tevo:2", "order:tevo:1"}; !slices.Equal(to.ids, want) {
		t.Errorf("told %v; want %v: the one without a time last", to.ids, want)
	}
}

// TestOneOrderThatThePOSDoesNotAnswerForHidesNoOther: but a POS that answers for none is down.
func TestOneOrderThatThePOSDoesNotAnswerForHidesNoOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault fake.Fault
		want  Looks
		class string
	}{
		{fake.Fault{Kind: fake.Refuse, Class: pos.Invalid, Count: 1}, Looks{Looked: 4, New: 3, Unread: 1}, ""},
		{fake.Fault{Kind: fake.LostBefore, Count: 2}, Looks{Looked: 4, New: 2, Unread: 2}, ""},
		{fake.Fault{Kind: fake.LostBefore, Count: 3}, Looks{}, "transient"},
		{fake.Fault{Kind: fake.Refuse, Class: pos.RateLimited, Count: 1}, Looks{}, "rate_limited"},
		{fake.Fault{Kind: fake.Refuse, Class: pos.Unauthorized, Count: 1}, Looks{}, "unauthorized"},
	} {
		d, _ := hearing(t)
		d.waiting("1", "2", "3", "4")
		c.fault.Call = fake.GetDeliveries
		d.pos.SetFaults(c.fault)
		got, err := d.lookForAllOf(nil)
		if c.class == "" && (err != nil || got != c.want) || c.class != "" && classIn(err) != c.class {
			t.Errorf("%+v: got %+v %v; want %+v %s", c.fault, got, err, c.want, c.class)
		}
	}
	d, _ := seller(t)
	if _, err := attempt[Looks](d, "LookForAllTickets", LooksInput{Source: "nowhere"}, nil); classIn(err) != "unauthorized" {
		t.Errorf("a source that is not configured: got %v; want unauthorized", err)
	}
}

func TestALookForTicketsGoesOnBehindTheLastOrder(t *testing.T) {
	t.Parallel()
	d, to := hearing(t)
	d.waiting("1", "2", "3", "4", "5")
	to.breaks, to.err = "order:tevo:3", errors.New("Temporal is away")
	var at looksProgress
	_, err := d.lookForAllOf(func(env *testsuite.TestActivityEnvironment) {
		env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
			if err := details.Get(&at); err != nil {
				t.Error(err)
			}
		})
	})
	if !retried(err) || !slices.Equal(to.ids, []string{"order:tevo:1", "order:tevo:2"}) {
		t.Fatalf("got %v, told %v; want two told, and another attempt", err, to.ids)
	}
	// The SDK sends the first heartbeat at once and may keep later ones back.
	if at.Done < 1 || at.Done > 2 || at.New != at.Done {
		t.Fatalf("got progress %+v; want an order or two", at)
	}
	to.breaks, to.ids = "", nil
	got, err := d.lookForAllOf(func(env *testsuite.TestActivityEnvironment) { env.SetHeartbeatDetails(at) })
	if err != nil || got.Looked != 5 || slices.Contains(to.ids, "order:tevo:1") || !slices.Contains(to.ids, "order:tevo:5") {
		t.Errorf("got %+v %v, told %v; want five in all, from there on", got, err, to.ids)
	}
}

func TestEveryPageOfWaitingOrdersIsLookedAt(t *testing.T) {
	t.Parallel()
	d, _ := hearing(t)
	s := d.waiting("0")[0]
	for i := range 205 {
		id := strings.Repeat("9", 1+i/100) + string(rune('a'+i%26)) + string(rune('a'+i/26))
		other := s
		other.Order = sale(id)
		d.hears(other)
	}
	d.pos.SetDeliveries(s.Invoice)
	d.finds(Looks{Looked: 206})
}

func TestALookForTicketsIsPacedAndEndsWithItsWorker(t *testing.T) {
	t.Parallel()
	d, to := hearing(t)
	d.waiting("1", "2", "3")
	stop := make(chan struct{})
	close(stop)
	d.LookPause = time.Hour
	if _, err := d.lookForAllOf(func(env *testsuite.TestActivityEnvironment) { env.SetWorkerStopChannel(stop) }); !retried(err) || to.ids != nil {
		t.Errorf("got %v after %v; want another attempt elsewhere", err, to.ids)
	}
	d.LookPause = 20 * time.Millisecond
	begun := time.Now()
	if d.finds(Looks{Looked: 3, New: 3}); time.Since(begun) < 3*d.LookPause {
		t.Errorf("three orders took %s; want a pause of %s before each", time.Since(begun), d.LookPause)
	}
}

// TestWatchedCountersAreThereBeforeTheyCount: an alarm on growth needs the 0 before the first.
func TestWatchedCountersAreThereBeforeTheyCount(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	m.Expect("tevo", true, true)
	m.Expect("vivenu", true, false)
	m.Expect("tixstock", false, false)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, f := range families {
		got[f.GetName()] = len(f.GetMetric())
	}
	if want := map[string]int{"willcall_sweep_missed_total": 2, "willcall_looks_found_total": 1}; !maps.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
}
