package tevo

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
	"willcall/sim"
)

// roads are the webhooks of whole orders, as the simulator writes them.
func roads() map[string][][]byte {
	at := func(minutes int) time.Time {
		return time.Date(2026, 6, 1, 15, minutes, 0, 0, time.UTC)
	}
	hook := func(o sim.TEvoOrder, item int, recipient, eventType string) []byte {
		_, body := o.ItemWebhook(item, recipient, eventType)
		return body
	}

	sale := sim.OfficeSale(3)
	sale.Items = append(sale.Items, sim.TEvoItem{RemoteID: "7", Quantity: 1, PriceMinor: 12_345, Seats: []string{"9"}})
	accepted := sale.Accepted(at(5))
	inHand := accepted.InHand(1, at(0).AddDate(0, 0, 9), at(6))
	first := inHand.EticketsFinalized(0, at(10))
	second := first.EticketsFinalized(1, at(20))
	done := second.Completed(at(30))
	second.Variant, done.Variant = 15, 6

	client := sim.ClientSale(5)
	pending := client.FraudResponse("pending", at(3))
	approved := pending.FraudResponse("approved", at(4))
	approved.Variant = 15
	taken := approved.Accepted(at(8))
	airbill := taken.AirbillUploaded(at(9))
	moved := airbill.DeliverTo("somebody.else@example.com", at(12))

	declined := client.FraudResponse("declined", at(4))
	off := declined.Canceled(at(6))
	off.Variant = 10

	parcels := sim.Purchase(11)
	parcels.Delivery = "FedEx"
	parcels.Items = append(parcels.Items, sim.TEvoItem{RemoteID: "8", Quantity: 1, PriceMinor: 9_900})
	asked := parcels.Accepted(at(2))
	labelled, sent, here := asked.Updated(at(7)), asked.Updated(at(15)), asked.Updated(at(40))
	sent.Variant, here.Variant = 15, 6

	given := sim.Purchase(12).Accepted(at(2))
	other, back := given.DeliverTo("somebody.else@example.com", at(6)), given.Canceled(at(9))
	back.Variant = 10

	bought := sim.Purchase(8)
	agreed := bought.Accepted(at(2))
	delivered := agreed.EticketsFinalized(0, at(9))

	return map[string][][]byte{
		"Office": {
			hook(sale, 0, "seller", "order_created"), hook(accepted, 0, "seller", "seller_accepted"),
			hook(inHand, 1, "seller", "in-hand_updated"), hook(first, 0, "seller", "etickets_finalized"),
			hook(second, 1, "seller", "etickets_finalized"), hook(done, 0, "seller", Polled),
		},
		"Client": {
			hook(client, 0, "seller", "order_created"), hook(pending, 0, "seller", "fraud_response_received"),
			hook(approved, 0, "seller", "fraud_response_received"), hook(taken, 0, "seller", "seller_accepted"),
			hook(airbill, 0, "seller", "airbill_uploaded"), hook(moved, 0, "seller", "delivery_updated"),
		},
		"Cancelled": {
			hook(client, 0, "seller", "order_created"), hook(declined, 0, "seller", "fraud_response_received"),
			hook(off, 0, "seller", "order_canceled"), hook(off, 0, "seller", "something_new"), hook(client, 0, "seller", Polled),
		},
		"Shipped": {
			hook(asked, 0, "buyer", "order_accepted"), hook(asked, 0, "buyer", "airbill_requested"), hook(labelled, 0, "buyer", "airbill_generated"),
			hook(sent, 0, "buyer", "delivery_shipped"), hook(here, 0, "buyer", "delivery_complete"), hook(here, 0, "buyer", Polled),
		},
		"CalledOff": {
			hook(given, 0, "buyer", "seller_accepted"), hook(given, 0, "buyer", "airbill_requested"), hook(other, 0, "buyer", "delivery_updated"),
			hook(other, 0, "buyer", "delivery_reclassified"), hook(other, 0, "buyer", "delivery_shipped"), hook(back, 0, "buyer", "order_canceled"),
		},
		"Purchase": {
			hook(bought, 0, "buyer", Polled), hook(agreed, 0, "buyer", "order_accepted"), hook(agreed, 0, "buyer", "seller_accepted"),
			hook(delivered, 0, "buyer", "etickets_finalized"), hook(delivered, 0, "buyer", "delivery_complete"),
		},
	}
}

// TestEveryOrderOfArrival plays whole orders.
func TestEveryOrderOfArrival(t *testing.T) {
	t.Parallel()
	// The POS has not answered yet, so that the facts alone decide how far the order is.
	reached := map[string]order.State{"Office": order.Invoicing, "Client": order.Invoicing, "Cancelled": order.Cancelled,
		"Purchase": order.Invoicing, "Shipped": order.Invoicing, "CalledOff": order.Cancelled}
	for name, hooks := range roads() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := providertest.EveryOrder(t, order.DefaultPolicy(), decode, providertest.Deliveries(received.AddDate(10, 0, 0), hooks...)...)
			o.Record(order.ID(order.DoInvoice, "", 1), order.Result{Outcome: order.Running})
			if state := o.Plan(received.AddDate(20, 0, 0)).State; state != reached[name] {
				t.Errorf("got state %s; want %s: %s", state, reached[name], providertest.Marshal(t, o.Facts))
			}
		})
	}
}

// TestPollsMakeUpForWebhooks has every webhook lost: a poll of the last state tells what they would have told.
func TestPollsMakeUpForWebhooks(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 2, 9, 0, 0, 0, time.UTC)
	o := sim.ClientSale(9)
	o = o.FraudResponse("approved", at).Accepted(at).AirbillUploaded(at).InHand(0, at.AddDate(0, 0, 3), at).EticketsFinalized(0, at)
	raw := Synthesize([]byte(providertest.Marshal(t, o.Body())), "seller", "")
	out, err := Decode(provider.Delivery{ID: "1", Body: raw, Received: received}, usd)
	if err != nil || out.Event == nil {
		t.Fatalf("got %+v, %v", out, err)
	}
	e := out.Event
	if e.Fraud != order.FraudApproved || e.Status != order.StatusAccepted {
		t.Errorf("got fraud %q, status %q; want approved, accepted", e.Fraud, e.Status)
	}
	if len(e.Shipment) != 1 || !e.Shipment[0].AirbillReady {
		t.Errorf("got shipments %+v; want one whose airbill is ready", e.Shipment)
	}
	if len(e.Lines) != 1 || !e.Lines[0].Delivered.Equal(at) || e.Lines[0].InHandOn.Format(time.DateOnly) != "2026-06-05" {
		t.Errorf("got lines %+v; want one that was delivered at %s and in hand on 2026-06-05", e.Lines, at)
	}
	if !strings.HasPrefix(o.OID(), out.OrderID+"-") || out.OrderID == "" {
		t.Errorf("got order %q; want the left half of %s", out.OrderID, o.OID())
	}
}

// TestAPurchaseThatIsShipped follows a purchase of two lines from the acceptance until the tickets are there.
func TestAPurchaseThatIsShipped(t *testing.T) {
	t.Parallel()
	var o *order.Order
	fetch := []order.StepID{order.ID(order.DoAirbill, sim.Purchase(11).ShipmentID, 1)}
	for i, want := range []struct {
		state     order.State
		asked     order.Reason
		steps     []order.StepID
		delivered int // lines
	}{
		{order.AwaitingFulfilment, "", nil, 0},
		{order.AwaitingFulfilment, order.ReasonAirbillRequested, nil, 0},
		{order.AwaitingFulfilment, "", fetch, 0},
		{order.AwaitingFulfilment, "", fetch, 0},
		{order.Fulfilled, "", fetch, 2},
	} {
		out, err := Decode(provider.Delivery{ID: fmt.Sprint(i), Body: roads()["Shipped"][i], Received: received.AddDate(10, 0, 0)}, usd)
		if err != nil {
			t.Fatal(err)
		}
		if o == nil {
			o = order.New(order.Identity{ProviderOrderID: out.OrderID, Kind: out.Kind}, order.DefaultPolicy())
		}
		o.Apply(*out.Event)
		o.Record(order.ID(order.DoPurchaseOrder, "", 1), order.Result{Outcome: order.Done, Amount: o.Total()})
		p := o.Plan(time.Date(2026, 6, 1, 16, 0, 0, 0, time.UTC))
		var asked order.Reason
		if p.Attention != nil {
			asked = p.Attention.Reason
		}
		delivered := 0
		for _, l := range o.LiveLines() {
			if l.DeliveredQuantity() == l.Quantity {
				delivered++
			}
		}
		if p.State != want.state || asked != want.asked || !slices.Equal(p.Steps, want.steps) || delivered != want.delivered {
			t.Errorf("after %s: got %s, asked %q, steps %v, %d lines; want %+v", out.Type, p.State, asked, p.Steps, delivered, want)
		}
	}
}

// TestNewsReachesOrders spreads the catalogue's news over an order in every order of arrival, as the road of news does.
func TestNewsReachesOrders(t *testing.T) {
	t.Parallel()
	sold := sim.OfficeSale(3).Accepted(time.Date(2026, 6, 1, 15, 0, 0, 0, time.UTC))
	_, raw := sold.Webhook("seller", "seller_accepted")
	hooks := [][]byte{raw}
	for _, name := range []string{"catalogue_event_created", "catalogue_event_updated", "catalogue_event_updated_body", "catalogue_event_deleted"} {
		hooks = append(hooks, []byte(sample(t, name).Encode()))
	}
	sent := providertest.Deliveries(received.AddDate(10, 0, 0), hooks...)
	for _, api := range []bool{true, false} {
		policy := order.DefaultPolicy()
		policy.ProviderAPI = api
		facts := providertest.EveryOrder(t, policy, decode, sent...).Facts
		if !facts.Times.Off || facts.Times.Unsaid.By != "02" || facts.Reread.By != "02" || facts.Times.Name == "" {
			t.Fatalf("got %+v; want that it is off, and that update 02 did not say what has changed", facts)
		}
		// Of the update alone: the order is read again, or a person is asked.
		o := order.New(order.Identity{Kind: order.Sale}, policy)
		for _, d := range []provider.Delivery{sent[0], sent[2]} {
			out, _ := decode(d)
			o.Apply(*out.Event)
		}
		p := o.Plan(received.AddDate(10, 0, 9))
		if again := slices.Contains(p.Steps, order.ID(order.DoReread, "02", 1)); again != api {
			t.Errorf("with credentials %t: got steps %v; want that the order is read again: %t", api, p.Steps, api)
		}
		if asked := p.Attention != nil && p.Attention.Reason == order.ReasonEventChanged; asked == api {
			t.Errorf("with credentials %t: got attention %+v", api, p.Attention)
		}
	}
}

// TestNewsIsNoRepeat has one performance changed twice by the same bytes.
func TestNewsIsNoRepeat(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		d := f.wire()
		first, _ := Decode(d, usd)
		d.Received = d.Received.Add(time.Millisecond)
		second, _ := Decode(d, usd)
		unversioned := first.About != provider.About{} && first.Event.At.Equal(received)
		if (first.DedupeKey != second.DedupeKey) != unversioned || unversioned == (first.DedupeKey == "") {
			t.Errorf("%s: got keys %q, %q; want two if and only if it is news without a version", f.Name, first.DedupeKey, second.DedupeKey)
		}
	}
}
