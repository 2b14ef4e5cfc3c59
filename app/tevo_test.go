package app

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"willcall/activities"
	"willcall/config"
	"willcall/sim"
)

// TestTicketEvolutionDelivers has activities' functions reach the API with what they are given.
func TestTicketEvolutionDelivers(t *testing.T) {
	t.Parallel()
	tevo := sim.NewTEvo(sim.TEvoOptions{Token: "a-token", Secret: "a-secret"})
	srv := httptest.NewServer(tevo)
	t.Cleanup(srv.Close)
	api, err := tevoAPI(config.API{URL: srv.URL, Token: "a-token", Secret: "a-secret", ReviewerID: "7", Timeout: 10 * time.Second, PerSecond: 1000})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC)
	put := func(n int, delivery string) sim.TEvoOrder {
		o := sim.OfficeSale(n)
		o.Delivery, o.Items = delivery, []sim.TEvoItem{{Quantity: 2}}
		o = o.Accepted(at)
		tevo.Put(o)
		return o
	}
	now := func(o sim.TEvoOrder) sim.TEvoOrder { o, _ = tevo.Order(o.ID); return o }

	o := put(1, "Eticket")
	line := o.Items[0].OrderItemID
	if err := api.DeliverETickets(t.Context(), o.ID, line, [][]byte{sim.PDF("a", "b"), sim.PDF("c")}, []int{2, 3}); err != nil {
		t.Error(err)
	}
	if kept := now(o).Items[0].Kept; len(kept) != 2 || kept[0].Text != "b" || kept[1].Text != "c" {
		t.Errorf("got %+v; want pages b and c", kept)
	}
	if err := api.RevokeETickets(t.Context(), o.ID, line); err != nil || now(o).Items[0].Finalized {
		t.Errorf("got %+v, %v; want the files taken back", now(o).Items[0], err)
	}

	o = put(2, "TBD")
	lines := []activities.LineTransfer{{LineID: o.Items[0].OrderItemID, Link: "https://claim.example.com/1", Via: "SeatGeek"}}
	if err := api.Transfer(t.Context(), o.ID, lines); err != nil {
		t.Fatal(err)
	}
	if sh := now(o).Shipments[0]; sh.Link != "https://claim.example.com/1" || sh.Source != "SG" || sh.Type != "TMMobileLink" || sh.State != "delivered" {
		t.Errorf("got %+v; want the link sent", sh)
	}

	o = put(3, "WillCall")
	if err := api.HandOver(t.Context(), o.ID, []string{o.Items[0].OrderItemID}); err != nil || now(o).Shipments[0].State != "delivered" {
		t.Errorf("got %+v, %v; want it delivered", now(o).Shipments, err)
	}

	o = put(4, "Eticket").EticketsFinalized(0, at)
	o.Purchase = true
	tevo.Put(o)
	if file, err := api.ETickets(t.Context(), o.ID, o.Items[0].OrderItemID); err != nil || !strings.HasPrefix(string(file), "%PDF-") {
		t.Errorf("got %.10q, %v; want a PDF", file, err)
	}
}
