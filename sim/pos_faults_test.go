package sim

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPOSFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault    Fault
		answered bool
		status   int
		invoices int // after the first call
		outcome  string
		retry    string // outcome of the same call again
	}{
		{Fault{Kind: FaultLostAnswer}, false, 0, 1, "created", "replayed"},
		{Fault{Kind: FaultRefuseBefore}, false, 0, 0, "fault: refuse_before", "created"},
		{Fault{Kind: FaultHang, Delay: time.Millisecond}, false, 0, 0, "fault: hang", "created"},
		{Fault{Kind: FaultDelay, Delay: time.Millisecond}, true, 201, 1, "created", "replayed"},
		{Fault{Kind: FaultStatus, Status: 429, RetryAfter: "2"}, true, 429, 0, "fault: status", "created"},
		{Fault{Kind: FaultStatus, Status: 500}, true, 500, 0, "fault: status", "created"},
		{Fault{Kind: FaultSeatsGone}, true, 409, 0, "refused: inventory-unavailable", "created"},
		{Fault{Kind: FaultDouble}, true, 201, 2, "doubled", "replayed"},
	} {
		t.Run(c.fault.Kind, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, POSOptions{})
			c.fault.Method, c.fault.Path, c.fault.Count = "POST", "/v1/invoices", 1
			if err := s.SetFaults(Faults{Faults: []Fault{c.fault}}); err != nil {
				t.Fatal(err)
			}
			status, _, err := s.try("POST", "/v1/invoices", "k", sale("r"))
			if (err == nil) != c.answered || status != c.status {
				t.Errorf("got status %d, error %v; want %d, an answer: %v", status, err, c.status, c.answered)
			}
			if got := len(s.State().Invoices); got != c.invoices {
				t.Errorf("got %d invoices; want %d", got, c.invoices)
			}
			if status, _ := s.post("k", "/v1/invoices", sale("r")); status != 201 {
				t.Errorf("again: got %d; want 201", status)
			}
			if got, want := s.outcomes(), c.outcome+", "+c.retry; got != want {
				t.Errorf("log: got %s; want %s", got, want)
			}
			if got := s.Log()[1].Answered; got != c.answered {
				t.Errorf("log: answered: got %v; want %v", got, c.answered)
			}
		})
	}
}

func TestFaultsHitWhatTheyName(t *testing.T) {
	t.Parallel()
	f := Fault{Method: "post", Path: "/v1/invoices*"}
	for call, want := range map[[2]string]bool{
		{"POST", "/v1/invoices"}: true, {"POST", "/v1/invoices/1"}: true, {"GET", "/v1/invoices"}: false, {"POST", "/v1/customers"}: false,
	} {
		if got := f.matches(call[0], call[1]); got != want {
			t.Errorf("%v: got %v; want %v", call, got, want)
		}
	}
	if (Fault{Path: "/v1/invoices"}).matches("GET", "/v1/invoices/1") {
		t.Error("a path without * matched a longer one")
	}
	if !(Fault{}).matches("PUT", "/anything") {
		t.Error("an empty fault does not match everything")
	}
}

func TestHangEndsWhenTheClientLeaves(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	if err := s.SetFaults(Faults{Faults: []Fault{{Kind: FaultHang, Method: "POST"}}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "POST", s.srv.URL+"/v1/invoices", strings.NewReader(sale("r")))
	req.Header.Set("Authorization", "Bearer "+testToken)
	req.Header.Set("Idempotency-Key", "k")
	gone := make(chan error, 1)
	go func() { _, err := s.srv.Client().Do(req); gone <- err }()
	for len(s.keyNames()) < 2 { // until the request holds its key
		runtime.Gosched()
	}
	cancel()
	if err := <-gone; err == nil {
		t.Error("got an answer; want none")
	}
	s.srv.Close() // waits for the handler
	if got := s.keyNames(); len(got) != 1 {
		t.Errorf("keys: got %v; want that of the hanging request given up", got)
	}
}

func (p *POS) keyNames() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.keys {
		names = append(names, k)
	}
	return names
}

func TestDownRefusesEverythingButAdmin(t *testing.T) {
	t.Parallel()
	s := newShop(t, POSOptions{})
	if status, _ := s.do("PUT", "/admin/faults", "", `{"down":true}`); status != 204 {
		t.Errorf("faults: got %d; want 204", status)
	}
	for range 2 {
		if status, _, err := s.try("GET", "/v1/health", "", ""); err == nil {
			t.Errorf("got %d; want a closed connection", status)
		}
	}
	if _, state := s.get("/admin/state"); len(state["customers"].([]any)) != 1 || len(state["invoices"].([]any)) != 0 {
		t.Errorf("state: got %v; want one customer and an empty list of invoices", state)
	}
	if _, log := s.get("/admin/log"); len(log["writes"].([]any)) != 1 {
		t.Errorf("log: got %v; want one write", log)
	}
	if status, answer := s.do("PUT", "/admin/faults", "", `{"faults":[{"kind":"slow"}]}`); status != 400 || !strings.Contains(answer["error"].(string), `"slow" is unknown here`) {
		t.Errorf("unknown kind: got %d %v; want 400 and its name", status, answer)
	}
}

func TestPOSSearchLag(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := testNow
	s := newShop(t, POSOptions{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	if err := s.SetFaults(Faults{SearchLag: 500 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	_, inv := s.post("1", "/v1/invoices", sale("r"))
	count := func(path string) int {
		_, found := s.get(path)
		return len(found["items"].([]any))
	}
	if got := count("/v1/invoices?external_reference=r") + count("/v1/customers?email=ada@example.com"); got != 0 {
		t.Errorf("at once: got %d; want 0", got)
	}
	if status, _ := s.get("/v1/invoices/" + inv["id"].(string)); status != 200 {
		t.Errorf("by id: got %d; want 200", status)
	}
	mu.Lock()
	now = now.Add(500 * time.Millisecond)
	mu.Unlock()
	if got := count("/v1/invoices?external_reference=r") + count("/v1/customers?email=ada@example.com"); got != 2 {
		t.Errorf("later: got %d; want 2", got)
	}
}
