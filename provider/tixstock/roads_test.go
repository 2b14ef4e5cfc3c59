package tixstock

import (
	"fmt"
	"slices"
	"testing"

	"willcall/order"
	"willcall/provider"
)

// roads are the webhooks of whole orders, and the keys of the tickets that are there in the end.
func roads(t *testing.T) map[string]struct {
	hooks []string
	keys  int
} {
	t.Helper()
	type road = struct {
		hooks []string
		keys  int
	}
	ga, seated := sample(t, "eticket_ga"), sample(t, "eticket_seated")
	proofs := sample(t, "mobile_proofs_ga")
	return map[string]road{
		"GeneralAdmission": {[]string{ga, with(t, ga, `file = "@pdf:two"`), with(t, ga, `file = "@pdf:three"`), with(t, ga, `file = "@php:three"`)}, 3},
		"Seats": {[]string{seated, with(t, seated, `seat = "101"`), with(t, seated, "seat = \"101\"\nfile = \"@pdf:corrected\""),
			with(t, seated, `row = "v "`), sample(t, "eticket_not_a_pdf")}, 2},
		"Links": {[]string{proofs, with(t, proofs, `proof_file_url = ["https://tickets.example.com/p/3"]`), sample(t, "mobile_nothing"),
			sample(t, "order_update_approved")}, 2},
		"FileAndLinksOfASeat": {[]string{sample(t, "mobile_seated"), sample(t, "mobile_proofs_seated"), seated,
			sample(t, "order_update_cancelled")}, 1},
	}
}

// TestEveryOrderOfArrival applies the webhooks of an order in every order, each one twice in half of them.
func TestEveryOrderOfArrival(t *testing.T) {
	t.Parallel()
	for name, road := range roads(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []order.Event
			id := order.Identity{Kind: order.Sale}
			for i, raw := range road.hooks {
				out, err := Decode(provider.Delivery{ID: fmt.Sprint(i), Body: []byte(raw), Received: received.AddDate(0, 0, i)}, settings)
				if err != nil || out.Event == nil {
					t.Fatalf("webhook %d: got %+v, %v", i, out, err)
				}
				if id.ProviderOrderID != "" && id.ProviderOrderID != out.OrderID {
					t.Fatalf("webhook %d: got order %s; want %s", i, out.OrderID, id.ProviderOrderID)
				}
				id.ProviderOrderID = out.OrderID
				events = append(events, *out.Event)
			}
			var want string
			n := 0
			permute(len(events), func(perm []int) {
				o := order.New(id, order.DefaultPolicy())
				for k, i := range perm {
					o.Apply(events[i])
					if n%2 == 1 {
						o.Apply(events[perm[k/2]])
					}
				}
				got := marshal(t, o.Facts)
				if n++; want == "" {
					want = got
					if keys := o.Facts.Lines["15000042"].Tickets; len(keys) != road.keys || !slices.IsSorted(keys) {
						t.Errorf("got tickets %q; want %d", keys, road.keys)
					}
				}
				if got != want {
					t.Fatalf("order %v: got facts\n%s\nwant\n%s", perm, got, want)
				}
			})
		})
	}
}

// TestManyTicketsWithoutSeats has as many keys as files, however each is encoded, and none more by repetition.
func TestManyTicketsWithoutSeats(t *testing.T) {
	t.Parallel()
	const n = 50
	keys := map[string]bool{}
	for i := range 3 * n {
		file := fmt.Sprintf(`file = "@%s:ticket-%d"`, []string{"pdf", "php"}[i%2], i%n)
		out, err := Decode(delivery(fmt.Sprint(i), with(t, sample(t, "eticket_ga"), file)), settings)
		if err != nil {
			t.Fatal(err)
		}
		keys[out.Event.Lines[0].Tickets[0]] = true
	}
	if len(keys) != n {
		t.Errorf("got %d keys; want %d", len(keys), n)
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
