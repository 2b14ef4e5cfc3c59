package tevo

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
	"willcall/sim"
)

var soldAt = time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC)

// sold is an accepted sale whose lines, of these quantities, travel so.
func sold(n int, delivery string, quantities ...int) sim.TEvoOrder {
	o := sim.OfficeSale(n)
	o.Delivery, o.Format, o.Items = delivery, "", nil
	for i, q := range quantities {
		o.Items = append(o.Items, sim.TEvoItem{Quantity: q, PriceMinor: 2700, Row: string(rune('A' + i))})
	}
	return o.Accepted(soldAt)
}

// apart has each line travel in a shipment of its own.
func apart(o sim.TEvoOrder) sim.TEvoOrder {
	for _, it := range o.Items {
		o.Shipments = append(o.Shipments, sim.TEvoShipment{ID: "7" + it.OrderItemID, Items: []string{it.OrderItemID}})
	}
	return o
}

// texts are the pages that the buyer has of each line.
func texts(o sim.TEvoOrder) (all []string) {
	for _, it := range o.Items {
		var pages []string
		for _, p := range it.Kept {
			pages = append(pages, p.Text)
		}
		all = append(all, strings.Join(pages, " "))
	}
	return all
}

// did counts the calls that were carried out, by what they do.
func did(api *sim.TEvo) map[string]int {
	n := map[string]int{}
	for _, c := range api.Log() {
		if c.Status == http.StatusOK {
			n[c.Op]++
		}
	}
	return n
}

// ways are the deliveries that the tests make, each until it has succeeded.
var ways = []struct {
	name  string
	order sim.TEvoOrder
	do    func(context.Context, *Client, sim.TEvoOrder) error
	pages []string
	once  map[string]int // what was done, beside uploads
	state string         // of the order
}{
	{"ETicket", sold(1, "Eticket", 2), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		files := [][]byte{sim.PDF("a notice", "seat 1"), sim.PDF("seat 2")}
		return c.DeliverETickets(ctx, o.ID, o.Items[0].OrderItemID, files, []int{2, 3})
	}, []string{"seat 1 seat 2"}, map[string]int{"finalize_etickets": 1}, "accepted"},

	{"ETicketThatWasNotOne", sold(2, "TBD", 1), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.DeliverETickets(ctx, o.ID, o.Items[0].OrderItemID, [][]byte{sim.PDF("seat 1")}, []int{1})
	}, []string{"seat 1"}, map[string]int{"update": 1, "finalize_etickets": 1}, "accepted"},

	{"ETicketThatTravelledWithAnother", sold(3, "TBD", 1, 2), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.DeliverETickets(ctx, o.ID, o.Items[1].OrderItemID, [][]byte{sim.PDF("seat 1", "seat 2")}, []int{2, 1})
	}, []string{"", "seat 2 seat 1"}, map[string]int{"convert_to_etickets": 1, "finalize_etickets": 1}, "accepted"},

	{"Link", sold(4, "TBD", 2), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.Transfer(ctx, o.ID, transfers(o, "https://claim.example.com/1", "Ticketmaster"))
	}, []string{""}, map[string]int{"update": 1, "complete": 1}, "completed"},

	{"TransferOfTwoShipments", apart(sold(5, "TBD", 2, 1)), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.Transfer(ctx, o.ID, transfers(o, "", "AXS"))
	}, []string{"", ""}, map[string]int{"update": 2, "complete": 2}, "completed"},

	{"TransferOfTheRightType", sold(6, "TMMobile", 2), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.Transfer(ctx, o.ID, transfers(o, "", "some other system"))
	}, []string{""}, map[string]int{"complete": 1}, "completed"},

	{"WillCall", apart(sold(7, "PickupAtOffice", 2, 1)), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.HandOver(ctx, o.ID, []string{o.Items[0].OrderItemID, o.Items[1].OrderItemID})
	}, []string{"", ""}, map[string]int{"deliver": 2}, "accepted"},

	{"Revoked", givenThenOff(8), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.RevokeETickets(ctx, o.ID, o.Items[0].OrderItemID)
	}, []string{""}, map[string]int{"remove_etickets": 1}, "canceled_post_acceptance"},
}

func transfers(o sim.TEvoOrder, link, via string) (lines []LineTransfer) {
	for _, it := range o.Items {
		lines = append(lines, LineTransfer{LineID: it.OrderItemID, Link: link, Via: via})
	}
	return lines
}

// givenThenOff is a sale that was cancelled after its tickets were delivered.
func givenThenOff(n int) sim.TEvoOrder {
	o := sold(n, "Eticket", 1).EticketsFinalized(0, soldAt).Canceled(soldAt)
	o.Items[0].Kept = []sim.TEvoPage{{Text: "seat 1"}}
	return o
}

// counted serves the API and says before each call which it is.
func counted(t *testing.T, api *sim.TEvo, before func(call int)) (*Client, func() int) {
	t.Helper()
	calls := 0
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		before(calls)
		api.ServeHTTP(w, r)
	}))
	return c, func() int { return calls }
}

// TestDeliveredOnceWhateverCallFails has each call of each delivery fail in each way, and the delivery tried again as activities
// do: the buyer has each page once, no shipment is left behind, and nothing was done twice.
func TestDeliveredOnceWhateverCallFails(t *testing.T) {
	t.Parallel()
	faults := map[string]sim.Fault{
		"LostAnswer": {Kind: sim.FaultLostAnswer}, "LostCall": {Kind: sim.FaultRefuseBefore},
		"Down": {Kind: sim.FaultStatus, Status: 500}, "Busy": {Kind: sim.FaultStatus, Status: 503}, "Gateway": {Kind: sim.FaultStatus, Status: 504},
	}
	for _, way := range ways {
		for _, opts := range []sim.TEvoOptions{{}, {HideUploads: true, RemoveRefusesNone: true}} {
			t.Run(fmt.Sprintf("%s/HidesUploads=%t", way.name, opts.HideUploads), func(t *testing.T) {
				t.Parallel()
				api, _ := setup(t, opts)
				api.Put(way.order)
				c, calls := counted(t, api, func(int) {})
				if err := way.do(t.Context(), c, way.order); err != nil {
					t.Fatal(err)
				}
				check(t, "without a fault", api, way.order, way.pages, way.once, way.state)
				clean := calls()
				for range 2 { // done is done
					if err := way.do(t.Context(), c, way.order); err != nil {
						t.Error(err)
					}
				}
				if calls() != clean+2 {
					t.Errorf("got %d calls when it was done; want one look each time", calls()-clean)
				}
				for name, fault := range faults {
					for at := 1; at <= clean; at++ {
						what := fmt.Sprintf("%s of call %d", name, at)
						api, _ := setup(t, opts)
						api.Put(way.order)
						c, _ := counted(t, api, func(call int) {
							if call == at {
								fault.Count = 1
								if err := api.SetFaults(sim.Faults{Faults: []sim.Fault{fault}}); err != nil {
									t.Error(err)
								}
							}
						})
						failed := 0
						for {
							err := way.do(t.Context(), c, way.order)
							if err == nil {
								break
							}
							class := provider.ClassOf(err)
							if failed++; failed > 1 || !slices.Contains([]string{provider.Transient, provider.OutcomeUnknown, provider.RateLimited}, class) {
								t.Fatalf("%s: got %v; want it to succeed when it is tried again", what, err)
							}
						}
						check(t, what, api, way.order, way.pages, way.once, way.state)
					}
				}
			})
		}
	}
}

func check(t *testing.T, what string, api *sim.TEvo, before sim.TEvoOrder, pages []string, once map[string]int, state string) {
	t.Helper()
	o, _ := api.Order(before.ID)
	if got := texts(o); !slices.Equal(got, pages) || o.State != state {
		t.Errorf("%s: got pages %q of an order that is %s; want %q, %s", what, got, o.State, pages, state)
	}
	for _, sh := range o.Shipments {
		if sh.State == "pending" && sh.Type != "Eticket" && sh.Type != before.Delivery {
			t.Errorf("%s: got a %s that is %s; want none left behind", what, sh.Type, sh.State)
		}
	}
	got := did(api)
	for op, n := range got {
		uploading := op == "add_etickets" || op == "remove_etickets" && once["finalize_etickets"] > 0
		if n != once[op] && !uploading {
			t.Errorf("%s: got %d times %s; want %d", what, n, op, once[op])
		}
	}
	for op := range once {
		if got[op] == 0 {
			t.Errorf("%s: got %v; want %s among it", what, got, op)
		}
	}
}

// TestWhatIsNotToBeDelivered writes nothing.
func TestWhatIsNotToBeDelivered(t *testing.T) {
	t.Parallel()
	pdf := [][]byte{sim.PDF("seat 1", "seat 2")}
	eticket := func(files [][]byte, keep ...int) func(context.Context, *Client, sim.TEvoOrder) error {
		return func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
			return c.DeliverETickets(ctx, o.ID, o.Items[0].OrderItemID, files, keep)
		}
	}
	all := func(link, via string) func(context.Context, *Client, sim.TEvoOrder) error {
		return func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
			return c.Transfer(ctx, o.ID, transfers(o, link, via))
		}
	}
	handOver := func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.HandOver(ctx, o.ID, []string{o.Items[0].OrderItemID})
	}
	revoke := func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
		return c.RevokeETickets(ctx, o.ID, o.Items[0].OrderItemID)
	}
	in := func(delivery, state string, o sim.TEvoOrder) sim.TEvoOrder {
		o.Shipments = []sim.TEvoShipment{{Type: delivery, State: state}}
		return o
	}
	twice := sold(1, "TBD", 2)
	twice.Shipments = []sim.TEvoShipment{{ID: "71"}, {ID: "72"}}
	odd := sold(1, "Eticket", 2)
	odd.State, odd.SellerState = "in_dispute", "in_dispute"
	proposed := sold(1, "Eticket", 2)
	proposed.BuyerState = "canceled"
	fetched := givenThenOff(1)
	fetched.Items[0].DownloadedAt = soldAt
	for _, w := range []struct {
		name  string
		order sim.TEvoOrder
		do    func(context.Context, *Client, sim.TEvoOrder) error
		want  string
	}{
		{"Pending", sim.OfficeSale(1), eticket(pdf, 1, 2), provider.Conflict},
		{"Cancelled", sold(1, "Eticket", 2).Canceled(soldAt), eticket(pdf, 1, 2), provider.Conflict},
		{"Rejected", sim.OfficeSale(1).Rejected("Other", soldAt), eticket(pdf, 1, 2), provider.Conflict},
		{"CancellationProposed", proposed, eticket(pdf, 1, 2), provider.Conflict},
		{"StateUnknown", odd, eticket(pdf, 1, 2), provider.Conflict},
		{"FewerPagesThanTickets", sold(1, "Eticket", 2), eticket(pdf, 1), provider.Invalid},
		{"MorePagesThanTickets", sold(1, "TBD", 2), eticket(pdf, 1, 2, 3), provider.Invalid},
		{"NoPages", sold(1, "Eticket", 2), eticket(pdf), provider.Invalid},
		{"NoFiles", sold(1, "Eticket", 2), eticket(nil, 1, 2), provider.Invalid},
		{"SentByCarrier", in("FedEx", "in_transit", sold(1, "FedEx", 2)), eticket(pdf, 1, 2), provider.Conflict},
		{"TravelsTwice", twice, eticket(pdf, 1, 2), provider.Unsupported},
		{"TravelsInNothing", in("TBD", "canceled", sold(1, "TBD", 2)), eticket(pdf, 1, 2), provider.Unsupported},

		{"TransferOfAPendingSale", sim.OfficeSale(1), all("", ""), provider.Conflict},
		{"TransferOfACancelledSale", sold(1, "TBD", 2).Canceled(soldAt), all("", ""), provider.Conflict},
		{"TransferThatWasReturned", in("TMMobile", "in_exception", sold(1, "TBD", 2)), all("", ""), provider.Conflict},
		{"AnotherLineTravelsWithIt", sold(1, "TBD", 2, 1), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
			return c.Transfer(ctx, o.ID, transfers(o, "", "")[:1])
		}, provider.Unsupported},
		{"OneOfTwoShipmentsIsNotAllOurs", func() sim.TEvoOrder {
			o := sold(1, "TBD", 2, 1, 1).At(soldAt)
			o.Shipments = []sim.TEvoShipment{{ID: "71", Items: []string{o.Items[0].OrderItemID}}, {ID: "72", Items: []string{o.Items[1].OrderItemID, o.Items[2].OrderItemID}}}
			return o
		}(), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
			return c.Transfer(ctx, o.ID, transfers(o, "", "")[:2])
		}, provider.Unsupported},
		{"OneWithALinkAndOneWithout", sold(1, "TBD", 2, 1), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
			lines := transfers(o, "", "")
			lines[1].Link = "https://claim.example.com/2"
			return c.Transfer(ctx, o.ID, lines)
		}, provider.Unsupported},
		{"LinksThatCannotBeToldApart", sold(1, "TBD", 2, 1), func(ctx context.Context, c *Client, o sim.TEvoOrder) error {
			lines := transfers(o, "https://claim.example.com/1,2", "")
			lines[1].Link = "https://claim.example.com/2"
			return c.Transfer(ctx, o.ID, lines)
		}, provider.Unsupported},

		{"HandOverOfWhatIsSent", sold(1, "FedEx", 2), handOver, provider.Unsupported},
		{"HandOverWithAnotherLine", sold(1, "WillCall", 2, 1), handOver, provider.Unsupported},
		{"HandOverOfAPendingSale", func() sim.TEvoOrder { o := sim.OfficeSale(1); o.Delivery = "WillCall"; return o }(), handOver, provider.Conflict},

		{"TheBuyerHasThem", fetched, revoke, provider.Conflict},
		{"NothingToRevoke", sold(1, "Eticket", 2), revoke, ""},
		{"FinalAlready", sold(1, "Eticket", 2).EticketsFinalized(0, soldAt).Canceled(soldAt), eticket(pdf, 1, 2), ""},
		{"TransferredAlready", in("TMMobile", "delivered", sold(1, "TBD", 2)).Completed(soldAt), all("https://claim.example.com/1", ""), ""},
		{"HandedOverAlready", in("WillCall", "delivered", sold(1, "WillCall", 2, 1)), handOver, ""},
		{"NoLines", sold(1, "TBD", 2), func(ctx context.Context, c *Client, o sim.TEvoOrder) error { return c.Transfer(ctx, o.ID, nil) }, ""},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			api, c := setup(t, sim.TEvoOptions{})
			api.Put(w.order)
			err := w.do(t.Context(), c, w.order)
			providertest.ClassIs(t, w.name, err, w.want)
			if len(api.Log()) != 0 {
				t.Errorf("got calls %+v; want none that write", api.Log())
			}
			if err != nil && (strings.Contains(err.Error(), "claim.example.com") || strings.Contains(err.Error(), "seat 1")) {
				t.Errorf("got %q; want no link and no ticket in it", err)
			}
		})
	}
	// The other id of the line is none of ours, and one of another order neither.
	o := sold(1, "WillCall", 2)
	api, c := setup(t, sim.TEvoOptions{})
	api.Put(o)
	for _, id := range []string{"", o.Items[0].ID, "1"} {
		_, err := c.ETickets(t.Context(), o.ID, id)
		for name, err := range map[string]error{
			"e-tickets": c.DeliverETickets(t.Context(), o.ID, id, pdf, []int{1, 2}), "revoke": c.RevokeETickets(t.Context(), o.ID, id),
			"transfer": c.Transfer(t.Context(), o.ID, []LineTransfer{{LineID: id}}), "hand over": c.HandOver(t.Context(), o.ID, []string{id}), "get": err,
		} {
			providertest.ClassIs(t, name+" of line "+id, err, provider.NotFound)
		}
	}
}

// TestAPageThatIsNotThere is for a person, and what he uploads instead is not joined to what was refused.
func TestAPageThatIsNotThere(t *testing.T) {
	t.Parallel()
	api, c := setup(t, sim.TEvoOptions{HideUploads: true})
	o := sold(1, "Eticket", 2)
	api.Put(o)
	line := o.Items[0].OrderItemID
	providertest.ClassIs(t, "page 3 of 2", c.DeliverETickets(t.Context(), o.ID, line, [][]byte{sim.PDF("old 1", "old 2")}, []int{2, 3}), provider.Invalid)
	providertest.ClassIs(t, "no PDF", c.DeliverETickets(t.Context(), o.ID, line, [][]byte{[]byte("a ticket")}, []int{1, 2}), provider.Invalid)
	if got, _ := api.Order(o.ID); got.Items[0].Finalized {
		t.Error("got final e-tickets; want none")
	}
	providertest.ClassIs(t, "the right ones", c.DeliverETickets(t.Context(), o.ID, line, [][]byte{sim.PDF("new 1"), sim.PDF("new 2")}, []int{1, 2}), "")
	if got, _ := api.Order(o.ID); !slices.Equal(texts(got), []string{"new 1 new 2"}) {
		t.Errorf("got %q; want the new pages alone", texts(got))
	}
	// Taken back, and delivered anew.
	providertest.ClassIs(t, "revoke", c.RevokeETickets(t.Context(), o.ID, line), "")
	if got, _ := api.Order(o.ID); got.Items[0].Finalized || len(got.Items[0].Kept) > 0 {
		t.Errorf("got %+v; want none after they were taken back", got.Items[0])
	}
	providertest.ClassIs(t, "again", c.DeliverETickets(t.Context(), o.ID, line, [][]byte{sim.PDF("2", "1")}, []int{2, 1}), "")
	if got, _ := api.Order(o.ID); !slices.Equal(texts(got), []string{"1 2"}) {
		t.Errorf("got %q; want pages 1 and 2", texts(got))
	}
}

func TestTransferTellsTypeLinkAndSource(t *testing.T) {
	t.Parallel()
	for _, w := range []struct {
		delivery string
		lines    []LineTransfer // without ids
		want     string         // type, link, source
	}{
		{"TBD", []LineTransfer{{Link: "https://claim.example.com/1", Via: "Ticketmaster Account Manager"}}, "TMMobileLink https://claim.example.com/1 AM"},
		{"TMMobile", []LineTransfer{{Link: " https://claim.example.com/1 ", Via: "axs"}}, "TMMobileLink https://claim.example.com/1 AXS"},
		{"TMMobileLink", []LineTransfer{{Link: "https://claim.example.com/1"}}, "TMMobileLink https://claim.example.com/1 "},
		{"TBD", []LineTransfer{{Via: "Flash Seats"}}, "FlashSeats  FS"},
		{"TBD", []LineTransfer{{Via: "fs"}}, "FlashSeats  FS"},
		{"TBD", []LineTransfer{{Via: "FLASH_SEATS"}}, "FlashSeats  FS"},
		{"TMMobileLink", []LineTransfer{{Via: "AXS"}}, "FlashSeats  AXS"},
		{"TBD", []LineTransfer{{Via: "Ticketmaster.com"}}, "TMMobile  TM"},
		{"TBD", []LineTransfer{{Via: "Tickets.com"}}, "TMMobile  RDP"},
		{"TBD", []LineTransfer{{Via: "SeatGeek"}}, "TMMobile  SG"},
		{"TBD", []LineTransfer{{Via: "Box office of the arena"}}, "TMMobile  "},
		{"TBD", []LineTransfer{{Via: "TMX"}}, "TMMobile  "},
		{"TBD", []LineTransfer{{}}, "TMMobile  "},
		{"TBD", []LineTransfer{{Link: "https://claim.example.com/1", Via: "TM"}, {Link: "https://claim.example.com/1", Via: "SG"}}, "TMMobileLink https://claim.example.com/1 "},
		{"TBD", []LineTransfer{{Link: "https://claim.example.com/1", Via: "TM"}, {Link: "https://claim.example.com/2", Via: "TM"}},
			"TMMobileLink https://claim.example.com/1,https://claim.example.com/2 TM"},
	} {
		api, c := setup(t, sim.TEvoOptions{})
		o := sold(1, w.delivery, slices.Repeat([]int{1}, len(w.lines))...)
		api.Put(o)
		for i := range w.lines {
			w.lines[i].LineID = o.Items[i].OrderItemID
		}
		if err := c.Transfer(t.Context(), o.ID, w.lines); err != nil {
			t.Errorf("%+v: %v", w.lines, err)
			continue
		}
		got, _ := api.Order(o.ID)
		sh := got.Shipments[0]
		if text := sh.Type + " " + sh.Link + " " + sh.Source; text != w.want || sh.State != "delivered" || len(got.Shipments) != 1 || got.State != "completed" {
			t.Errorf("%+v: got %s, %s of %d, the order %s; want %s", w.lines, text, sh.State, len(got.Shipments), got.State, w.want)
		}
	}
}

// TestAWriteByGETIsSentOnce: net/http repeats a GET by itself if a connection breaks that was used before.
func TestAWriteByGETIsSentOnce(t *testing.T) {
	t.Parallel()
	api, c := setup(t, sim.TEvoOptions{})
	o := sold(1, "WillCall", 2)
	api.Put(o)
	if _, err := c.ShowOrder(t.Context(), o.ID); err != nil { // its connection is used again
		t.Fatal(err)
	}
	if err := api.SetFaults(sim.Faults{Faults: []sim.Fault{{Kind: sim.FaultLostAnswer, Path: "/v9/shipments/*"}}}); err != nil {
		t.Fatal(err)
	}
	_, err := c.deliverShipment(t.Context(), "hand over", o.ShipmentID)
	providertest.ClassIs(t, "its answer lost", err, provider.OutcomeUnknown)
	if got := api.Log(); len(got) != 1 {
		t.Errorf("got calls %+v; want one", got)
	}
}

// TestDeliveryAnswers scripts what the simulator does not do: the answers that settle nothing.
func TestDeliveryAnswers(t *testing.T) {
	t.Parallel()
	const shown = `{"id":5,"state":"accepted","items":[{"id":11,"order_item_id":21,"quantity":1}],"shipments":[{"id":31,"type":%q,"state":%q}]}`
	for _, w := range []struct {
		name, typ, answer, after string // of the shipment; the answer to the write; the state of the shipment then
		status                   int
		want                     string
	}{
		{"TakenForLater", "TMMobile", ``, "pending", 202, provider.OutcomeUnknown},
		{"TakenAndDone", "TMMobile", ``, "delivered", 202, ""},
		{"TakenAndCompleted", "TMMobile", `{}`, "completed", 200, ""},
		{"SomebodyWasFaster", "TMMobile", `{}`, "delivered", 422, ""},
		{"Refused", "TMMobile", `{}`, "pending", 422, provider.Invalid},
		{"Gone", "TMMobile", `{}`, "pending", 404, provider.NotFound},
		{"CalledOffMeanwhile", "TMMobile", `{}`, "in_exception", 422, provider.Conflict},
		{"NotOurs", "TMMobile", `{}`, "pending", 403, provider.Unauthorized},
		{"NoNewShipment", "TBD", `{"result":"success"}`, "pending", 200, provider.OutcomeUnknown},
		{"ANewShipmentOfAnotherType", "TBD", `{"id":32,"type":"FedEx"}`, "pending", 200, provider.OutcomeUnknown},
	} {
		state := "pending"
		c := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				fmt.Fprintf(rw, shown, w.typ, state)
				return
			}
			state = w.after
			rw.WriteHeader(w.status)
			fmt.Fprint(rw, w.answer)
		}))
		providertest.ClassIs(t, w.name, c.Transfer(t.Context(), "5", []LineTransfer{{LineID: "21"}}), w.want)
	}
}

func TestETicketsOfAPurchase(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		api, c := setup(t, sim.TEvoOptions{ETicketsJSON: asJSON})
		o := sim.Purchase(1)
		o.Items = []sim.TEvoItem{{Quantity: 2, Seats: []string{"7", "8"}}, {Quantity: 1, Seats: []string{"9"}}}
		o = o.Accepted(soldAt)
		api.Put(o)
		_, err := c.ETickets(t.Context(), o.ID, o.Items[1].OrderItemID)
		providertest.ClassIs(t, "before they are final", err, provider.NotFound)
		api.Put(o.EticketsFinalized(0, soldAt).EticketsFinalized(1, soldAt))
		file, err := c.ETickets(t.Context(), o.ID, o.Items[1].OrderItemID)
		if err != nil || !strings.HasPrefix(string(file), "%PDF-") || !strings.Contains(string(file), "Seat 9") || strings.Contains(string(file), "Seat 7") {
			t.Errorf("JSON %t: got %.20q, %v; want the PDF of this line alone", asJSON, file, err)
		}
	}
	const item = `{"id":5,"items":[{"id":11,"order_item_id":21,"quantity":1,"eticket_finalized":true}]}`
	for name, w := range map[string]struct{ answer, want string }{
		"Data URL": {`{"etickets":"data:application/pdf;base64,JVBERi0xLjQK"}`, ""},
		"Link":     {`{"eticket":"https://media.example.com/1.pdf"}`, provider.Unsupported},
		"Image":    {"\x89PNG\x0d\x0a\x1a\x0a.....", provider.Unsupported},
		"Page":     {"<html><body>Wren Pemberly, sign in</body></html>", provider.Unsupported},
		"Empty":    {"", provider.NotFound},
	} {
		c := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			answer := item
			if strings.HasSuffix(r.URL.Path, "/orders/5/items/11/print_etickets") {
				answer = w.answer
			}
			fmt.Fprint(rw, answer)
		}))
		file, err := c.ETickets(t.Context(), "5", "21")
		providertest.ClassIs(t, name, err, w.want)
		if (file != nil) != (w.want == "") || err != nil && strings.Contains(err.Error(), "Pemberly") {
			t.Errorf("%s: got %q, %v", name, file, err)
		}
	}
}

// TestAPendingPurchaseIsListed: a purchase that its seller has not accepted is found by the sweep alone, for no webhook tells a
// buyer that he has bought.
func TestAPendingPurchaseIsListed(t *testing.T) {
	t.Parallel()
	api, c := setup(t, sim.TEvoOptions{})
	bought := sim.Purchase(8).At(soldAt)
	api.Put(bought)
	p, err := c.ListOrders(t.Context(), order.Purchase, soldAt.Add(-time.Hour), 1)
	if err != nil || len(p.Orders) != 1 || p.Skipped != 0 {
		t.Fatalf("got %+v, %v; want the purchase", p, err)
	}
	out, err := Decode(provider.Delivery{ID: "1", Body: p.Orders[0].Form(order.Purchase), Received: soldAt.Add(time.Minute)}, usd)
	if err != nil || out.Disposition != provider.Forward || out.Kind != order.Purchase || out.OrderID != bought.GroupID {
		t.Fatalf("got %+v, %v; want the purchase", out, err)
	}
	o := order.New(order.Identity{ProviderOrderID: out.OrderID, Kind: out.Kind}, order.DefaultPolicy())
	o.Apply(*out.Event)
	if plan := o.Plan(soldAt.Add(2 * time.Minute)); plan.State != order.AwaitingApproval || len(plan.Steps) != 0 {
		t.Errorf("got %s, %v; want that the seller's answer is awaited", plan.State, plan.Steps)
	}
}

// TestShipmentsTellOfTheirLines reads the states of shipments in orders and in webhooks about them.
func TestShipmentsTellOfTheirLines(t *testing.T) {
	t.Parallel()
	o := apart(sold(1, "FedEx", 2, 1))
	for state, want := range map[string]struct{ delivered, shipped int }{
		"pending": {0, 0}, "in_transit": {0, 1}, "in_exception": {0, 0}, "delivered": {1, 0}, "returned": {0, 0}, "canceled": {0, 0}, "lost": {0, 0}, "Completed": {1, 0},
	} {
		o.Shipments[0].State = state
		for name, recipient := range map[string]string{"sale": "seller", "purchase": "buyer"} {
			for _, eventType := range []string{Polled, "delivery_updated"} {
				_, body := o.Webhook(recipient, eventType)
				out, err := Decode(provider.Delivery{ID: "1", Body: body, Received: received.AddDate(20, 0, 0)}, usd)
				if err != nil || out.Event == nil {
					t.Fatalf("%s, %s, %s: got %+v, %v", name, eventType, state, out, err)
				}
				delivered, shipped := 0, 0
				for _, l := range out.Event.Lines {
					if l.Delivered.Equal(o.UpdatedAt) && l.LineID == o.Items[0].OrderItemID {
						delivered++
					} else if !l.Delivered.IsZero() {
						t.Errorf("%s, %s, %s: got line %+v; want that of the shipment alone", name, eventType, state, l)
					}
				}
				for _, s := range out.Event.Shipment {
					if s.Shipped && s.ID == o.Shipments[0].ID {
						shipped++
					}
				}
				if delivered != want.delivered || shipped != want.shipped {
					t.Errorf("%s, %s, %s: got %d lines delivered, %d shipments on their way; want %+v", name, eventType, state, delivered, shipped, want)
				}
			}
		}
	}
	// One that lists no lines has them all if it is the only one.
	whole := sold(1, "WillCall", 2, 1)
	whole.Shipments = []sim.TEvoShipment{{State: "delivered", Items: []string{"no line"}}}
	_, body := whole.Webhook("seller", Polled)
	out, err := Decode(provider.Delivery{ID: "1", Body: body, Received: received.AddDate(20, 0, 0)}, usd)
	if err != nil || len(out.Event.Lines) != 2 || out.Event.Lines[0].Delivered.IsZero() || out.Event.Lines[1].Delivered.IsZero() {
		t.Errorf("got %+v, %v; want both lines delivered", out.Event, err)
	}
}

// TestLargeFilesAreUploadedInSeveralCalls so that each ends in time. Whichever of them gets no answer, no page is there twice.
func TestLargeFilesAreUploadedInSeveralCalls(t *testing.T) {
	t.Parallel()
	big := func(text string) []byte { return append(sim.PDF(text), make([]byte, maxUpload/2)...) } // two are too much for one call
	files := [][]byte{big("1"), big("2"), sim.PDF("3"), append(big("4"), make([]byte, maxUpload)...), sim.PDF("5")}
	for lost := range 5 {
		api, _ := setup(t, sim.TEvoOptions{HideUploads: true})
		o := sold(1, "Eticket", 5)
		api.Put(o)
		adds := 0
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/add_etickets") {
				if adds++; adds == lost {
					if err := api.SetFaults(sim.Faults{Faults: []sim.Fault{{Kind: sim.FaultLostAnswer, Count: 1}}}); err != nil {
						t.Error(err)
					}
				}
			}
			api.ServeHTTP(w, r)
		}))
		for range min(lost, 1) {
			err := c.DeliverETickets(t.Context(), o.ID, o.Items[0].OrderItemID, files, []int{1, 2, 3, 4, 5})
			providertest.ClassIs(t, fmt.Sprintf("without an answer to upload %d", lost), err, provider.OutcomeUnknown)
		}
		if err := c.DeliverETickets(t.Context(), o.ID, o.Items[0].OrderItemID, files, []int{1, 2, 3, 4, 5}); err != nil {
			t.Fatal(err)
		}
		got, _ := api.Order(o.ID)
		if !slices.Equal(texts(got), []string{"1 2 3 4 5"}) || adds != 4+lost {
			t.Errorf("upload %d lost: got pages %q after %d uploads; want each once, in 4 and what was tried again", lost, texts(got), adds)
		}
	}
}

// TestETicketAnswers: what the API says of a line's files decides, in whichever field it says it.
func TestETicketAnswers(t *testing.T) {
	t.Parallel()
	const shown = `{"id":5,"state":"accepted","items":[{"id":11,"order_item_id":21,"quantity":1%s}],"shipments":[{"id":31,"type":"Eticket","state":"pending"%s}]}`
	const final = `,"eticket_finalized_at":"2026-06-01T12:00:00Z"`
	const elsewhere = `,"items":[{"order_item_id":22,"eticket_downloaded_at":"2026-06-01T12:00:00Z"}]`
	deliver := func(ctx context.Context, c *Client) error {
		return c.DeliverETickets(ctx, "5", "21", [][]byte{sim.PDF("a")}, []int{1})
	}
	revoke := func(ctx context.Context, c *Client) error { return c.RevokeETickets(ctx, "5", "21") }
	for _, w := range []struct {
		name, before, shipment, after string // fields of the line and of its shipment, and of the line once something is written
		answer                        string // to the last write
		do                            func(context.Context, *Client) error
		want                          string
		last                          string // write
		refused                       string // which write, and how
	}{
		{"FinalByTheAnswer", "", "", "", `{"order_item_id":21` + final + `}`, deliver, "", "finalize_etickets", ""},
		{"TakenForLater", "", "", "", `{"order_item_id":21}`, deliver, provider.OutcomeUnknown, "finalize_etickets", ""},
		{"TheAnswerIsOfAnotherLine", "", "", "", `{"order_item_id":22` + final + `}`, deliver, provider.OutcomeUnknown, "finalize_etickets", ""},
		{"FinalByALook", "", "", final, `{}`, deliver, "", "finalize_etickets", ""},
		{"FinalByAWord", "", "", `,"eticket_finalized":true`, `{}`, deliver, "", "finalize_etickets", ""},
		{"Available", `,"eticket_available":true`, "", "", `{}`, revoke, "", "remove_etickets", ""},
		{"Pages", `,"eticket_pdf_pages":2`, "", "", `{}`, revoke, "", "remove_etickets", ""},
		{"Size", `,"eticket_file_size":2048`, "", "", `{}`, revoke, "", "remove_etickets", ""},
		{"NoPages", `,"eticket_pdf_pages":0`, "", "", `{}`, revoke, "", "", ""},
		{"StillThere", `,"eticket_pdf_pages":2`, "", `,"eticket_pdf_pages":2`, `{}`, revoke, provider.OutcomeUnknown, "remove_etickets", ""},
		{"Fetched", final + `,"eticket_downloaded_at":"2026-06-01T12:00:00Z"`, "", "", `{}`, revoke, provider.Conflict, "", ""},
		{"FetchedAndGone", `,"eticket_downloaded_at":"2026-06-01T12:00:00Z"`, "", "", `{}`, revoke, provider.Conflict, "", ""}, // their barcodes may still open the door
		{"AnothersAreFetched", final, elsewhere, "", `{}`, revoke, "", "remove_etickets", ""},
		{"NothingToRemove", "", "", final, `{}`, deliver, "", "finalize_etickets", "remove_etickets 404"},
		{"NothingToRemoveEither", "", "", final, `{}`, deliver, "", "finalize_etickets", "remove_etickets 422"},
		{"NotRemoved", `,"eticket_pdf_pages":2`, "", final, `{}`, deliver, provider.Invalid, "remove_etickets", "remove_etickets 422"},
		{"SomebodyWasFaster", "", "", final, `{}`, deliver, "", "finalize_etickets", "finalize_etickets 422"},
		{"Refused", "", "", "", `{}`, deliver, provider.Invalid, "finalize_etickets", "finalize_etickets 422"},
		{"NotOurs", "", "", final, `{}`, deliver, provider.Unauthorized, "finalize_etickets", "finalize_etickets 403"},
	} {
		item, last := w.before, ""
		c := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if _, write, ok := strings.Cut(r.URL.Path, "/items/11/"); ok {
				last = write
				if write == w.last {
					item = w.after
				}
				if of, status, _ := strings.Cut(w.refused, " "); of == write {
					code, _ := strconv.Atoi(status)
					rw.WriteHeader(code)
				}
				fmt.Fprint(rw, w.answer)
				return
			}
			fmt.Fprintf(rw, shown, item, w.shipment)
		}))
		providertest.ClassIs(t, w.name, w.do(t.Context(), c), w.want)
		if last != w.last {
			t.Errorf("%s: got last write %q; want %q", w.name, last, w.last)
		}
	}
}

// TestHowALineTravels: shipments that came back carry nothing, and one of several carries what it lists.
func TestHowALineTravels(t *testing.T) {
	t.Parallel()
	handOver := func(ctx context.Context, c *Client) error { return c.HandOver(ctx, "5", []string{"21"}) }
	deliver := func(ctx context.Context, c *Client) error {
		return c.DeliverETickets(ctx, "5", "21", [][]byte{sim.PDF("a")}, []int{1})
	}
	const lists = `,"items":[{"order_item_id":21}]`
	for _, w := range []struct {
		name, shipments string
		do              func(context.Context, *Client) error
		want            string
		first           string // call that writes
	}{
		{"LocalPickup", `{"id":31,"type":"LocalPickup","state":%q}`, handOver, "", "GET /v9/shipments/31/deliver"},
		{"OneCameBack", `{"id":30,"type":"WillCall","state":"returned"` + lists + `},{"id":31,"type":"WillCall","state":%q` + lists + `}`, handOver, "", "GET /v9/shipments/31/deliver"},
		{"NoneListsIt", `{"id":30,"type":"WillCall","state":"pending"` + lists + `},{"id":31,"type":"WillCall","state":%q}`, handOver, "", "GET /v9/shipments/30/deliver"},
		{"InstantDelivery", `{"id":31,"type":"InstantDelivery","state":%q}`, deliver, "", "GET /v9/orders/5/items/11/remove_etickets"},
	} {
		first, state := "", "pending"
		c := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v9/orders/5" {
				shipments := fmt.Sprintf(w.shipments, state)
				if state == "delivered" {
					shipments = strings.ReplaceAll(shipments, "pending", state)
				}
				fmt.Fprintf(rw, `{"id":5,"state":"accepted","items":[{"id":11,"order_item_id":21,"quantity":1}],"shipments":[%s]}`, shipments)
				return
			}
			if state = "delivered"; first == "" {
				first = r.Method + " " + r.URL.Path
			}
			fmt.Fprint(rw, `{"order_item_id":21,"eticket_finalized":true}`)
		}))
		if providertest.ClassIs(t, w.name, w.do(t.Context(), c), w.want); first != w.first {
			t.Errorf("%s: got %q first; want %q", w.name, first, w.first)
		}
	}
}
