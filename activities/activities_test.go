package activities

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

// desk is the activities over a real Postgres and a POS in memory.
type desk struct {
	*Activities
	t   *testing.T
	pos *fake.POS
	api *provideAPI
}

// provideAPI is a provider's API that notes what it is asked.
type provideAPI struct {
	mu    sync.Mutex
	calls []string
	err   error
	shown func() []byte
	asked PollAsk // what the newest sweep asked for
}

func (p *provideAPI) call(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, what)
	return p.err
}

// document is a body of the test's own provider: whose order it is, and who bought.
type document struct {
	Order string
	At    time.Time
	Buyer provider.Buyer

	Refs    []string `json:",omitempty"` // other names of the order
	Tickets []string `json:",omitempty"` // the document says nothing but that these came
}

func setup(t *testing.T, options fake.Options) *desk {
	t.Helper()
	db := postgrestest.New(t)
	inbox := postgres.NewInbox(db, postgres.InboxOptions{})
	t.Cleanup(func() { _ = inbox.Close(context.Background()) })
	api := &provideAPI{}
	system := fake.New(options)
	src := Source{
		Name: "tevo", Kind: "tevo", Policy: order.DefaultPolicy(), POSName: "main", POS: system,
		Decode: func(d provider.Delivery) (provider.Decoded, error) {
			var doc document
			if err := json.Unmarshal(d.Body, &doc); err != nil {
				return provider.Decoded{}, provider.ErrMalformed
			}
			e := &order.Event{ID: d.ID, Type: "seller/order_polled", At: doc.At, Received: d.Received, Refs: doc.Refs}
			if doc.Tickets == nil {
				e.Snapshot = &order.Snapshot{APIID: "1"}
			} else {
				e.Lines = []order.LineFact{{LineID: "1", Tickets: doc.Tickets}}
			}
			return provider.Decoded{Type: "seller/order_polled", Disposition: provider.Forward, OrderID: doc.Order, Kind: order.Sale, Event: e}, nil
		},
		Buyer: func(body []byte) (provider.Buyer, error) {
			var doc document
			if err := json.Unmarshal(body, &doc); err != nil {
				return provider.Buyer{}, fmt.Errorf("buyer: %w", provider.ErrMalformed)
			}
			return doc.Buyer, nil
		},
		Seller: func([]byte) (provider.Seller, error) { return provider.Seller{ID: "9", Name: "Example Seller"}, nil },
		API: &API{
			Show: func(context.Context, string, order.Identity) ([]byte, error) {
				if err := api.call("show"); err != nil {
					return nil, err
				}
				return api.shown(), nil
			},
			Accept: func(_ context.Context, id string) error { return api.call("accept " + id) },
			Reject: func(_ context.Context, id, _ string) error { return api.call("reject " + id) },
			Airbill: func(_ context.Context, id string) ([]byte, string, error) {
				return []byte("%PDF-1.4"), "application/pdf", api.call("airbill " + id)
			},
			Poll: func(_ context.Context, ask PollAsk, found func([]byte) error) error {
				api.asked = ask
				if err := api.call("poll"); err != nil || api.shown == nil {
					return err
				}
				return found(api.shown())
			},
		},
	}
	return &desk{t: t, pos: system, api: api, Activities: &Activities{
		DB: db, Inbox: inbox, Sources: map[string]Source{"tevo": src}, Metrics: NewMetrics(prometheus.NewRegistry()), Logger: slog.New(slog.DiscardHandler)}}
}

var capable = pos.Capabilities{SearchCustomers: true, SearchInvoices: true, SearchPurchaseOrders: true}

var stock = []pos.Inventory{{ID: "58222", Quantity: 1000, Status: pos.Available}}

// step stores the document of an order and returns the step that is about it.
func (d *desk) step(orderID string, what order.Do, buyer provider.Buyer) Step {
	d.t.Helper()
	id := sale(orderID)
	unit := order.Money{Minor: 2700, Currency: "USD"}
	return Step{Order: id, ID: order.ID(what, "", 1), APIID: "1", Total: unit.Times(2), Received: time.Now(),
		Document: d.put(document{Order: orderID, Buyer: buyer}, postgres.Webhook{Type: "seller/order_created", OrderID: id.ID, ProviderOrderID: orderID, Kind: order.Sale}),
		Lines:    []order.Line{{ID: "1", Inventory: "58222", Quantity: 2, Unit: unit}}, Reason: "cancelled at the provider"}
}

func sale(orderID string) order.Identity {
	return order.Identity{ID: order.WorkflowID("tevo", orderID, order.Sale), Source: "tevo", Provider: "tevo", ProviderOrderID: orderID, Kind: order.Sale}
}

// put stores a document as the webhook w and returns its id.
func (d *desk) put(doc document, w postgres.Webhook) string {
	d.t.Helper()
	body, err := json.Marshal(doc)
	if err != nil {
		d.t.Fatal(err)
	}
	w.ID, w.Source, w.Provider, w.Body, w.ReceivedAt, w.Attempt = postgres.NewID(), "tevo", "tevo", body, time.Now(), 1
	w.DedupeKey = provider.DedupeKey("tevo", w.Type, sha256.Sum256(body))
	if w.Disposition == "" {
		w.Disposition = provider.Recorded
	}
	stored, err := d.Inbox.Put(d.t.Context(), w)
	if err != nil {
		d.t.Fatal(err)
	}
	return stored.ID // of the first, where the same was put before
}

// configure changes the one source.
func (d *desk) configure(change func(*Source)) {
	src := d.Sources["tevo"]
	change(&src)
	d.Sources["tevo"] = src
}

// do runs one attempt of an activity, as a worker would.
func (d *desk) do(name string, s Step) (Done, error) {
	d.t.Helper()
	return attempt[Done](d, name, s, nil)
}

// attempt runs one attempt of an activity; prepare may be nil.
func attempt[T any](d *desk, name string, in any, prepare func(*testsuite.TestActivityEnvironment)) (T, error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.RegisterActivity(d.Activities)
	if prepare != nil {
		prepare(env)
	}
	v, err := env.ExecuteActivity(name, in)
	var out T
	if err == nil {
		err = v.Get(&out)
	}
	return out, err
}

// retried reports whether Temporal would try again after err.
func retried(err error) bool {
	var e *temporal.ApplicationError
	return errors.As(err, &e) && !e.NonRetryable()
}

func classIn(err error) string {
	var e *temporal.ApplicationError
	if errors.As(err, &e) {
		return e.Type()
	}
	return fmt.Sprint(err)
}

var dana = provider.Buyer{Class: order.Client, Name: "Dana Example", Email: "Dana@Example.com", Phone: "+1 555 0100"}

func TestALostAnswerMakesNoSecondInvoice(t *testing.T) {
	t.Parallel()
	for _, kind := range []fake.Kind{fake.LostBefore, fake.LostAfter} {
		d := setup(t, fake.Options{Capabilities: capable, Groups: stock})
		d.pos.SetFaults(fake.Fault{Call: fake.CreateInvoice, Kind: kind, Count: 1})
		s := d.step("1", order.DoInvoice, dana)
		if _, err := d.do("CreateInvoice", s); classIn(err) != "outcome_unknown" {
			t.Fatalf("%s: got %v; want outcome_unknown", kind, err)
		}
		first, err := d.do("CreateInvoice", s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := d.do("CreateInvoice", s)
		if err != nil || !reflect.DeepEqual(again, first) {
			t.Errorf("%s: a repetition after success: got %+v %v; want %+v", kind, again, err, first)
		}
		invoices, _ := d.pos.FindInvoices(t.Context(), s.Order.ID)
		if len(invoices) != 1 || invoices[0].ID != first.Ref {
			t.Errorf("%s: got %d invoices; want one, %s", kind, len(invoices), first.Ref)
		}
	}
}

func TestTwoOrdersOfOneNewBuyerMakeOneCustomer(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable, Groups: stock})
	same := dana
	same.Email = " dana@example.COM "
	steps := []Step{d.step("1", order.DoInvoice, dana), d.step("2", order.DoInvoice, same)}
	var wait sync.WaitGroup
	customers := make([]string, len(steps))
	for i, s := range steps {
		wait.Go(func() {
			for range 100 { // in_progress: Temporal would try again after the other's attempt
				done, err := d.do("CreateInvoice", s)
				if err == nil {
					customers[i] = done.Customer
					return
				}
				if classIn(err) != "in_progress" {
					t.Errorf("order %d: %v", i+1, err)
					return
				}
			}
		})
	}
	wait.Wait()
	if customers[0] == "" || customers[0] != customers[1] || d.pos.Calls(fake.CreateCustomer) != 1 {
		t.Errorf("got customers %v after %d creations; want one", customers, d.pos.Calls(fake.CreateCustomer))
	}
}

func TestACustomerWhoIsGoneFromThePOSGetsASuccessor(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable, Groups: stock})
	first, err := d.do("CreateInvoice", d.step("1", order.DoInvoice, dana))
	if err != nil {
		t.Fatal(err)
	}
	later := fake.New(fake.Options{Capabilities: capable, Groups: stock}) // the POS was emptied by people
	src := d.Sources["tevo"]
	src.POS = later
	d.Sources["tevo"] = src
	for _, id := range []string{"2", "3"} {
		done, err := d.do("CreateInvoice", d.step(id, order.DoInvoice, dana))
		if err != nil || done.Ref == "" {
			t.Fatalf("order %s: got %+v %v; want it invoiced to a new customer in place of %s", id, done, err, first.Customer)
		}
	}
	if n := later.Calls(fake.CreateCustomer); n != 1 {
		t.Errorf("got %d new customers; want one, remembered for the next order", n)
	}
}

// TestBuyersWhomNobodyNames: a marketplace that hides its buyers is itself the customer, where the broker has one for it.
func TestBuyersWhomNobodyNames(t *testing.T) {
	t.Parallel()
	d := shop(t)
	house, err := d.pos.CreateCustomer(t.Context(), pos.Op{Key: "house"}, pos.CustomerInput{Name: "The Marketplace", Email: "house@example.com", Kind: pos.Broker})
	if err != nil {
		t.Fatal(err)
	}
	src := d.Sources["tevo"]
	src.CustomerID = house.ID
	d.Sources["tevo"] = src
	for n, c := range []struct {
		buyer provider.Buyer
		house bool
	}{
		{provider.Buyer{Class: order.Office, ID: "6", Company: "An Exchange"}, true},
		{provider.Buyer{Class: order.Office, ID: "6", Company: "An Exchange", Email: " ", Phone: "n/a"}, true},
		{dana, false},
		{provider.Buyer{Class: order.Client, Name: "Lee Example", Phone: "+1 555 0101"}, false},
	} {
		s := d.step(strconv.Itoa(n+1), order.DoInvoice, c.buyer)
		s.Lines[0].Inventory, s.Lines[0].Quantity = "g1", 1
		done, err := d.do("CreateInvoice", s)
		if err != nil || (done.Customer == house.ID) != c.house {
			t.Errorf("%+v: got customer %s %v; want the house's: %v", c.buyer, done.Customer, err, c.house)
		}
	}
}

func TestAnAttemptThatIsStillAliveKeepsOthersOut(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable, Groups: stock})
	s := d.step("1", order.DoInvoice, dana)
	src, _ := d.source("tevo")
	if _, err := d.DB.BeginOperation(t.Context(), d.operation(s, src), lease); err != nil {
		t.Fatal(err)
	}
	_, err := d.do("CreateInvoice", s)
	var e *temporal.ApplicationError
	if !errors.As(err, &e) || e.Type() != "in_progress" || e.NonRetryable() || e.NextRetryDelay() <= 0 || e.NextRetryDelay() > lease {
		t.Errorf("got %v; want in_progress, to be retried when the lease is over", err)
	}
	if d.pos.Calls(fake.CreateInvoice) != 0 {
		t.Error("the POS was called by two attempts at once")
	}
	undo := s
	undo.ID, undo.Reason = order.ID(order.DoVoidInvoice, "", 1), "cancelled"
	if _, err := d.do("VoidInvoice", undo); classIn(err) != "in_progress" || d.pos.Calls(fake.FindInvoices) != 0 {
		t.Errorf("got %v; want the undoing to wait for an attempt that may write after it", err)
	}
}

func TestVoidingFindsWhatHadNoAnswer(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable, Groups: stock})
	d.pos.SetFaults(fake.Fault{Call: fake.CreateInvoice, Kind: fake.LostAfter, Count: 1})
	s := d.step("1", order.DoInvoice, dana)
	_, _ = d.do("CreateInvoice", s)
	s.ID = "void_invoice/1"
	if _, err := d.do("VoidInvoice", s); err != nil {
		t.Fatal(err)
	}
	invoices, _ := d.pos.FindInvoices(t.Context(), s.Order.ID)
	if len(invoices) != 1 || !invoices[0].Voided {
		t.Errorf("got %+v; want the one invoice voided", invoices)
	}
	s.Order.ID, s.Order.ProviderOrderID = "order:tevo:2", "2"
	if _, err := d.do("VoidInvoice", s); err != nil {
		t.Errorf("voiding where there is nothing: %v", err)
	}
}

// TestVoidingGoesByTheIDWhereASearchDoesNotFind: a POS may list only what is recent, and an operator's invoice bears another reference.
func TestVoidingGoesByTheIDWhereASearchDoesNotFind(t *testing.T) {
	t.Parallel()
	d := shop(t)
	known, other := d.book("by telephone", "g1"), d.book("by telephone", "g2")
	s := d.step("1", order.DoInvoice, dana)
	s.ID, s.Reason, s.Invoice = "void_invoice/1", "cancelled", known.ID
	for range 2 {
		if done, err := d.do("VoidInvoice", s); err != nil || done.Ref != known.ID {
			t.Fatalf("got %+v %v; want %s voided", done, err, known.ID)
		}
	}
	if inv, err := d.pos.GetInvoice(t.Context(), known.ID); err != nil || !inv.Voided {
		t.Errorf("got %+v %v; want it void", inv, err)
	}
	if inv, err := d.pos.GetInvoice(t.Context(), other.ID); err != nil || inv.Voided {
		t.Errorf("got %+v %v; want the other sale untouched", inv, err)
	}
	s.Order.ID, s.Order.ProviderOrderID, s.Invoice = "order:tevo:2", "2", "inv_none"
	if _, err := d.do("VoidInvoice", s); err != nil {
		t.Errorf("an invoice that somebody removed: got %v; want it taken for void", err)
	}
}

func TestClassesDecideWhetherTemporalRetries(t *testing.T) {
	t.Parallel()
	for class, retried := range map[pos.Class]bool{
		pos.Transient: true, pos.RateLimited: true, pos.InProgress: true, pos.OutcomeUnknown: true, pos.Invalid: false,
		pos.Unauthorized: false, pos.NotFound: false, pos.Unavailable: false, pos.ReferenceConflict: false, pos.Duplicate: false,
		pos.Unsupported: false,
	} {
		err := toTemporal(fmt.Errorf("wrapped: %w", &pos.Error{Class: class, Op: "create invoice", Message: "why", RetryAfter: 7 * time.Second}))
		var e *temporal.ApplicationError
		if !errors.As(err, &e) || e.Type() != string(class) || e.NonRetryable() == retried || e.NextRetryDelay() != 7*time.Second {
			t.Errorf("%s: got %v", class, err)
		}
	}
	secret := toTemporal(errors.New("dana@example.com has no invoice"))
	if strings.Contains(secret.Error(), "dana") || classIn(secret) != "transient" {
		t.Errorf("an error of unknown origin reaches the history: %v", secret)
	}
	call := toTemporal(&provider.CallError{Class: "conflict", Op: "accept order"})
	var e *temporal.ApplicationError
	if !errors.As(call, &e) || !e.NonRetryable() {
		t.Errorf("a conflict at the provider: got %v; want it not to be retried", call)
	}
}

func TestWhatCannotBeDoneSaysWhy(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable, Groups: stock})
	nobody := d.step("1", order.DoInvoice, provider.Buyer{Class: order.Client})
	noGroup := d.step("2", order.DoInvoice, dana)
	noGroup.Lines[0].Inventory = ""
	gone := d.step("3", order.DoInvoice, dana)
	gone.Document = postgres.NewID()
	stranger := d.step("4", order.DoInvoice, dana)
	stranger.Order.Source = "nowhere"
	for name, c := range map[string]struct {
		s           Step
		class, text string
	}{
		"NobodyToInvoice":     {nobody, "invalid", "neither e-mail, telephone nor id"},
		"NoTicketGroup":       {noGroup, "invalid", "names no ticket group"},
		"DocumentGone":        {gone, "invalid", "is not stored any more"},
		"SourceNotConfigured": {stranger, "unauthorized", "not configured"},
	} {
		_, err := d.do("CreateInvoice", c.s)
		if classIn(err) != c.class || !strings.Contains(err.Error(), c.text) || strings.Contains(strings.ToLower(err.Error()), "dana") {
			t.Errorf("%s: got %v; want %s: %s", name, err, c.class, c.text)
		}
	}
}

func TestProviderWritesAreDoneOnce(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	s := d.step("1", order.DoAccept, dana)
	for range 2 {
		if _, err := d.do("AcceptOrder", s); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(d.api.calls, " "); got != "accept 1" {
		t.Errorf("got calls %q; want one", got)
	}
	s.ID = "airbill:61627/1"
	done, err := d.do("FetchAirbill", s)
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := d.DB.Document(t.Context(), done.Ref); err != nil || string(doc.Body) != "%PDF-1.4" {
		t.Errorf("got document %q %v; want the airbill", doc.Body, err)
	}
	d.api.err = &provider.CallError{Class: "not_found", Op: "reject order"}
	s.ID = "reject/1"
	if _, err := d.do("RejectOrder", s); err != nil {
		t.Errorf("rejecting what the provider does not know: %v", err)
	}
}

func TestConfirmationBringsWhatTheProviderSaysNow(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	d.api.shown = func() []byte { b, _ := json.Marshal(document{Order: "1", At: at, Buyer: dana}); return b }
	s := d.step("1", order.DoConfirm, dana)
	done, err := d.do("ConfirmOrder", s)
	if err != nil || done.Event == nil || !done.Event.At.Equal(at) {
		t.Fatalf("got %+v %v; want the event of the re-read", done, err)
	}
	if w, err := d.DB.Webhook(t.Context(), done.Event.ID); err != nil || w.Via != postgres.ViaReread || len(w.Body) == 0 {
		t.Errorf("the re-read is not stored: %+v %v", w.Via, err)
	}
	again, err := d.do("ConfirmOrder", d.step("1", "confirm2", dana))
	if err != nil || again.Event.ID != done.Event.ID {
		t.Errorf("the same document again: got event %+v %v; want the stored one, %s", again.Event, err, done.Event.ID)
	}
	d.api.shown = func() []byte { b, _ := json.Marshal(document{Order: "666"}); return b }
	if _, err := d.do("ConfirmOrder", s); classIn(err) != "conflict" {
		t.Errorf("an order of another group: got %v; want conflict", err)
	}
}

func TestASweepBringsOnlyWhatNoWebhookTold(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	d.api.shown = func() []byte { b, _ := json.Marshal(document{Order: "1", At: at}); return b }
	poll := func() Polled {
		t.Helper()
		p, err := d.poll(t.Context(), "tevo")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := poll(); p.Missed != 1 {
		t.Errorf("an order that nobody told of: got %+v; want it missed", p)
	}
	if p := poll(); p.Missed != 0 {
		t.Errorf("the same again: got %+v; want nothing", p)
	}
	rows, err := d.DB.Claim(t.Context(), "webhookd", time.Minute, 10)
	if err != nil || len(rows) != 1 || rows[0].Via != postgres.ViaSweep {
		t.Fatalf("got %d rows to forward %v; want the one that was found", len(rows), err)
	}
	_, err = d.BeginOrder(t.Context(), BeginInput{Order: order.Identity{ID: "order:tevo:2", Source: "tevo", Provider: "tevo", ProviderOrderID: "2", Kind: order.Sale},
		Events: []order.Event{{ID: "w", At: at, Received: at, Snapshot: &order.Snapshot{APIID: "2"}}}, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	d.api.shown = func() []byte { b, _ := json.Marshal(document{Order: "2", At: at}); return b }
	if p := poll(); p.Missed != 0 || p.Seen != 1 {
		t.Errorf("an order that its webhook told of: got %+v; want it seen and not missed", p)
	}
}

func TestANewRunGoesOnFromWhatIsStored(t *testing.T) {
	t.Parallel()
	d := setup(t, fake.Options{Capabilities: capable})
	id := order.Identity{ID: "order:tevo:1", Source: "tevo", Provider: "tevo", ProviderOrderID: "1", Kind: order.Sale}
	now := time.Now().UTC().Truncate(time.Microsecond)
	line := order.Line{ID: "1", Inventory: "58222", Quantity: 2, Unit: order.Money{Minor: 2700, Currency: "USD"}}
	first, err := d.BeginOrder(t.Context(), BeginInput{Order: id, Now: now, Events: []order.Event{{ID: "w1", At: now, Received: now,
		Snapshot: &order.Snapshot{APIID: "1", Buyer: order.Office, Lines: []order.Line{line}}}}})
	if err != nil || first.StateNow != order.Invoicing {
		t.Fatalf("got %+v %v; want invoicing", first, err)
	}
	first.Record("invoice/1", order.Result{Outcome: order.Done, At: now, Ref: "77", Amount: first.Total()})
	first.Advance(now.Add(time.Second))
	if _, err := d.SaveOrder(t.Context(), SaveInput{Order: first, Now: now.Add(time.Second), Timeline: first.TakeTimeline()}); err != nil {
		t.Fatal(err)
	}
	if of, found, err := d.DB.FindOrder(t.Context(), "main", "invoice:77"); of != id || !found || err != nil {
		t.Errorf("the order of the POS's invoice 77 is %+v, %v; want %+v, so that the POS's news of it arrives", of, err, id)
	}
	second, err := d.BeginOrder(t.Context(), BeginInput{Order: id, Now: now.Add(time.Hour), Events: []order.Event{{ID: "w2", At: now, Received: now, Status: order.StatusCancelled}}})
	if err != nil || second.StateNow != order.Cancelled || second.InvoiceID() != "77" {
		t.Fatalf("got %+v %v; want the cancelled order with its invoice", second, err)
	}
	row, timeline, steps, err := d.DB.Order(t.Context(), id.ID)
	if err != nil || row.State != order.Cancelled || row.AmountMinor != 5400 || len(steps) != 3 {
		t.Errorf("got row %+v, %d steps, %v; want cancelled, 54.00, and three steps", row, len(steps), err)
	}
	var told []string
	for _, e := range timeline {
		told = append(told, e.What)
	}
	if got := strings.Join(told, ", "); !strings.Contains(got, "invoice/1 done: 77") || !strings.Contains(got, "state cancelled") {
		t.Errorf("got timeline %s", got)
	}
}
