package activities

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
	"willcall/postgres"
	"willcall/provider"
)

var uploading = pos.Capabilities{SearchCustomers: true, SearchInvoices: true, TicketUpload: true}

// bringer is a desk whose provider brings tickets: each of a document's Tickets as PDF or link, or, where its name begins with
// "code", as a barcode.
func bringer(t *testing.T, caps pos.Capabilities) *desk {
	t.Helper()
	d := setup(t, fake.Options{Capabilities: caps, Groups: groups, DuplicateRefs: true})
	d.configure(func(src *Source) {
		src.Tickets = func(in provider.Delivery) (all []provider.Ticket, err error) {
			var doc document
			if json.Unmarshal(in.Body, &doc) != nil {
				return nil, provider.Malformed("body", "it is not JSON")
			}
			for _, key := range doc.Tickets {
				ticket := provider.Ticket{Line: "1", Key: key}
				if strings.HasPrefix(key, "code") {
					ticket.Code = "row A seat " + key + ": 0042" + key
				} else {
					ticket.Files = []provider.File{{Name: "ticket " + key, MediaType: "application/pdf", Body: []byte("%PDF " + key + doc.Buyer.Name)}}
					ticket.Links = []provider.Link{{Name: "proof of " + key, URL: "https://proofs.example.com/" + key}}
				}
				all = append(all, ticket)
			}
			return all, nil
		}
	})
	return d
}

// brings stores a webhook with tickets.
func (d *desk) brings(buyer string, keys ...string) (event string) {
	id := sale("3434341233")
	return d.put(document{Order: "3434341233", Buyer: provider.Buyer{Name: buyer}, Tickets: keys},
		postgres.Webhook{Type: "order.eticket_fulfilment", OrderID: id.ID, ProviderOrderID: "3434341233", Kind: order.Sale})
}

// attachTo is the step that puts tickets on an invoice; each is "event key".
func attachTo(inv pos.Invoice, generation string, uploads ...[2]string) Step {
	s := Step{Order: sale("3434341233"), ID: order.ID(order.DoAttach, generation, 1), Adopted: true, Invoice: inv.ID}
	for _, u := range uploads {
		s.Uploads = append(s.Uploads, order.Upload{Line: "1", Ticket: u[1], Event: u[0]})
	}
	return s
}

func TestTicketsArePutOnTheInvoice(t *testing.T) {
	t.Parallel()
	d := bringer(t, uploading)
	inv := d.book("3434341233", "g1")
	both, second := d.brings("", "a", "code1", "code2"), d.brings("corrected", "b", "a")
	s := attachTo(inv, "x", [2]string{second, "a"}, [2]string{both, "code1"}, [2]string{both, "code2"})
	for range 2 {
		done, err := d.do("AttachTickets", s)
		if err != nil || done.Ref != inv.ID || done.Detail != "" {
			t.Fatalf("got %+v %v; want invoice %s", done, err, inv.ID)
		}
	}
	want := []pos.TicketFile{
		{Name: "ticket a", MediaType: "application/pdf", Content: []byte("%PDF acorrected")},
		{Name: "proof of a", MediaType: "text/html", URL: "https://proofs.example.com/a"},
		{Name: "barcodes.txt", MediaType: "text/plain", Content: []byte("row A seat code1: 0042code1\nrow A seat code2: 0042code2\n")},
	}
	if got := d.pos.TicketFiles(inv.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("got files %+v; want %+v: those of the step, each from the webhook that brought it last", got, want)
	}
	if n := d.pos.Calls(fake.SetFulfillment); n != 1 || d.pos.State().Invoices[0].Fulfillment != pos.Complete {
		t.Errorf("got %d calls and %+v; want one, and the invoice complete", n, d.pos.State().Invoices[0])
	}
	// Another generation is another intent.
	if _, err := d.do("AttachTickets", attachTo(inv, "y", [2]string{both, "a"})); err != nil {
		t.Fatal(err)
	}
	if got := d.pos.TicketFiles(inv.ID); len(got) != 2 || string(got[0].Content) != "%PDF a" {
		t.Errorf("got files %+v; want those of the newer step", got)
	}
}

func TestAPOSWithoutTicketFilesIsToldTheState(t *testing.T) {
	t.Parallel()
	d := bringer(t, capable)
	inv := d.book("3434341233", "g1")
	// Nothing is read that is not needed: the webhook is not even there.
	done, err := d.do("AttachTickets", attachTo(inv, "x", [2]string{postgres.NewID(), "a"}))
	if err != nil || done.Ref != inv.ID || !strings.Contains(done.Detail, "takes no ticket files") {
		t.Errorf("got %+v %v; want it said that no files went", done, err)
	}
	if d.pos.State().Invoices[0].Fulfillment != pos.Complete || d.pos.TicketFiles(inv.ID) != nil {
		t.Errorf("got %+v; want complete, without files", d.pos.State().Invoices[0])
	}
}

func TestALostAnswerAboutTicketsIsAskedForAgain(t *testing.T) {
	t.Parallel()
	d := bringer(t, uploading)
	inv := d.book("3434341233", "g1")
	event := d.brings("", "a")
	for _, c := range []struct {
		fault fake.Fault
		class string
	}{
		{fake.Fault{Kind: fake.LostBefore}, "outcome_unknown"}, {fake.Fault{Kind: fake.LostAfter}, "outcome_unknown"},
		{fake.Fault{Kind: fake.Refuse, Class: pos.RateLimited}, "rate_limited"},
	} {
		c.fault.Call, c.fault.Count = fake.SetFulfillment, 1
		d.pos.SetFaults(c.fault)
		s := attachTo(inv, string(c.fault.Kind), [2]string{event, "a"})
		if _, err := d.do("AttachTickets", s); classIn(err) != c.class || !retried(err) {
			t.Errorf("%s: got %v; want %s, to be tried again", c.fault.Kind, err, c.class)
		}
		if done, err := d.do("AttachTickets", s); err != nil || done.Ref != inv.ID || len(d.pos.TicketFiles(inv.ID)) != 2 {
			t.Errorf("%s, again: got %+v %v; want it done", c.fault.Kind, done, err)
		}
	}
}

func TestWhatCannotBeAttachedIsForAPerson(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(d *desk, inv pos.Invoice) Step
		class   string
	}{
		"VoidInvoice": {func(d *desk, inv pos.Invoice) Step {
			d.void(inv)
			return attachTo(inv, "x", [2]string{d.brings("", "a"), "a"})
		}, "invalid"},
		"UnknownInvoice": {func(d *desk, _ pos.Invoice) Step {
			return attachTo(pos.Invoice{ID: "i_666"}, "x", [2]string{d.brings("", "a"), "a"})
		}, "not_found"},
		"Unsupported": {func(d *desk, inv pos.Invoice) Step {
			d.pos.SetFaults(fake.Fault{Call: fake.SetFulfillment, Kind: fake.Refuse, Class: pos.Unsupported, Count: 1})
			return attachTo(inv, "x", [2]string{d.brings("", "a"), "a"})
		}, "unsupported"},
		"NoWebhook": {func(_ *desk, inv pos.Invoice) Step {
			return attachTo(inv, "x", [2]string{postgres.NewID(), "a"})
		}, "invalid"},
		"NotInTheWebhook": {func(d *desk, inv pos.Invoice) Step {
			return attachTo(inv, "x", [2]string{d.brings("", "a"), "b"})
		}, "invalid"},
		"NoTicketsOfThisProvider": {func(d *desk, inv pos.Invoice) Step {
			d.configure(func(src *Source) { src.Tickets = nil })
			return attachTo(inv, "x", [2]string{d.brings("", "a"), "a"})
		}, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := bringer(t, uploading)
			inv := d.book("3434341233", "g1")
			s := c.prepare(d, inv)
			if _, err := d.do("AttachTickets", s); classIn(err) != c.class || retried(err) {
				t.Errorf("got %v; want %s, for a person", err, c.class)
			}
			if d.pos.State().Invoices[0].Fulfillment != pos.Pending || d.pos.TicketFiles(inv.ID) != nil {
				t.Errorf("got %+v; want nothing written", d.pos.State().Invoices[0])
			}
		})
	}
}

// TestBarcodesStayOutOfLogsErrorsAndOperations: they open doors.
func TestBarcodesStayOutOfLogsErrorsAndOperations(t *testing.T) {
	t.Parallel()
	d := bringer(t, uploading)
	var log bytes.Buffer
	d.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	inv := d.book("3434341233", "g1")
	s := attachTo(inv, "x", [2]string{d.brings("", "code7"), "code7"})
	d.pos.SetFaults(fake.Fault{Call: fake.SetFulfillment, Kind: fake.Refuse, Class: pos.Invalid, Count: 1})
	_, refused := d.do("AttachTickets", s)
	done, err := d.do("AttachTickets", s)
	if refused == nil || err != nil {
		t.Fatalf("got %v, then %v; want a refusal, then none", refused, err)
	}
	result, err := json.Marshal(done)
	if err != nil {
		t.Fatal(err)
	}
	var kept string
	if err := d.DB.Pool.QueryRow(t.Context(), "SELECT string_agg(o::text, ' ') FROM operations o").Scan(&kept); err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"log": log.String(), "error": refused.Error(), "result": string(result), "operations": kept} {
		if text == "" || strings.Contains(text, "0042code7") {
			t.Errorf("%s: got %q; want something, without the barcode", where, text)
		}
	}
}
