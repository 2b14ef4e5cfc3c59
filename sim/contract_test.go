package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"

	"willcall/sim"
)

// TestPOSSpeaksThePublishedContract sends one request after the other and holds every answer against the published
// document, so that simulator and document cannot drift apart. Requests that are meant to be right are held against it
// too.
func TestPOSSpeaksThePublishedContract(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile("../pos/httpapi/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	pos := sim.NewPOS(sim.POSOptions{Token: "t", Strict: true, Inventory: []sim.POSGroup{
		{ID: "seated", EventName: "The Sample Play", Section: "A", Row: "T", Seats: []string{"1", "2", "3", "4"}},
		{ID: "counted", EventName: "The Sample Play", Section: "GA", Quantity: 4},
	}})
	srv := httptest.NewServer(pos)
	t.Cleanup(srv.Close)
	doc.Servers = openapi3.Servers{{URL: srv.URL}}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}

	const line = `"lines":[{"inventory_id":"counted","quantity":1,"total":{"amount":"10.00","currency":"USD"}}]`
	const bought = `"lines":[{"event":{"name":"The Sample Play"},"section":"A","row":"T","quantity":1,"total":{"amount":"180","currency":"JPY"}}]`
	covered := map[string]bool{}
	for i, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/v1/health", "", 200},
		{"GET", "/v1/capabilities", "", 200},
		{"GET", "/v1/inventory/seated", "", 200},
		{"GET", "/v1/inventory/counted", "", 200},
		{"GET", "/v1/inventory/nothing", "", 404},
		{"POST", "/v1/customers", `{"name":"Ada Sample","email":"ada@example.com","kind":"RETAIL"}`, 201},
		{"POST", "/v1/customers", `{"name":"Ada Sample","kind":"KING"}`, 400},
		{"GET", "/v1/customers?email=ada@example.com", "", 200},
		{"PUT", "/v1/customers/cust_1", `{"name":"Ada Newname","email":"ada.newname@example.com","kind":"RETAIL"}`, 200},
		{"PUT", "/v1/customers/cust_1", `{"name":"","kind":"RETAIL"}`, 400},
		{"PUT", "/v1/customers/nobody", `{"name":"Ada Newname","kind":"RETAIL"}`, 404},
		{"GET", "/v1/customers", "", 400},
		{"POST", "/v1/holds", `{"external_reference":"h","inventory_id":"seated","quantity":2,"expires_at":"2099-01-01T00:00:00Z"}`, 201},
		{"POST", "/v1/holds", `{"external_reference":"h","inventory_id":"seated","quantity":9,"expires_at":"2099-01-01T00:00:00Z"}`, 409},
		{"DELETE", "/v1/holds/never-there", "", 204},
		{"POST", "/v1/invoices", `{"external_reference":"r1","customer_id":"cust_1","hold_id":"hold_2","lines":[{"inventory_id":"seated","quantity":2,"total":{"amount":"240.00","currency":"USD"}}]}`, 201},
		{"POST", "/v1/invoices", `{"external_reference":"r1","customer_id":"cust_1",` + line + `}`, 409},
		{"POST", "/v1/invoices", `{"external_reference":"r2","customer_id":"nobody",` + line + `}`, 404},
		{"POST", "/v1/invoices", `{"external_reference":"r2","customer_id":"cust_1","lines":[]}`, 400},
		{"GET", "/v1/invoices?external_reference=r1", "", 200},
		{"GET", "/v1/invoices", "", 400},
		{"GET", "/v1/invoices/inv_3", "", 200},
		{"GET", "/v1/invoices/inv_99", "", 404},
		{"PUT", "/v1/invoices/inv_3/fulfillment", `{"fulfillment":"COMPLETE","files":[{"name":"t.pdf","media_type":"application/pdf","content":"JVBERg=="}]}`, 200},
		{"GET", "/v1/invoices/inv_3/deliveries", "", 200},
		{"GET", "/v1/invoices/inv_99/deliveries", "", 404},
		{"PUT", "/v1/invoices/inv_3/lines/void", `{"line_ids":["inv_3_9"],"restock":true,"reason":"cancelled"}`, 404},
		{"PUT", "/v1/invoices/inv_3/lines/void", `{"line_ids":[],"restock":true,"reason":"cancelled"}`, 400},
		{"PUT", "/v1/invoices/inv_3/lines/void", `{"line_ids":["inv_3_1"],"restock":true,"reason":"cancelled"}`, 200},
		{"PUT", "/v1/invoices/inv_3/void", `{"restock":true,"reason":"cancelled"}`, 200},
		{"PUT", "/v1/invoices/inv_3/fulfillment", `{"fulfillment":"COMPLETE"}`, 400},
		{"PUT", "/v1/invoices/inv_99/void", `{"restock":true,"reason":"cancelled"}`, 404},
		{"POST", "/v1/purchase-orders", `{"external_reference":"p1","vendor":{"name":"Sample Tickets"},` + bought + `}`, 201},
		{"POST", "/v1/purchase-orders", `{"external_reference":"p1","vendor":{"name":"Sample Tickets"},` + bought + `}`, 409},
		{"GET", "/v1/purchase-orders?external_reference=p1", "", 200},
		{"PUT", "/v1/purchase-orders/po_5/fulfillment", `{"fulfillment":"COMPLETE","files":[{"name":"t.pdf","media_type":"application/pdf","content":"JVBERg=="}]}`, 200},
		{"PUT", "/v1/purchase-orders/po_99/fulfillment", `{"fulfillment":"COMPLETE"}`, 404},
		{"PUT", "/v1/purchase-orders/po_5/void", `{"reason":"cancelled"}`, 200},
	} {
		req, _ := http.NewRequest(c.method, srv.URL+c.path, strings.NewReader(c.body))
		req.Header.Set("Authorization", "Bearer t")
		if c.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		if c.method == http.MethodPost {
			req.Header.Set("Idempotency-Key", fmt.Sprintf(`"key/%d"`, i))
		}
		route, params, err := router.FindRoute(req)
		if err != nil {
			t.Errorf("%s %s is not in the contract: %v", c.method, c.path, err)
			continue
		}
		covered[route.Method+" "+route.Path] = true
		input := &openapi3filter.RequestValidationInput{
			Request: req, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
		}
		if c.status < 400 {
			if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
				t.Errorf("%s %s: the request is outside the contract: %v", c.method, c.path, err)
			}
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s %s: got status %d; want %d: %s", c.method, c.path, resp.StatusCode, c.status, body)
		}
		err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: input.Options,
			Body: io.NopCloser(strings.NewReader(string(body))),
		})
		if err != nil {
			t.Errorf("%s %s: the answer is outside the contract: %v\n%s", c.method, c.path, err, body)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !covered[method+" "+path] {
				t.Errorf("no request tries %s %s of the contract", method, path)
			}
		}
	}
}
