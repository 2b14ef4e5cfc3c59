package tevocore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"willcall/pos"
	"willcall/pos/tevocore"
	"willcall/sim"
)

// delivering is a point of sale that takes and gives e-tickets, and a sale of two tickets in it, or of two and one.
type delivering struct {
	*tevocore.Client
	behind
	inv pos.Invoice
	// tickets are the ids of each line's tickets.
	tickets [][]string
}

func deliver(t *testing.T, lines int, change ...func(*kind)) *delivering {
	t.Helper()
	k := kinds()["ScansClients"]
	k.cfg.AttachFiles, k.cfg.ReadETickets = true, true
	for _, c := range change {
		c(&k)
	}
	d := &delivering{}
	d.Client, d.behind = simulated(t, k)
	customer, err := d.CreateCustomer(t.Context(), pos.Op{Key: "c"}, pos.CustomerInput{Name: "Ida Invented"})
	if err != nil {
		t.Fatal(err)
	}
	in := aSale(100, 2)
	in.CustomerID, in.Lines[0].InventoryID = customer.ID, "101"
	if lines == 2 {
		in.Lines = append(in.Lines, pos.InvoiceLine{InventoryID: "102", Quantity: 1, Total: pos.Money{Minor: 70, Currency: "USD"}})
	}
	if d.inv, err = d.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "ord"}, in); err != nil {
		t.Fatal(err)
	}
	for _, l := range d.core.Items(d.inv.ID) {
		d.tickets = append(d.tickets, l.TicketIDs)
	}
	return d
}

// again is another process's client of the same point of sale.
func (d *delivering) again(t *testing.T) *tevocore.Client {
	t.Helper()
	c, err := tevocore.New(d.cfg(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (d *delivering) cfg(t *testing.T) tevocore.Config {
	t.Helper()
	cfg := d.kind.cfg
	cfg.BaseURL, cfg.Token, cfg.Secret, cfg.OfficeID, cfg.ReviewerID = d.url, token, secret, office, "7"
	return cfg
}

// made are the outcomes of the writes since the sale, by the last word of their paths.
func (d *delivering) made() string {
	var all []string
	for _, w := range d.core.Log()[2:] {
		all = append(all, w.Path[strings.LastIndex(w.Path, "/")+1:]+" "+w.Outcome)
	}
	return strings.Join(all, ", ")
}

func sums(files ...[]byte) (all []string) {
	for _, f := range files {
		sum := sha256.Sum256(f)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all
}

// kept are the digests of the files that the order has.
func (d *delivering) kept() (all []string) {
	for _, f := range d.core.State().Invoices[0].Files {
		all = append(all, f.SHA256)
	}
	return all
}

func file(content []byte, tickets ...string) pos.TicketFile {
	return pos.TicketFile{Name: "zelda quibblethorpe.pdf", MediaType: "application/pdf", TicketIDs: tickets, Content: content}
}

var op = pos.Op{Key: "f", Ref: "ord"}

func complete(files ...pos.TicketFile) pos.FulfillmentInput {
	return pos.FulfillmentInput{State: pos.Complete, Files: files}
}

func TestFilesBecomeETicketsOfTheirItems(t *testing.T) {
	t.Parallel()
	one, two, both := sim.PDF("seat 1"), sim.PDF("seat 2"), sim.PDF("seat 1", "seat 2")
	once := "remove_etickets removed, add_etickets added, finalize_etickets fulfilled"
	for name, c := range map[string]struct {
		lines  int
		files  func(tickets [][]string) []pos.TicketFile
		change func(*kind)
		want   [][]byte
		made   string
	}{
		"AFileForAll": {lines: 1, want: [][]byte{both}, made: once,
			files: func([][]string) []pos.TicketFile { return []pos.TicketFile{file(both)} }},
		"AFileForEach": {lines: 1, want: [][]byte{two, one}, made: once,
			files: func(ids [][]string) []pos.TicketFile {
				return []pos.TicketFile{file(two, ids[0][1]), file(one, ids[0][0])}
			}},
		"AFileForEachItem": {lines: 2, want: [][]byte{both, one}, made: once + ", " + once,
			files: func(ids [][]string) []pos.TicketFile {
				return []pos.TicketFile{file(one, ids[1]...), file(both, ids[0]...)}
			}},
		"OrderStaysOpen": {lines: 1, want: [][]byte{both}, made: once + ", complete fulfilled",
			files:  func([][]string) []pos.TicketFile { return []pos.TicketFile{file(both)} },
			change: func(k *kind) { k.sim.FinalStaysOpen = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.change == nil {
				c.change = func(*kind) {}
			}
			d := deliver(t, c.lines, c.change)
			in := complete(c.files(d.tickets)...)
			for range 2 { // a repetition writes nothing
				got, took, err := pos.Fulfil(t.Context(), d, op, d.inv.ID, in)
				if err != nil || !took || got.Fulfillment != pos.Complete {
					t.Fatalf("Fulfil: got %+v, files %v, %v; want it complete, with files", got, took, err)
				}
				if got := d.made(); got != c.made {
					t.Errorf("writes: got %s; want %s", got, c.made)
				}
				if got := d.kept(); !slices.Equal(got, sums(c.want...)) {
					t.Errorf("files: got %q; want %q", got, sums(c.want...))
				}
			}
			// Others are not put in the place of what the buyer has, nor taken for it by a process that did not send it.
			other := complete(c.files(d.tickets)...)
			other.Files[0].Content = sim.PDF(make([]string, strings.Count(string(other.Files[0].Content), "/Type /Page "))...)
			_, _, err := pos.Fulfil(t.Context(), d, op, d.inv.ID, other)
			wantClass(t, "Fulfil with other files", err, pos.Invalid)
			_, _, err = pos.Fulfil(t.Context(), d.again(t), op, d.inv.ID, in)
			wantClass(t, "Fulfil by another process", err, pos.Invalid)
			if got, _, err := pos.Fulfil(t.Context(), d.again(t), op, d.inv.ID, complete()); err != nil || got.Fulfillment != pos.Complete {
				t.Errorf("Fulfil without files: got %+v, %v; want it complete", got, err)
			}
			if got := d.made(); got != c.made {
				t.Errorf("writes: got %s; want no more than %s", got, c.made)
			}
		})
	}
}

func TestFilesThatDoNotFitAreForAPerson(t *testing.T) {
	t.Parallel()
	one, both := sim.PDF("seat 1"), sim.PDF("seat 1", "seat 2")
	as := func(f pos.TicketFile, change func(*pos.TicketFile)) pos.TicketFile { change(&f); return f }
	for name, c := range map[string]struct {
		lines int
		files func(tickets [][]string) []pos.TicketFile
		want  pos.Class
	}{
		"TooFewPages":        {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{file(one)} }, pos.Invalid},
		"TooManyPages":       {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{file(both), file(one)} }, pos.Invalid},
		"TermsOnASecondPage": {1, func(ids [][]string) []pos.TicketFile { return []pos.TicketFile{file(both, ids[0][0])} }, pos.Invalid},
		"OneTicketTwice": {1, func(ids [][]string) []pos.TicketFile {
			return []pos.TicketFile{file(one, ids[0][0]), file(one, ids[0][0])}
		}, pos.Invalid},
		"TicketsOfNobody":   {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{file(both, "1", "2")} }, pos.Invalid},
		"NoTickets":         {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{file(both, "", "")} }, pos.Invalid},
		"NoFiles":           {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{} }, pos.Invalid},
		"NoPages":           {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{file(sim.PDF())} }, pos.Invalid},
		"BrokenDocument":    {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{file([]byte("%PDF-1.7 zelda \x00\xff"))} }, pos.Invalid},
		"CutOffDocument":    {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{file(both[:len(both)/2])} }, pos.Invalid},
		"WhichItem":         {2, func([][]string) []pos.TicketFile { return []pos.TicketFile{file(both)} }, pos.Invalid},
		"TicketsOfTwoItems": {2, func(ids [][]string) []pos.TicketFile { return []pos.TicketFile{file(both, ids[0][0], ids[1][0])} }, pos.Invalid},
		"AnItemWithout":     {2, func(ids [][]string) []pos.TicketFile { return []pos.TicketFile{file(both, ids[0]...)} }, pos.Invalid},
		"Picture": {1, func([][]string) []pos.TicketFile {
			return []pos.TicketFile{as(file(both), func(f *pos.TicketFile) { f.MediaType = "image/png" })}
		}, pos.Unsupported},
		"PictureCalledPDF": {1, func([][]string) []pos.TicketFile { return []pos.TicketFile{file([]byte("\x89PNG zelda"))} }, pos.Unsupported},
		"Barcodes": {1, func([][]string) []pos.TicketFile {
			return []pos.TicketFile{file(both), as(file([]byte("123\n")), func(f *pos.TicketFile) { f.MediaType = "text/plain" })}
		}, pos.Unsupported},
		"Link": {1, func([][]string) []pos.TicketFile {
			return []pos.TicketFile{as(file(nil), func(f *pos.TicketFile) { f.URL = "https://example.com/zelda" })}
		}, pos.Unsupported},
		"FilesAndNotDelivered": {1, nil, pos.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deliver(t, c.lines)
			in := pos.FulfillmentInput{State: pos.Pending, Files: []pos.TicketFile{file(both)}}
			if c.files != nil {
				in = complete(c.files(d.tickets)...)
				in.Files = c.files(d.tickets) // one without files is not nil
			}
			_, err := d.SetFulfillment(t.Context(), op, d.inv.ID, in)
			wantClass(t, "SetFulfillment", err, c.want)
			if err != nil && strings.Contains(strings.ToLower(err.Error()), "zelda") {
				t.Errorf("the error quotes the file: %v", err)
			}
			if got := d.made(); got != "" {
				t.Errorf("writes: got %s; want none", got)
			}
		})
	}
	d := deliver(t, 1, func(k *kind) { k.cfg.AttachFiles = false })
	_, err := d.SetFulfillment(t.Context(), op, d.inv.ID, complete(file(both)))
	wantClass(t, "SetFulfillment without the setting", err, pos.Unsupported)
	if got := d.made(); got != "" {
		t.Errorf("writes: got %s; want none", got)
	}
}

// TestAttachingFindsItsWay breaks each of its calls in each way: whatever was left half done, the buyer has these files once.
func TestAttachingFindsItsWay(t *testing.T) {
	t.Parallel()
	both := sim.PDF("seat 1", "seat 2")
	for _, at := range []string{"remove_etickets", "add_etickets", "finalize_etickets", "complete"} {
		for _, f := range []struct {
			fault sim.Fault
			want  pos.Class
		}{
			{sim.Fault{Kind: sim.FaultLostAnswer}, pos.OutcomeUnknown},
			{sim.Fault{Kind: sim.FaultRefuseBefore}, pos.OutcomeUnknown},
			{sim.Fault{Kind: sim.FaultStatus, Status: 500}, pos.OutcomeUnknown},
			{sim.Fault{Kind: sim.FaultStatus, Status: 503}, pos.RateLimited},
			{sim.Fault{Kind: sim.FaultStatus, Status: 422}, pos.Invalid},
		} {
			for _, restarted := range []bool{false, true} {
				name := fmt.Sprintf("%s/%s%d/Restarted=%v", at, f.fault.Kind, f.fault.Status, restarted)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					d := deliver(t, 1, func(k *kind) { k.sim.FinalStaysOpen = true })
					f := f
					f.fault.Path, f.fault.Count = "/v9/orders/"+d.inv.ID+"/items/"+d.inv.Lines[0].ID+"/"+at, 1
					if at == "complete" {
						f.fault.Path = "/v9/orders/" + d.inv.ID + "/complete"
					}
					if err := d.core.SetFaults(sim.Faults{Faults: []sim.Fault{f.fault}}); err != nil {
						t.Fatal(err)
					}
					_, _, err := pos.Fulfil(t.Context(), d, op, d.inv.ID, complete(file(both)))
					wantClass(t, "Fulfil", err, f.want)
					c := d.Client
					if restarted {
						c = d.again(t)
					}
					got, _, err := pos.Fulfil(t.Context(), c, op, d.inv.ID, complete(file(both)))
					if final := at == "complete" || at == "finalize_etickets" && f.fault.Kind == sim.FaultLostAnswer; restarted && final {
						// They are with the buyer, and nobody knows any more that they are these.
						wantClass(t, "Fulfil after a restart", err, pos.Invalid)
					} else if err != nil || got.Fulfillment != pos.Complete {
						t.Errorf("Fulfil again: got %+v, %v; want it complete", got, err)
					}
					if got := d.kept(); !slices.Equal(got, sums(both)) {
						t.Errorf("files: got %q; want %q once; %s", got, sums(both), d.made())
					}
					if n := strings.Count(d.made(), "finalize_etickets fulfilled"); n != 1 {
						t.Errorf("made final: %d times; want once; %s", n, d.made())
					}
				})
			}
		}
	}
}

// TestRemovalIsNoRead: net/http repeats a GET by itself when a kept connection turns out to be closed. This one must not be.
func TestRemovalIsNoRead(t *testing.T) {
	t.Parallel()
	var removals atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if strings.HasSuffix(r.URL.Path, "/remove_etickets") {
			removals.Add(1)
			panic(http.ErrAbortHandler)
		}
		answering(200, with(saleJSON, `"quantity":2`, `"eticket_finalized_at":null,"quantity":2`))(w, r)
	}, func(cfg *tevocore.Config) { cfg.AttachFiles = true })
	_, err := c.SetFulfillment(t.Context(), op, "900", complete(file(sim.PDF("1", "2"))))
	wantClass(t, "SetFulfillment", err, pos.OutcomeUnknown)
	if got := removals.Load(); got != 1 {
		t.Errorf("removals sent: got %d; want 1", got)
	}
}

func TestCompletingLooksFirst(t *testing.T) {
	t.Parallel()
	state := func(s string) string { return with(saleJSON, `"accepted"`, `"`+s+`"`) }
	for name, c := range map[string]struct {
		in            pos.FulfillmentInput
		before, after string // states of the order
		status        int    // of the answer to complete; 0 = it must not be sent
		class         pos.Class
	}{
		"Open":              {complete(), "accepted", "completed", 200, ""},
		"Done":              {complete(), "completed", "", 0, ""},
		"DoneMeanwhile":     {complete(), "accepted", "completed", 422, ""},
		"Refused":           {complete(), "accepted", "accepted", 422, pos.Invalid},
		"Queued":            {complete(), "accepted", "accepted", 200, pos.OutcomeUnknown},
		"Void":              {complete(), "canceled_post_acceptance", "", 0, pos.Invalid},
		"Proposed":          {complete(), "cancel_proposed", "", 0, pos.Invalid},
		"NewState":          {complete(), "teleported", "", 0, pos.Transient},
		"PendingStays":      {pos.FulfillmentInput{State: pos.Pending}, "accepted", "", 0, ""},
		"PendingOfDone":     {pos.FulfillmentInput{State: pos.Pending}, "completed", "", 0, pos.Unsupported},
		"PendingOfVoid":     {pos.FulfillmentInput{State: pos.Pending}, "rejected", "", 0, pos.Invalid},
		"FinalNotSaid":      {complete(file(sim.PDF("1", "2"))), "accepted", "", 0, pos.Invalid},
		"EmptyListOfFiles":  {pos.FulfillmentInput{State: pos.Complete, Files: []pos.TicketFile{}}, "accepted", "", 0, pos.Invalid},
		"UnknownToAnybody ": {complete(), "", "", 0, pos.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Bool
			client := serve(t, routes(t, map[string]http.HandlerFunc{
				"GET /v9/orders/900": func(w http.ResponseWriter, r *http.Request) {
					now := c.before
					if sent.Load() {
						now = c.after
					}
					answering(200, state(now))(w, r)
				},
				"POST /v9/orders/900/complete": func(w http.ResponseWriter, r *http.Request) {
					if sent.Swap(true) || c.status == 0 {
						t.Error("completed; want it left, or done once")
					}
					answering(c.status, `{}`)(w, r)
				},
			}), func(cfg *tevocore.Config) { cfg.AttachFiles = true })
			got, err := client.SetFulfillment(t.Context(), op, "900", c.in)
			if pos.ClassOf(err) != c.class || err == nil && got.Fulfillment != c.in.State {
				t.Errorf("SetFulfillment: got %+v, %v; want %s, class %q", got, err, c.in.State, c.class)
			}
			if sent.Load() != (c.status != 0) {
				t.Errorf("completed: got %v; want %v", sent.Load(), c.status != 0)
			}
		})
	}
}

func TestETicketsAreReadOnceTheyAreFinal(t *testing.T) {
	t.Parallel()
	one, both := sim.PDF("seat 3"), sim.PDF("seat 1", "seat 2")
	for name, asJSON := range map[string]bool{"Document": false, "JSON": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deliver(t, 2, func(k *kind) { k.sim.PrintJSON = asJSON })
			if got, err := d.GetDeliveries(t.Context(), d.inv.ID); err != nil || len(got) != 0 {
				t.Errorf("GetDeliveries: got %d, %v; want none yet", len(got), err)
			}
			in := complete(file(both, d.tickets[0]...), file(one, d.tickets[1]...))
			if _, err := d.SetFulfillment(t.Context(), op, d.inv.ID, in); err != nil {
				t.Fatal(err)
			}
			got, err := d.GetDeliveries(t.Context(), d.inv.ID)
			if err != nil || len(got) != 2 {
				t.Fatalf("GetDeliveries: got %d, %v; want two", len(got), err)
			}
			for i, want := range [][]byte{both, one} {
				g := got[i]
				if g.Form != pos.FormFile || g.LineID != d.inv.Lines[i].ID || g.MediaType != "application/pdf" || g.Name == "" || !slices.Equal(g.Content, want) {
					t.Errorf("delivery %d: got %s of line %s, %s, %d bytes; want the file that was attached", i, g.Form, g.LineID, g.MediaType, len(g.Content))
				}
			}
			if _, err := d.VoidInvoice(t.Context(), op, d.inv.ID, pos.VoidInput{Restock: true, Reason: "r"}); err != nil {
				t.Fatal(err)
			}
			if got, err := d.GetDeliveries(t.Context(), d.inv.ID); err != nil || len(got) != 0 {
				t.Errorf("GetDeliveries of a void order: got %d, %v; want none", len(got), err)
			}
		})
	}
	d := deliver(t, 1, func(k *kind) { k.cfg.ReadETickets = false })
	_, err := d.GetDeliveries(t.Context(), d.inv.ID)
	wantClass(t, "GetDeliveries without the setting", err, pos.Unsupported)
}

func TestETicketsInAnotherFormAreNotGuessed(t *testing.T) {
	t.Parallel()
	document := base64.StdEncoding.EncodeToString(sim.PDF("1"))
	final := with(saleJSON, `"quantity":2`, `"eticket_finalized_at":"2027-01-02T00:00:00Z","quantity":2`)
	for name, c := range map[string]struct {
		order, body string
		want        pos.Class
	}{
		"Member":       {final, `{"eticket":"` + document + `"}`, ""},
		"OtherMember":  {final, `{"file":"` + document + `"}`, ""},
		"Link":         {final, `{"eticket":"https://example.com/zelda"}`, pos.Unsupported},
		"NotADocument": {final, `{"eticket":"emVsZGE="}`, pos.Unsupported},
		"NewMember":    {final, `{"document":"` + document + `"}`, pos.Unsupported},
		"HTML":         {final, `<html>zelda`, pos.Unsupported},
		"Nothing":      {final, ``, pos.Unsupported},
		"NotSaid":      {saleJSON, ``, pos.Unsupported},
		"NotFinal":     {with(final, `"2027-01-02T00:00:00Z"`, `""`), ``, ""},
	} {
		client := serve(t, routes(t, map[string]http.HandlerFunc{
			"GET /v9/orders/900":                          answering(200, c.order),
			"GET /v9/orders/900/items/901/print_etickets": answering(200, c.body),
		}), func(cfg *tevocore.Config) { cfg.ReadETickets = true })
		got, err := client.GetDeliveries(t.Context(), "900")
		if pos.ClassOf(err) != c.want || err == nil && name != "NotFinal" && len(got) != 1 || name == "NotFinal" && len(got) != 0 {
			t.Errorf("%s: got %d, %v; want class %q", name, len(got), err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "zelda") {
			t.Errorf("%s: the error quotes the answer: %v", name, err)
		}
	}
}

func TestWhatCoreCannotDoIsRefused(t *testing.T) {
	t.Parallel()
	d := deliver(t, 1)
	ctx := t.Context()
	_, void := d.VoidInvoiceLines(ctx, op, d.inv.ID, []string{d.inv.Lines[0].ID}, pos.VoidInput{Restock: true, Reason: "r"})
	_, find := d.FindHolds(ctx, "ord")
	_, place := d.PlaceHold(ctx, op, pos.HoldInput{InventoryID: "101", Quantity: 1})
	_, purchase := d.FulfillPurchaseOrder(ctx, op, d.inv.ID, complete())
	for what, err := range map[string]error{
		"VoidInvoiceLines": void, "FindHolds": find, "PlaceHold": place, "ReleaseHold": d.ReleaseHold(ctx, op, "1"), "FulfillPurchaseOrder": purchase,
	} {
		wantClass(t, what, err, pos.Unsupported)
	}
	if caps, err := d.Capabilities(ctx); err != nil || caps.VoidLines || caps.Holds || caps.SearchHolds || caps.FulfillPurchases || !caps.TicketUpload || !caps.ReadDeliveries {
		t.Errorf("Capabilities: got %+v, %v", caps, err)
	}
	if got := d.made(); got != "" {
		t.Errorf("writes: got %s; want none", got)
	}
}
