package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/sim"
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
	o.Items = o.Items[:1]
	if err := s.TEvo.SetFaults(sim.Faults{Faults: []sim.Fault{{Method: http.MethodPost, Path: "/v9/orders/" + o.ID + "/items/" + o.Items[0].ID + "/finalize_etickets", Kind: sim.FaultStatus, Status: 503, Count: 1000}}}); err != nil {
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
