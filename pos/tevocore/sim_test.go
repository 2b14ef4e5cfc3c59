package tevocore_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/postest"
	"willcall/pos/tevocore"
	"willcall/sim"
)

const (
	token  = "test-core-token"
	secret = "test-core-secret"
	office = "4410"
	vendor = "5120"
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

// groups are what the suite's groups are called in Ticket Evolution, where ids are numbers.
var groups = map[string]string{"g1": "101", "g2": "102", "g3": "103", "g4": "104"}

// kind is one broker's account, and what the adapter is told of it.
type kind struct {
	cfg tevocore.Config
	sim sim.TEvoCoreOptions
	// limited is the status that tells the rate limit.
	limited int
}

func kinds() map[string]kind {
	return map[string]kind{
		"ScansClients": {
			cfg: tevocore.Config{ScanClients: true, PaymentType: "offline"}, limited: 503,
		},
		"LaggingLists": {
			cfg: tevocore.Config{ScanClients: true, PaymentType: "offline", SettleDelay: 2500 * time.Millisecond}, limited: 429,
		},
		"Filters": {
			cfg: tevocore.Config{
				EmailFilter: "email", PhoneFilter: "phone", SearchByReference: "seller_reference_number", PaymentType: "offline",
				Listings: true, VoidByReturn: true, ReadETickets: true,
			},
			sim:     sim.TEvoCoreOptions{EmailFilter: "email", PhoneFilter: "phone", ReferenceFilter: "seller_reference_number", ListingsOnly: true},
			limited: 503,
		},
		"FiltersThatAreIgnored": {
			cfg:     tevocore.Config{EmailFilter: "email", PhoneFilter: "phone", SearchByReference: "reference", PaymentType: "offline"},
			limited: 503,
		},
		"NoClientSearch": {
			cfg: tevocore.Config{PaymentType: "offline"}, sim: sim.TEvoCoreOptions{UniqueReferences: true}, limited: 503,
		},
	}
}

// behind lets the suite behind a simulated point of sale.
type behind struct {
	*clock
	t    *testing.T
	core *sim.TEvoCore
	kind kind
	url  string
}

// Limits are Ticket Evolution's; see the documents of package tevocore.
func (b behind) Limits() postest.Limits {
	l := postest.Limits{
		Currency: "USD",
		Customer: func(in pos.CustomerInput) pos.Customer {
			return pos.Customer{Name: in.Name, Email: in.Email, Phone: in.Phone}
		},
		AgelessCustomers:   true,
		VoidReason:         "Other",
		PurchaseVoidReason: "Other",
		AlwaysRestocks:     true,
		StaysDelivered:     true,
		NoTransientWrites:  true,
	}
	if b.kind.cfg.VoidByReturn {
		l.VoidReason = ""
	}
	return l
}

// places is where the calls of the port go. Sales and purchases share theirs, because both are orders.
var places = map[postest.Call]struct{ method, path string }{
	postest.Ping:                {"GET", "/v9/orders"},
	postest.FindCustomers:       {"GET", "/v9/clients"},
	postest.CreateCustomer:      {"POST", "/v9/clients"},
	postest.FindInvoices:        {"GET", "/v9/orders"},
	postest.GetInvoice:          {"GET", "/v9/orders/*"},
	postest.CreateInvoice:       {"POST", "/v9/orders"},
	postest.VoidInvoice:         {"POST", "/v9/orders/*"},
	postest.SetFulfillment:      {"POST", "/v9/orders/*"},
	postest.GetDeliveries:       {"GET", "/v9/orders/*"},
	postest.FindPurchaseOrders:  {"GET", "/v9/orders"},
	postest.CreatePurchaseOrder: {"POST", "/v9/orders"},
	postest.VoidPurchaseOrder:   {"POST", "/v9/orders/*"},
}

func (b behind) Set(lag time.Duration, faults ...postest.Fault) {
	b.t.Helper()
	set := sim.Faults{SearchLag: lag}
	for _, f := range faults {
		at, ok := places[f.Call]
		if !ok && f.Call == postest.GetInventory {
			at.method, at.path = "GET", "/v9/ticket_groups/*"
			if b.kind.cfg.Listings {
				at.path = "/v9/listings/*"
			}
		}
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
		case postest.Refuse:
			one.Kind = sim.FaultStatus
			switch f.Class {
			case pos.RateLimited:
				one.Status, one.RetryAfter = b.kind.limited, strconv.Itoa(int(f.RetryAfter.Seconds()))
			case pos.Transient:
				one.Status = http.StatusInternalServerError
			case pos.Unauthorized:
				one.Status = http.StatusUnauthorized
			case pos.Invalid:
				one.Status = http.StatusUnprocessableEntity
			case pos.Unavailable:
				one.Kind = sim.FaultSeatsGone
			}
		}
		set.Faults = append(set.Faults, one)
	}
	if err := b.core.SetFaults(set); err != nil {
		b.t.Fatalf("SetFaults: %v", err)
	}
}

// Struck is how many calls faults hit.
func (b behind) Struck() int { return b.core.Struck() }

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
	}
	body, err := json.Marshal(b.core.State())
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
	return s
}

// simulated starts a point of sale with the suite's stock, a client of it, and the way behind it.
func simulated(t *testing.T, k kind) (*tevocore.Client, behind) {
	t.Helper()
	c := &clock{now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	k.sim.Token, k.sim.Secret, k.sim.OfficeID, k.sim.Now, k.sim.Strict = token, secret, office, c.Now, true
	k.sim.Offices = map[string]string{vendor: "Sample Tickets, Inc."}
	k.sim.Events = []sim.TEvoCoreEvent{
		{ID: "31", Name: "The Sample Play", StartsAt: time.Date(2027, 2, 1, 14, 30, 0, 0, time.UTC)},
		{ID: "32", Name: "The Sample Play", StartsAt: time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)},
		{ID: "33", Name: "Date to be announced"},
		{ID: "34", Name: "The Sample Play, with supper", StartsAt: time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)},
	}
	for _, g := range postest.Stock() {
		k.sim.Groups = append(k.sim.Groups, sim.TEvoCoreGroup{
			ID: groups[g.ID], Event: sim.TEvoCoreEvent{ID: "32"}, Section: g.Section, Row: g.Row, Quantity: g.Quantity,
		})
	}
	core := sim.NewTEvoCore(k.sim)
	server := httptest.NewServer(core)
	t.Cleanup(server.Close)
	k.cfg.BaseURL, k.cfg.Token, k.cfg.Secret, k.cfg.HTTP = server.URL+"/", token, secret, server.Client()
	k.cfg.OfficeID, k.cfg.ReviewerID, k.cfg.Vendors = office, "7", map[string]string{"Sample Tickets": vendor}
	client, err := tevocore.New(k.cfg)
	if err != nil {
		t.Fatalf("New: got %v; want no error", err)
	}
	return client, behind{clock: c, t: t, core: core, kind: k, url: server.URL}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			postest.Run(t, func(t *testing.T) (pos.Adapter, postest.Faults) {
				client, faults := simulated(t, k)
				return postest.Renamed(client, groups), faults
			})
		})
	}
}

func TestRandomFaults(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seeds := 250
			if name == "Filters" {
				seeds = 1000
			}
			postest.RandomFaults(t, seeds, func(t *testing.T) (pos.Adapter, postest.Faults) {
				client, faults := simulated(t, k)
				return postest.Renamed(client, groups), faults
			})
		})
	}
}
