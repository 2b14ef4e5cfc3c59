package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"willcall/sim"
)

// found are the order's invoices at a vendor's point of sale.
func (v vendorPOS) found(id string) (live, voided []sim.POSInvoice) {
	for _, inv := range v.api.State().Invoices {
		switch {
		case inv.ExternalReference != id:
		case inv.Voided:
			voided = append(voided, inv)
		default:
			live = append(live, inv)
		}
	}
	return live, voided
}

// TestSaleAtAVendorsPOS: a sale is invoiced once at the point of sale that its source names, whatever becomes of the answers, and
// voided there when it is cancelled.
func TestSaleAtAVendorsPOS(t *testing.T) {
	for name, faults := range map[string][]sim.Fault{
		"Well":        nil,
		"AnswersLost": {{Method: http.MethodPost, Kind: sim.FaultLostAnswer, Count: 2}},
		"Refused":     {{Method: http.MethodPost, Kind: sim.FaultStatus, Status: http.StatusServiceUnavailable, Count: 2}},
	} {
		for _, system := range []string{"core", "sky"} {
			t.Run(system+name, func(t *testing.T) {
				s := setup(t)
				vendor := s.vendors[system]
				if err := vendor.api.SetFaults(sim.Faults{Faults: faults}); err != nil {
					t.Fatal(err)
				}
				tx := s.purchase().Complete(time.Now())
				for i := range tx.Tickets {
					tx.Tickets[i].TypeID = vendorType
				}
				source := "vivenu-" + system
				id := "order:" + source + ":" + tx.ID
				s.vivenu(t, source, tx.Webhook("transaction.complete"))
				v := s.awaitState(t, id, "fulfilled")
				live, voided := vendor.found(id)
				if len(live) != 1 || len(voided) != 0 || live[0].ID != v.POS.Invoice || live[0].CustomerID != v.POS.Customer {
					t.Fatalf("got %+v live, %+v voided for %+v; want one invoice, the one that the order names", live, voided, v.POS)
				}
				var sum int64
				for _, l := range live[0].Lines {
					cents, err := strconv.ParseInt(strings.Replace(l.Total.Amount, ".", "", 1), 10, 64) // all have two decimals
					if err != nil {
						t.Fatal(err)
					}
					sum += cents
				}
				if sum != tx.TicketsMinor() || v.Amount != sum {
					t.Errorf("got %+v and %d cents; want %d, the sum of the tickets", live[0].Lines, v.Amount, tx.TicketsMinor())
				}
				gone := tx.Canceled(time.Now().Add(2 * time.Second))
				s.vivenu(t, source, gone.Webhook("transaction.canceled"))
				s.await(t, id, "cancelled and undone", func(v view) bool { return v.State == "cancelled" && v.POS.Invoice == "" && v.Attention == nil })
				if live, voided := vendor.found(id); len(live) != 0 {
					t.Errorf("got %+v live, %+v voided; want none live", live, voided)
				}
				s.awaitClosed(t, id)
				if faults == nil {
					s.keep(t, "sale-at-"+system+"-voided", id)
				}
			})
		}
	}
}
