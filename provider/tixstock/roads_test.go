package tixstock

import (
	"fmt"
	"slices"
	"testing"

	"willcall/order"
	"willcall/provider/providertest"
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

// TestEveryOrderOfArrival plays whole orders.
func TestEveryOrderOfArrival(t *testing.T) {
	t.Parallel()
	for name, road := range roads(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := providertest.EveryOrder(t, order.DefaultPolicy(), decode, providertest.Deliveries(received, road.hooks...)...)
			if keys := o.Facts.Lines["15000042"].Tickets; len(keys) != road.keys || !slices.IsSorted(keys) {
				t.Errorf("got tickets %q; want %d", keys, road.keys)
			}
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
