package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"willcall/pos"
	"willcall/pos/tevocore"
	"willcall/sim"
	"willcall/workflows"
)

// a way is how tickets of the POS reach the buyer of a sale at Ticket Evolution.
type way struct {
	sold func(sim.TEvoOrder) sim.TEvoOrder
	// held is what the broker puts into the POS once the sale is invoiced.
	held func(sim.POSInvoice) []sim.POSDelivery
	// calls are what must have been done at the provider, by name, each once.
	calls []string
	check func(t *testing.T, o sim.TEvoOrder)
}

func pdf(pages ...string) sim.POSDelivery {
	return sim.POSDelivery{Form: "file", Name: "tickets.pdf", MediaType: "application/pdf", Content: sim.PDF(pages...)}
}

func of(d sim.POSDelivery, line string, tickets ...string) sim.POSDelivery {
	d.LineID, d.TicketIDs = line, tickets
	return d
}

func ways() map[string]way {
	shipped := func(kind, format string) func(sim.TEvoOrder) sim.TEvoOrder {
		return func(o sim.TEvoOrder) sim.TEvoOrder { o.Delivery, o.Format = kind, format; return o }
	}
	kept := func(want ...string) func(*testing.T, sim.TEvoOrder) {
		return func(t *testing.T, o sim.TEvoOrder) {
			var got []string
			for _, it := range o.Items {
				for _, p := range it.Kept {
					got = append(got, p.Text)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("the buyer has the pages %q; want %q", got, want)
			}
		}
	}
	transferred := func(kind, link, source string) func(*testing.T, sim.TEvoOrder) {
		return func(t *testing.T, o sim.TEvoOrder) {
			if len(o.Shipments) != 1 || o.State != "completed" {
				t.Fatalf("the order is %s with the shipments %+v; want it completed with one", o.State, o.Shipments)
			}
			if s := o.Shipments[0]; s.Type != kind || s.State != "delivered" || s.Link != link || s.Source != source {
				t.Errorf("the shipment is %+v; want %s, link %q, source %s", s, kind, link, source)
			}
		}
	}
	return map[string]way{
		"ETicketsBySeat": {
			sold: func(o sim.TEvoOrder) sim.TEvoOrder {
				o.Items = []sim.TEvoItem{{Quantity: 2, Section: "113", Row: "A", Seats: []string{"5", "6"}}}
				return o
			},
			held: func(sim.POSInvoice) []sim.POSDelivery {
				return []sim.POSDelivery{pdf("Directions to the arena", "Section 113 Row A Seat 6", "Section 113 Row A Seat 5")}
			},
			calls: []string{"add_etickets", "finalize_etickets"},
			check: kept("Section 113 Row A Seat 5", "Section 113 Row A Seat 6"),
		},
		"ETicketsOfTwoLines": {
			sold: func(o sim.TEvoOrder) sim.TEvoOrder {
				o.Items = []sim.TEvoItem{{Quantity: 2}, {Quantity: 1, PriceMinor: 4000}}
				return o
			},
			held: func(inv sim.POSInvoice) []sim.POSDelivery {
				return []sim.POSDelivery{of(pdf("c"), inv.Lines[1].ID), of(pdf("a", "b"), inv.Lines[0].ID)}
			},
			calls: []string{"add_etickets", "add_etickets", "finalize_etickets", "finalize_etickets"},
			check: kept("a", "b", "c"),
		},
		"MobileByLink": {
			sold: shipped("TBD", "TM_mobile"),
			held: func(sim.POSInvoice) []sim.POSDelivery {
				return []sim.POSDelivery{{Form: "link", URL: "https://claims.example.com/abc", Via: "Ticketmaster"}}
			},
			calls: []string{"complete", "update"}, check: transferred("TMMobileLink", "https://claims.example.com/abc", "TM"),
		},
		"MobileTransferred": {
			sold: shipped("TBD", "TM_mobile"),
			held: func(sim.POSInvoice) []sim.POSDelivery {
				return []sim.POSDelivery{{Form: "transfer", Via: "Account Manager"}}
			},
			calls: []string{"complete", "update"}, check: transferred("TMMobile", "", "AM"),
		},
		"Parcel": {
			sold: shipped("ProvidedAirbill", "Physical"),
			held: func(sim.POSInvoice) []sim.POSDelivery {
				return []sim.POSDelivery{{Form: "parcel", Carrier: "UPS", Tracking: "1Z999AA10123456784"}}
			},
		},
		"WillCall": {
			sold:  shipped("WillCall", "Physical"),
			held:  func(sim.POSInvoice) []sim.POSDelivery { return []sim.POSDelivery{{Form: "will_call"}} },
			calls: []string{"deliver"},
		},
	}
}

// given are the successful calls that delivered the order, sorted, without the reading ones.
func (s *site) given(o sim.TEvoOrder) (calls []string) {
	for _, c := range s.TEvo.Log() {
		if c.OrderID == o.ID && c.Status/100 == 2 && c.Op != "accept" && c.Op != "remove_etickets" {
			calls = append(calls, c.Op)
		}
	}
	slices.Sort(calls)
	return calls
}

// posEvents has the point of sale tell us what changes there, or not.
func (s *site) posEvents(told bool) {
	e := sim.POSEvents{}
	if told {
		e = sim.POSEvents{URL: "http://" + s.webhooks + "/webhooks/simulator", Secret: posEventSecret}
	}
	s.POS.SetEvents(e)
}

// supply begins a sale, waits until it is invoiced and accepted, and puts tickets into the POS.
func (s *site) supply(t *testing.T, source string, o sim.TEvoOrder, held func(sim.POSInvoice) []sim.POSDelivery) (id string) {
	t.Helper()
	id = "order:" + source + ":" + o.GroupID
	s.post(t, source, o, "seller", "order_created")
	s.awaitState(t, id, "awaiting_fulfilment")
	live, _ := s.invoices(id)
	if len(live) != 1 {
		t.Fatalf("got %d live invoices; want one", len(live))
	}
	if err := s.POS.SetDeliveries(live[0].ID, held(live[0])); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestTicketsOfThePOSReachTheBuyerOnce has tickets put into the POS, in every form. Its event, or where that is lost the slow poll,
// has them delivered; every answer is lost once, and still each is delivered once. The invoice is marked delivered.
func TestTicketsOfThePOSReachTheBuyerOnce(t *testing.T) {
	for name, w := range ways() {
		for _, road := range []string{"Event", "Poll", "LostAnswers"} {
			t.Run(name+"By"+road, func(t *testing.T) {
				s := setup(t)
				s.posEvents(road != "Poll")
				if road == "LostAnswers" {
					var lost []sim.Fault
					for _, m := range []string{http.MethodPost, http.MethodPut} {
						lost = append(lost, sim.Fault{Method: m, Kind: sim.FaultLostAnswer, Count: 3}) // the acceptance is one of them
					}
					if err := s.TEvo.SetFaults(sim.Faults{Faults: lost}); err != nil {
						t.Fatal(err)
					}
				}
				o := w.sold(sim.OfficeSale(s.fresh())).At(time.Now())
				o.Items = slices.Clone(o.Items)
				if strings.HasPrefix(name, "Parcel") {
					o = o.AirbillUploaded(time.Now())
				}
				id := s.supply(t, "tevo", o, w.held)
				s.await(t, id, "fulfilled", func(v view) bool {
					live, _ := s.invoices(id)
					return v.State == "fulfilled" && v.Attention == nil && len(live) == 1 && live[0].Fulfillment == "COMPLETE"
				})
				got, _ := s.TEvo.Order(o.ID)
				calls := s.given(o)
				if road == "LostAnswers" { // files are removed and added again where it is not known that they were added
					calls = slices.Compact(calls)
					w.calls = slices.Compact(slices.Clone(w.calls))
				}
				if !slices.Equal(calls, w.calls) {
					t.Errorf("got the calls %v; want %v", calls, w.calls)
				}
				if w.check != nil {
					w.check(t, got)
				}
				if road == "Event" {
					s.keep(t, "delivered-"+strings.ToLower(name), id)
				}
				if road == "Poll" {
					s.keep(t, "delivered-after-a-look-"+strings.ToLower(name), id)
					if err := until(20*time.Second, func() error { return s.keepNewest(t, workflows.LooksWorkflow, "looked") }); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// TestWorkerIsKilledBetweenTheProviderAndTheResult: the provider has what the worker gave it and says nothing, and the worker dies
// waiting. The next one finds it there: the buyer has each ticket once.
func TestWorkerIsKilledBetweenTheProviderAndTheResult(t *testing.T) {
	for name, last := range map[string]string{"ETicketsBySeat": "finalize_etickets", "MobileByLink": "complete", "WillCall": "deliver"} {
		t.Run(name, func(t *testing.T) {
			s := setup(t)
			s.posEvents(true)
			w := ways()[name]
			o := w.sold(sim.OfficeSale(s.fresh())).At(time.Now())
			o.Items = slices.Clone(o.Items)
			var faults sim.Faults
			for _, path := range []string{"/v9/orders/" + o.ID + "/items/" + o.Items[0].ID + "/finalize_etickets", "/v9/shipments/*"} {
				faults.Faults = append(faults.Faults, sim.Fault{Path: path, Kind: sim.FaultLostAnswer})
			}
			id := s.supply(t, "tevo", o, func(inv sim.POSInvoice) []sim.POSDelivery {
				if err := s.TEvo.SetFaults(faults); err != nil {
					t.Fatal(err)
				}
				return w.held(inv)
			})
			if err := until(30*time.Second, func() error {
				if calls := s.given(o); !slices.Contains(calls, last) {
					return fmt.Errorf("got the calls %v; want %s", calls, last)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := s.worker.kill(); err != nil {
				t.Fatal(err)
			}
			if err := s.TEvo.SetFaults(sim.Faults{}); err != nil {
				t.Fatal(err)
			}
			if err := s.worker.start(); err != nil {
				t.Fatal(err)
			}
			s.await(t, id, "fulfilled", func(v view) bool {
				live, _ := s.invoices(id)
				return v.State == "fulfilled" && v.Attention == nil && len(live) == 1 && live[0].Fulfillment == "COMPLETE"
			})
			if calls := slices.Compact(s.given(o)); !slices.Equal(calls, slices.Compact(slices.Clone(w.calls))) {
				t.Errorf("got the calls %v; want %v", calls, w.calls)
			}
			if got, _ := s.TEvo.Order(o.ID); w.check != nil {
				w.check(t, got)
			}
		})
	}
}

// TestAPersonIsAskedWhosePageItIs: two pages that do not tell their seats wait for an operator, who approves them.
func TestAPersonIsAskedWhosePageItIs(t *testing.T) {
	s := setup(t)
	s.posEvents(true)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	o.Items = []sim.TEvoItem{{Quantity: 2, Section: "113", Row: "A", Seats: []string{"5", "6"}}}
	id := s.supply(t, "tevo", o, func(sim.POSInvoice) []sim.POSDelivery { return []sim.POSDelivery{pdf("left", "right")} })
	v := s.awaitAttention(t, id, "tickets_unclear")
	if calls := s.given(o); len(calls) != 0 {
		t.Fatalf("got the calls %v; want none before a person has looked", calls)
	}
	if strings.Contains(v.Attention.Detail, "left") {
		t.Error("the matter quotes the ticket")
	}
	s.keep(t, "tickets-unclear-open", id)
	if err := s.order(t, id, "approve", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "fulfilled")
	s.keep(t, "tickets-unclear-approved", id)
}

// TestThePOSChangesAfterTheDelivery: other files on the invoice are not delivered on top, and an invoice that somebody voids stays
// void: of each a person is told, also when everything seemed to be over.
func TestThePOSChangesAfterTheDelivery(t *testing.T) {
	for reason, change := range map[string]func(*site, string) error{
		"tickets_changed": func(s *site, invoice string) error {
			return s.POS.SetDeliveries(invoice, []sim.POSDelivery{pdf("Section 113 Row A Seat 5, anew", "Section 113 Row A Seat 6, anew")})
		},
		"invoice_voided": func(s *site, invoice string) error { return s.POS.VoidByHand(invoice, "sold twice") },
	} {
		t.Run(reason, func(t *testing.T) {
			s := setup(t)
			s.posEvents(true)
			w := ways()["ETicketsBySeat"]
			o := w.sold(sim.OfficeSale(s.fresh())).At(time.Now())
			id := s.supply(t, "tevo", o, w.held)
			v := s.await(t, id, "fulfilled", func(v view) bool {
				live, _ := s.invoices(id)
				return v.State == "fulfilled" && len(live) == 1 && live[0].Fulfillment == "COMPLETE"
			})
			if err := change(s, v.POS.Invoice); err != nil {
				t.Fatal(err)
			}
			s.awaitAttention(t, id, reason)
			if calls := s.given(o); !slices.Equal(calls, w.calls) {
				t.Errorf("got the calls %v; want %v", calls, w.calls)
			}
			if err := s.order(t, id, "resolve", ""); err != nil {
				t.Fatal(err)
			}
			s.await(t, id, "settled", func(v view) bool { return v.State == "fulfilled" && v.Attention == nil })
		})
	}
}

// TestCancelledWhileTicketsAreOnTheirWay: the provider takes files and does not answer, and then the order is cancelled. What was
// uploaded is taken back, and the invoice is voided after that.
func TestCancelledWhileTicketsAreOnTheirWay(t *testing.T) {
	s := setup(t)
	s.posEvents(true)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	o.Items = []sim.TEvoItem{{ID: "9" + o.ID, Quantity: 2}}
	if err := s.TEvo.SetFaults(sim.Faults{Faults: []sim.Fault{{Method: http.MethodPost, Path: "/v9/orders/" + o.ID + "/items/9" + o.ID + "/finalize_etickets", Kind: sim.FaultStatus, Status: 503, Count: 1000}}}); err != nil {
		t.Fatal(err)
	}
	id := s.supply(t, "tevo", o, func(sim.POSInvoice) []sim.POSDelivery { return []sim.POSDelivery{pdf("a", "b")} })
	if err := until(30*time.Second, func() error {
		if calls := s.given(o); !slices.Contains(calls, "add_etickets") {
			return fmt.Errorf("got the calls %v; want files added", calls)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	now, _ := s.TEvo.Order(o.ID)
	s.tell(t, "tevo", now.Canceled(time.Now().Add(5*time.Second)), "seller", "order_canceled")
	s.await(t, id, "undone", func(v view) bool { return v.State == "cancelled" && v.POS.Invoice == "" && v.Attention == nil })
	if got, _ := s.TEvo.Order(o.ID); len(got.Items[0].Uploaded) != 0 || got.Items[0].Finalized {
		t.Errorf("%d pages are left at the provider; want none", len(got.Items[0].Uploaded))
	}
	s.keep(t, "cancelled-while-delivering", id)
}

// TestTicketsInSkyBoxReachTheBuyer: a broker puts files on the tickets of an invoice in SkyBox, or marks it complete there, and SkyBox
// tells of it, or does not.
func TestTicketsInSkyBoxReachTheBuyer(t *testing.T) {
	for name, c := range map[string]struct {
		source, delivery, format string
		files                    bool
		calls                    []string
	}{
		"ETickets": {"tevo-sky", "Eticket", "Eticket", true, []string{"add_etickets", "finalize_etickets"}},
		"Mobile":   {"tevo-sky", "TBD", "TM_mobile", false, []string{"complete", "update"}},
		"WillCall": {"tevo-sky-will-call", "WillCall", "Physical", false, []string{"deliver"}},
		"Parcel":   {"tevo-sky-parcel", "UPS", "Physical", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup(t)
			sky := s.vendors["sky"]
			o := sim.OfficeSale(s.fresh()).At(time.Now())
			o.Items = []sim.TEvoItem{{Quantity: 2, RemoteID: fmt.Sprint(vendorGroup)}}
			o.Delivery, o.Format = c.delivery, c.format
			id := "order:" + c.source + ":" + o.GroupID
			s.post(t, c.source, o, "seller", "order_created")
			v := s.awaitState(t, id, "awaiting_fulfilment")
			live, _ := sky.found(id)
			if len(live) != 1 || len(live[0].Lines) != 1 || len(live[0].Lines[0].TicketIDs) != 2 {
				t.Fatalf("got the invoices %+v; want one with two tickets", live)
			}
			if c.files {
				for _, ticket := range live[0].Lines[0].TicketIDs {
					n, err := strconv.ParseInt(ticket, 10, 64)
					if err != nil || !sky.api.(*sim.SkyBox).PutFile(n, ticket+".pdf", sim.PDF("ticket "+ticket)) {
						t.Fatalf("ticket %s has no place for a file: %v", ticket, err)
					}
				}
				s.taken(t, "sky/e2e-sky-events", nil, []byte(`{"topic":"INVOICE","id":`+v.POS.Invoice+`}`))
			} else if err := s.complete(t, sky, v.POS.Invoice); err != nil {
				t.Fatal(err)
			}
			s.awaitState(t, id, "fulfilled")
			if calls := s.given(o); !slices.Equal(calls, c.calls) {
				t.Errorf("got the calls %v; want %v", calls, c.calls)
			}
			if err := until(10*time.Second, func() error {
				if live, _ := sky.found(id); len(live) != 1 || live[0].Fulfillment != "COMPLETE" {
					return fmt.Errorf("the invoice is not marked delivered: %+v", live)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			s.keep(t, "delivered-at-sky-"+strings.ToLower(name), id)
		})
	}
}

// complete marks an invoice delivered in SkyBox, as a person does there.
func (s *site) complete(t *testing.T, sky vendorPOS, invoice string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, sky.URL+"/invoices/bulk", strings.NewReader(`{"invoiceIds":[`+invoice+`],"fulfillmentStatus":"COMPLETE"}`))
	if err != nil {
		return err
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "X-Application-Token": {"e2e-sky-application"}, "X-Api-Token": {"e2e-sky-token"}, "X-Account": {"12"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}

// TestFilesOfAPurchaseArePutOnThePurchaseOrder: the seller gives us two pages, and they lie on the purchase order before it is
// fulfilled. SkyBox takes no files there, and is told that they have come.
func TestFilesOfAPurchaseArePutOnThePurchaseOrder(t *testing.T) {
	for _, source := range []string{"tevo", "tevo-sky"} {
		t.Run(source, func(t *testing.T) {
			s := setup(t)
			o := sim.Purchase(s.fresh()).At(time.Now())
			o.Items = []sim.TEvoItem{{Quantity: 2, Section: "113", Row: "A"}}
			o = o.Accepted(time.Now())
			id := "order:" + source + ":" + o.GroupID + ":buyer"
			s.post(t, source, o, "buyer", "order_accepted")
			v := s.await(t, id, "recorded", func(v view) bool { return v.State == "awaiting_fulfilment" && v.POS.PurchaseOrder != "" })
			s.keep(t, "purchase-at-"+source+"-open", id)
			o = o.EticketsFinalized(0, time.Now().Add(time.Second))
			o.Items[0].Kept = []sim.TEvoPage{{Page: 1, Text: "seat one"}, {Page: 2, Text: "seat two"}}
			s.TEvo.Put(o)
			contentType, body := o.ItemWebhook(0, "buyer", "etickets_finalized")
			s.postRaw(t, source, contentType, body)
			s.awaitState(t, id, "fulfilled")
			state := s.POS.State()
			if source == "tevo-sky" {
				state = s.vendors["sky"].api.State()
			}
			i := slices.IndexFunc(state.PurchaseOrders, func(po sim.POSPurchaseOrder) bool { return po.ID == v.POS.PurchaseOrder })
			if i < 0 || state.PurchaseOrders[i].Fulfillment != "COMPLETE" || source == "tevo" && len(state.PurchaseOrders[i].Files) != 1 {
				t.Errorf("got %+v; want the purchase order with the file, complete", state.PurchaseOrders[max(i, 0)])
			}
			s.keep(t, "purchase-at-"+source+"-received", id)
		})
	}
}

// TestTooManyPagesOfAPurchaseAskAPerson: three pages for two tickets are put nowhere.
func TestTooManyPagesOfAPurchaseAskAPerson(t *testing.T) {
	s := setup(t)
	o := sim.Purchase(s.fresh()).At(time.Now())
	o.Items = []sim.TEvoItem{{Quantity: 2}}
	o = o.Accepted(time.Now()).EticketsFinalized(0, time.Now().Add(time.Second))
	o.Items[0].Kept = []sim.TEvoPage{{Page: 1, Text: "a"}, {Page: 2, Text: "b"}, {Page: 3, Text: "c"}}
	id := "order:tevo:" + o.GroupID + ":buyer"
	s.post(t, "tevo", o, "buyer", "order_accepted")
	v := s.awaitAttention(t, id, "step_invalid")
	if !strings.Contains(v.Attention.Detail, "3 pages for 2 tickets") {
		t.Errorf("the matter is %q; want it to say how many pages there are", v.Attention.Detail)
	}
	s.keep(t, "purchase-with-too-many-pages-open", id)
	if err := s.order(t, id, "resolve", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "fulfilled")
}

// TestTicketsFromTixstockGoOntoAnOrderOfTheCore: the sale of our own shop stands in the Core of Ticket Evolution; the PDFs that
// Tixstock brings become its e-tickets.
func TestTicketsFromTixstockGoOntoAnOrderOfTheCore(t *testing.T) {
	s := setup(t)
	core := s.vendors["core"]
	adapter, err := tevocore.New(tevocore.Config{BaseURL: core.URL, Token: "e2e-core-token", Secret: "e2e-core-secret", OfficeID: "7", ReviewerID: "1", Currency: "GBP",
		Timeout: 5 * time.Second, ScanClients: true, Delivery: "TBD"})
	if err != nil {
		t.Fatal(err)
	}
	o, _ := asFiles(sim.TixstockSale(s.fresh()))
	customer, err := adapter.CreateCustomer(t.Context(), pos.Op{Key: "c"}, pos.CustomerInput{Name: "Ada Sample", Email: "ada" + o.OrderID + "@example.com", Kind: pos.Retail})
	if err != nil {
		t.Fatal(err)
	}
	sold, err := adapter.CreateInvoice(t.Context(), pos.Op{Key: "i", Ref: o.OrderID}, pos.InvoiceInput{CustomerID: customer.ID, Lines: []pos.InvoiceLine{
		{InventoryID: fmt.Sprint(910000 + s.fresh()), Quantity: len(o.Tickets), Total: pos.Money{Minor: 4500 * int64(len(o.Tickets)), Currency: "GBP"}}}})
	if err != nil {
		t.Fatal(err)
	}
	id := "order:tixstock-core:" + o.OrderID
	for i := range o.Tickets {
		s.tixstock(t, "tixstock-core", o.ETicket(i))
	}
	s.awaitState(t, id, "fulfilled")
	items := core.api.(*sim.TEvoCore).Items(sold.ID)
	if len(items) != 1 || !items[0].Final {
		t.Errorf("got %+v; want its e-tickets final", items)
	}
	s.keep(t, "tixstock-attached-at-core", id)
}

// TestCancelledTicketsAreCredited: one of three tickets of a box office sale is cancelled. Where the POS can void a line the invoice
// stays, less that line; where it cannot, another takes its place. Its total is what the tickets cost that are left.
func TestCancelledTicketsAreCredited(t *testing.T) {
	for source, credited := range map[string]bool{"vivenu": true, "vivenu-sky": true, "vivenu-core": false} {
		t.Run(source, func(t *testing.T) {
			s := setup(t)
			found := s.invoices
			if name := strings.TrimPrefix(source, "vivenu-"); name != source {
				found = s.vendors[name].found
			}
			tx := s.purchase()
			tx.Tickets = nil
			for i := range 3 {
				tx.Tickets = append(tx.Tickets, sim.VivenuTicket{ID: fmt.Sprintf("%s%02d", tx.ID[:22], i), PriceMinor: int64(2500 + 100*i), TypeID: vendorType})
			}
			tx = tx.Complete(time.Now())
			id := "order:" + source + ":" + tx.ID
			s.Vivenu.Put(tx)
			s.vivenu(t, source, tx.Webhook("transaction.complete"))
			first := s.awaitState(t, id, "fulfilled")
			left := tx.TicketsMinor() - tx.Tickets[1].PriceMinor
			tx = tx.TicketsCanceled(time.Now().Add(2*time.Second), 1)
			s.Vivenu.Put(tx)
			s.vivenu(t, source, tx.Webhook("transaction.partiallyCanceled"))
			v := s.await(t, id, "recounted", func(v view) bool { return v.Amount == left && v.State == "fulfilled" && v.Attention == nil })
			live, _ := found(id)
			if len(live) != 1 || live[0].ID != v.POS.Invoice || (v.POS.Invoice == first.POS.Invoice) != credited {
				t.Fatalf("got the live invoices %+v, first %s, now %s; want one, the first: %v", live, first.POS.Invoice, v.POS.Invoice, credited)
			}
			var sum int64
			for _, l := range live[0].Lines {
				if !l.Voided {
					sum += cents(t, l.Total)
				}
			}
			if sum != left {
				t.Errorf("the invoice comes to %d; want %d", sum, left)
			}
			s.keep(t, "partially-cancelled-at-"+source, id)
		})
	}
}

// TestTicketsAreHeldWhileTheSaleIsChecked: what is held is sold with the approval, and let go with a cancellation.
func TestTicketsAreHeldWhileTheSaleIsChecked(t *testing.T) {
	s := setup(t)
	held := func(id string) (n int) {
		for _, h := range s.POS.State().Holds {
			if strings.HasPrefix(h.ExternalReference, id) {
				n++
			}
		}
		return n
	}
	begin := func(lines int) (sim.TEvoOrder, string) {
		o := sim.ClientSale(s.fresh()).At(time.Now())
		o.Items = nil
		for i := range lines {
			o.Items = append(o.Items, sim.TEvoItem{Quantity: 2, PriceMinor: int64(2700 + i)})
		}
		id := "order:holding:" + o.GroupID
		s.post(t, "holding", o, "seller", "order_created")
		s.await(t, id, "held", func(v view) bool { return v.State == "awaiting_fraud_approval" && held(id) == lines })
		return o, id
	}
	for name, lines := range map[string]int{"OneLine": 1, "TwoLines": 2} {
		t.Run(name, func(t *testing.T) {
			o, id := begin(lines)
			s.keep(t, "held-open-"+strings.ToLower(name), id)
			s.post(t, "holding", o.FraudResponse("approved", time.Now().Add(2*time.Second)), "seller", "fraud_response_received")
			s.awaitState(t, id, "awaiting_fulfilment")
			if live, _ := s.invoices(id); len(live) != 1 || held(id) != 0 || (live[0].HoldID != nil) != (lines == 1) {
				t.Errorf("got the invoices %+v and %d holds; want one invoice, out of the hold if there was one, and none", live, held(id))
			}
			s.keep(t, "held-and-sold-"+strings.ToLower(name), id)
		})
	}
	t.Run("Cancelled", func(t *testing.T) {
		o, id := begin(2)
		s.post(t, "holding", o.Canceled(time.Now().Add(2*time.Second)), "seller", "order_canceled")
		s.await(t, id, "let go", func(v view) bool { return v.State == "cancelled" && v.Attention == nil && held(id) == 0 })
		s.keep(t, "held-and-cancelled", id)
	})
}

func cents(t *testing.T, m sim.POSMoney) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.Replace(m.Amount, ".", "", 1), 10, 64) // all have two decimals
	if err != nil {
		t.Fatal(err)
	}
	return n
}
