package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// coreAPI is a TEvoCore that is called as a client would, without a network.
type coreAPI struct {
	*TEvoCore
	t *testing.T
}

const coreOffice = ourOfficeID

func newCore(t *testing.T, opts TEvoCoreOptions) coreAPI {
	t.Helper()
	opts.Token, opts.Secret = testToken, testSecret
	if opts.Now == nil {
		opts.Now = func() time.Time { return testNow }
	}
	if opts.Groups == nil {
		opts.Groups = []TEvoCoreGroup{{ID: "11", Event: TEvoCoreEvent{ID: "9", Name: "The Sample Play", StartsAt: testNow}, Section: "A", Row: "1", Quantity: 4}}
	}
	opts.Offices = map[string]string{"77": "Sample Tickets"}
	opts.Strict = true
	return coreAPI{TEvoCore: NewTEvoCore(opts), t: t}
}

// call makes a signed request and returns status and decoded answer.
func (c coreAPI) call(method, path string, query url.Values, body any) (int, map[string]any) {
	c.t.Helper()
	var raw []byte
	tail := query.Encode()
	if body != nil {
		raw = mustJSON(c.t, body)
		tail = string(raw)
	}
	r := httptest.NewRequest(method, "http://core.example.com"+path, bytes.NewReader(raw))
	r.URL.RawQuery = query.Encode()
	r.Header.Set("X-Token", testToken)
	r.Header.Set("X-Signature", tevoSignature(testSecret, method, "core.example.com", path, tail))
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	var v map[string]any
	dec := json.NewDecoder(w.Body)
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil && err != io.EOF {
		c.t.Fatalf("%s %s: the answer is no JSON: %v", method, path, err)
	}
	return w.Code, v
}

// want is call for one status.
func (c coreAPI) want(status int, method, path string, body any) map[string]any {
	c.t.Helper()
	got, v := c.call(method, path, nil, body)
	if got != status {
		c.t.Fatalf("%s %s: got %d %v; want %d", method, path, got, v, status)
	}
	return v
}

func (c coreAPI) newClient() string {
	c.t.Helper()
	v := c.want(200, "POST", "/v9/clients", object{"clients": []any{object{
		"name": "Ida Invented", "email_addresses": []any{object{"address": "ida@example.com"}}, "phone_numbers": []any{object{"number": "201-555-0101"}},
	}}})
	return v["clients"].([]any)[0].(object)["id"].(string)
}

func coreSale(client, ref string, quantity int) object {
	return object{"orders": []any{object{
		"client_id": json.Number(client), "seller_id": json.Number(coreOffice), "seller_reference_number": ref,
		"shipped_items": []any{object{"type": "TBD", "items": []any{
			object{"ticket_group_id": 11, "quantity": quantity, "price": json.Number("120.50")},
		}}},
	}}}
}

func (c coreAPI) sell(ref string) (id string, order object) {
	c.t.Helper()
	v := c.want(200, "POST", "/v9/orders", coreSale(c.newClient(), ref, 2))
	order = v["orders"].([]any)[0].(object)
	return fmt.Sprint(order["id"]), order
}

func review() object { return object{"reviewer_id": 5, "reason": "Other"} }

// TestTEvoCoreTakesThePublishedVectors sends the requests of Ticket Evolution's own client library, signatures and all.
func TestTEvoCoreTakesThePublishedVectors(t *testing.T) {
	t.Parallel()
	const host = "api.sandbox.ticketevolution.com"
	core := NewTEvoCore(TEvoCoreOptions{Token: "token", Secret: "/3uZ9bXNe/6rxEBmlGLvoRXrcSzRDMfyJSewhlrc"})
	for _, v := range []struct{ method, path, query, body, signature string }{
		{"GET", "/v9/test", "one=1&three=three&two=two", "", "YbwEmJL9P0hvpplEr2q2iL4Mpz+KevHUOjzgYh0ewh4="},
		{"GET", "/test", "", "", "1Ra2c8cbuw1G5Pw8BWaowDlMcxwMte8y/sL+vW2H4mY="},
		{"POST", "/test", "", `{"one":1,"two":"two","three":"three"}`, "6PMaU8JQ5kH4PZLl8agJrZRZqnn65UGcCUA80E2dTDg="},
		{"DELETE", "/test", "", "", "Mwr4Z+hveuo8ITaYwaRQ/QdxYotpw97ZH1JfJmblVQY="},
	} {
		send := func(signature, query string) int {
			r := httptest.NewRequest(v.method, "https://"+host+v.path, strings.NewReader(v.body))
			r.URL.RawQuery = query
			r.Header.Set("X-Token", "token")
			r.Header.Set("X-Signature", signature)
			w := httptest.NewRecorder()
			core.ServeHTTP(w, r)
			return w.Code
		}
		if got := send(v.signature, v.query); got != http.StatusNotFound {
			t.Errorf("%s %s: got %d; want 404, which only a right signature gets", v.method, v.path, got)
		}
		if got := send("x"+v.signature, v.query); got != http.StatusUnauthorized {
			t.Errorf("%s %s with a wrong signature: got %d; want 401", v.method, v.path, got)
		}
		if v.query != "" {
			unsorted := "two=two&one=1&three=three"
			if got := send(tevoSignature("/3uZ9bXNe/6rxEBmlGLvoRXrcSzRDMfyJSewhlrc", v.method, host, v.path, unsorted), unsorted); got != http.StatusUnauthorized {
				t.Errorf("%s %s with an unsorted query: got %d; want 401", v.method, v.path, got)
			}
		}
	}
}

func TestTEvoCoreSellsOnceUntilSoldOut(t *testing.T) {
	t.Parallel()
	c := newCore(t, TEvoCoreOptions{})
	id, order := c.sell("ord-1")
	if order["state"] != "accepted" || order["total"] != "241.0" || order["seller_reference_number"] != "ord-1" {
		t.Errorf("order: got %v; want it accepted, 241.0, with its reference", order)
	}
	c.sell("ord-2")
	v := c.want(422, "POST", "/v9/orders", coreSale(c.newClient(), "ord-3", 1))
	if errs := v["orders"].([]any)[0].(object)["errors"].(object); errs["quantity"] == nil {
		t.Errorf("refusal: got %v; want errors about the quantity", errs)
	}
	if g := c.want(200, "GET", "/v9/ticket_groups/11", nil); fmt.Sprint(g["available_quantity"]) != "0" {
		t.Errorf("group: got %v; want none available", g)
	}
	c.want(200, "POST", "/v9/orders/"+id+"/cancel", review())
	if g := c.want(200, "GET", "/v9/ticket_groups/11", nil); fmt.Sprint(g["available_quantity"]) != "2" {
		t.Errorf("group after a cancellation: got %v; want 2 available", g)
	}
	c.want(422, "POST", "/v9/orders/"+id+"/cancel", review())
	s := c.State()
	if len(s.Invoices) != 2 || !s.Invoices[0].Voided || s.Invoices[1].Voided || s.Invoices[0].ExternalReference != "ord-1" ||
		s.Invoices[0].Lines[0].Total != (POSMoney{Amount: "241.00", Currency: "USD"}) || len(s.Customers) != 3 {
		t.Errorf("state: got %+v", s)
	}
}

func TestTEvoCoreRefusesByField(t *testing.T) {
	t.Parallel()
	c := newCore(t, TEvoCoreOptions{UniqueReferences: true})
	_, _ = c.sell("taken")
	client := c.newClient()
	change := func(f func(order, item object)) object {
		b := coreSale(client, "free", 1)
		o := b["orders"].([]any)[0].(object)
		f(o, o["shipped_items"].([]any)[0].(object)["items"].([]any)[0].(object))
		return b
	}
	for field, body := range map[string]object{
		"client_id":               change(func(o, _ object) { o["client_id"] = 99999 }),
		"seller_id":               change(func(o, _ object) { delete(o, "seller_id") }),
		"seller_reference_number": change(func(o, _ object) { o["seller_reference_number"] = "taken" }),
		"ticket_group_id":         change(func(_, i object) { i["ticket_group_id"] = 12 }),
		"quantity":                change(func(_, i object) { i["quantity"] = 0 }),
		"price":                   change(func(_, i object) { i["price"] = json.Number("1.005") }),
	} {
		v := c.want(422, "POST", "/v9/orders", body)
		if errs := v["orders"].([]any)[0].(object)["errors"].(object); errs[field] == nil || len(errs) != 1 {
			t.Errorf("%s: got %v; want an error of it alone", field, errs)
		}
	}
	v := c.want(422, "POST", "/v9/clients", object{"clients": []any{object{"name": "Ida"}}})
	if errs := v["clients"].([]any)[0].(object)["errors"].(object); errs["name"] == nil {
		t.Errorf("client: got %v; want an error of the name, which has no space", errs)
	}
	if got := len(c.State().Invoices); got != 1 {
		t.Errorf("invoices: got %d; want 1", got)
	}
}

func TestTEvoCoreListsByPageDateAndType(t *testing.T) {
	t.Parallel()
	now := testNow
	c := newCore(t, TEvoCoreOptions{Now: func() time.Time { return now }, ReferenceFilter: "seller_reference_number"})
	_, _ = c.sell("ord-1")
	now = now.Add(48 * time.Hour)
	_, _ = c.sell("ord-2")
	list := func(q url.Values) string {
		t.Helper()
		status, v := c.call("GET", "/v9/orders", q, nil)
		if status != 200 {
			t.Fatalf("GET /v9/orders?%s: got %d %v", q.Encode(), status, v)
		}
		got := fmt.Sprint(v["total_entries"])
		for _, o := range v["orders"].([]any) {
			got += " " + o.(object)["seller_reference_number"].(string)
		}
		return got
	}
	for want, q := range map[string]url.Values{
		"2 ord-1 ord-2": {},
		"2 ord-1":       {"per_page": {"1"}},
		"2 ord-2":       {"page": {"2"}, "per_page": {"1"}},
		"2":             {"page": {"3"}, "per_page": {"1"}},
		"1 ord-2":       {"created_at.gte": {testNow.Add(time.Hour).Format(time.RFC3339)}},
		"0":             {"type": {"PurchaseOrder"}},
		"1 ord-1":       {"seller_reference_number": {"ord-1"}},
	} {
		if got := list(q); got != want {
			t.Errorf("GET /v9/orders?%s: got %s; want %s", q.Encode(), got, want)
		}
	}
	if err := c.SetFaults(Faults{SearchLag: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if got := list(nil); got != "1 ord-1" {
		t.Errorf("GET /v9/orders within the search lag: got %s; want 1 ord-1", got)
	}
}

func TestTEvoCoreCancellationCanBeTwoSided(t *testing.T) {
	t.Parallel()
	c := newCore(t, TEvoCoreOptions{Agree: TEvoCoreAgreeAlways})
	id, _ := c.sell("ord-1")
	c.want(422, "POST", "/v9/orders/"+id+"/cancel", object{"reviewer_id": 5, "reason": "because"})
	v := c.want(200, "POST", "/v9/orders/"+id+"/cancel", review())
	if v["state"] != "cancel_proposed" || c.State().Invoices[0].Voided {
		t.Errorf("cancel: got %v; want it proposed, and the invoice live", v["state"])
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest("POST", "/admin/orders/"+id+"/agree", nil))
	if v := c.want(200, "GET", "/v9/orders/"+id, nil); w.Code != 204 || v["state"] != "canceled_post_acceptance" || !c.State().Invoices[0].Voided {
		t.Errorf("agree: got %d, %v; want 204 and canceled_post_acceptance", w.Code, v["state"])
	}
	if err := c.Agree(id); err == nil {
		t.Error("Agree again: got no error; want one")
	}
	outcomes := ""
	for _, w := range c.Log() {
		outcomes += w.Outcome + ","
	}
	if outcomes != "created,created,refused: 422,proposed," {
		t.Errorf("log: got %s", outcomes)
	}
	// A return needs nobody.
	id, _ = c.sell("ord-2")
	v = c.want(200, "POST", "/v9/orders/"+id+"/return", object{"amount": 0, "cancel_order": true, "reviewer_id": 5, "reason": "Other", "notes": "the buyer wrote"})
	if v["state"] != "canceled_post_acceptance" || v["seller_cancellation_notes"] != "the buyer wrote" {
		t.Errorf("return: got %v, %v; want it cancelled, with notes", v["state"], v["seller_cancellation_notes"])
	}
}

func TestTEvoCorePurchaseBringsInventory(t *testing.T) {
	t.Parallel()
	c := newCore(t, TEvoCoreOptions{})
	v := c.want(200, "GET", "/v9/events/search", nil)
	if len(v["events"].([]any)) != 1 {
		t.Errorf("events: got %v; want one", v["events"])
	}
	order := object{
		"is_purchase": true, "seller_id": 77, "buyer_id": json.Number(coreOffice), "seller_reference_number": "po-1",
		"shipped_items": []any{object{"type": "TBD", "items": []any{object{
			"quantity": 2, "price": 90, "low_seat": 9, "seat_order": "odd_even",
			"ticket_group": object{"event_id": 9, "section": "B", "row": "T", "quantity": 2},
		}}}},
	}
	made := c.want(200, "POST", "/v9/orders", object{"orders": []any{order}})["orders"].([]any)[0].(object)
	group := made["items"].([]any)[0].(object)["ticket_group"].(object)
	if fmt.Sprint(group["seats"]) != "[9 11]" || made["isPO"] != true {
		t.Errorf("purchase: got seats %v, isPO %v; want 9 and 11, true", group["seats"], made["isPO"])
	}
	if g := c.want(200, "GET", "/v9/ticket_groups/"+group["id"].(string), nil); fmt.Sprint(g["available_quantity"]) != "2" {
		t.Errorf("group: got %v; want two available", g)
	}
	s := c.State()
	if len(s.PurchaseOrders) != 1 || s.PurchaseOrders[0].Vendor.Name != "Sample Tickets" || s.PurchaseOrders[0].ExternalReference != "po-1" || len(s.Invoices) != 0 {
		t.Errorf("state: got %+v", s)
	}
	c.want(200, "POST", fmt.Sprintf("/v9/orders/%v/cancel", made["id"]), review())
	if s := c.State(); !s.PurchaseOrders[0].Voided {
		t.Error("purchase: not void after its cancellation")
	}
	order["shipped_items"].([]any)[0].(object)["items"].([]any)[0].(object)["seat_order"] = ""
	c.want(422, "POST", "/v9/orders", object{"orders": []any{order}})
}

func TestTEvoCoreDelivers(t *testing.T) {
	t.Parallel()
	file := base64.StdEncoding.EncodeToString(tinyPDF("ticket"))
	c := newCore(t, TEvoCoreOptions{PrintJSON: true, Groups: []TEvoCoreGroup{{ID: "11", Event: TEvoCoreEvent{Name: "The Sample Play"}, Quantity: 100}}})
	completed := func(id string) {
		t.Helper()
		if v := c.want(200, "GET", "/v9/orders/"+id, nil); v["state"] != "completed" {
			t.Errorf("order: got %v; want it completed", v["state"])
		}
	}
	id, order := c.sell("one pdf")
	item := order["items"].([]any)[0].(object)
	c.want(422, "POST", "/v9/orders/"+id+"/deliver_etickets", object{"etickets": []any{object{"item_id": item["id"], "eticket": file}}})
	c.want(200, "POST", "/v9/orders/"+id+"/deliver_etickets", object{"etickets": []any{object{"item_id": item["order_item_id"], "eticket": file}}})
	completed(id)

	id, order = c.sell("pages")
	item = order["items"].([]any)[0].(object)
	path := fmt.Sprintf("/v9/orders/%s/items/%v/", id, item["id"])
	c.want(200, "GET", path+"remove_etickets", nil)
	c.want(200, "POST", path+"add_etickets", object{"files": []any{file}})
	c.want(404, "GET", path+"print_etickets", nil)
	c.want(200, "GET", path+"remove_etickets", nil)
	pages := base64.StdEncoding.EncodeToString(PDF("two", "three"))
	c.want(200, "POST", path+"add_etickets", object{"files": []any{file}})
	c.want(200, "POST", path+"add_etickets", object{"files": []any{pages}})
	c.want(422, "POST", path+"finalize_etickets", object{"keep_pages": []int{1}})
	c.want(422, "POST", path+"finalize_etickets", object{"keep_pages": []int{1, 4}})
	v := c.want(200, "POST", path+"finalize_etickets", object{"keep_pages": []int{1, 3}})
	if fmt.Sprint(v["id"]) != fmt.Sprint(item["id"]) || v["eticket_finalized_at"] == nil {
		t.Errorf("finalize_etickets: got %v; want the item, with the time", v)
	}
	completed(id)
	c.want(422, "POST", path+"finalize_etickets", object{"keep_pages": []int{1, 3}})
	c.want(422, "POST", path+"add_etickets", object{"files": []any{file}})
	c.want(422, "GET", path+"remove_etickets", nil)
	c.want(422, "POST", "/v9/orders/"+id+"/complete", object{})
	printed := base64.StdEncoding.EncodeToString(PDF(
		fmt.Sprintf("page 1 of file %x", sha256.Sum256(tinyPDF("ticket"))), fmt.Sprintf("page 2 of file %x", sha256.Sum256(PDF("two", "three")))))
	for _, at := range []string{path + "print_etickets", "/v9/orders/" + id + "/print_etickets"} {
		if got := c.want(200, "GET", at, nil); got["eticket"] != printed {
			t.Errorf("GET %s: got %v; want the two pages that were kept", at, got)
		}
	}
	if got := c.State().Invoices[1]; len(got.Files) != 2 || got.Fulfillment != "COMPLETE" {
		t.Errorf("invoice: got %+v; want two files, complete", got)
	}

	id, _ = c.sell("nothing to send")
	c.want(200, "POST", "/v9/orders/"+id+"/complete", object{})
	completed(id)
	c.want(422, "POST", "/v9/orders/"+id+"/complete", object{})

	id, order = c.sell("transfer")
	ticket := order["items"].([]any)[0].(object)["tickets"].([]any)[0].(object)["id"]
	c.want(200, "PUT", fmt.Sprintf("/v9/tickets/%v", ticket), object{"eticket": file, "barcode": "123"})
	shipment := order["shipments"].([]any)[0].(object)["id"]
	c.want(422, "PUT", fmt.Sprintf("/v9/shipments/%v/complete", shipment), object{})
	fresh := c.want(200, "PUT", fmt.Sprintf("/v9/shipments/%v", shipment), object{"mobile_transfer_type": "TMMobileLink"})["id"]
	if fresh == shipment {
		t.Error("shipment: got its old id; want a new one")
	}
	c.want(422, "PUT", fmt.Sprintf("/v9/shipments/%v/complete", fresh), object{})
	c.want(200, "PUT", fmt.Sprintf("/v9/shipments/%v/complete", fresh), object{"tm_mobile_link": "https://example.com/t", "transfer_source": "TM"})
	completed(id)
}

func TestTEvoCoreLimitsAndVersions(t *testing.T) {
	t.Parallel()
	c := newCore(t, TEvoCoreOptions{PerSecond: 2, ListingsOnly: true})
	c.want(301, "GET", "/v9/ticket_groups/11", nil)
	c.want(200, "GET", "/v9/listings/11", nil)
	c.want(503, "GET", "/v9/listings/11", nil)
	for accept, want := range map[string]bool{
		"": true, "*/*": true, "application/json": true, "application/vnd.ticketevolution.api+json; version=9": true,
		"application/vnd.ticketevolution.api+json; version=8": false,
	} {
		if got := coreVersion(accept); got != want {
			t.Errorf("Accept %q: got %v; want %v", accept, got, want)
		}
	}
}

func TestTEvoCoreFaults(t *testing.T) {
	t.Parallel()
	c := newCore(t, TEvoCoreOptions{})
	set := func(kind string) {
		t.Helper()
		if err := c.SetFaults(Faults{Faults: []Fault{{Method: "POST", Path: "/v9/orders", Kind: kind, Status: 500, Count: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	client := c.newClient()
	set(FaultStatus)
	c.want(500, "POST", "/v9/orders", coreSale(client, "a", 1))
	set(FaultSeatsGone)
	c.want(422, "POST", "/v9/orders", coreSale(client, "a", 1))
	for _, want := range []string{"0", "4"} {
		if g := c.want(200, "GET", "/v9/ticket_groups/11", nil); fmt.Sprint(g["available_quantity"]) != want {
			t.Errorf("group: got %v; want %s available", g, want)
		}
	}
	set(FaultDouble)
	c.want(200, "POST", "/v9/orders", coreSale(client, "a", 1))
	if got := len(c.State().Invoices); got != 2 {
		t.Errorf("invoices: got %d; want the sale twice", got)
	}
	set(FaultLostAnswer)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("lost answer: got one")
			}
		}()
		c.call("POST", "/v9/orders", nil, coreSale(client, "b", 1))
	}()
	if got := len(c.State().Invoices); got != 3 {
		t.Errorf("invoices: got %d; want three", got)
	}
}
