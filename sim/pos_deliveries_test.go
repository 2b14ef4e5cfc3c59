package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPOSDeliveriesAndEvents(t *testing.T) {
	t.Parallel()
	var events []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header
		want := standardSignature("whsec_c2FtcGxlLXNlY3JldC1vZi0zMi1ieXRlcy1sZW5ndGg=", h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
		if h.Get("webhook-signature") != want || !strings.HasPrefix(h.Get("webhook-id"), "evt_") {
			t.Errorf("headers: got %v; want them signed", h)
		}
		events = append(events, string(body))
	}))
	t.Cleanup(receiver.Close)
	p := NewPOS(POSOptions{Token: "t"})
	p.SetEvents(POSEvents{URL: receiver.URL, Secret: "whsec_c2FtcGxlLXNlY3JldC1vZi0zMi1ieXRlcy1sZW5ndGg="})
	inv := p.Sell("ord", "Ada Sample", POSInvoiceLine{Total: POSMoney{Amount: "1.00", Currency: "USD"}})
	ask := func(method, path, body string) (int, string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer t")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/admin/invoices/" + inv.ID + "/deliveries", `{"items":[{"form":"file","name":"t.pdf","media_type":"application/pdf","content":"JVBERg=="},{"form":"will_call"}]}`, 204},
		{"/admin/invoices/nobody/deliveries", `{"items":[]}`, 404},
		{"/admin/invoices/" + inv.ID + "/deliveries", `{"items":1}`, 400},
		{"/admin/invoices/" + inv.ID + "/void", `{"reason":"a person"}`, 204},
		{"/admin/invoices/" + inv.ID + "/void", `{"reason":"a person"}`, 204},
		{"/admin/invoices/nobody/void", `{"reason":"a person"}`, 404},
	} {
		if status, _ := ask("PUT", c.path, c.body); status != c.status {
			t.Errorf("PUT %s %s: got %d; want %d", c.path, c.body, status, c.status)
		}
	}
	if status, body := ask("GET", "/v1/invoices/"+inv.ID+"/deliveries", ""); status != 200 ||
		body != `{"items":[{"form":"file","name":"t.pdf","media_type":"application/pdf","content":"JVBERg=="},{"form":"will_call"}]}` {
		t.Errorf("deliveries: got %d %s", status, body)
	}
	if _, state := ask("GET", "/admin/state", ""); !strings.Contains(state, `"deliveries":["t.pdf","will_call"]`) || strings.Contains(state, "JVBERg") {
		t.Errorf("state: got %s; want the deliveries' names, and no file", state)
	}
	if len(events) != 2 {
		t.Fatalf("events: got %v; want two, for what a person did to an invoice that was live", events)
	}
	for i, want := range []string{"invoice.deliveries_changed", "invoice.voided"} {
		var e struct {
			Type, Timestamp string
			Data            map[string]string
		}
		if err := json.Unmarshal([]byte(events[i]), &e); err != nil || e.Type != want || e.Timestamp == "" ||
			e.Data["invoice_id"] != inv.ID || e.Data["external_reference"] != "ord" || len(e.Data) != 2 {
			t.Errorf("event: got %s, %v; want %s of %s", events[i], err, want, inv.ID)
		}
	}
}
