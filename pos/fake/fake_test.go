package fake_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/fake"
	"willcall/pos/postest"
)

// behind lets the suite behind a fake.
type behind struct{ *fake.POS }

func (b behind) Set(lag time.Duration, faults ...postest.Fault) {
	var mine []fake.Fault
	for _, f := range faults {
		mine = append(mine, fake.Fault{
			Call: fake.Call(f.Call), Kind: fake.Kind(f.Kind), Class: f.Class, RetryAfter: f.RetryAfter, Count: f.Count,
		})
	}
	b.SetSearchLag(lag)
	b.SetFaults(mine...)
}

func (b behind) FileNames(invoiceID string) (names []string) {
	for _, f := range b.TicketFiles(invoiceID) {
		names = append(names, f.Name)
	}
	return names
}

func (b behind) PurchaseFileNames(id string) []string { return b.FileNames(id) }

func (b behind) Supply(inv pos.Invoice) []pos.Delivery {
	line := inv.Lines[0]
	all := []pos.Delivery{
		{Form: pos.FormFile, LineID: line.ID, TicketIDs: line.TicketIDs, Name: "a.pdf", MediaType: "application/pdf", Content: []byte("%PDF")},
		{Form: pos.FormLink, LineID: line.ID, URL: "https://tickets.example.com/1", Via: "Sample Arena"},
		{Form: pos.FormWillCall},
	}
	b.SetDeliveries(inv.ID, all...)
	return all
}

// shared lets the suite behind a fake that other tools write to.
type shared struct {
	behind
	fake.Shared
}

func (s shared) Set(lag time.Duration, faults ...postest.Fault)   { s.behind.Set(lag, faults...) }
func (s shared) State() postest.State                             { return s.behind.State() }
func (s shared) Sleep(ctx context.Context, d time.Duration) error { return s.behind.Sleep(ctx, d) }
func (s shared) BookElsewhere(sale, ref string) (id string) {
	return s.Shared.BookElsewhere(sale, ref).ID
}

func (b behind) State() postest.State { return postest.State(b.POS.State()) }

// kinds are the sorts of POS that the fake can be.
func kinds() map[string]fake.Options {
	search := pos.Capabilities{SearchCustomers: true, SearchInvoices: true, SearchPurchaseOrders: true, SellsSeats: true}
	keys, lagging, groups := search, search, search
	keys.NativeKey, keys.UpdateCustomers, keys.TicketUpload = true, true, true
	keys.Holds, keys.ReadDeliveries, keys.VoidLines, keys.FulfillPurchases = true, true, true, true
	search.Holds, search.SearchHolds, search.VoidLines, search.FulfillPurchases = true, true, true, true
	lagging.SettleDelay = 3 * time.Second
	groups.SellsSeats, groups.Holds, groups.VoidLines = false, true, true
	lagging.Holds, lagging.SearchHolds, lagging.VoidLines = true, true, true
	both := keys
	both.SettleDelay = 3 * time.Second
	return map[string]fake.Options{
		"Keys":                 {Capabilities: keys},
		"KeysAndLag":           {Capabilities: both},
		"Search":               {Capabilities: search},
		"SearchAndLag":         {Capabilities: lagging},
		"SearchThatIsAllWeGot": {Capabilities: lagging, DuplicateRefs: true},
		"GroupsOnly":           {Capabilities: groups, DuplicateRefs: true},
	}
}

func starting(opts fake.Options) postest.New {
	return func(*testing.T) (pos.Adapter, postest.Faults) {
		own := opts // subtests start at the same time
		own.Groups = postest.Stock()
		p := fake.New(own)
		if s := (fake.Shared{POS: p}); own.DuplicateRefs {
			return s, shared{behind{p}, s}
		}
		return p, behind{p}
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	all := kinds()
	all["KeysOnly"] = fake.Options{Capabilities: pos.Capabilities{NativeKey: true, SellsSeats: true}}
	for name, opts := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			postest.Run(t, starting(opts))
		})
	}
}

func TestRandomFaults(t *testing.T) {
	t.Parallel()
	for name, opts := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			postest.RandomFaults(t, 1000, starting(opts))
		})
	}
}

func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Options{})
	p.SetFaults(fake.Fault{Kind: fake.LostBefore, Count: 1})
	for range 3 {
		_ = p.Ping(t.Context())
	}
	if got := p.Calls(fake.Ping); got != 3 {
		t.Errorf("Calls: got %d; want 3", got)
	}
}

func TestKeyOfARunningCallIsInProgress(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Options{Capabilities: pos.Capabilities{NativeKey: true}})
	p.SetFaults(fake.Fault{Call: fake.CreateCustomer, Kind: fake.Hang, Count: 1})
	in := pos.CustomerInput{Name: "Ada Sample"}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := p.CreateCustomer(ctx, pos.Op{Key: "k"}, in)
		done <- err
	}()
	for p.Calls(fake.CreateCustomer) == 0 {
		runtime.Gosched()
	}
	if _, err := p.CreateCustomer(t.Context(), pos.Op{Key: "k"}, in); pos.ClassOf(err) != pos.InProgress {
		t.Errorf("CreateCustomer meanwhile: got %v; want in_progress", err)
	}
	cancel()
	if err := <-done; pos.ClassOf(err) != pos.OutcomeUnknown {
		t.Errorf("CreateCustomer that hung: got %v; want outcome_unknown", err)
	}
	if _, err := p.CreateCustomer(t.Context(), pos.Op{Key: "k"}, in); err != nil {
		t.Errorf("CreateCustomer afterwards: got %v; want no error", err)
	}
}
