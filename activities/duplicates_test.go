package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
	"willcall/postgres"
)

var month = DuplicatesInput{Source: "tevo", Within: 30 * 24 * time.Hour}

// searched are the options of a POS that lets several live records bear one reference, as most do.
var searched = fake.Options{Capabilities: capable, Groups: stock, Oversell: true, DuplicateRefs: true}

// sold books the sale of an order as the order's workflow does. twice has the POS book it twice, which the step may see at once.
func (d *desk) sold(orderID string, twice bool) {
	d.t.Helper()
	d.save(orderID, nil)
	if twice {
		d.pos.SetFaults(fake.Fault{Call: fake.CreateInvoice, Kind: fake.Double, Count: 1})
		defer d.pos.SetFaults()
	}
	if _, err := d.do("CreateInvoice", d.step(orderID, order.DoInvoice, dana)); err != nil && (!twice || classIn(err) != "duplicate") {
		d.t.Fatal(err)
	}
}

// live are the ids of the live invoices that bear the reference.
func (d *desk) live(ref string) (ids []string) {
	for _, inv := range d.pos.State().Invoices {
		if inv.Ref == ref && !inv.Voided {
			ids = append(ids, inv.ID)
		}
	}
	return ids
}

func (d *desk) look(prepare func(*testsuite.TestActivityEnvironment)) (Duplicates, error) {
	return attempt[Duplicates](d, "FindDuplicates", month, prepare)
}

// looks is look, and wants an answer.
func (d *desk) looks() Duplicates {
	d.t.Helper()
	got, err := d.look(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

func TestADoubledSaleIsFoundAndIsGoneWhenItIsVoid(t *testing.T) {
	t.Parallel()
	d := setup(t, searched)
	d.sold("1", false)
	d.sold("2", true)
	d.sold("3", false)
	var logs strings.Builder
	d.Logger = slog.New(slog.NewJSONHandler(&logs, nil))
	both := d.live("order:tevo:2")
	want := Duplicates{Looked: 3, Open: 1, First: []Duplicate{{"order:tevo:2", order.DoInvoice, 2, both}}}
	writes := d.pos.State()
	for range 2 {
		if got := d.looks(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	}
	if n := strings.Count(logs.String(), `"level":"WARN"`); n != 1 || !strings.Contains(logs.String(), both[1]) {
		t.Errorf("got %d warnings; want one, of the first time, with the ids:\n%s", n, logs.String())
	}
	if strings.Contains(strings.ToLower(logs.String()), "dana") {
		t.Errorf("buyer data in the log:\n%s", logs.String())
	}
	if !reflect.DeepEqual(d.pos.State(), writes) {
		t.Error("the look changed the POS; want it read alone")
	}

	if _, err := d.pos.VoidInvoice(t.Context(), pos.Op{Key: "by hand"}, both[1], pos.VoidInput{Reason: "twice"}); err != nil {
		t.Fatal(err)
	}
	if got, want := d.looks(), (Duplicates{Looked: 3}); !reflect.DeepEqual(got, want) {
		t.Errorf("one of the two is void: got %+v; want %+v", got, want)
	}
	all, _, err := d.DB.Duplicates(t.Context(), "tevo", true, "", 0)
	if err != nil || len(all) != 1 || all[0].GoneAt.IsZero() {
		t.Errorf("got %+v %v; want it kept as gone", all, err)
	}
}

func TestOnlyWhatWeWroteIsLookedAt(t *testing.T) {
	t.Parallel()
	d := setup(t, searched)
	d.save("1", nil) // heard of, and nothing written yet
	for _, ref := range []string{"order:tevo:1", "2", "order:other:3", "order:tevo:99"} {
		for range 2 {
			d.book(ref, "58222")
		}
	}
	d.save("2", nil) // a sale of our own shop, which was only voided by us: its reference is the provider's id
	void := d.step("2", order.DoVoidInvoice, dana)
	void.Adopted, void.Invoice = true, d.live("2")[0]
	if _, err := d.do("VoidInvoice", void); err != nil {
		t.Fatal(err)
	}
	d.book("2", "58222")
	d.save("3", func(o *postgres.OrderRow) { o.Source, o.ID = "other", "order:other:3" })
	d.begun("order:other:3", "invoice")
	d.save("4", nil)
	d.begun("order:tevo:4", "invoice")
	d.save("5", func(o *postgres.OrderRow) { o.DecidedAt = time.Now().Add(-month.Within - time.Hour) })
	d.begun("order:tevo:5", "invoice")
	asked := d.asks()
	if got, want := d.looks(), (Duplicates{Looked: 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
	if got := asked(); !slices.Equal(got, []string{"invoices order:tevo:4"}) {
		t.Errorf("asked for %v; want the one order that we began to write", got)
	}
}

// begun notes that writing a record of the order was begun.
func (d *desk) begun(orderID, verb string) {
	d.t.Helper()
	_, err := d.DB.BeginOperation(d.t.Context(), postgres.Operation{Key: orderID + "/" + verb + "/1", OrderID: orderID, Do: verb, Adapter: "main", Ref: orderID}, time.Minute)
	if err != nil {
		d.t.Fatal(err)
	}
}

// asking is a POS that notes which references it is asked for. answer, if it is set, adds to what a search finds.
type asking struct {
	*fake.POS
	refs   []string
	answer func(ref string) ([]pos.Invoice, error)
}

func (p *asking) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	p.refs = append(p.refs, "invoices "+ref)
	all, err := p.POS.FindInvoices(ctx, ref)
	if p.answer == nil || err != nil {
		return all, err
	}
	more, err := p.answer(ref)
	return append(all, more...), err
}

func (p *asking) FindPurchaseOrders(ctx context.Context, ref string) ([]pos.PurchaseOrder, error) {
	p.refs = append(p.refs, "purchase orders "+ref)
	return p.POS.FindPurchaseOrders(ctx, ref)
}

// asks notes what the POS is asked for from now on.
func (d *desk) asks() func() []string {
	p := &asking{POS: d.pos}
	d.configure(func(s *Source) { s.POS = p })
	return func() []string { return p.refs }
}

// TestASearchMayFindMoreThanItWasAskedFor: as one that compares beginnings, or leaves letter case aside.
func TestASearchMayFindMoreThanItWasAskedFor(t *testing.T) {
	t.Parallel()
	d := setup(t, searched)
	d.sold("1", false)
	p := &asking{POS: d.pos, answer: func(ref string) ([]pos.Invoice, error) {
		return []pos.Invoice{{ID: "a", Ref: ref + "2"}, {ID: "b", Ref: strings.ToUpper(ref)}, {ID: "c", Ref: ref, Voided: true}}, nil
	}}
	d.configure(func(s *Source) { s.POS = p })
	if got, want := d.looks(), (Duplicates{Looked: 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

func TestPurchasesAreLookedAtAndKindsWithoutSearchAreNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		caps  pos.Capabilities
		asked []string
		open  int64
	}{
		"Both":     {pos.Capabilities{SearchInvoices: true, SearchPurchaseOrders: true}, []string{"invoices order:tevo:1", "purchase orders order:tevo:2"}, 1},
		"Invoices": {pos.Capabilities{SearchInvoices: true}, []string{"invoices order:tevo:1"}, 0},
		"Neither":  {pos.Capabilities{NativeKey: true}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := searched
			options.Capabilities = c.caps
			d := setup(t, options)
			for id, verb := range map[string]string{"1": "invoice", "2": "purchase_order"} {
				d.save(id, nil)
				d.begun("order:tevo:"+id, verb)
			}
			d.pos.SetFaults(fake.Fault{Call: fake.CreatePurchaseOrder, Kind: fake.Double, Count: 1})
			_, err := d.pos.CreatePurchaseOrder(t.Context(), pos.Op{Key: "k", Ref: "order:tevo:2"}, pos.PurchaseInput{Vendor: pos.Vendor{Name: "Example Seller"},
				Lines: []pos.PurchaseLine{{Event: pos.Event{Name: "The Sample Play"}, Section: "A", Row: "1", Quantity: 1, Total: pos.Money{Minor: 100, Currency: "USD"}}}})
			if err != nil {
				t.Fatal(err)
			}
			asked := d.asks()
			got := d.looks()
			if got.Open != c.open || got.Looked != 2 || c.open > 0 && got.First[0].Kind != order.DoPurchaseOrder {
				t.Errorf("got %+v; want two looked at and %d open", got, c.open)
			}
			if got := asked(); !slices.Equal(got, c.asked) {
				t.Errorf("asked for %v; want %v", got, c.asked)
			}
		})
	}
}

func TestAnOutageOfThePOSIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := setup(t, searched)
	d.sold("1", true)
	d.pos.SetFaults(fake.Fault{Call: fake.FindInvoices, Kind: fake.LostBefore, Count: 1})
	if _, err := d.look(nil); classIn(err) != "transient" || !retried(err) {
		t.Errorf("the POS is down: got %v; want another attempt", err)
	}
	d.pos.SetFaults(fake.Fault{Call: fake.FindInvoices, Kind: fake.Refuse, Class: pos.RateLimited, RetryAfter: 17 * time.Second, Count: 1})
	_, err := d.look(nil)
	var e *temporal.ApplicationError
	if !errors.As(err, &e) || e.Type() != "rate_limited" || e.NextRetryDelay() != 17*time.Second {
		t.Errorf("it is asked too much: got %v; want another attempt when it said", err)
	}
	d.pos.SetFaults(fake.Fault{Call: fake.FindInvoices, Kind: fake.Refuse, Class: pos.Unauthorized, Count: 1})
	if _, err := d.look(nil); classIn(err) != "unauthorized" || retried(err) {
		t.Errorf("it refuses our credentials: got %v; want an end", err)
	}
	if got := d.looks(); got.Open != 1 {
		t.Errorf("afterwards: got %+v; want the one found", got)
	}
	if _, err := attempt[Duplicates](d, "FindDuplicates", DuplicatesInput{Source: "nowhere"}, nil); classIn(err) != "unauthorized" {
		t.Errorf("a source that is not configured: got %v; want unauthorized", err)
	}
}

// TestARefusalForOneOrderHidesNoOther: nor is a duplicate that was found before taken for gone.
func TestARefusalForOneOrderHidesNoOther(t *testing.T) {
	t.Parallel()
	d := setup(t, searched)
	d.sold("1", true)
	d.looks()
	d.sold("2", true)
	d.pos.SetFaults(fake.Fault{Call: fake.FindInvoices, Kind: fake.Refuse, Class: pos.Invalid, Count: 1})
	if got := d.looks(); got.Looked != 2 || got.Unread != 1 || got.Open != 2 {
		t.Errorf("got %+v; want both open, and one not read", got)
	}
}

func TestALookGoesOnBehindTheLastOrder(t *testing.T) {
	t.Parallel()
	d := setup(t, searched)
	var want []string
	for i := range 6 {
		id := fmt.Sprintf("order:tevo:%d", i)
		d.save(fmt.Sprint(i), nil)
		d.begun(id, "invoice")
		want = append(want, "invoices "+id)
	}
	p := &asking{POS: d.pos, answer: func(ref string) ([]pos.Invoice, error) {
		if ref == "order:tevo:4" {
			return nil, &pos.Error{Class: pos.Transient, Op: "find invoices"}
		}
		return nil, nil
	}}
	d.configure(func(s *Source) { s.POS = p })
	var at duplicatesProgress
	_, err := d.look(func(env *testsuite.TestActivityEnvironment) {
		env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
			if err := details.Get(&at); err != nil {
				t.Error(err)
			}
		})
	})
	if !retried(err) || !slices.Equal(p.refs, want[:5]) {
		t.Fatalf("got %v, asked for %v; want %v and another attempt", err, p.refs, want[:5])
	}
	// The SDK sends the first heartbeat at once and may keep later ones back.
	last := slices.Index(want, "invoices "+at.After)
	if last < 0 || at.Looked != last+1 || at.Begun.IsZero() {
		t.Fatalf("got progress %+v; want an order and its number", at)
	}
	p.answer, p.refs = nil, nil
	got, err := d.look(func(env *testsuite.TestActivityEnvironment) { env.SetHeartbeatDetails(at) })
	if err != nil || got.Looked != 6 || !slices.Equal(p.refs, want[last+1:]) {
		t.Errorf("got %+v %v, asked for %v; want %v and six in all", got, err, p.refs, want[last+1:])
	}
}

func TestEveryPageIsLookedAtAndTheHistoryKeepsTheFirst(t *testing.T) {
	t.Parallel()
	d := setup(t, searched)
	for i := range 205 {
		d.save(fmt.Sprintf("%04d", i), nil)
		d.begun(fmt.Sprintf("order:tevo:%04d", i), "invoice")
	}
	p := &asking{POS: d.pos, answer: func(ref string) (all []pos.Invoice, err error) {
		for i := range 25 {
			all = append(all, pos.Invoice{ID: fmt.Sprint(ref, "-", i), Ref: ref})
		}
		return all, nil
	}}
	d.configure(func(s *Source) { s.POS = p })
	got := d.looks()
	if got.Looked != 205 || got.Open != 205 || len(got.First) != maxListed || len(got.First[0].IDs) != maxListedIDs || got.First[0].Live != 25 {
		t.Errorf("got %d looked at, %d open, %d listed; want 205, 205, and the first %d with %d ids each", got.Looked, got.Open, len(got.First), maxListed, maxListedIDs)
	}
}

func TestALookIsPacedAndEndsWithItsWorker(t *testing.T) {
	t.Parallel()
	d := setup(t, searched)
	for i := range 4 {
		d.save(fmt.Sprint(i), nil)
		d.begun(fmt.Sprintf("order:tevo:%d", i), "invoice")
	}
	d.DuplicatePause = 20 * time.Millisecond
	begun := time.Now()
	if d.looks(); time.Since(begun) < 4*d.DuplicatePause {
		t.Errorf("four questions took %s; want a pause of %s before each", time.Since(begun), d.DuplicatePause)
	}
	asked := d.asks()
	stop := make(chan struct{})
	close(stop)
	d.DuplicatePause = time.Hour
	_, err := d.look(func(env *testsuite.TestActivityEnvironment) { env.SetWorkerStopChannel(stop) })
	if !retried(err) || len(asked()) != 0 {
		t.Errorf("got %v after %v; want another attempt elsewhere", err, asked())
	}
}
