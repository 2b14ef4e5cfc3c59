package skybox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/skybox"
	"willcall/sim"
)

func usd(minor int64) pos.Money { return pos.Money{Minor: minor, Currency: "USD"} }

// buyer makes a customer and returns its id.
func buyer(t testing.TB, c *skybox.Client) string {
	t.Helper()
	made, err := c.CreateCustomer(t.Context(), pos.Op{Key: "c"}, pos.CustomerInput{Name: "Ada Sample", Email: "ada@example.com", Kind: pos.Retail})
	if err != nil {
		t.Fatalf("CreateCustomer: got %v; want no error", err)
	}
	return made.ID
}

// twoLines sells a ticket of each of two groups.
func twoLines(customer string) pos.InvoiceInput {
	return pos.InvoiceInput{CustomerID: customer, Lines: []pos.InvoiceLine{
		{InventoryID: "44", TicketIDs: []string{"44001"}, Quantity: 1, Total: usd(100)},
		{InventoryID: "45", TicketIDs: []string{"45001"}, Quantity: 1, Total: usd(200)},
	}}
}

func sell(t testing.TB, c *skybox.Client, ref string, in pos.InvoiceInput) pos.Invoice {
	t.Helper()
	made, err := c.CreateInvoice(t.Context(), pos.Op{Key: ref, Ref: ref}, in)
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	return made
}

func setFaults(t *testing.T, s *sim.SkyBox, faults ...sim.Fault) {
	t.Helper()
	if err := s.SetFaults(sim.Faults{Faults: faults}); err != nil {
		t.Fatalf("SetFaults: %v", err)
	}
}

// A void that broke off at any of its writes is finished by the next, whichever of the two kinds it is, and whatever SkyBox answers
// to what is done already.
func TestVoidIsFinishedAfterABreakAtEachStep(t *testing.T) {
	t.Parallel()
	for _, second := range []int{200, 404, 400} {
		for _, restock := range []bool{true, false} {
			for step, fault := range []sim.Fault{
				{Method: "DELETE", Path: "/invoices/*"}, {Method: "DELETE", Path: "/invoices/*"}, {Method: "POST", Path: "/lines/*"},
				{Method: "PUT", Path: "/invoices/bulk"},
			} {
				for _, how := range []string{sim.FaultLostAnswer, sim.FaultRefuseBefore, sim.FaultStatus} {
					if restock == (fault.Method == "POST") {
						continue
					}
					t.Run(fmt.Sprintf("%d/%v/%d/%s", second, restock, step, how), func(t *testing.T) {
						t.Parallel()
						fault := fault
						c, s, _, _ := simulated(t, kind{opts: sim.SkyBoxOptions{SecondDelete: second}})
						inv := sell(t, c, "ord", twoLines(buyer(t, c)))
						if step == 1 { // the second of the two lines
							fault.Path = "/invoices/" + inv.ID + "/lines/" + inv.Lines[1].ID
						}
						fault.Kind, fault.Count = how, 1
						if how == sim.FaultStatus {
							fault.Status = http.StatusBadGateway
						}
						setFaults(t, s, fault)
						in := pos.VoidInput{Ref: "ord", Restock: restock, Reason: "cancelled"}
						_, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, inv.ID, in)
						wantClass(t, "VoidInvoice that breaks off", err, pos.OutcomeUnknown)
						voided, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, inv.ID, in)
						if err != nil || !voided.Voided || voided.VoidReason != "cancelled" {
							t.Errorf("VoidInvoice again: got %+v, %v; want it void", voided, err)
						}
						g, err := c.GetInventory(t.Context(), "45")
						if want := map[bool]int{true: 8, false: 7}[restock]; err != nil || g.Quantity != want {
							t.Errorf("GetInventory: got %d, %v; want %d", g.Quantity, err, want)
						}
					})
				}
			}
		}
	}
}

// An invoice of which a person took one line, or only set the status, is neither the sale that was asked for nor void.
func TestHalfVoidInvoiceIsForAPerson(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]sim.Fault{
		"OneLineGone": {Method: "PUT", Path: "/invoices/bulk"},
		"LinesGone":   {Method: "PUT", Path: "/invoices/bulk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s, clock, _ := simulated(t, kind{})
			in := twoLines(buyer(t, c))
			inv := sell(t, c, "ord", in)
			if name == "OneLineGone" {
				path = sim.Fault{Method: "DELETE", Path: "/invoices/" + inv.ID + "/lines/" + inv.Lines[1].ID}
			}
			path.Kind, path.Count = sim.FaultRefuseBefore, 1
			setFaults(t, s, path)
			_, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, inv.ID, pos.VoidInput{Restock: true, Reason: "r"})
			wantClass(t, "VoidInvoice", err, pos.OutcomeUnknown)
			_, _, err = pos.EnsureInvoice(t.Context(), c, pos.Op{Key: "k", Ref: "ord"}, in, pos.Options{Sleep: clock.Sleep})
			wantClass(t, "EnsureInvoice", err, pos.ReferenceConflict)
		})
	}
	t.Run("StatusAlone", func(t *testing.T) {
		t.Parallel()
		a := answers{
			"GET /invoices":    `[` + strings.Replace(invoiceJSON, "UNPAID", "VOID", 1) + `]`,
			"GET /invoices/77": strings.Replace(invoiceJSON, "UNPAID", "VOID", 1),
		}
		c := serve(t, a.ServeHTTP)
		got, err := c.FindInvoices(t.Context(), "ord")
		if err != nil || len(got) != 1 || got[0].Voided || len(got[0].Lines) != 0 {
			t.Errorf("FindInvoices: got %+v, %v; want one that is not void, without lines", got, err)
		}
		_, _, err = pos.EnsureInvoice(t.Context(), c, pos.Op{Key: "k", Ref: "ord"}, oneTicket(), pos.Options{})
		wantClass(t, "EnsureInvoice", err, pos.ReferenceConflict)
	})
}

func TestVoidOfAnInvoiceThatGoesWithItsLastLine(t *testing.T) {
	t.Parallel()
	c, s, clock, _ := simulated(t, kind{opts: sim.SkyBoxOptions{LastLineTakesInvoice: true}})
	sell(t, c, "ord", twoLines(buyer(t, c)))
	in := pos.VoidInput{Ref: "ord", Restock: true, Reason: "cancelled"}
	_, found, err := pos.VoidInvoiceByRef(t.Context(), c, pos.Op{Key: "v"}, in, pos.Options{Sleep: clock.Sleep})
	if err != nil || !found || len(s.State().Invoices) != 0 {
		t.Errorf("VoidInvoiceByRef: got found %v, %v; want it gone", found, err)
	}
}

// SkyBox may answer 200 and show the old state for a while: that is no success.
func TestVoidBelievesWhatItReadsOnly(t *testing.T) {
	t.Parallel()
	a := answers{"GET /invoices/77": invoiceJSON, "DELETE /invoices/77/lines/78": ``, "POST /lines/invoice/bulk-cancel": ``, "PUT /invoices/bulk": ``}
	c := serve(t, a.ServeHTTP)
	for _, restock := range []bool{true, false} {
		_, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, "77", pos.VoidInput{Restock: restock, Reason: "r"})
		wantClass(t, "VoidInvoice", err, pos.OutcomeUnknown)
	}
	a["DELETE /invoices/77/lines/78"] = `400{}`
	_, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, "77", pos.VoidInput{Restock: true, Reason: "r"})
	wantClass(t, "VoidInvoice, line refused", err, pos.Invalid)
	delete(a, "DELETE /invoices/77/lines/78")
	_, err = c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, "77", pos.VoidInput{Restock: true, Reason: "r"})
	wantClass(t, "VoidInvoice, line not found and there", err, pos.OutcomeUnknown)
	a["DELETE /invoices/77/lines/78"] = ``
	a["PUT /invoices/bulk"] = `400{}`
	_, err = c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, "77", pos.VoidInput{Restock: true, Reason: "r"})
	wantClass(t, "VoidInvoice, status refused", err, pos.Invalid)
	delete(a, "PUT /invoices/bulk")
	_, err = c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, "77", pos.VoidInput{Restock: true, Reason: "r"})
	wantClass(t, "VoidInvoice, no such call", err, pos.Unsupported)
}

// A read that fails after the lines are gone does not mean that nothing was done.
func TestVoidThatCannotBeReadBackIsUnknown(t *testing.T) {
	t.Parallel()
	var deleted atomic.Bool
	a := answers{"GET /invoices/77": invoiceJSON, "PUT /invoices/bulk": ``}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodDelete:
			deleted.Store(true)
			answering(204, ``)(w, r)
		case r.Method == http.MethodGet && deleted.Load():
			answering(503, ``)(w, r)
		default:
			a.ServeHTTP(w, r)
		}
	})
	_, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, "77", pos.VoidInput{Restock: true, Reason: "r"})
	wantClass(t, "VoidInvoice", err, pos.OutcomeUnknown)
}

// What is done is not done again: there is one note, and one change of the status.
func TestVoidLeavesOneNote(t *testing.T) {
	t.Parallel()
	c, s, _, _ := simulated(t, kind{})
	inv := sell(t, c, "ord", twoLines(buyer(t, c)))
	po, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: "po"}, bought("9", "10"))
	if err != nil {
		t.Fatalf("CreatePurchaseOrder: got %v; want no error", err)
	}
	setFaults(t, s, sim.Fault{Method: "PUT", Path: "/purchases/*", Kind: sim.FaultRefuseBefore, Count: 1})
	voidPurchase := func(reason string) (pos.PurchaseOrder, error) {
		return c.VoidPurchaseOrder(t.Context(), pos.Op{Key: "vp"}, po.ID, pos.VoidInput{Reason: reason})
	}
	_, err = voidPurchase("first")
	wantClass(t, "VoidPurchaseOrder", err, pos.OutcomeUnknown)
	if got, err := voidPurchase("second"); err != nil || got.VoidReason != "first" {
		t.Errorf("VoidPurchaseOrder again: got %+v, %v; want void for the first reason", got, err)
	}
	setFaults(t, s, sim.Fault{Method: "PUT", Path: "/invoices/bulk", Kind: sim.FaultLostAnswer, Count: 1})
	for range 3 {
		_, _ = c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, inv.ID, pos.VoidInput{Restock: true, Reason: "r"})
	}
	counts := map[string]int{}
	for _, w := range s.Log() {
		if w.Outcome == "updated" {
			counts[w.Method]++
		}
	}
	if counts["POST"] != 1 || counts["PUT"] != 1 {
		t.Errorf("updates: got %v; want one note of the purchase, one status of the invoice", counts)
	}
}

// A status that is there already is not set again when only a line is left.
func TestVoidOfAVoidStatusEndsTheLinesOnly(t *testing.T) {
	t.Parallel()
	live := strings.Replace(invoiceJSON, "UNPAID", "VOID", 1)
	var mu sync.Mutex
	var calls []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body := live
		if slices.Contains(calls, "DELETE") {
			body = strings.Replace(live, `"cancelled":false`, `"cancelled":true`, 1)
		}
		calls = append(calls, r.Method)
		answering(200, body)(w, r)
	})
	got, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, "77", pos.VoidInput{Restock: true, Reason: "r"})
	if err != nil || !got.Voided {
		t.Errorf("VoidInvoice: got %+v, %v; want it void", got, err)
	}
	if want := []string{"GET", "DELETE", "GET"}; !slices.Equal(calls, want) {
		t.Errorf("calls: got %v; want %v", calls, want)
	}
}

// Killing sold tickets kills the purchase that they came with, which a void of that purchase must then take for done.
func TestKilledTicketsTakeTheirPurchase(t *testing.T) {
	t.Parallel()
	c, _, _, _ := simulated(t, kind{})
	po, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: "po"}, bought("9", "10"))
	if err != nil {
		t.Fatalf("CreatePurchaseOrder: got %v; want no error", err)
	}
	stock := 0
	for id := 1_000_001; stock == 0; id++ {
		if g, err := c.GetInventory(t.Context(), strconv.Itoa(id)); err == nil {
			stock = id
			if len(g.Tickets) != 2 || g.Event.Name != "The Sample Play" {
				t.Fatalf("GetInventory: got %+v; want what was bought", g)
			}
		} else if id > 1_000_100 {
			t.Fatal("the purchase brought no inventory")
		}
	}
	inv := sell(t, c, "ord", pos.InvoiceInput{CustomerID: buyer(t, c), Lines: []pos.InvoiceLine{
		{InventoryID: strconv.Itoa(stock), Quantity: 2, Total: usd(30000)},
	}})
	if _, err := c.VoidInvoice(t.Context(), pos.Op{Key: "v"}, inv.ID, pos.VoidInput{Reason: "r"}); err != nil {
		t.Fatalf("VoidInvoice: got %v; want no error", err)
	}
	got, err := c.VoidPurchaseOrder(t.Context(), pos.Op{Key: "vp"}, po.ID, pos.VoidInput{Reason: "r"})
	if err != nil || !got.Voided {
		t.Errorf("VoidPurchaseOrder: got %+v, %v; want it void", got, err)
	}
}

func bought(seats ...string) pos.PurchaseInput {
	return pos.PurchaseInput{Vendor: pos.Vendor{Name: "Sample Tickets"}, Lines: []pos.PurchaseLine{{
		Event:   pos.Event{Name: "The Sample Play", StartsAt: time.Date(2027, 2, 1, 19, 30, 0, 0, time.UTC)},
		Section: "B", Row: "T", Seats: seats, Quantity: max(2, len(seats)), Total: usd(18000),
	}}}
}

func TestSeatsOfPurchases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seats []string
		want  pos.Class // "" is success
	}{
		"SideBySide": {[]string{"9", "10", "11"}, ""}, "EveryOther": {[]string{"2", "4", "6"}, ""}, "One": {[]string{"5", "6"}, ""},
		"NotKnown": {nil, ""}, "WithAGap": {[]string{"1", "2", "5"}, pos.Unsupported}, "Letters": {[]string{"A", "B"}, pos.Unsupported},
		"Zeros": {[]string{"01", "02"}, pos.Unsupported}, "Same": {[]string{"3", "3"}, pos.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, s, _, _ := simulated(t, kind{})
			in := bought(c.seats...)
			po, err := client.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: "po"}, in)
			if c.want != "" {
				wantClass(t, "CreatePurchaseOrder", err, c.want)
				if len(s.Log()) != 0 {
					t.Errorf("writes: got %+v; want none", s.Log())
				}
				return
			}
			if err != nil || !slices.Equal(po.Lines[0].Seats, c.seats) {
				t.Errorf("CreatePurchaseOrder: got %+v, %v; want seats %v", po.Lines, err, c.seats)
			}
		})
	}
}

func TestVendorsAreFoundByNameOrMadeOnce(t *testing.T) {
	t.Parallel()
	// A search that lags does not make a second one, nor do purchases at once.
	c, s, _, _ := simulated(t, kind{})
	if err := s.SetFaults(sim.Faults{SearchLag: time.Hour}); err != nil {
		t.Fatalf("SetFaults: %v", err)
	}
	vendors := make([]string, 8)
	var group sync.WaitGroup
	for i := range vendors {
		group.Go(func() {
			po, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: strconv.Itoa(i)}, bought("9", "10"))
			if err != nil {
				t.Errorf("CreatePurchaseOrder: got %v; want no error", err)
			}
			vendors[i] = po.Vendor.ID
		})
	}
	group.Wait()
	if slices.Sort(vendors); len(slices.Compact(vendors)) != 1 {
		t.Errorf("vendors: got %v; want one", vendors)
	}
	// A name that is only part of another is another vendor, though the search for it finds that one.
	setFaults(t, s)
	in := bought("9", "10")
	in.Vendor.Name = "Sample"
	po, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: "other"}, in)
	if err != nil || po.Vendor.ID == vendors[0] || po.Vendor.Name != "Sample" {
		t.Errorf("CreatePurchaseOrder: got %+v, %v; want a vendor of its own", po.Vendor, err)
	}
	in.Vendor = pos.Vendor{ID: vendors[0], Name: "Sample Tickets"}
	if po, err = c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: "by id"}, in); err != nil || po.Vendor != in.Vendor {
		t.Errorf("CreatePurchaseOrder by id: got %+v, %v; want %+v", po.Vendor, err, in.Vendor)
	}
}

func TestDefaultVendorStandsInForAnyName(t *testing.T) {
	t.Parallel()
	c, _, _, _ := simulated(t, kind{cfg: skybox.Config{VendorID: "1000001"}})
	po, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: "po"}, bought("9", "10"))
	if want := (pos.Vendor{ID: "1000001", Name: "Sample Tickets"}); err != nil || po.Vendor != want {
		t.Errorf("CreatePurchaseOrder: got %+v, %v; want %+v", po.Vendor, err, want)
	}
	in := bought("9", "10")
	in.Vendor.Name = "Default vendor"
	if po, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: "po2"}, in); err != nil || po.Vendor.Name != "Default vendor" {
		t.Errorf("CreatePurchaseOrder: got %+v, %v; want the default vendor's own name", po.Vendor, err)
	}
}

// What SkyBox demands and the port does not know is refused in a sentence while no setting stands for it.
func TestMissingSettingsAreNamed(t *testing.T) {
	t.Parallel()
	bare := func(change func(*skybox.Config)) *skybox.Client {
		cfg := settings(skybox.Config{BaseURL: "http://skybox.invalid"})
		change(&cfg)
		c, err := skybox.New(cfg)
		if err != nil {
			t.Fatalf("New: got %v; want no error", err)
		}
		return c
	}
	customer := func(c *skybox.Client, email string) error {
		_, err := c.CreateCustomer(t.Context(), pos.Op{Key: "k"}, pos.CustomerInput{Name: "Ada", Email: email, Kind: pos.Retail})
		return err
	}
	purchase := func(c *skybox.Client, row string) error {
		in := bought("9", "10")
		in.Lines[0].Row = row
		_, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "k", Ref: "r"}, in)
		return err
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"Address": {customer(bare(func(c *skybox.Config) { c.Address, c.VendorEmail = skybox.Address{}, "" }), "ada@example.com"), "Config.Address"},
		"Email":   {customer(bare(func(*skybox.Config) {}), " "), "e-mail"},
		"Venue":   {purchase(bare(func(c *skybox.Config) { c.Venue = "" }), "T"), "Config.Venue"},
		"NoPlace": {purchase(bare(func(c *skybox.Config) { c.NoPlace = "" }), ""), "Config.NoPlace"},
	} {
		wantClass(t, name, c.err, pos.Invalid)
		if c.err != nil && !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: got %v; want it to name %s", name, c.err, c.want)
		}
	}
	cfg := settings(skybox.Config{})
	cfg.VendorEmail = ""
	client := serveWith(t, cfg, answering(200, `[]`))
	err := purchase(client, "T")
	wantClass(t, "VendorEmail", err, pos.Invalid)
	if err != nil && !strings.Contains(err.Error(), "Config.VendorEmail") {
		t.Errorf("VendorEmail: got %v; want it to name Config.VendorEmail", err)
	}
}

func TestWhatSkyBoxCannotSellIsRefusedBeforeAWrite(t *testing.T) {
	t.Parallel()
	c := client(t, skybox.Config{BaseURL: "http://skybox.invalid"})
	for name, test := range map[string]struct {
		change func(*pos.InvoiceInput)
		want   pos.Class
	}{
		"Hold":          {func(in *pos.InvoiceInput) { in.HoldID = "../3" }, pos.Unavailable},
		"OtherCurrency": {func(in *pos.InvoiceInput) { in.Lines[0].Total.Currency = "KWD" }, pos.Invalid},
		"Bitcoin":       {func(in *pos.InvoiceInput) { in.Lines[0].Total.Currency = "XBT" }, pos.Invalid},
		"Customer":      {func(in *pos.InvoiceInput) { in.CustomerID = "../5" }, pos.NotFound},
		"Group":         {func(in *pos.InvoiceInput) { in.Lines[0].InventoryID = "44?x=1" }, pos.NotFound},
		"Ticket":        {func(in *pos.InvoiceInput) { in.Lines[0].TicketIDs = []string{"g1-1"} }, pos.NotFound},
		"NoLines":       {func(in *pos.InvoiceInput) { in.Lines = nil }, pos.Invalid},
	} {
		in := oneTicket()
		test.change(&in)
		_, err := c.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "r"}, in)
		wantClass(t, name, err, test.want)
	}
}

func TestSearchFollowsPages(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]sim.SkyBoxOptions{
		"PagesFromZero": {Matching: "prefix"}, "PagesFromOne": {Matching: "prefix", FirstPage: 1, Rows: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seats []int
			for n := range 120 {
				seats = append(seats, n+1)
			}
			opts.Inventory = []sim.SkyBoxGroup{{ID: 99, EventID: 7, EventName: "The Sample Play", Section: "GA", Row: "GA", Seats: seats}}
			c, _, _, _ := simulated(t, kind{opts: opts})
			customer := buyer(t, c)
			for n := range 120 {
				sell(t, c, fmt.Sprintf("ord-%d", 1000+n), pos.InvoiceInput{CustomerID: customer, Lines: []pos.InvoiceLine{
					{InventoryID: "99", TicketIDs: []string{strconv.Itoa(99_001 + n)}, Quantity: 1, Total: usd(100)},
				}})
			}
			got, err := c.FindInvoices(t.Context(), "ord-1")
			if err != nil || len(got) != 120 || got[0].Ref != "ord-1000" || got[119].Ref != "ord-1119" {
				t.Errorf("FindInvoices: got %d, %v; want all 120, oldest first", len(got), err)
			}
		})
	}
	t.Run("PagesThatRepeat", func(t *testing.T) {
		t.Parallel()
		var all []string
		for n := range 50 {
			all = append(all, fmt.Sprintf(`{"id":%d,"externalRef":"x"}`, n+1))
		}
		var requests atomic.Int32
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			answering(200, `[`+strings.Join(all, ",")+`]`)(w, r)
		})
		wantClass(t, "FindInvoices", find(t.Context(), c), pos.Unsupported)
		if got := requests.Load(); got != 3 {
			t.Errorf("requests: got %d; want 3", got)
		}
	})
}

func TestAnswersAboutOtherRecordsAreNotTaken(t *testing.T) {
	t.Parallel()
	c, _, _, _ := simulated(t, kind{opts: sim.SkyBoxOptions{Matching: "prefix"}})
	for _, ref := range []string{"po-1", "po-10"} {
		if _, err := c.CreatePurchaseOrder(t.Context(), pos.Op{Key: "p", Ref: ref}, bought("9", "10")); err != nil {
			t.Fatalf("CreatePurchaseOrder: got %v; want no error", err)
		}
	}
	if got, err := c.FindPurchaseOrders(t.Context(), "po-1"); err != nil || len(got) != 1 || got[0].Ref != "po-1" {
		t.Errorf("FindPurchaseOrders: got %+v, %v; want po-1 alone", got, err)
	}
	crooked := serve(t, answering(200, invoiceJSON))
	_, err := crooked.GetInvoice(t.Context(), "78")
	wantClass(t, "GetInvoice, other id", err, pos.Transient)
	_, err = crooked.VoidInvoice(t.Context(), pos.Op{Key: "v"}, "78", pos.VoidInput{Reason: "r"})
	wantClass(t, "VoidInvoice, other id", err, pos.Transient)
}

// The invoice of another tool, under the marketplace's own number, is found before it is booked a second time.
func TestFindInvoicesBySale(t *testing.T) {
	t.Parallel()
	c, _, _, _ := simulated(t, kind{})
	there := sell(t, c, "TV-20931", twoLines(buyer(t, c)))
	got, err := c.FindInvoicesBySale(t.Context(), "TV-20931")
	if err != nil || len(got) != 1 || got[0].ID != there.ID {
		t.Errorf("FindInvoicesBySale: got %+v, %v; want %s", got, err, there.ID)
	}
	if got, err := c.FindInvoices(t.Context(), "tevo/20931"); err != nil || len(got) != 0 {
		t.Errorf("FindInvoices by our reference: got %+v, %v; want none", got, err)
	}
}

func TestTooManyCallsHaveTheClassOfTheirStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]pos.Class{429: pos.RateLimited, 503: pos.Transient, 400: pos.Invalid} {
		c, _, clock, _ := simulated(t, kind{opts: sim.SkyBoxOptions{RateLimit: 1, RateInterval: time.Second, RateStatus: status}})
		if err := c.Ping(t.Context()); err != nil {
			t.Fatalf("Ping: got %v; want no error", err)
		}
		wantClass(t, "Ping again", c.Ping(t.Context()), want)
		_ = clock.Sleep(t.Context(), time.Second)
		if err := c.Ping(t.Context()); err != nil {
			t.Errorf("Ping after the interval: got %v; want no error", err)
		}
	}
}

// serveWith is serve, with settings of its own.
func serveWith(t *testing.T, cfg skybox.Config, handler http.HandlerFunc) *skybox.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg.BaseURL = server.URL
	c, err := skybox.New(cfg)
	if err != nil {
		t.Fatalf("New: got %v; want no error", err)
	}
	return c
}
