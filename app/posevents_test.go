package app

import (
	"net/http/httptest"
	"slices"
	"testing"

	"willcall/postgres"
	"willcall/provider"
	"willcall/sim"
)

// A POS that was built from the contract alone, by HTTP: what it signs is taken, and reaches the order that was invoiced.
func TestTheEventsOfAPOSByHTTP(t *testing.T) {
	t.Parallel()
	rows := senders()
	r := newRig(t, rows[slices.IndexFunc(rows, func(s sender) bool { return s.source == "simulator" })])
	srv := httptest.NewServer(r.door)
	t.Cleanup(srv.Close)
	till := sim.NewPOS(sim.POSOptions{Events: sim.POSEvents{URL: srv.URL + "/webhooks/simulator", Secret: posSecret}})
	invoice := till.Sell("order:tevo:7", "Ada Sample", sim.POSInvoiceLine{InventoryID: "58222", Quantity: 1, Total: sim.POSMoney{Amount: "45.00", Currency: "USD"}}).ID
	deliver := func(what string) {
		t.Helper()
		if err := till.SetDeliveries(invoice, []sim.POSDelivery{{Form: "link", URL: "https://claim.example.com/" + what}}); err != nil {
			t.Fatal(err)
		}
	}
	taken := func(want ...provider.Disposition) (rows []postgres.Webhook) {
		t.Helper()
		rows, _, err := r.db.Webhooks(t.Context(), postgres.WebhookFilter{Source: "simulator"}, "", 0)
		if err != nil || len(rows) != len(want) {
			t.Fatalf("rows = %+v, %v; want %d", rows, err, len(want))
		}
		for i, row := range rows { // the newest first
			if row.Disposition != want[i] || row.Type != "pos/invoice.deliveries_changed" || row.Concern != "invoice:"+invoice || row.DedupeKey != row.Headers["Webhook-Id"] {
				t.Errorf("row = %+v; want the deliveries of invoice %s, %s, under the id that the POS gave it", row, invoice, want[i])
			}
		}
		return rows
	}
	deliver("one")
	taken(provider.Parked)
	known := r.invoiced(t, "7", invoice)
	taken(provider.Forward)
	deliver("two")
	row := taken(provider.Forward, provider.Forward)[0]
	if heard := r.signals[row.ID]; len(heard) != 1 || heard[0].Order != known || !heard[0].Event.Hint {
		t.Errorf("signals = %+v; want a hint for %+v", heard, known)
	}
	till.SetEvents(sim.POSEvents{URL: srv.URL + "/webhooks/simulator", Secret: "whsec_YW5vdGhlciBpbnZlbnRlZCBzZWNyZXQgb2Ygb3Vycw=="})
	deliver("three")
	taken(provider.Forward, provider.Forward)
}
