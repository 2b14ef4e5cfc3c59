package sim

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSupplierPutsTicketsOnTheInvoiceOfTheSale: each line gets its own, in the form that the order wants.
func TestSupplierPutsTicketsOnTheInvoiceOfTheSale(t *testing.T) {
	t.Parallel()
	seats := TEvoItem{Quantity: 2, PriceMinor: 1005, Section: "113", Row: "A", Seats: []string{"5", "6"}}
	unseated := TEvoItem{Quantity: 1, PriceMinor: 5000}
	onInvoice := []POSInvoiceLine{ // not in the order of the items
		{Quantity: 1, Total: POSMoney{Amount: "50.00", Currency: "USD"}}, {Quantity: 2, Total: POSMoney{Amount: "20.10", Currency: "USD"}},
	}
	for name, c := range map[string]struct {
		order TEvoOrder
		want  []string // form, which line, and what the pages say or where to
	}{
		"ETickets":  {TEvoOrder{GroupID: "11", Delivery: "Eticket"}, []string{"file 1 Section 113 Row A Seat 5|Section 113 Row A Seat 6", "file 0 Admit one, ticket A"}},
		"Untold":    {TEvoOrder{GroupID: "8", Delivery: "Eticket"}, []string{"file 1 Admit one, ticket A|Admit one, ticket B", "file 0 Admit one, ticket A"}},
		"Transfer":  {TEvoOrder{GroupID: "11", Delivery: "TBD"}, []string{"transfer 1 ", "transfer 0 "}},
		"Link":      {TEvoOrder{GroupID: "12", Delivery: "TBD"}, []string{"link 1 https://claims.example.com/12", "link 0 https://claims.example.com/12"}},
		"WillCall":  {TEvoOrder{GroupID: "11", Delivery: "WillCall"}, []string{"will_call 1 ", "will_call 0 "}},
		"NoInvoice": {TEvoOrder{GroupID: "9", Delivery: "WillCall"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPOS(POSOptions{Token: "t"})
			reference := "order:tevo:" + c.order.GroupID
			if c.want == nil {
				reference += "1" // of another order
			}
			inv := p.Sell(reference, "Ada Sample", onInvoice...)
			c.order.Items = []TEvoItem{seats, unseated}
			p.Supplier("order:tevo:")(c.order)
			var got []string
			for _, d := range p.supply[inv.ID] {
				line := slices.IndexFunc(inv.Lines, func(l POSInvoiceLine) bool { return l.ID == d.LineID })
				about := d.URL
				if d.Form == "file" {
					about = strings.Join(tevoPageTexts(t, d.Content), "|")
				}
				got = append(got, d.Form+" "+string(rune('0'+line))+" "+about)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q; want %q", got, c.want)
			}
		})
	}
}

func tevoPageTexts(t *testing.T, pdf []byte) (texts []string) {
	t.Helper()
	pages, err := tevoPages(base64.StdEncoding.EncodeToString(pdf))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		texts = append(texts, p.Text)
	}
	return texts
}

// TestSupplierIgnoresVoidInvoices: a sale that was invoiced anew has its tickets on the new invoice, and one that is off has none.
func TestSupplierIgnoresVoidInvoices(t *testing.T) {
	t.Parallel()
	p := NewPOS(POSOptions{})
	line := POSInvoiceLine{Quantity: 2, Total: POSMoney{Amount: "54.00", Currency: "USD"}}
	o := TEvoOrder{GroupID: "11", Delivery: "WillCall"}
	old := p.Sell("order:tevo:11", "Ada Sample", line)
	if err := p.VoidByHand(old.ID, "a test"); err != nil {
		t.Fatal(err)
	}
	p.Supplier("order:tevo:")(o)
	live := p.Sell("order:tevo:11", "Ada Sample", line)
	p.Supplier("order:tevo:")(o)
	if len(p.supply[old.ID]) != 0 || len(p.supply[live.ID]) != 1 {
		t.Errorf("got %d deliveries on the void invoice and %d on the live one; want 0 and 1", len(p.supply[old.ID]), len(p.supply[live.ID]))
	}
}

// TestMixHasThePOSGetTickets: once a sale is accepted its tickets are in the POS, and the POS tells of it. A mix that names no
// references has nothing of it.
func TestMixHasThePOSGetTickets(t *testing.T) {
	t.Parallel()
	for _, reference := range []string{"order:tevo:", ""} {
		synctest.Test(t, func(t *testing.T) {
			told := make(chan string, 100)
			p := NewPOS(POSOptions{Events: POSEvents{URL: "http://door.invalid/webhooks/simulator", Client: &http.Client{Transport: answering(func(r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				told <- string(body)
			})}}})
			m := NewMix(MixOptions{Sender: SenderOptions{Seed: 3, Now: func() time.Time { return testNow }}, POS: p, SupplyReference: reference})
			ours := 0
			for range 40 {
				s := m.Sender().Begin()
				if !strings.HasPrefix(s.Kind, "our ") {
					continue
				}
				ours++
				var lines []POSInvoiceLine
				for _, it := range s.Order.filled().Items {
					lines = append(lines, POSInvoiceLine{Quantity: it.Quantity, Total: POSMoney{Amount: it.total(), Currency: "USD"}})
				}
				p.Sell("order:tevo:"+s.Order.GroupID, "Ada Sample", lines...)
				m.Sender().TEvo().Update(s.Order.ID, func(o TEvoOrder) TEvoOrder { return o.Accepted(testNow) })
			}
			ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
			defer stop()
			m.Run(ctx)
			if (ours > 0) != (reference != "") {
				t.Fatalf("references %q: got %d stories in which we deliver", reference, ours)
			}
			if len(told) != ours {
				t.Errorf("references %q: the POS told of %d deliveries; want %d", reference, len(told), ours)
			}
			for range len(told) {
				if e := <-told; !strings.Contains(e, `"invoice.deliveries_changed"`) || !strings.Contains(e, `"order:tevo:`) {
					t.Errorf("got the event %s", e)
				}
			}
		})
	}
}

type answering func(*http.Request)

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusOK)
	return w.Result(), nil
}
