package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/pos"
	"willcall/pos/fake"
	"willcall/provider"
	"willcall/sim"
)

// a moneySale is a random sale at a provider: its webhooks, one after the other, and what the provider's own items cost after each.
type moneySale struct {
	kind   string
	bodies [][]byte
	minor  []int64
}

// TestInvoicesSayWhatTheProvidersItemsCost takes random sales from the wire to the point of sale, in part cancelled on the way: in
// minor units, the invoice's total is the sum of its lines is what the provider's items cost. An invoice of which tickets were
// cancelled is credited line by line, or written anew where the provider has repriced what is left.
func TestInvoicesSayWhatTheProvidersItemsCost(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for name, draw := range map[string]func(r *rand.Rand, n int) moneySale{
		"tevo": func(r *rand.Rand, n int) moneySale {
			o := sim.OfficeSale(n).At(at)
			o.Items = nil
			for range 1 + r.IntN(4) {
				o.Items = append(o.Items, sim.TEvoItem{Quantity: 1 + r.IntN(8), PriceMinor: 1 + r.Int64N(200_000)})
			}
			_, body := o.Webhook("seller", "order_created")
			return moneySale{"tevo", [][]byte{body}, []int64{o.AmountMinor()}}
		},
		"vivenu": func(r *rand.Rand, n int) moneySale {
			tx := sim.VivenuSale(n).At(at)
			tx.Tickets = nil
			for i := range 2 + r.IntN(5) {
				tx.Tickets = append(tx.Tickets, sim.VivenuTicket{ID: fmt.Sprintf("%024x", n*100+i), PriceMinor: 1 + r.Int64N(50_000)})
			}
			tx = tx.Complete(at.Add(time.Minute))
			out := moneySale{kind: "vivenu", bodies: [][]byte{tx.Webhook("transaction.complete")}, minor: []int64{tx.TicketsMinor()}}
			left := tx.TicketsMinor()
			for i := range tx.Tickets[1:] {
				if r.IntN(2) == 0 {
					tx = tx.TicketsCanceled(at.Add(time.Duration(i+2)*time.Minute), i)
					left -= tx.Tickets[i].PriceMinor
					out.bodies, out.minor = append(out.bodies, tx.Webhook("transaction.complete")), append(out.minor, left)
				}
			}
			return out
		},
		"ltd": func(r *rand.Rand, n int) moneySale {
			b := sim.LTDSale(n).At(at)
			tickets := b.Performances[0].Tickets[:0]
			for i := range 2 + r.IntN(5) {
				tickets = append(tickets, sim.LTDTicket{Row: "E", Seat: 1 + i, PriceMinor: 1 + r.Int64N(20_000)})
			}
			b.Performances = b.Performances[:1]
			b.Performances[0].Tickets = tickets
			out := moneySale{kind: "ltd", bodies: [][]byte{b.TransactionChanged(at)}, minor: []int64{b.AmountMinor()}}
			for i := range tickets[1:] {
				if r.IntN(2) == 0 {
					b = b.CancelTickets(i)
					out.bodies, out.minor = append(out.bodies, b.TransactionChanged(at.Add(time.Duration(i+1)*time.Minute))), append(out.minor, b.AmountMinor())
				}
			}
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			credited := 0
			for seed := range 500 {
				credited += invoiceAll(t, draw(rand.New(rand.NewPCG(uint64(seed), 5)), seed))
			}
			if name == "vivenu" && credited == 0 {
				t.Error("no invoice was credited")
			}
		})
	}
}

// invoiceAll keeps one sale's invoice as its webhooks come, and returns how often it was credited.
func invoiceAll(t *testing.T, sale moneySale) (credited int) {
	t.Helper()
	source := config.Source{Kind: sale.kind, Currency: "USD", Mode: "dev", AffiliateID: sim.LTDAffiliateID}
	decode := map[string]func(config.Source) func(provider.Delivery) (provider.Decoded, error){"tevo": tevoDecoder, "vivenu": vivenuDecoder, "ltd": ltdDecoder}[sale.kind](source)
	p := fake.New(fake.Options{Oversell: true, Groups: []pos.Inventory{{ID: "g", Quantity: 1_000_000, Status: pos.Available}}, Capabilities: pos.Capabilities{NativeKey: true, SearchInvoices: true, VoidLines: true}})
	customer, err := p.CreateCustomer(t.Context(), pos.Op{Key: "c"}, pos.CustomerInput{Name: "Somebody", Kind: pos.Retail})
	if err != nil {
		t.Fatal(err)
	}
	o := order.New(order.Identity{ID: "order:test:1", Kind: order.Sale}, order.DefaultPolicy())
	var inv pos.Invoice
	for i, body := range sale.bodies {
		dec, err := decode(provider.Delivery{ID: fmt.Sprint("w", i), Body: body, Received: time.Now().UTC()})
		if err != nil || dec.Event == nil {
			t.Fatalf("webhook %d of %s: %v", i, sale.kind, err)
		}
		o.Apply(*dec.Event)
		if got := o.Total().Minor; got != sale.minor[i] {
			t.Fatalf("after webhook %d the order comes to %d; the provider's items to %d", i, got, sale.minor[i])
		}
		lines, err := activities.InvoiceLines(listed(o.LiveLines()))
		if err != nil {
			t.Fatal(err)
		}
		if inv, err = keepInvoice(t.Context(), p, inv, customer.ID, lines, i); err != nil {
			t.Fatal(err)
		}
		if len(inv.Lines) > len(lines) {
			credited++
		}
		total, ok := inv.Total()
		var sum int64
		for _, l := range inv.Lines {
			if !l.Voided {
				sum += l.Total.Minor
			}
		}
		if !ok || total.Minor != sum || sum != sale.minor[i] || total.Currency != o.Total().Currency {
			t.Fatalf("after webhook %d the invoice says %v, its lines %d, the provider's items %d %s", i, total, sum, sale.minor[i], o.Total().Currency)
		}
	}
	live := slices.DeleteFunc(p.State().Invoices, func(i pos.Invoice) bool { return i.Voided })
	if len(live) != 1 {
		t.Fatalf("%d invoices are live; want one", len(live))
	}
	return credited
}

// listed gives a ticket group to lines that name none.
func listed(lines []order.Line) []order.Line {
	for i := range lines {
		lines[i].Inventory = "g"
	}
	return lines
}

// keepInvoice brings the invoice to these lines: a credit where that is possible, else it is voided and written anew.
func keepInvoice(ctx context.Context, p *fake.POS, inv pos.Invoice, customer string, lines []pos.InvoiceLine, n int) (pos.Invoice, error) {
	op := func(what string) pos.Op { return pos.Op{Key: fmt.Sprint(what, "/", n), Ref: "order:test:1"} }
	void := pos.VoidInput{Ref: "order:test:1", Restock: true, Reason: "tickets were cancelled"}
	if inv.ID != "" {
		kept, err := pos.KeepInvoiceLines(ctx, p, op("credit"), inv.ID, lines, void)
		if pos.ClassOf(err) != pos.ReferenceConflict {
			return kept, err
		}
		if _, _, err := pos.VoidInvoiceByRef(ctx, p, op("void"), void, pos.Options{}); err != nil {
			return inv, err
		}
	}
	made, _, err := pos.EnsureInvoice(ctx, p, op("invoice"), pos.InvoiceInput{CustomerID: customer, Lines: lines}, pos.Options{Attempt: 1})
	return made, err
}
