package vivenu

import (
	"testing"

	"willcall/order"
	"willcall/provider/providertest"
)

// roads are the documents of whole orders as they come over the wire.
func roads(t *testing.T) map[string][]string {
	b := samples(t)
	at := func(name, patch string) string { return providertest.Patch(t, b[name], patch) }
	const used = `data.ticket.updatedAt = "2026-04-20T19:02:11Z"`
	return map[string][]string{
		"Sold": {
			b["transaction_reservedBySystem"], b["ticket_created"], b["transaction_complete"],
			at("ticket_created", `data.ticket.updatedAt = "2026-03-01T09:05:00Z"`+"\n"+`data.ticket.status = "VALID"`),
			b["checkout_completed"], b["scan_created"],
		},
		"Intent": {
			b["purchaseIntent_created"], b["purchaseIntent_updated"], b["purchaseIntent_approved"], b["purchaseIntent_completed"],
			at("purchaseIntent_polled", `data.purchaseIntent.updatedAt = "2026-03-01T12:00:00Z"`),
		},
		"Cancelled": {
			b["transaction_reservedBySystem"], b["transaction_complete"], b["transaction_partiallyCanceled"], b["transaction_polled_part"],
			b["transaction_canceled"], b["ticket_updated"],
		},
		"Whole": {
			b["transaction_reservedBySystem"], b["ticket_created"], b["transaction_complete"], b["transaction_partiallyCanceled"],
			b["transaction_polled_part"], b["ticket_updated"], b["ticketTransfer_created"], b["ticket_created_transfer"],
			b["ticketTransfer_transferred"], b["support_assignedToSeller"], at("ticket_checkin", used), b["scan_created"],
			b["transaction_polled_chargeback"], b["transaction_canceled"],
		},
	}
}

// TestEveryOrderOfArrival plays whole orders: neither what is decoded nor what is then known of the order depends on when it comes.
func TestEveryOrderOfArrival(t *testing.T) {
	t.Parallel()
	for name, bodies := range roads(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.EveryOrder(t, order.DefaultPolicy(), decode, providertest.Deliveries(received, bodies...)...)
		})
	}
}

// TestEveryDocumentOfAnOrderFindsIt follows the names by which an order is found: each document bears its id, or a name that
// another document gave it.
func TestEveryDocumentOfAnOrderFindsIt(t *testing.T) {
	t.Parallel()
	for name, bodies := range roads(t) {
		ids, refs, concerns := map[string]bool{}, map[string]bool{}, []string{}
		for i, body := range append(bodies, sample(t, "transaction_polled_part")) {
			if name == "Intent" && i == len(bodies) {
				break
			}
			out, err := Decode(delivery("1", body), ours)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out.Event.Refs {
				refs[r] = true
			}
			switch {
			case out.OrderID != "":
				ids[out.OrderID] = true
			default:
				concerns = append(concerns, out.Concern)
			}
		}
		if len(ids) != 1 {
			t.Errorf("%s: got orders %v; want one", name, ids)
		}
		for _, c := range concerns {
			if !refs[c] {
				t.Errorf("%s: got news of %s; want it among %v", name, c, refs)
			}
		}
	}
}
