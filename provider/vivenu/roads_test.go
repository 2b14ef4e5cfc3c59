package vivenu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
)

// roads are the documents of whole orders as they come over the wire.
func roads(t *testing.T) map[string][]string {
	b := samples(t)
	at := func(name, patch string) string { return patched(t, b[name], patch) }
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

// TestEveryOrderOfArrival decodes and applies the documents of an order in every order of arrival, or in a great many where
// there are too many of those, and with repetitions: neither what is decoded nor what is then known of the order depends on it.
func TestEveryOrderOfArrival(t *testing.T) {
	t.Parallel()
	for name, bodies := range roads(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := func(i int) provider.Delivery {
				return provider.Delivery{ID: fmt.Sprintf("%02d", i), Body: []byte(bodies[i]), Received: received.AddDate(0, 0, i)}
			}
			var wantFacts, wantEvents string
			check := func(arrival []int) {
				o := order.New(order.Identity{Kind: order.Sale}, order.DefaultPolicy())
				events := map[string]bool{}
				for _, i := range arrival {
					out, err := Decode(hook(i), ours)
					if err != nil || out.Event == nil {
						t.Fatalf("document %d: got %+v, %v; want an event", i, out, err)
					}
					events[marshal(t, out)] = true
					o.Apply(*out.Event)
				}
				var list []string
				for e := range events {
					list = append(list, e)
				}
				slices.Sort(list)
				facts, all := marshal(t, o.Facts), strings.Join(list, "\n")
				if wantFacts == "" {
					wantFacts, wantEvents = facts, all
				}
				if facts != wantFacts || all != wantEvents || len(list) != len(bodies) {
					t.Fatalf("order %v: got facts\n%s\nwant\n%s", arrival, facts, wantFacts)
				}
			}
			if len(bodies) <= 6 {
				permute(len(bodies), func(perm []int) {
					check(perm)
					check(append(slices.Clone(perm), perm[0], perm[len(perm)/2]))
				})
				return
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range 2000 {
				arrival := random.Perm(len(bodies))
				for range random.IntN(4) {
					arrival = slices.Insert(arrival, random.IntN(len(arrival)), random.IntN(len(bodies)))
				}
				check(arrival)
			}
		})
	}
}

// permute calls f with every permutation of 0 to n-1, the sorted one first.
func permute(n int, f func([]int)) {
	perm := make([]int, 0, n)
	used := make([]bool, n)
	var rec func()
	rec = func() {
		if len(perm) == n {
			f(perm)
			return
		}
		for i := range n {
			if !used[i] {
				used[i], perm = true, append(perm, i)
				rec()
				used[i], perm = false, perm[:len(perm)-1]
			}
		}
	}
	rec()
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
