package skybox_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/postest"
	"willcall/pos/skybox"
	"willcall/sim"
)

// The credentials are words that occur nowhere else: errors are searched for them.
const (
	applicationToken = "test-application-token"
	apiToken         = "test-api-token"
	account          = "977"
)

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

// behind lets the suite behind a simulated SkyBox.
type behind struct {
	*clock
	t      *testing.T
	skybox *sim.SkyBox
	theirs map[string]string // SkyBox's ids by the suite's
	// lastStep makes faults of a void hit the call that gives an invoice its status, in place of those that end its lines; of a
	// purchase, the note in place of the lines.
	lastStep bool
	client   *skybox.Client
}

func (b behind) Limits() postest.Limits {
	return postest.Limits{OneCurrency: true, NoTransientWrites: true}
}

// Supply gives the first ticket a file, and leaves the others without.
func (b behind) Supply(inv pos.Invoice) []pos.Delivery {
	b.t.Helper()
	line := inv.Lines[0]
	their, _ := strconv.ParseInt(b.theirs[line.TicketIDs[0]], 10, 64)
	if !b.skybox.PutFile(their, "a one.pdf", []byte("%PDF-1.7 one")) {
		b.t.Fatalf("PutFile: no ticket %d", their)
	}
	return []pos.Delivery{{
		Form: pos.FormFile, LineID: line.ID, TicketIDs: line.TicketIDs[:1], Name: "a one.pdf", MediaType: "application/pdf",
		Content: []byte("%PDF-1.7 one"),
	}}
}

// BookElsewhere books under the marketplace's number, which is the one place where SkyBox can have it.
func (b behind) BookElsewhere(sale, _ string) string {
	b.t.Helper()
	inv, err := b.client.CreateInvoice(b.t.Context(), pos.Op{Key: "elsewhere", Ref: sale}, pos.InvoiceInput{
		CustomerID: buyer(b.t, b.client), Lines: []pos.InvoiceLine{{InventoryID: "47", Quantity: 1, Total: usd(100)}},
	})
	if err != nil {
		b.t.Fatalf("BookElsewhere: %v", err)
	}
	return inv.ID
}

type place struct{ method, path string }

// places is where the document has the calls of the port. A void is several: with restock a delete of each line, without it one
// cancel of all.
func (b behind) places(c postest.Call) []place {
	switch c {
	case postest.VoidInvoice, postest.VoidInvoiceLines:
		if b.lastStep {
			return []place{{"PUT", "/invoices/bulk"}}
		}
		return []place{{"DELETE", "/invoices/*"}, {"POST", "/lines/*"}}
	case postest.VoidPurchaseOrder:
		if b.lastStep {
			return []place{{"POST", "/purchases/*"}}
		}
		return []place{{"PUT", "/purchases/*"}}
	}
	return []place{map[postest.Call]place{
		postest.Ping:                 {"GET", "/account"},
		postest.GetInventory:         {"GET", "/inventory/*"},
		postest.FindCustomers:        {"GET", "/customers"},
		postest.CreateCustomer:       {"POST", "/customers"},
		postest.FindInvoices:         {"GET", "/invoices"},
		postest.GetInvoice:           {"GET", "/invoices/*"},
		postest.CreateInvoice:        {"POST", "/invoices"},
		postest.SetFulfillment:       {"PUT", "/invoices/bulk"},
		postest.GetDeliveries:        {"GET", "/assets/*"},
		postest.FindHolds:            {"GET", "/holds"},
		postest.PlaceHold:            {"POST", "/holds"},
		postest.ReleaseHold:          {"DELETE", "/holds/*"},
		postest.FulfillPurchaseOrder: {"PUT", "/purchases/bulk"},
		postest.FindPurchaseOrders:   {"GET", "/purchases"},
		postest.CreatePurchaseOrder:  {"POST", "/purchases"},
	}[c]}
}

func (b behind) Set(lag time.Duration, faults ...postest.Fault) {
	b.t.Helper()
	set := sim.Faults{SearchLag: lag}
	for _, f := range faults {
		for _, at := range b.places(f.Call) {
			set.Faults = append(set.Faults, simulatedFault(f, at))
		}
	}
	if err := b.skybox.SetFaults(set); err != nil {
		b.t.Fatalf("SetFaults: %v", err)
	}
}

func simulatedFault(f postest.Fault, at place) sim.Fault {
	one := sim.Fault{Method: at.method, Path: at.path, Count: f.Count}
	switch f.Kind {
	case postest.LostBefore:
		one.Kind = sim.FaultRefuseBefore
	case postest.LostAfter:
		one.Kind = sim.FaultLostAnswer
	case postest.Hang:
		one.Kind = sim.FaultHang
	case postest.Double:
		one.Kind = sim.FaultDouble
	case postest.Partial:
		// Of lines that are deleted one by one the first loses its answer.
		one.Kind = sim.FaultPartial
		if at.method == "DELETE" || at.method == "PUT" {
			one.Kind = sim.FaultLostAnswer
		}
	case postest.Refuse:
		one.Kind = sim.FaultStatus
		switch f.Class {
		case pos.RateLimited:
			one.Status, one.RetryAfter = http.StatusTooManyRequests, strconv.Itoa(int(f.RetryAfter.Seconds()))
		case pos.Transient:
			one.Status = http.StatusServiceUnavailable
		case pos.Unauthorized:
			one.Status = http.StatusUnauthorized
		case pos.Invalid:
			one.Status = http.StatusBadRequest
		case pos.Unavailable:
			one.Kind = sim.FaultSeatsGone
		}
	}
	return one
}

// Struck is how many calls faults hit.
func (b behind) Struck() int { return b.skybox.Struck() }

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
	body, err := json.Marshal(b.skybox.State())
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

// kind is a sort of SkyBox, and the settings for it.
type kind struct {
	opts     sim.SkyBoxOptions
	cfg      skybox.Config
	lastStep bool
}

// settings are those without which SkyBox keeps no customers and no purchases.
func settings(cfg skybox.Config) skybox.Config {
	cfg.ApplicationToken, cfg.APIToken, cfg.Account = applicationToken, apiToken, account
	cfg.Address = skybox.Address{City: "Unknown", State: "UNKNOWN", PostalCode: "00000", Country: "US"}
	cfg.Venue, cfg.NoPlace, cfg.VendorEmail = "To be mapped", "(none)", "vendors@example.com"
	return cfg
}

// simulated starts a SkyBox with the suite's stock, a client of it, and the way behind it.
func simulated(t testing.TB, k kind) (*skybox.Client, *sim.SkyBox, *clock, map[string]string) {
	t.Helper()
	c := &clock{now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	opts := k.opts
	opts.ApplicationToken, opts.APIToken, opts.Account, opts.Now = applicationToken, apiToken, account, c.Now
	theirs := map[string]string{}
	for i, g := range postest.Stock() {
		group := sim.SkyBoxGroup{
			ID: int64(44 + i), EventID: 7, EventName: g.Event.Name, StartsAt: g.Event.StartsAt, Section: g.Section, Row: g.Row,
		}
		theirs[g.ID] = strconv.FormatInt(group.ID, 10)
		for _, ticket := range g.Tickets {
			seat, err := strconv.Atoi(ticket.Seat)
			if err != nil {
				t.Fatal(err)
			}
			group.Seats = append(group.Seats, seat)
			theirs[ticket.ID] = strconv.FormatInt(group.ID*1000+int64(seat), 10)
		}
		opts.Inventory = append(opts.Inventory, group)
	}
	s := sim.NewSkyBox(opts)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cfg := settings(k.cfg)
	cfg.BaseURL, cfg.HTTP = server.URL+"/", server.Client()
	client, err := skybox.New(cfg)
	if err != nil {
		t.Fatalf("New: got %v; want no error", err)
	}
	return client, s, c, theirs
}

func underTest(k kind) postest.New {
	return func(t *testing.T) (pos.Adapter, postest.Faults) {
		client, s, c, theirs := simulated(t, k)
		return postest.Renamed(client, theirs), behind{clock: c, t: t, skybox: s, theirs: theirs, lastStep: k.lastStep, client: client}
	}
}

// kinds are what the document leaves possible.
func kinds() map[string]kind {
	return map[string]kind{
		"Array":            {},
		"Rows":             {opts: sim.SkyBoxOptions{Rows: true}},
		"PrefixFilter":     {opts: sim.SkyBoxOptions{Matching: "prefix", IgnoreCase: true}},
		"ContainsFilter":   {opts: sim.SkyBoxOptions{Matching: "contains", Rows: true}},
		"LaggingSearch":    {cfg: skybox.Config{SettleDelay: 2500 * time.Millisecond}},
		"SecondDelete404":  {opts: sim.SkyBoxOptions{SecondDelete: http.StatusNotFound}},
		"SecondDelete400":  {opts: sim.SkyBoxOptions{SecondDelete: http.StatusBadRequest}},
		"UniqueReferences": {opts: sim.SkyBoxOptions{UniqueReferences: true}},
		"BareLines":        {opts: sim.SkyBoxOptions{BareLines: true}},
		"DefaultVendor":    {cfg: skybox.Config{VendorID: "1000001"}},
		"FaultsInLastStep": {lastStep: true},
		"Deliveries":       {cfg: skybox.Config{ReadDeliveries: true}},
		"OldHolds":         {opts: sim.SkyBoxOptions{OldHolds: true, SeatsAsList: true, AssetsAsJSON: true}, cfg: skybox.Config{ReadDeliveries: true}},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			postest.Run(t, underTest(k))
		})
	}
}

func TestRandomFaults(t *testing.T) {
	t.Parallel()
	all := kinds()
	maps.DeleteFunc(all, func(name string, _ kind) bool { return name == "Rows" || name == "DefaultVendor" })
	all["LaggingSecondDelete"] = kind{
		opts: sim.SkyBoxOptions{SecondDelete: http.StatusNotFound, Matching: "prefix"}, cfg: skybox.Config{SettleDelay: 2 * time.Second},
	}
	for name, k := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seeds := 100
			if name == "Array" {
				seeds = 1000
			}
			postest.RandomFaults(t, seeds, underTest(k))
		})
	}
}
