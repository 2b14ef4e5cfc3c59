package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"willcall/dev/stack"
	"willcall/sim"
	"willcall/workflows"
)

// duplicate is a reference with several live records as the operators' API shows it.
type duplicate struct {
	Reference, Kind string
	Live            int
	IDs             []string
	OrderNames      string     `json:"order_names"`
	GoneAt          *time.Time `json:"gone_at"`
}

// duplicates waits until the source's look for duplicates, which it makes run now, leaves the reference as wanted.
func (s *site) duplicates(t *testing.T, source, reference, what string, want func(duplicate) bool) (d duplicate) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	schedule := s.temporal.ScheduleClient().GetHandle(ctx, workflows.DuplicatesID(source))
	if err := until(20*time.Second, func() error {
		return schedule.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL})
	}); err != nil {
		t.Fatalf("the schedule of the look for duplicates: %v", err)
	}
	if err := until(90*time.Second, func() error {
		var list struct{ Items []duplicate }
		if err := s.get("/v1/duplicates?gone=1&limit=500&source="+source, &list); err != nil {
			return err
		}
		i := slices.IndexFunc(list.Items, func(d duplicate) bool { return d.Reference == reference })
		if i < 0 {
			return fmt.Errorf("of %d listed none is of %s", len(list.Items), reference)
		}
		if d = list.Items[i]; !want(d) {
			return fmt.Errorf("got %+v", d)
		}
		return nil
	}); err != nil {
		t.Fatalf("%s is not %s: %v", reference, what, err)
	}
	return d
}

// TestDuplicateIsListedUntilAPersonVoidsIt: the POS books one sale twice.
func TestDuplicateIsListedUntilAPersonVoidsIt(t *testing.T) {
	s := setup(t)
	o := sim.OfficeSale(s.fresh()).At(time.Now())
	id := "order:tevo:" + o.GroupID
	s.faults(t, sim.Faults{Faults: []sim.Fault{{Method: http.MethodPost, Path: "/v1/invoices", Kind: sim.FaultDouble, Count: 1}}})
	s.post(t, "tevo", o, "seller", "order_created")
	s.awaitAttention(t, id, "step_duplicate")
	s.faults(t, sim.Faults{})
	live, _ := s.invoices(id)
	if len(live) != 2 {
		t.Fatalf("got %+v; want the sale booked twice", live)
	}
	writes := len(s.POS.State().Invoices)
	d := s.duplicates(t, "tevo", id, "listed", func(d duplicate) bool { return d.GoneAt == nil })
	if d.Kind != "invoice" || d.Live != 2 || !slices.Contains(d.IDs, live[0].ID) || !slices.Contains(d.IDs, live[1].ID) {
		t.Errorf("got %+v; want the invoices %s and %s", d, live[0].ID, live[1].ID)
	}
	if metrics := s.metrics(t); !strings.Contains(metrics, `willcall_pos_duplicates{source="tevo"} `) || strings.Contains(metrics, `willcall_pos_duplicates{source="tevo"} 0`) {
		t.Error("willcall_pos_duplicates does not count it")
	}
	if live, voided := s.invoices(id); len(live) != 2 || len(voided) != 0 || len(s.POS.State().Invoices) != writes {
		t.Errorf("got %d live, %d voided; want the POS as it was", len(live), len(voided))
	}

	s.voidByHand(t, live[1].ID)
	if err := s.order(t, id, "retry", ""); err != nil {
		t.Fatal(err)
	}
	if v := s.awaitState(t, id, "awaiting_fulfilment"); v.POS.Invoice != live[0].ID {
		t.Errorf("the order names invoice %s; want %s", v.POS.Invoice, live[0].ID)
	}
	if d := s.duplicates(t, "tevo", id, "gone", func(d duplicate) bool { return d.GoneAt != nil }); d.OrderNames != live[0].ID {
		t.Errorf("got %+v; want the order's invoice %s named", d, live[0].ID)
	}
	if err := until(20*time.Second, func() error { return s.keepNewest(t, workflows.DuplicatesWorkflow, "found") }); err != nil {
		t.Error(err)
	}
}

// voidByHand voids an invoice as a person does in the POS.
func (s *site) voidByHand(t *testing.T, id string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.POSURL+"/v1/invoices/"+id+"/void", strings.NewReader(`{"restock": true, "reason": "booked twice"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+stack.POSToken)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", "by-hand-"+id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("void by hand: got %s; want it void", resp.Status)
	}
}

func (s *site) metrics(t *testing.T) string {
	t.Helper()
	resp, err := http.Get("http://" + s.operator + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
