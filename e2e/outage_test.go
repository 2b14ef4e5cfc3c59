package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"willcall/sim"
	"willcall/workflows"
)

func TestTemporalIsDownWhileWebhooksArrive(t *testing.T) {
	s := setup(t)
	if err := s.Temporal.Kill(); err != nil {
		t.Fatal(err)
	}
	var orders []sim.TEvoOrder
	for range 20 {
		o := sim.OfficeSale(s.fresh()).At(time.Now())
		s.post(t, "tevo", o, "seller", "order_created")
		orders = append(orders, o)
	}
	if err := s.Temporal.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, o := range orders {
		id := "order:tevo:" + o.GroupID
		s.awaitState(t, id, "awaiting_fulfilment")
		if live, _ := s.invoices(id); len(live) != 1 {
			t.Errorf("order %s: got %d invoices; want one", id, len(live))
		}
	}
}

func TestWorkerIsKilledBetweenThePOSAndTheResult(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	// The POS writes and then never answers: the worker dies waiting.
	s.faults(t, sim.Faults{Faults: []sim.Fault{{Method: "POST", Path: "/v1/invoices", Kind: sim.FaultLostAnswer, Count: 1}, {Method: "GET", Path: "/v1/invoices", Kind: sim.FaultHang}}})
	s.post(t, "tevo", o, "seller", "order_created")
	if err := until(30*time.Second, func() error {
		if live, _ := s.invoices(id); len(live) != 1 {
			return fmt.Errorf("%d invoices", len(live))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.worker.kill(); err != nil {
		t.Fatal(err)
	}
	s.faults(t, sim.Faults{})
	if err := s.worker.start(); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, id, "awaiting_fulfilment")
	if live, voided := s.invoices(id); len(live) != 1 || len(voided) != 0 {
		t.Errorf("got %d live and %d voided invoices; want exactly one", len(live), len(voided))
	}
	s.keep(t, "worker-killed-open", id)
}

func TestReadsAnswerWithEveryWorkerStopped(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.post(t, "tevo", o, "seller", "order_created")
	s.awaitState(t, id, "awaiting_fulfilment")
	if err := s.worker.stop(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.worker.start(); err != nil {
			t.Error(err)
		}
	}()
	var v view
	if err := s.get("/v1/orders/"+id, &v); err != nil || v.State != "awaiting_fulfilment" {
		t.Errorf("got %s %v; want the order", v.State, err)
	}
	waiting := sim.OfficeSale(s.fresh()).At(time.Now())
	s.post(t, "tevo", waiting, "seller", "order_created") // taken all the same
}

func TestWebhookdIsKilledAndForwardsWhatItHadTaken(t *testing.T) {
	s := setup(t)
	if err := s.Temporal.Kill(); err != nil { // so that nothing is forwarded before the kill
		t.Fatal(err)
	}
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	s.post(t, "tevo", o, "seller", "order_created")
	if err := s.webhookd.kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Temporal.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.webhookd.start(); err != nil {
		t.Fatal(err)
	}
	s.awaitState(t, "order:tevo:"+o.GroupID, "awaiting_fulfilment")
}

func TestASweepFindsWhatNoWebhookTold(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now().Add(-5 * time.Minute))
	s.TEvo.Put(o)
	s.sweep(t, "careful")
	s.awaitState(t, "order:careful:"+o.GroupID, "awaiting_fulfilment")
	if err := until(20*time.Second, func() error { return s.keepNewest(t, workflows.SweepWorkflow, "polled") }); err != nil {
		t.Error(err)
	}
}

// sweep makes the source's sweep run now.
func (s *site) sweep(t *testing.T, source string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	schedule := s.temporal.ScheduleClient().GetHandle(ctx, "sweep:"+source)
	if err := until(20*time.Second, func() error {
		return schedule.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL})
	}); err != nil {
		t.Fatalf("the sweep's schedule: %v", err)
	}
}
