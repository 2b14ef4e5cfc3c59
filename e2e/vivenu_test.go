package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"willcall/sim"
)

// vivenu delivers one webhook, signed, and returns what the door says of it.
func (s *site) vivenu(t *testing.T, source string, body []byte) (id, status string) {
	t.Helper()
	return s.taken(t, source, http.Header{"X-Vivenu-Signature": {sim.SignVivenu("e2e-vivenu-key-2", body)}}, body)
}

// purchase is a transaction that no test has used, begun a moment ago.
func (s *site) purchase() sim.VivenuTransaction {
	return sim.VivenuSale(s.fresh()).At(time.Now().Add(-time.Minute))
}

func (s *site) told(v view, what string) int {
	n := 0
	for _, e := range v.Timeline {
		if e.What == what {
			n++
		}
	}
	return n
}

func TestBoxOfficeSaleIsInvoicedPaidOnceItIsPaid(t *testing.T) {
	s := setup(t)
	tx := s.purchase().Reserved(time.Now())
	id := "order:vivenu:" + tx.ID
	s.vivenu(t, "vivenu", tx.Webhook("transaction.reservedBySystem"))
	s.awaitState(t, id, "awaiting_payment")
	s.keep(t, "vivenu-reserved-open", id)
	tx = tx.Paid("LOCAL-AWAITING", time.Now()).Complete(time.Now())
	s.vivenu(t, "vivenu", tx.Webhook("transaction.complete"))
	s.await(t, id, "told of the completion", func(v view) bool { return s.told(v, "webhook transaction.complete") == 1 })
	if v := s.awaitState(t, id, "awaiting_payment"); v.POS.Invoice != "" {
		t.Fatal("invoiced before the buyer has paid at the counter")
	}
	tx = tx.Paid("LOCAL-RECEIVED", time.Now().Add(time.Second))
	s.vivenu(t, "vivenu", tx.Webhook("transaction.complete"))
	v := s.awaitState(t, id, "fulfilled")
	live, _ := s.invoices(id)
	if len(live) != 1 || live[0].Payment != "PAID" || live[0].CustomerID != v.POS.Customer {
		t.Fatalf("got invoices %+v; want one, paid", live)
	}
	if v.Amount != tx.TicketsMinor() {
		t.Errorf("got %d cents; want %d, the sum of the tickets", v.Amount, tx.TicketsMinor())
	}
	s.keep(t, "vivenu-sale-fulfilled-open", id)
}

func TestCancelledBoxOfficeSaleLeavesNoInvoice(t *testing.T) {
	s := setup(t)
	tx := s.purchase().Complete(time.Now())
	id := "order:vivenu-quick:" + tx.ID
	s.vivenu(t, "vivenu-quick", tx.Webhook("transaction.complete"))
	s.awaitState(t, id, "fulfilled")
	gone := tx.Canceled(time.Now().Add(2 * time.Second))
	s.vivenu(t, "vivenu-quick", gone.Webhook("transaction.canceled"))
	s.await(t, id, "cancelled and undone", func(v view) bool { return v.State == "cancelled" && v.POS.Invoice == "" && v.Attention == nil })
	s.vivenu(t, "vivenu-quick", tx.Updated(time.Now().Add(4*time.Second)).Webhook("transaction.complete")) // late, and newer
	s.awaitClosed(t, id)
	if live, voided := s.invoices(id); len(live) != 0 || len(voided) != 1 {
		t.Errorf("got %d live and %d voided invoices; want none and one: a cancellation wins over whatever comes later", len(live), len(voided))
	}
	s.keep(t, "vivenu-sale-cancelled", id)
}

func TestPartOfABoxOfficeSaleIsCancelled(t *testing.T) {
	s := setup(t)
	tx := s.purchase()
	for len(tx.Tickets) < 3 {
		tx = s.purchase()
	}
	tx = tx.Complete(time.Now())
	id := "order:vivenu:" + tx.ID
	s.Vivenu.Put(tx)
	s.vivenu(t, "vivenu", tx.Webhook("transaction.complete"))
	s.awaitState(t, id, "fulfilled")
	less := tx.TicketsCanceled(time.Now().Add(time.Second), 0)
	s.Vivenu.Put(less)
	s.vivenu(t, "vivenu", less.Webhook("transaction.partiallyCanceled"))
	v := s.await(t, id, "credited for what is cancelled", func(v view) bool {
		return v.State == "fulfilled" && v.Amount == tx.TicketsMinor()-tx.Tickets[0].PriceMinor && v.POS.Invoice != ""
	})
	live, voided := s.invoices(id)
	left := 0
	for _, l := range live[0].Lines {
		if !l.Voided {
			left++
		}
	}
	if len(live) != 1 || left != len(tx.Tickets)-1 || len(voided) != 0 || live[0].ID != v.POS.Invoice {
		t.Errorf("got live %+v voided %+v; want the invoice with lines for the tickets that are left", live, voided)
	}
	s.keep(t, "vivenu-partially-cancelled-open", id)
}

func TestTransferredTicketIsUsedAndThenTheSaleIsCancelled(t *testing.T) {
	s := setup(t)
	tx := s.purchase().Complete(time.Now())
	id := "order:vivenu-quick:" + tx.ID
	s.vivenu(t, "vivenu-quick", tx.Webhook("transaction.complete"))
	s.awaitState(t, id, "fulfilled")
	moved := tx.Transferred(0, fmt.Sprintf("65f0ffff%016d", s.fresh()), time.Now().Add(time.Second))
	last := len(moved.Tickets) - 1
	s.vivenu(t, "vivenu-quick", moved.TicketWebhook(0, "ticketTransfer.transferred"))
	s.vivenu(t, "vivenu-quick", moved.TicketWebhook(0, "ticket.updated"))
	s.vivenu(t, "vivenu-quick", moved.TicketWebhook(last, "ticket.created"))
	s.vivenu(t, "vivenu-quick", moved.TicketWebhook(last, "scan.created"))
	s.await(t, id, "told of transfer and scan", func(v view) bool {
		return s.told(v, "webhook ticketTransfer.transferred") == 1 && s.told(v, "webhook scan.created") == 1
	})
	if live, voided := s.invoices(id); len(live) != 1 || len(voided) != 0 {
		t.Fatalf("got %d live and %d voided invoices; want the first one: a transfer is no cancellation", len(live), len(voided))
	}
	s.vivenu(t, "vivenu-quick", moved.Canceled(time.Now().Add(3*time.Second)).Webhook("transaction.canceled"))
	s.awaitAttention(t, id, "cancelled_after_use")
	s.keep(t, "vivenu-cancelled-after-use-open", id)
	if err := s.order(t, id, "cancel", ""); err != nil {
		t.Fatal(err)
	}
	s.await(t, id, "undone", func(v view) bool { return v.State == "cancelled" && v.POS.Invoice == "" })
}

func TestNewsOfATicketWaitsForItsOrder(t *testing.T) {
	s := setup(t)
	tx := s.purchase().Complete(time.Now())
	id := "order:vivenu:" + tx.ID
	hook, status := s.vivenu(t, "vivenu", tx.TicketWebhook(0, "scan.created"))
	if status != "parked" {
		t.Errorf("a scan of a ticket that nobody knows: got %q; want parked", status)
	}
	var row struct {
		Disposition string
		OrderID     string `json:"order_id"`
	}
	if err := s.get("/v1/webhooks/"+hook, &row); err != nil || row.Disposition != "parked" {
		t.Fatalf("got %+v %v; want it parked in the inbox", row, err)
	}
	s.vivenu(t, "vivenu", tx.Webhook("transaction.complete"))
	s.await(t, id, "told of the scan that came first", func(v view) bool { return s.told(v, "webhook scan.created") == 1 })
	if err := s.get("/v1/webhooks/"+hook, &row); err != nil || row.OrderID != id {
		t.Errorf("got %+v %v; want the webhook with its order", row, err)
	}
	s.keep(t, "vivenu-scan-first-open", id)
}

func TestNewsOfACheckoutFindsItsOrderByASweep(t *testing.T) {
	s := setup(t)
	tx := s.purchase().Complete(time.Now().Add(-5 * time.Minute))
	id := "order:vivenu:" + tx.ID
	s.Vivenu.Put(tx)
	s.vivenu(t, "vivenu", tx.Webhook("checkout.completed"))
	s.vivenu(t, "vivenu", tx.Webhook("transaction.complete"))
	s.awaitState(t, id, "fulfilled")
	s.sweep(t, "vivenu")
	s.await(t, id, "told of its checkout", func(v view) bool { return s.told(v, "webhook checkout.completed") == 1 })
}

func TestPurchaseIntentIsApprovedAndBecomesAnOrder(t *testing.T) {
	s := setup(t)
	intent := sim.VivenuRequest(s.fresh()).At(time.Now().Add(-time.Minute))
	id := "order:vivenu:purchase-intent-" + intent.ID
	s.Vivenu.PutIntent(intent)
	s.vivenu(t, "vivenu", intent.Webhook("purchaseIntent.created"))
	s.awaitState(t, id, "awaiting_approval")
	s.keep(t, "vivenu-intent-open", id)
	if err := s.order(t, id, "approve", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "awaiting_payment")
	now, _ := s.Vivenu.Intent(intent.ID)
	if now.ApprovalStatus != "approved" {
		t.Errorf("at vivenu the intent is %q; want approved", now.ApprovalStatus)
	}
	s.vivenu(t, "vivenu", now.Webhook("purchaseIntent.approved"))
	tx := now.Transaction(time.Now().Add(2 * time.Second)).Complete(time.Now().Add(3 * time.Second))
	done := now.Completed(tx.ID, time.Now().Add(3*time.Second))
	s.vivenu(t, "vivenu", done.Webhook("purchaseIntent.completed"))
	s.vivenu(t, "vivenu", tx.Webhook("transaction.complete"))
	s.awaitState(t, id, "completed")
	s.awaitState(t, "order:vivenu:"+tx.ID, "fulfilled")
	if live, _ := s.invoices(id); len(live) != 0 {
		t.Error("the intent was invoiced, and so was the order that it became")
	}
	s.keep(t, "vivenu-intent-completed-open", id)
}

func TestPurchaseIntentExpiresByItsOwnTimer(t *testing.T) {
	s := setup(t)
	intent := sim.VivenuRequest(s.fresh()).At(time.Now().Add(-time.Minute))
	intent.ExpiresAt = time.Now().Add(2 * time.Second)
	id := "order:vivenu-quick:purchase-intent-" + intent.ID
	s.vivenu(t, "vivenu-quick", intent.Webhook("purchaseIntent.created"))
	s.awaitState(t, id, "awaiting_approval")
	s.awaitState(t, id, "cancelled") // no webhook says so
	s.awaitClosed(t, id)
	s.keep(t, "vivenu-intent-expired", id)
}

func TestPurchaseIntentIsRejectedByAnOperator(t *testing.T) {
	s := setup(t)
	intent := sim.VivenuRequest(s.fresh()).At(time.Now().Add(-time.Minute))
	id := "order:vivenu:purchase-intent-" + intent.ID
	s.Vivenu.PutIntent(intent)
	s.vivenu(t, "vivenu", intent.Webhook("purchaseIntent.created"))
	s.awaitState(t, id, "awaiting_approval")
	if err := s.order(t, id, "reject", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "rejected")
	if err := until(20*time.Second, func() error {
		if now, _ := s.Vivenu.Intent(intent.ID); now.ApprovalStatus != "rejected" {
			return fmt.Errorf("at vivenu the intent is %q", now.ApprovalStatus)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s.keep(t, "vivenu-intent-rejected-open", id)
}

func TestAMovedEventReachesItsOpenOrders(t *testing.T) {
	s := setup(t)
	first := s.purchase()
	second := s.purchase()
	first.Event.ID = fmt.Sprintf("65f0eeee%016d", s.fresh())
	second.Event = first.Event
	ids := []string{"order:vivenu:" + first.ID, "order:vivenu:" + second.ID}
	first = first.Complete(time.Now())
	event := first.Event
	event.UpdatedAt = time.Now().Add(-time.Hour)
	start := time.Now().Add(30 * 24 * time.Hour).UTC().Truncate(time.Second)
	s.vivenu(t, "vivenu", event.Moved(start, time.Now().Add(-time.Hour)).Webhook("event.created", "dev")) // before there is any order of it
	s.vivenu(t, "vivenu", first.Webhook("transaction.complete"))
	s.vivenu(t, "vivenu", second.Complete(time.Now()).Webhook("transaction.complete"))
	for _, id := range ids {
		if v := s.await(t, id, "told of its event", func(v view) bool { return v.State == "fulfilled" && !v.Event.StartsAt.IsZero() }); !v.Event.StartsAt.Equal(start) || v.Attention != nil {
			t.Errorf("order %s: got event %+v, attention %v; want %s, none", id, v.Event, v.Attention, start)
		}
	}
	later := start.Add(7 * 24 * time.Hour)
	s.vivenu(t, "vivenu", event.Moved(later, time.Now().Add(time.Second)).Webhook("event.updated", "dev"))
	for _, id := range ids {
		if v := s.awaitAttention(t, id, "event_moved"); !v.Event.StartsAt.Equal(later) || !strings.Contains(v.Attention.Detail, later.Format("2006-01-02")) {
			t.Errorf("order %s: got %+v, %q; want it moved to %s", id, v.Event, v.Attention.Detail, later)
		}
		if err := s.order(t, id, "resolve", ""); err != nil {
			t.Error(err)
		}
		s.awaitState(t, id, "fulfilled")
	}
	s.keep(t, "vivenu-event-moved-open", ids[0])
	s.keepNews(t, "event-moved", "event:vivenu:"+event.ID)
	s.vivenu(t, "vivenu", event.Moved(later, time.Now().Add(3*time.Second)).Webhook("event.deleted", "dev"))
	s.awaitAttention(t, ids[1], "event_off")
}

func TestACustomersNewAddressReachesThePOS(t *testing.T) {
	s := setup(t)
	tx := s.purchase().Complete(time.Now())
	id := "order:vivenu:" + tx.ID
	s.vivenu(t, "vivenu", tx.Webhook("transaction.complete"))
	v := s.awaitState(t, id, "fulfilled")
	now := tx.WithEmail(fmt.Sprintf("moved%d@example.com", s.fresh()), time.Now().Add(time.Second))
	s.vivenu(t, "vivenu", now.Webhook("customer.updated"))
	if err := until(30*time.Second, func() error {
		for _, c := range s.POS.State().Customers {
			if c.ID == v.POS.Customer && c.Email != nil && *c.Email == now.Buyer.Email {
				return nil
			}
		}
		return fmt.Errorf("the POS does not know the new address")
	}); err != nil {
		t.Error(err)
	}
}

func TestASupportCaseAsksForAPerson(t *testing.T) {
	s := setup(t)
	tx := s.purchase().Complete(time.Now())
	id := "order:vivenu:" + tx.ID
	s.vivenu(t, "vivenu", tx.Webhook("support.assignedToSeller")) // before the order itself
	s.vivenu(t, "vivenu", tx.Webhook("transaction.complete"))
	s.awaitAttention(t, id, "support_case")
	if err := s.order(t, id, "resolve", ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "fulfilled")
	s.keep(t, "vivenu-support-case-open", id)
}

func TestEveryTypeOfVivenuIsTaken(t *testing.T) {
	s := setup(t)
	tx := s.purchase().Complete(time.Now())
	for _, typ := range sim.VivenuTypes() {
		if _, status := s.vivenu(t, "vivenu", tx.Webhook(typ)); status != "accepted" && status != "recorded" && status != "parked" {
			t.Errorf("%s: got %q; want it accepted, parked or recorded", typ, status)
		}
	}
	if code, _ := s.send(t, "vivenu", http.Header{"X-Vivenu-Signature": {sim.SignVivenu("another key", tx.Webhook("transaction.complete"))}}, tx.Webhook("transaction.complete")); code != http.StatusUnauthorized {
		t.Errorf("a wrong signature: got %d; want 401", code)
	}
	prod := tx
	prod.Mode = "prod"
	body := prod.Webhook("transaction.complete")
	if code, _ := s.send(t, "vivenu", http.Header{"X-Vivenu-Signature": {sim.SignVivenu("e2e-vivenu-key-1", body)}}, body); code != http.StatusForbidden {
		t.Errorf("a webhook of the other mode: got %d; want 403", code)
	}
}
