package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"willcall/sim"
)

func TestOfficeSaleIsInvoicedAndAccepted(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.post(t, "tevo", o, "seller", "order_created")
	v := s.awaitState(t, id, "awaiting_fulfilment")
	live, _ := s.invoices(id)
	if len(live) != 1 || live[0].ID != v.POS.Invoice || live[0].CustomerID != v.POS.Customer {
		t.Fatalf("got invoices %+v for %+v; want the one that the order names", live, v.POS)
	}
	if got, _ := s.TEvo.Order(o.ID); got.SellerState != "accepted" {
		t.Errorf("at the provider the order is %s; want accepted", got.SellerState)
	}
	if v.Amount != o.AmountMinor() {
		t.Errorf("got %d cents; want %d: money comes from the items", v.Amount, o.AmountMinor())
	}
	events := s.historyLength(t, id)
	t.Logf("an Office sale takes %d history events from webhook to accepted", events)
	if events > 24 {
		t.Errorf("an Office sale takes %d history events; want at most 24", events)
	}
	s.keep(t, "office-sale-accepted-open", id)
	s.tell(t, "tevo", o.Accepted(time.Now().Add(time.Second)), "seller", "seller_accepted")
	s.tell(t, "tevo", o.EticketsFinalized(0, time.Now()), "seller", "etickets_finalized")
	s.awaitState(t, id, "fulfilled")
	s.keep(t, "office-sale-fulfilled-open", id)
}

func TestFulfilledSaleIsCompletedAndLateNewsStartsANewRun(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	o.OccursAt = time.Now().Add(4 * time.Second)
	id := "order:quick:" + o.GroupID
	s.post(t, "quick", o, "seller", "order_created")
	s.await(t, id, "accepted", func(v view) bool { return v.State == "awaiting_fulfilment" })
	s.tell(t, "quick", o.EticketsFinalized(0, time.Now()), "seller", "etickets_finalized")
	s.awaitState(t, id, "completed")
	s.awaitClosed(t, id)
	s.keep(t, "office-sale-completed", id)

	s.post(t, "quick", o.Accepted(time.Now()).Canceled(time.Now().Add(2*time.Second)), "seller", "order_updated_late")
	v := s.awaitAttention(t, id, "cancelled_after_delivery")
	if live, _ := s.invoices(id); len(live) != 1 || v.POS.Invoice != live[0].ID {
		t.Errorf("got live invoices %+v; want the one of the first run, untouched until a person says so", live)
	}
	if err := s.order(t, id, "cancel", ""); err != nil {
		t.Fatal(err)
	}
	s.await(t, id, "undone", func(v view) bool { return v.POS.Invoice == "" })
	s.awaitClosed(t, id)
	s.keep(t, "late-cancellation-after-delivery", id)
}

func TestClientSaleWaitsForTheFraudService(t *testing.T) {
	s := setup(t)
	o := sim.ClientSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.post(t, "tevo", o, "seller", "order_created")
	s.awaitState(t, id, "awaiting_fraud_approval")
	s.keep(t, "client-sale-awaiting-fraud-open", id)
	if live, _ := s.invoices(id); len(live) != 0 {
		t.Fatal("invoiced before the fraud service approved")
	}
	s.post(t, "tevo", o.FraudResponse("pending", time.Now().Add(time.Second)), "seller", "fraud_response_received")
	s.post(t, "tevo", o.FraudResponse("approved", time.Now().Add(2*time.Second)), "seller", "fraud_response_received")
	s.awaitState(t, id, "awaiting_fulfilment")
	if live, _ := s.invoices(id); len(live) != 1 {
		t.Errorf("got %d invoices; want one", len(live))
	}
	s.keep(t, "client-sale-approved-open", id)
}

func TestFraudAnswerBeforeTheOrder(t *testing.T) {
	s := setup(t)
	o := sim.ClientSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.post(t, "tevo", o.FraudResponse("approved", time.Now().Add(5*time.Second)), "seller", "fraud_response_received")
	s.post(t, "tevo", o, "seller", "order_created")
	s.awaitState(t, id, "awaiting_fulfilment")
	if live, _ := s.invoices(id); len(live) != 1 {
		t.Errorf("got %d invoices; want one", len(live))
	}
	s.keep(t, "fraud-answer-first-open", id)
}

func TestDeclinedBuyerIsRejectedByAnOperator(t *testing.T) {
	s := setup(t)
	o := sim.ClientSale(s.fresh()).At(time.Now())
	id := "order:quick:" + o.GroupID
	s.post(t, "quick", o, "seller", "order_created")
	s.post(t, "quick", o.FraudResponse("declined", time.Now().Add(time.Second)), "seller", "fraud_response_received")
	v := s.awaitAttention(t, id, "fraud_declined")
	if v.State != "awaiting_fraud_approval" || !strings.Contains(v.Attention.Advice, "reject") {
		t.Errorf("got %s with the advice %q", v.State, v.Attention.Advice)
	}
	if err := s.order(t, id, "retry", ""); err == nil || !strings.Contains(err.Error(), "no step has failed") {
		t.Errorf("a retry without anything to retry: got %v; want a refusal that says so", err)
	}
	if err := s.order(t, id, "reject", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "rejected")
	s.awaitClosed(t, id)
	if live, voided := s.invoices(id); len(live)+len(voided) != 0 {
		t.Errorf("got invoices %v %v; want none, ever", live, voided)
	}
	if got, _ := s.TEvo.Order(o.ID); got.SellerState != "rejected" {
		t.Errorf("at the provider the order is %s; want rejected", got.SellerState)
	}
	s.keep(t, "client-sale-declined-rejected", id)
}

func TestDeclinedBuyerIsApprovedByAnOperator(t *testing.T) {
	s := setup(t)
	o := sim.ClientSale(s.fresh()).At(time.Now()).FraudResponse("declined", time.Now())
	id := "order:tevo:" + o.GroupID
	s.post(t, "tevo", o, "seller", "order_created")
	s.awaitAttention(t, id, "fraud_declined")
	if err := s.order(t, id, "approve", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "awaiting_fulfilment")
	s.keep(t, "client-sale-declined-approved-open", id)
}

func TestCancelledWhileThePOSIsDown(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:quick:" + o.GroupID
	s.faults(t, sim.Faults{Down: true})
	s.post(t, "quick", o, "seller", "order_created")
	s.await(t, id, "invoicing", func(v view) bool { return v.State == "invoicing" })
	s.awaitAttention(t, id, "step_slow")
	s.keep(t, "pos-outage-open", id)
	s.post(t, "quick", o.Canceled(time.Now().Add(2*time.Second)), "seller", "order_updated_late")
	s.await(t, id, "cancelled", func(v view) bool { return v.State == "cancelled" })
	s.faults(t, sim.Faults{})
	s.awaitClosed(t, id)
	if live, _ := s.invoices(id); len(live) != 0 {
		t.Errorf("got live invoices %+v; want none in the end", live)
	}
	s.keep(t, "cancelled-during-outage", id)
}

func TestCancelledAfterTheInvoiceHadNoAnswer(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:quick:" + o.GroupID
	s.faults(t, sim.Faults{Faults: []sim.Fault{
		{Method: "POST", Path: "/v1/invoices", Kind: sim.FaultLostAnswer, Count: 1}, {Method: "GET", Path: "/v1/invoices", Kind: sim.FaultStatus, Status: 500}}})
	s.post(t, "quick", o, "seller", "order_created")
	if err := until(30*time.Second, func() error {
		if live, _ := s.invoices(id); len(live) != 1 {
			return fmt.Errorf("%d invoices", len(live))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.post(t, "quick", o.Canceled(time.Now().Add(2*time.Second)), "seller", "order_updated_late")
	s.await(t, id, "cancelled", func(v view) bool { return v.State == "cancelled" })
	s.faults(t, sim.Faults{})
	s.awaitClosed(t, id)
	if live, voided := s.invoices(id); len(live) != 0 || len(voided) != 1 {
		t.Errorf("got %d live and %d voided invoices; want the one that had no answer found and voided", len(live), len(voided))
	}
	s.keep(t, "cancelled-after-lost-answer", id)
}

func TestAnswersOfThePOSAreLostAfterTheCommit(t *testing.T) {
	s := setup(t)
	o := sim.ClientSale(s.fresh()).At(time.Now()).FraudResponse("approved", time.Now())
	id := "order:tevo:" + o.GroupID
	s.faults(t, sim.Faults{Faults: []sim.Fault{
		{Method: "POST", Path: "/v1/customers", Kind: sim.FaultLostAnswer, Count: 1}, {Method: "POST", Path: "/v1/invoices", Kind: sim.FaultLostAnswer, Count: 2}}})
	s.post(t, "tevo", o, "seller", "order_created")
	v := s.awaitState(t, id, "awaiting_fulfilment")
	if live, voided := s.invoices(id); len(live) != 1 || len(voided) != 0 {
		t.Errorf("got %d live and %d voided invoices; want exactly one", len(live), len(voided))
	}
	customers := 0
	for _, c := range s.POS.State().Customers {
		if c.Email != nil && strings.EqualFold(*c.Email, o.BuyerEmail) {
			customers++
		}
	}
	if customers != 1 || v.POS.Customer == "" {
		t.Errorf("got %d customers; want one", customers)
	}
	s.keep(t, "pos-answers-lost-open", id)
}

func TestThePOSThrottlesAndFails(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.faults(t, sim.Faults{Faults: []sim.Fault{
		{Method: "POST", Path: "/v1/invoices", Kind: sim.FaultStatus, Status: 429, RetryAfter: "1", Count: 1},
		{Method: "POST", Path: "/v1/invoices", Kind: sim.FaultStatus, Status: 500, Count: 1},
		{Method: "POST", Path: "/v1/invoices", Kind: sim.FaultHang, Count: 1}}})
	s.post(t, "tevo", o, "seller", "order_created")
	s.awaitState(t, id, "awaiting_fulfilment")
	if live, _ := s.invoices(id); len(live) != 1 {
		t.Errorf("got %d invoices; want one", len(live))
	}
}

func TestSeatsGoneThenAnOperatorRetries(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.faults(t, sim.Faults{Faults: []sim.Fault{{Method: "POST", Path: "/v1/invoices", Kind: sim.FaultSeatsGone, Count: 1}}})
	s.post(t, "tevo", o, "seller", "order_created")
	s.awaitAttention(t, id, "step_unavailable")
	s.keep(t, "seats-gone-open", id)
	if err := s.order(t, id, "resolve", ""); err == nil || !strings.Contains(err.Error(), "reference") {
		t.Errorf("resolving without a reference: got %v; want a refusal that asks for it", err)
	}
	if err := s.order(t, id, "retry", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "awaiting_fulfilment")
	s.keep(t, "seats-gone-retried-open", id)
}

func TestSeatsGoneThenAnOperatorResolvesByHand(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.faults(t, sim.Faults{Faults: []sim.Fault{{Method: "POST", Path: "/v1/invoices", Kind: sim.FaultSeatsGone}}})
	s.post(t, "tevo", o, "seller", "order_created")
	s.awaitAttention(t, id, "step_unavailable")
	if err := s.order(t, id, "resolve", "inv_by_hand"); err != nil {
		t.Fatal(err)
	}
	if v := s.awaitState(t, id, "awaiting_fulfilment"); v.POS.Invoice != "inv_by_hand" {
		t.Errorf("got invoice %q; want the one that the operator named", v.POS.Invoice)
	}
	s.keep(t, "seats-gone-resolved-open", id)
}

func TestOperatorCancelsAnAcceptedSale(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:quick:" + o.GroupID
	s.post(t, "quick", o, "seller", "order_created")
	s.await(t, id, "accepted", func(v view) bool { return v.State == "awaiting_fulfilment" })
	if err := s.order(t, id, "cancel", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitAttention(t, id, "cancel_at_provider")
	s.await(t, id, "undone", func(v view) bool { return v.POS.Invoice == "" })
	s.post(t, "quick", o.Accepted(time.Now()).Canceled(time.Now().Add(2*time.Second)), "seller", "order_updated_late")
	s.awaitState(t, id, "cancelled")
	s.awaitClosed(t, id)
	s.keep(t, "operator-cancels-accepted", id)
}

func TestTwoOrdersOfOneNewClientMakeOneCustomer(t *testing.T) {
	s := setup(t)
	first := sim.ClientSale(s.fresh()).At(time.Now()).FraudResponse("approved", time.Now())
	second := sim.ClientSale(s.fresh()).At(time.Now()).FraudResponse("approved", time.Now())
	second.BuyerName, second.BuyerID = first.BuyerName, first.BuyerID
	second.BuyerEmail, second.BuyerPhone = strings.ToUpper(first.BuyerEmail), first.BuyerPhone
	s.faults(t, sim.Faults{Faults: []sim.Fault{{Method: "POST", Path: "/v1/customers", Kind: sim.FaultDelay, Delay: time.Second}}})
	for _, o := range []sim.TEvoOrder{first, second} {
		s.post(t, "tevo", o, "seller", "order_created")
	}
	a, b := s.awaitState(t, "order:tevo:"+first.GroupID, "awaiting_fulfilment"), s.awaitState(t, "order:tevo:"+second.GroupID, "awaiting_fulfilment")
	if a.POS.Customer == "" || a.POS.Customer != b.POS.Customer {
		t.Errorf("got customers %q and %q; want one", a.POS.Customer, b.POS.Customer)
	}
	third := sim.ClientSale(s.fresh()).At(time.Now()).FraudResponse("approved", time.Now())
	third.BuyerEmail = first.BuyerEmail
	s.post(t, "tevo", third, "seller", "order_created")
	if c := s.awaitState(t, "order:tevo:"+third.GroupID, "awaiting_fulfilment"); c.POS.Customer != a.POS.Customer {
		t.Errorf("a later order got customer %q; want %q, found again", c.POS.Customer, a.POS.Customer)
	}
}

func TestPurchaseIsRecordedAndTakenBack(t *testing.T) {
	s := setup(t)
	o := sim.Purchase(s.fresh()).At(time.Now())
	id := "order:quick:" + o.GroupID + ":buyer"
	s.post(t, "quick", o.Accepted(time.Now()), "buyer", "order_accepted")
	v := s.await(t, id, "recorded", func(v view) bool { return v.POS.PurchaseOrder != "" })
	live := 0
	for _, po := range s.POS.State().PurchaseOrders {
		if po.ExternalReference == id && !po.Voided {
			live++
		}
	}
	if live != 1 || v.State != "awaiting_fulfilment" {
		t.Fatalf("got %d purchase orders in state %s; want one, awaiting fulfilment", live, v.State)
	}
	s.keep(t, "purchase-open", id)
	s.post(t, "quick", o.Accepted(time.Now()).Canceled(time.Now().Add(2*time.Second)), "buyer", "order_canceled")
	s.await(t, id, "taken back", func(v view) bool { return v.State == "cancelled" && v.POS.PurchaseOrder == "" })
	s.awaitClosed(t, id)
	s.keep(t, "purchase-cancelled", id)
}

func TestDuplicatesHaveNoSecondEffect(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	contentType, body := o.Webhook("seller", "order_created")
	s.TEvo.Put(o)
	first := s.postRaw(t, "tevo", contentType, body)
	for range 5 {
		if again := s.postRaw(t, "tevo", contentType, body); again != first {
			t.Errorf("a repeat is answered with id %s; want %s as the first", again, first)
		}
	}
	v := s.awaitState(t, id, "awaiting_fulfilment")
	told := 0
	for _, e := range v.Timeline {
		if e.WebhookID != "" {
			told++
		}
	}
	live, _ := s.invoices(id)
	if told != 1 || len(live) != 1 {
		t.Errorf("six deliveries of one webhook: got %d in the timeline and %d invoices; want one of each", told, len(live))
	}
}

func TestAirbillIsFetchedAndStored(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.post(t, "tevo", o, "seller", "order_created")
	s.post(t, "tevo", o.AirbillUploaded(time.Now().Add(time.Second)), "seller", "airbill_uploaded")
	s.await(t, id, "with its airbill stored", func(v view) bool {
		for _, e := range v.Timeline {
			if strings.HasPrefix(e.What, "airbill:"+o.ShipmentID+"/1 done") {
				return true
			}
		}
		return false
	})
	s.awaitState(t, id, "awaiting_fulfilment")
	s.keep(t, "airbill-open", id)
}

func TestAForgedOrderIsNotWritten(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:careful:" + o.GroupID
	contentType, body := o.Webhook("seller", "order_created")
	s.postRaw(t, "careful", contentType, body) // the provider has never heard of it
	s.awaitAttention(t, id, "step_not_found")
	if live, _ := s.invoices(id); len(live) != 0 {
		t.Error("an order that the provider does not know was invoiced")
	}
	s.keep(t, "confirm-not-found-open", id)
	honest := sim.OfficeSale(s.fresh()).At(time.Now())
	told := honest
	told.Items = []sim.TEvoItem{{RemoteID: honest.Items[0].RemoteID, OrderItemID: honest.Items[0].OrderItemID, Quantity: 9, PriceMinor: 1}}
	s.TEvo.Put(honest.Updated(time.Now().Add(time.Second)))
	contentType, body = told.Webhook("seller", "order_created")
	s.postRaw(t, "careful", contentType, body)
	v := s.awaitState(t, "order:careful:"+honest.GroupID, "awaiting_fulfilment")
	if v.Amount != honest.AmountMinor() {
		t.Errorf("invoiced %d cents as an unsigned webhook said; want %d as the provider says", v.Amount, honest.AmountMinor())
	}
	s.keep(t, "confirmed-open", "order:careful:"+honest.GroupID)
}
