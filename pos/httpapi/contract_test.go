package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"willcall/pos"
	"willcall/pos/postest"
	"willcall/sim"
)

// document loads the contract.
func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return doc
}

func TestContractIsValidOpenAPI(t *testing.T) {
	t.Parallel()
	doc := document(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Errorf("openapi.yaml: %v", err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version: got %s; want 3.1.0", doc.OpenAPI)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Responses.Value("202") != nil {
				t.Errorf("%s %s: has a 202; nothing is answered later", method, path)
			}
			key := op.Parameters.GetByInAndName("header", "Idempotency-Key")
			if (method == http.MethodPost) != (key != nil && key.Required) {
				t.Errorf("%s %s: Idempotency-Key: got %v; want it required on POST alone", method, path, key)
			}
		}
	}
}

// TestTrafficKeepsTheContract holds client, simulator and document together: the whole suite, and by hand what
// the port does not use, run through a validator, and every operation must have succeeded at least once.
func TestTrafficKeepsTheContract(t *testing.T) {
	t.Parallel()
	v := newValidator(t)
	t.Run("Suite", func(t *testing.T) {
		postest.Run(t, func(t *testing.T) (pos.Adapter, postest.Faults) {
			client, faults, _ := simulated(t, sim.POSOptions{}, v.through(t))
			return client, faults
		})
	})
	t.Run("UnusedByThePort", func(t *testing.T) {
		client, faults, base := simulated(t, sim.POSOptions{}, v.through(t))
		send := v.sender(t, base)
		send("POST", "/v1/holds", "hold 1", `{"external_reference":"ord","inventory_id":"g1","ticket_ids":["g1-1"],"quantity":1,"expires_at":"2027-01-01T01:00:00Z"}`, 201)
		send("POST", "/v1/holds", "hold 2", `{"external_reference":"ord","inventory_id":"g1","ticket_ids":["g1-1"],"quantity":1,"expires_at":"2027-01-01T01:00:00Z"}`, 409)
		send("DELETE", "/v1/holds/none", "", "", 204)
		holds := faults.pos.State().Holds
		if len(holds) != 1 {
			t.Fatalf("holds: got %d; want 1", len(holds))
		}
		c, err := client.CreateCustomer(t.Context(), pos.Op{Key: "c"}, pos.CustomerInput{Name: "Ada Sample", Kind: pos.Retail})
		if err != nil {
			t.Fatalf("CreateCustomer: %v", err)
		}
		inv, err := client.CreateInvoice(t.Context(), pos.Op{Key: "i", Ref: "ord"}, pos.InvoiceInput{CustomerID: c.ID, Lines: []pos.InvoiceLine{
			{InventoryID: "g2", Quantity: 1, Total: pos.Money{Minor: 1, Currency: "USD"}},
		}})
		if err != nil {
			t.Fatalf("CreateInvoice: %v", err)
		}
		held, err := client.CreateInvoice(t.Context(), pos.Op{Key: "h", Ref: "held"}, pos.InvoiceInput{
			CustomerID: c.ID, HoldID: holds[0].ID, Lines: []pos.InvoiceLine{
				{InventoryID: "g1", TicketIDs: []string{"g1-1"}, Quantity: 1, Total: pos.Money{Minor: 1, Currency: "USD"}},
			}})
		if err != nil || held.HoldID != holds[0].ID {
			t.Errorf("CreateInvoice out of a hold: got hold %q, %v; want %q, no error", held.HoldID, err, holds[0].ID)
		}
		path := "/v1/invoices/" + inv.ID + "/fulfillment"
		send("PUT", path, "", `{"fulfillment":"COMPLETE","files":[{"name":"a.pdf","media_type":"application/pdf","content":"aGVsbG8="},{"name":"b.pdf","media_type":"application/pdf","url":"https://files.example.com/b.pdf"}]}`, 200)
		got, err := client.GetInvoice(t.Context(), inv.ID)
		if err != nil || got.Fulfillment != pos.Complete {
			t.Errorf("GetInvoice: got %s, %v; want COMPLETE", got.Fulfillment, err)
		}
		// The bare form of a key is the same key.
		for _, key := range []string{`"bare"`, `bare`} {
			send("POST", "/v1/customers", key, `{"name":"Ada Sample","kind":"RETAIL"}`, 201)
		}
	})
	t.Run("POSOfTheFirstEdition", func(t *testing.T) {
		_, _, base := simulated(t, sim.POSOptions{
			NoHolds: true, NoTicketUpload: true, NoDeliveries: true, NoLineVoids: true, NoPurchaseFulfillment: true,
		}, v.through(t))
		send := v.sender(t, base)
		send("GET", "/v1/capabilities", "", "", 200)
		send("GET", "/v1/invoices/i/deliveries", "", "", 501)
		send("PUT", "/v1/invoices/i/lines/void", "", `{"line_ids":["l"],"restock":true,"reason":"test"}`, 501)
		send("PUT", "/v1/purchase-orders/p/fulfillment", "", `{"fulfillment":"COMPLETE"}`, 501)
		send("POST", "/v1/holds", "h", `{"external_reference":"ord","inventory_id":"g1","quantity":1,"expires_at":"2027-01-01T01:00:00Z"}`, 501)
		send("DELETE", "/v1/holds/none", "", "", 501)
	})
	seen := v.successes()
	for path, item := range document(t).Paths.Map() {
		for method, op := range item.Operations() {
			if !seen[op.OperationID] {
				t.Errorf("%s %s (%s): no success seen", method, path, op.OperationID)
			}
		}
	}
}

// The validator must see what is wrong, or it proves nothing.
func TestValidatorRefuses(t *testing.T) {
	t.Parallel()
	v := newValidator(t)
	for _, c := range []struct {
		name               string
		method, path, body string
		header             map[string]string
		status             int
		answer             string
	}{
		{"UnknownPath", "GET", "/v1/nothing", "", nil, 200, `{}`},
		{"NoToken", "GET", "/v1/health", "", map[string]string{"Authorization": ""}, 200, `{"status":"ok"}`},
		{"NoKey", "POST", "/v1/customers", `{"name":"A","kind":"RETAIL"}`, map[string]string{"Idempotency-Key": ""}, 201, customerJSON},
		{"MalformedKey", "POST", "/v1/customers", `{"name":"A","kind":"RETAIL"}`, map[string]string{"Idempotency-Key": `"a`}, 201, customerJSON},
		{"RequestMisspelt", "POST", "/v1/customers", `{"name":"A","kind":"RETAIL","emial":""}`, nil, 201, customerJSON},
		{"RequestIncomplete", "POST", "/v1/customers", `{"kind":"RETAIL"}`, nil, 201, customerJSON},
		{"NoSuchParameter", "GET", "/v1/invoices?external_reference=a&customer=b", "", nil, 200, `{"items":[]}`},
		{"ParameterMissing", "GET", "/v1/invoices", "", nil, 200, `{"items":[]}`},
		{"AnswerIncomplete", "GET", "/v1/invoices/i", "", nil, 200, `{"id":"i"}`},
		{"AnswerWithMore", "GET", "/v1/health", "", nil, 200, `{"status":"ok","more":1}`},
		{"NumberForAmount", "GET", "/v1/capabilities", "", nil, 200, `{"sells_seats":"yes"}`},
		{"LocalTime", "GET", "/v1/customers?email=a", "", nil, 200, strings.ReplaceAll(`{"items":[`+customerJSON+`]}`, "Z", "+01:00")},
		{"UnknownStatus", "GET", "/v1/health", "", nil, 202, `{"status":"ok"}`},
		{"UnknownProblem", "GET", "/v1/invoices/i", "", nil, 404, `{"type":"urn:other","title":"t","status":404}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), c.method, "http://pos.example.com"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for k, val := range map[string]string{"Authorization": "Bearer t", "Idempotency-Key": "k", "Content-Type": "application/json"} {
				req.Header.Set(k, val)
			}
			for k, val := range c.header {
				req.Header.Del(k)
				if val != "" {
					req.Header.Set(k, val)
				}
			}
			kind := "application/json"
			if c.status >= 400 {
				kind = "application/problem+json"
			}
			resp := &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {kind}}}
			if err := v.check(t.Context(), req, []byte(c.body), resp, []byte(c.answer)); err == nil {
				t.Error("check: got no error; want one")
			}
		})
	}
}

const customerJSON = `{"id":"c","name":"A","kind":"RETAIL","created_at":"2027-01-01T00:00:00Z"}`

// validator compares traffic with the document.
type validator struct {
	doc *openapi3.T

	mu   sync.Mutex
	seen map[string]bool // operations that succeeded
}

// newValidator loads the document and forbids members that it does not name. The contract tells both sides to
// ignore those; between our client and our simulator they are misspellings.
func newValidator(t *testing.T) *validator {
	t.Helper()
	doc := document(t)
	no := false
	for _, s := range doc.Components.Schemas {
		if len(s.Value.Properties) > 0 {
			s.Value.AdditionalProperties.Has = &no
		}
	}
	return &validator{doc: doc, seen: map[string]bool{}}
}

func (v *validator) successes() map[string]bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.seen)
}

func (v *validator) through(t *testing.T) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper { return watching{v, t, next} }
}

// sender makes requests by hand.
func (v *validator) sender(t *testing.T, base string) func(method, path, key, body string, want int) {
	h := &http.Client{Transport: watching{v, t, http.DefaultTransport}}
	return func(method, path, key, body string, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		if key != "" && !strings.Contains(key, `"`) && strings.Contains(key, " ") {
			key = `"` + key + `"`
		}
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		resp, err := h.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s %s: got %d; want %d", method, path, resp.StatusCode, want)
		}
	}
}

type watching struct {
	*validator
	t    *testing.T
	next http.RoundTripper
}

func (w watching) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		if err := w.check(context.Background(), req, sent, nil, nil); err != nil {
			w.t.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
		}
		return nil, err
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	if err := w.check(context.Background(), req, sent, resp, got); err != nil {
		w.t.Errorf("%s %s: %d: %v", req.Method, req.URL.Path, resp.StatusCode, err)
	}
	return resp, nil
}

// check validates a request and, if there was one, its answer.
func (v *validator) check(ctx context.Context, req *http.Request, sent []byte, resp *http.Response, got []byte) error {
	route, params := v.route(req)
	if route == nil {
		return fmt.Errorf("the document has no such operation")
	}
	for name := range req.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("the document has no parameter %s here", name)
		}
	}
	copied := req.Clone(ctx)
	copied.Body = io.NopCloser(bytes.NewReader(sent))
	if len(sent) == 0 {
		copied.Body = nil
	}
	in := &openapi3filter.RequestValidationInput{
		Request: copied, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			RejectWhenRequestBodyNotSpecified: true,
			IncludeResponseStatus:             !bytes.Contains(got, []byte("a fault that was asked for")),
			AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
				if !strings.HasPrefix(in.RequestValidationInput.Request.Header.Get("Authorization"), "Bearer ") {
					return in.NewError(fmt.Errorf("no bearer token"))
				}
				return nil
			},
		},
	}
	// Requests that are wrong on purpose are answered 4xx; only what the POS accepts must be right.
	if err := openapi3filter.ValidateRequest(ctx, in); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	if resp == nil {
		return nil
	}
	if err := openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header,
		Body: io.NopCloser(bytes.NewReader(got)), Options: in.Options,
	}); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if resp.StatusCode < 300 {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.seen[route.Operation.OperationID] = true
	}
	return nil
}

// route finds the operation of a request by the path's segments as they were sent: an escaped slash is data.
func (v *validator) route(req *http.Request) (*routers.Route, map[string]string) {
	sent := strings.Split(req.URL.EscapedPath(), "/")
	for path, item := range v.doc.Paths.Map() {
		params := map[string]string{}
		fits := slices.EqualFunc(strings.Split(path, "/"), sent, func(template, got string) bool {
			name, ok := strings.CutPrefix(template, "{")
			if !ok {
				return template == got
			}
			plain, err := url.PathUnescape(got)
			params[strings.TrimSuffix(name, "}")] = plain
			return err == nil
		})
		if op := item.GetOperation(req.Method); fits && op != nil {
			return &routers.Route{Spec: v.doc, Path: path, PathItem: item, Method: req.Method, Operation: op}, params
		}
	}
	return nil, nil
}
