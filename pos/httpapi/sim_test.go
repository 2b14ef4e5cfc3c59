package httpapi_test

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/httpapi"
	"willcall/pos/postest"
	"willcall/sim"
)

const token = "test-pos-token"

// clock is the simulator's time; it passes only in Sleep.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// behind lets the suite behind a simulated POS.
type behind struct {
	*clock
	t   *testing.T
	pos *sim.POS
}

// places is where the contract has the calls of the port.
var places = map[postest.Call]struct{ method, path string }{
	postest.Ping:                 {"GET", "/v1/health"},
	postest.GetInventory:         {"GET", "/v1/inventory/*"},
	postest.FindCustomers:        {"GET", "/v1/customers"},
	postest.CreateCustomer:       {"POST", "/v1/customers"},
	postest.UpdateCustomer:       {"PUT", "/v1/customers/*"},
	postest.FindInvoices:         {"GET", "/v1/invoices"},
	postest.GetInvoice:           {"GET", "/v1/invoices/*"},
	postest.CreateInvoice:        {"POST", "/v1/invoices"},
	postest.VoidInvoice:          {"PUT", "/v1/invoices/*"},
	postest.SetFulfillment:       {"PUT", "/v1/invoices/*"},
	postest.VoidInvoiceLines:     {"PUT", "/v1/invoices/*"},
	postest.GetDeliveries:        {"GET", "/v1/invoices/*"},
	postest.PlaceHold:            {"POST", "/v1/holds"},
	postest.ReleaseHold:          {"DELETE", "/v1/holds/*"},
	postest.FulfillPurchaseOrder: {"PUT", "/v1/purchase-orders/*"},
	postest.FindPurchaseOrders:   {"GET", "/v1/purchase-orders"},
	postest.CreatePurchaseOrder:  {"POST", "/v1/purchase-orders"},
	postest.VoidPurchaseOrder:    {"PUT", "/v1/purchase-orders/*"},
}

func (b behind) Set(lag time.Duration, faults ...postest.Fault) {
	b.t.Helper()
	set := sim.Faults{SearchLag: lag}
	for _, f := range faults {
		at, ok := places[f.Call]
		if !ok { // it would hit every call
			b.t.Fatalf("SetFaults: the contract has no %s", f.Call)
		}
		one := sim.Fault{Method: at.method, Path: at.path, Count: f.Count}
		switch f.Kind {
		case postest.LostBefore:
			one.Kind = sim.FaultRefuseBefore
		case postest.LostAfter:
			one.Kind = sim.FaultLostAnswer
		case postest.Partial:
			one.Kind = sim.FaultPartial
		case postest.Hang:
			one.Kind = sim.FaultHang
		case postest.Double:
			one.Kind = sim.FaultDouble
		case postest.Refuse:
			one.Kind = sim.FaultStatus
			switch f.Class {
			case pos.RateLimited:
				one.Status, one.RetryAfter = http.StatusTooManyRequests, strconv.Itoa(int(f.RetryAfter.Seconds()))
			case pos.Transient:
				one.Status = http.StatusServiceUnavailable
			case pos.Unauthorized:
				one.Status = http.StatusForbidden
			case pos.Invalid:
				one.Status = http.StatusBadRequest
			case pos.Unavailable:
				one.Kind = sim.FaultSeatsGone
			}
		}
		set.Faults = append(set.Faults, one)
	}
	if err := b.pos.SetFaults(set); err != nil {
		b.t.Fatalf("SetFaults: %v", err)
	}
}

// Struck is how many calls faults hit.
func (b behind) Struck() int { return b.pos.Struck() }

// FileNames are those of an invoice's files, without what the simulator does not keep of them.
func (b behind) FileNames(invoiceID string) (names []string) {
	for _, inv := range b.pos.State().Invoices {
		for _, f := range inv.Files {
			if inv.ID == invoiceID {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

// PurchaseFileNames are those of a purchase order's files.
func (b behind) PurchaseFileNames(id string) (names []string) {
	for _, po := range b.pos.State().PurchaseOrders {
		for _, f := range po.Files {
			if po.ID == id {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

// Supply puts a delivery of each form there.
func (b behind) Supply(inv pos.Invoice) []pos.Delivery {
	b.t.Helper()
	line, pdf := inv.Lines[0], sim.PDF("Row 1, seat 1", "Row 1, seat 2")
	put := []sim.POSDelivery{
		{Form: "file", LineID: line.ID, TicketIDs: line.TicketIDs, Name: "tickets.pdf", MediaType: "application/pdf", Content: pdf},
		{Form: "link", LineID: line.ID, URL: "https://tickets.example.com/claim/1", Via: "Sample Arena"},
		{Form: "transfer", Via: "Sample Arena", URL: "https://tickets.example.com/transfer/1"},
		{Form: "parcel", Carrier: "Sample Post", Tracking: "1Z"},
		{Form: "will_call"},
	}
	if err := b.pos.SetDeliveries(inv.ID, put); err != nil {
		b.t.Fatalf("SetDeliveries: %v", err)
	}
	return []pos.Delivery{
		{Form: pos.FormFile, LineID: line.ID, TicketIDs: line.TicketIDs, Name: "tickets.pdf", MediaType: "application/pdf", Content: pdf},
		{Form: pos.FormLink, LineID: line.ID, URL: "https://tickets.example.com/claim/1", Via: "Sample Arena"},
		{Form: pos.FormTransfer, Via: "Sample Arena", URL: "https://tickets.example.com/transfer/1"},
		{Form: pos.FormParcel, Carrier: "Sample Post", Tracking: "1Z"},
		{Form: pos.FormWillCall},
	}
}

// State reads what the simulator holds by its JSON, as an operator would.
func (b behind) State() postest.State {
	var raw struct {
		Customers []struct{ ID string }
		Invoices  []struct {
			ID         string
			Ref        string `json:"external_reference"`
			CustomerID string `json:"customer_id"`
			Voided     bool
		}
		PurchaseOrders []struct {
			ID     string
			Ref    string `json:"external_reference"`
			Voided bool
		} `json:"purchase_orders"`
		Holds []struct{ ID string }
	}
	body, err := json.Marshal(b.pos.State())
	if err == nil {
		err = json.Unmarshal(body, &raw)
	}
	if err != nil {
		b.t.Errorf("state of the simulator: %v", err)
	}
	var s postest.State
	for _, c := range raw.Customers {
		s.Customers = append(s.Customers, pos.Customer{ID: c.ID})
	}
	for _, i := range raw.Invoices {
		s.Invoices = append(s.Invoices, pos.Invoice{ID: i.ID, Ref: i.Ref, CustomerID: i.CustomerID, Voided: i.Voided})
	}
	for _, o := range raw.PurchaseOrders {
		s.PurchaseOrders = append(s.PurchaseOrders, pos.PurchaseOrder{ID: o.ID, Ref: o.Ref, Voided: o.Voided})
	}
	for _, h := range raw.Holds {
		s.Holds = append(s.Holds, pos.Hold{ID: h.ID})
	}
	return s
}

// simulated starts a POS with the suite's stock, a client of it, and the way behind it. through may watch the
// client's traffic.
func simulated(t *testing.T, opts sim.POSOptions, through func(http.RoundTripper) http.RoundTripper) (*httpapi.Client, behind, string) {
	t.Helper()
	c := &clock{now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	opts.Token, opts.Now, opts.Strict = token, c.Now, true
	for _, g := range postest.Stock() {
		group := sim.POSGroup{ID: g.ID, EventName: g.Event.Name, StartsAt: g.Event.StartsAt, Section: g.Section, Row: g.Row}
		for _, ticket := range g.Tickets {
			group.Seats = append(group.Seats, ticket.Seat)
		}
		opts.Inventory = append(opts.Inventory, group)
	}
	p := sim.NewPOS(opts)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	h := server.Client()
	if through != nil {
		h.Transport = through(h.Transport)
	}
	client, err := httpapi.New(httpapi.Config{BaseURL: server.URL + "/", Token: token, HTTP: h})
	if err != nil {
		t.Fatalf("New: got %v; want no error", err)
	}
	return client, behind{clock: c, t: t, pos: p}, server.URL
}

// kinds are the sorts of POS that the simulator can be. One that ignores keys breaks the contract; the search
// of later attempts must still save us.
func kinds() map[string]sim.POSOptions {
	return map[string]sim.POSOptions{
		"AsInTheContract": {},
		"LaggingSearch":   {Settle: 2500 * time.Millisecond},
		"GroupsOnly":      {QuantityOnly: true},
		"NoTicketFiles":   {NoTicketUpload: true},
		"FirstEdition":    {NoDeliveries: true, NoLineVoids: true, NoPurchaseFulfillment: true, NoHolds: true},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, opts := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			postest.Run(t, func(t *testing.T) (pos.Adapter, postest.Faults) {
				client, faults, _ := simulated(t, opts, nil)
				return client, faults
			})
		})
	}
}

func TestRandomFaults(t *testing.T) {
	t.Parallel()
	// A thousand where the contract is kept and where it is broken; what else a POS cannot do changes little for the rule.
	seeds := map[string]int{"AsInTheContract": 1000, "KeysIgnored": 1000}
	all := kinds()
	all["KeysIgnored"] = sim.POSOptions{IgnoreKeys: true, DuplicateReferences: true, Settle: 2 * time.Second, NoHolds: true}
	for name, opts := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			postest.RandomFaults(t, cmp.Or(seeds[name], 250), func(t *testing.T) (pos.Adapter, postest.Faults) {
				client, faults, _ := simulated(t, opts, nil)
				return client, faults
			})
		})
	}
}
