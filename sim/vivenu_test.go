package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// vivenuAPI is a Vivenu behind a real server, whose clock stands at testNow.
type vivenuAPI struct {
	*Vivenu
	t   *testing.T
	srv *httptest.Server
}

func newVivenuAPI(t *testing.T, opts VivenuOptions) *vivenuAPI {
	t.Helper()
	opts.APIKey = "key"
	opts.Now = func() time.Time { return testNow }
	a := &vivenuAPI{t: t, Vivenu: NewVivenu(opts)}
	a.srv = httptest.NewServer(a.Vivenu)
	t.Cleanup(a.srv.Close)
	return a
}

func (a *vivenuAPI) send(method, path, key, body string) (int, any, error) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.srv.URL+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	// No reuse of connections: net/http itself sends some requests again when a reused one breaks.
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		a.t.Fatalf("%s %s: the answer is not JSON: %v", method, path, err)
	}
	return resp.StatusCode, v, nil
}

// call wants an answer.
func (a *vivenuAPI) call(method, path, body string) (int, any) {
	a.t.Helper()
	status, v, err := a.send(method, path, "key", body)
	if err != nil {
		a.t.Fatal(err)
	}
	return status, v
}

// vivenuSamples are the document's examples, by family of types.
func vivenuSamples(t *testing.T) map[string]any {
	t.Helper()
	raw, err := os.ReadFile("testdata/vivenu_samples.json")
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// misshapen compares what we make with what the document shows: every key is there, and has the type or is null. A list may be
// empty.
func misshapen(path string, got, sample any) (wrong []string) {
	if got == nil {
		return nil
	}
	if g, w := reflect.TypeOf(got), reflect.TypeOf(sample); g != w {
		return []string{fmt.Sprintf("%s: got %v; want %v", path, g, w)}
	}
	switch s := sample.(type) {
	case map[string]any:
		for k, v := range s {
			x, there := got.(map[string]any)[k]
			if !there {
				wrong = append(wrong, path+"."+k+" is missing")
			}
			wrong = append(wrong, misshapen(path+"."+k, x, v)...)
		}
	case []any:
		if len(s) == 0 {
			return nil
		}
		for i, x := range got.([]any) {
			wrong = append(wrong, misshapen(fmt.Sprintf("%s.%d", path, i), x, s[0])...)
		}
	}
	return wrong
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestVivenuWebhooksHaveTheShapeOfTheDocument(t *testing.T) {
	t.Parallel()
	samples := vivenuSamples(t)
	if got := len(VivenuTypes()); got != 36 {
		t.Errorf("got %d types; want 36", got)
	}
	sale := VivenuSale(0).At(testNow).Reserved(testNow).Complete(testNow.Add(time.Second))
	for _, tx := range []VivenuTransaction{sale, sale.TicketsCanceled(testNow.Add(time.Minute), 0), VivenuSale(1).At(testNow)} {
		for _, typ := range VivenuTypes() {
			var hook struct {
				ID, Type, Mode string
				Data           map[string]any
			}
			body := tx.Webhook(typ)
			if err := json.Unmarshal(body, &hook); err != nil {
				t.Fatal(err)
			}
			if hook.Type != typ || hook.Mode != "dev" || !uuidForm.MatchString(hook.ID) {
				t.Errorf("%s: got id %q, type %q, mode %q", typ, hook.ID, hook.Type, hook.Mode)
			}
			family, _, _ := strings.Cut(typ, ".")
			want, _ := samples[family].(map[string]any)
			if typ == "transaction.partiallyCanceled" {
				if _, there := hook.Data["tickets"]; there {
					t.Errorf("%s: there are tickets; want none", typ)
				}
				want = map[string]any{"transaction": want["transaction"]}
			}
			for _, wrong := range misshapen(typ, hook.Data, want) {
				t.Error(wrong)
			}
			if strings.Contains(string(body), "@") && !strings.Contains(string(body), "@example.com") {
				t.Errorf("%s: an address that is not invented", typ)
			}
		}
	}
}

func TestVivenuValues(t *testing.T) {
	t.Parallel()
	later := testNow.Add(time.Hour)
	stamp := "2026-06-02T10:00:00.000Z"
	tx := VivenuTransaction{ChargeMinor: 150}.At(testNow)
	paid := tx.Reserved(testNow).Complete(testNow)
	intent := VivenuRequest(0).At(testNow)
	for _, c := range []struct {
		name string
		body map[string]any
		path string
		want any
	}{
		{"NewWaitsForPayment", tx.Body(), "paymentStatus", "AWAITING"},
		{"ReservedIsWrittenWithHyphens", tx.Reserved(later).Body(), "status", "RESERVED-BY-SYSTEM"},
		{"ReservedTicketsAreReserved", tx.Reserved(later).TicketBody(0), "status", "RESERVED"},
		{"MoneyIsANumber", tx.TicketBody(0), "realPrice", 40.5},
		{"TransactionCostsTicketsAndCharge", tx.Body(), "realPrice", 82.5},
		{"TimesHaveMilliseconds", tx.Reserved(later).Body(), "updatedAt", stamp},
		{"CompleteIsPaid", paid.Body(), "paymentStatus", "RECEIVED"},
		{"CompleteTicketsAreValid", paid.TicketBody(1), "status", "VALID"},
		{"TheCounterIsPaidLater", tx.Paid("LOCAL-AWAITING", testNow).Complete(later).Body(), "paymentStatus", "LOCAL-AWAITING"},
		{"AbortedPaysNothing", tx.Aborted(later).Body(), "paymentStatus", "CANCELED"},
		{"CanceledIsRefunded", paid.Canceled(later).Body(), "paymentStatus", "REFUND"},
		{"CanceledTicketsAreInvalid", paid.Canceled(later).TicketBody(0), "status", "INVALID"},
		{"CanceledHasAReason", paid.Canceled(later).Body(), "cancellationReason", "REQUESTED_BY_CUSTOMER"},
		{"PartiallyCanceledStaysComplete", paid.TicketsCanceled(later, 1).Body(), "status", "COMPLETE"},
		{"PartiallyCanceledTicketIsInvalid", paid.TicketsCanceled(later, 1).TicketBody(1), "status", "INVALID"},
		{"TheOtherTicketStaysValid", paid.TicketsCanceled(later, 1).TicketBody(0), "status", "VALID"},
		{"PartialCancellationHasATime", paid.TicketsCanceled(later, 1).Body(), "cancellationInfo.cancellableItems.1.cancelledAt", stamp},
		{"TheOtherItemIsNotCanceled", paid.TicketsCanceled(later, 1).Body(), "cancellationInfo.cancellableItems.0.cancelledAt", nil},
		{"ATicketThatChangedHandsIsInvalid", paid.Transferred(0, "n", later).TicketBody(0), "status", "INVALID"},
		{"ItIsNotCanceled", paid.Transferred(0, "n", later).Body(), "cancellationInfo.cancellableItems.0.cancelledAt", nil},
		{"AnotherReplacesIt", paid.Transferred(0, "n", later).TicketBody(2), "_id", "n"},
		{"ItNamesTheFirst", paid.Transferred(0, "n", later).TicketBody(2), "originTicketId", paid.Tickets[0].ID},
		{"ItNamesNoTransaction", paid.Transferred(0, "n", later).TicketBody(2), "transactionId", nil},
		{"TransferIsPaidOnce", paid.Transferred(0, "n", later).Body(), "realPrice", 82.5},
		{"TransferNamesBoth", paid.Transferred(0, "n", later).transferBody(0, "TRANSFERRED"), "outcome.tickets.0.ticketId", "n"},
		{"DetailsRequired", paid.TicketStatus(0, "DETAILSREQUIRED", later).TicketBody(0), "status", "DETAILSREQUIRED"},
		{"GeneralAdmissionHasNoSeat", VivenuSale(1).TicketBody(0), "seatingInfo", nil},
		{"CheckoutIsComplete", paid.CheckoutBody(), "status", "COMPLETE"},
		{"EventMoves", paid.EventMoved(later, later).Event.Body(), "start", stamp},
		{"IntentWaits", intent.Body(), "approvalStatus", "awaiting"},
		{"IntentApproved", intent.Approved(later).Body(), "approvalStatus", "approved"},
		{"IntentRejected", intent.Rejected("Sold out.", later).Body(), "rejectionReason", "Sold out."},
		{"IntentHasNoTransaction", intent.Body(), "transactionId", nil},
		{"IntentCompletedHasOne", intent.Completed("t", later).Body(), "transactionId", "t"},
		{"IntentExpiredTellsItInTheHistory", intent.Expired(later).Body(), "history.1.type", "expired"},
		{"IntentCancelledHasOneL", intent.Cancelled(later).Body(), "status", "canceled"},
		{"IntentBecomesATransaction", intent.Transaction(later).Body(), "email", intent.Buyer.Email},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := at(plain(t, c.body), c.path); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: got %#v; want %#v", c.path, got, c.want)
			}
		})
	}
	if _, there := (VivenuTransaction{Variant: 1}).Body()["posInfo"]; there {
		t.Error("variant 1: posInfo is there; want it missing")
	}
	if v, there := tx.Body()["posInfo"]; !there || v != nil {
		t.Errorf("variant 0: posInfo: got %v, %v; want null", v, there)
	}
}

func TestVivenuTransactionsAreValues(t *testing.T) {
	t.Parallel()
	tx := VivenuSale(4)
	before := string(tx.Webhook("transaction.complete"))
	_ = tx.Reserved(testNow).Complete(testNow).TicketsCanceled(testNow, 0).Transferred(0, "n", testNow).Canceled(testNow).At(testNow)
	if after := string(tx.Webhook("transaction.complete")); after != before {
		t.Errorf("a change of a copy reached the transaction: got %s; want %s", after, before)
	}
	if again := string(VivenuSale(4).Webhook("transaction.complete")); again != before {
		t.Error("the same n made other bytes")
	}
	tx = tx.At(testNow)
	if got := tx.Reserved(testNow.Add(-time.Hour)).UpdatedAt; !got.Equal(testNow) {
		t.Errorf("a change moved updatedAt back: got %v; want %v", got, testNow)
	}
}

// TestVivenuSignature holds the signature against what `openssl dgst -sha256 -hmac dev-vivenu-key` makes of the same bytes.
func TestVivenuSignature(t *testing.T) {
	t.Parallel()
	const want = "7474ede00fe3ba24caa86abd4b81ce5cbe5c0d1ae4b34d798cbb6b179a48ebf5"
	if got := SignVivenu("dev-vivenu-key", []byte(`{"id":"1","type":"transaction.complete","mode":"dev","data":{}}`)); got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

func TestVivenuWantsItsKey(t *testing.T) {
	t.Parallel()
	a := newVivenuAPI(t, VivenuOptions{})
	a.Put(VivenuSale(0))
	for _, key := range []string{"", "other"} {
		for _, path := range []string{"/api/transactions", "/api/transactions/" + VivenuSale(0).ID, "/api/webhooks", "/api/nothing"} {
			status, body, err := a.send("GET", path, key, "")
			if err != nil || status != 401 || at(body, "statusCode") != 401.0 || at(body, "error") != "Unauthorized" || at(body, "message") == nil {
				t.Errorf("%s with key %q: got %d %v, %v; want 401", path, key, status, body, err)
			}
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer ")
	if bearer(r, "") {
		t.Error("no key is configured and somebody was let in")
	}
}

func TestVivenuListsByUpdatedAt(t *testing.T) {
	t.Parallel()
	a := newVivenuAPI(t, VivenuOptions{})
	for n := range 40 {
		a.Put(VivenuSale(n).At(testNow.Add(time.Duration(n-60) * time.Minute)))
	}
	since := func(op string, n int) string {
		return "/api/transactions?" + url.Values{"updatedAt[" + op + "]": {vivenuStamp(testNow.Add(time.Duration(n-60) * time.Minute))}}.Encode()
	}
	ids := func(v any) (list []string) {
		for _, doc := range at(v, "docs").([]any) {
			list = append(list, at(doc, "_id").(string))
		}
		return list
	}
	for _, c := range []struct {
		path        string
		from, count int
		total       float64
	}{
		{"/api/transactions", 0, 25, 40},
		{"/api/transactions?top=10&skip=5", 5, 10, 40},
		{"/api/transactions?top=1000&skip=39", 39, 1, 40},
		{"/api/transactions?skip=99", 0, 0, 40},
		{since("$gte", 30), 30, 10, 10},
		{since("$gt", 30), 31, 9, 9},
		{since("$lt", 3), 0, 3, 3},
		{since("$lte", 3), 0, 4, 4},
		{since("$gte", 30) + "&top=2&skip=2", 32, 2, 10},
	} {
		status, body := a.call("GET", c.path, "")
		var want []string
		for n := range c.count {
			want = append(want, VivenuSale(c.from+n).ID)
		}
		if got := ids(body); status != 200 || !slices.Equal(got, want) || at(body, "total") != c.total {
			t.Errorf("%s: got %d, %v of %v; want %v of %v", c.path, status, got, at(body, "total"), want, c.total)
		}
	}
	for _, query := range []string{"top=0", "top=1001", "top=x", "skip=-1", "updatedAt%5B%24gt%5D=yesterday"} {
		if status, body := a.call("GET", "/api/transactions?"+query, ""); status != 400 || at(body, "statusCode") != 400.0 {
			t.Errorf("%s: got %d %v; want 400", query, status, body)
		}
	}

	tx, _ := a.Update(VivenuSale(3).ID, func(t VivenuTransaction) VivenuTransaction { return t.Complete(testNow) })
	query := url.Values{"event": {tx.Event.ID}, "updatedAt[$gt]": {vivenuStamp(testNow.Add(-time.Minute))}}
	_, body := a.call("GET", "/api/tickets?"+query.Encode(), "")
	if got := len(at(body, "rows").([]any)); got != len(tx.Tickets) {
		t.Errorf("got %d tickets; want the %d of the one transaction that changed", got, len(tx.Tickets))
	}
	if err := a.SetFaults(Faults{SearchLag: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if _, body := a.call("GET", "/api/transactions", ""); at(body, "total") != 0.0 {
		t.Errorf("within the search lag: got %v transactions; want none", at(body, "total"))
	}
	if status, _ := a.call("GET", "/api/transactions/"+tx.ID, ""); status != 200 {
		t.Errorf("by id: got %d; want 200", status)
	}
}

func TestVivenuReadsOneObject(t *testing.T) {
	t.Parallel()
	a := newVivenuAPI(t, VivenuOptions{Mode: "prod"})
	tx := VivenuSale(0).At(testNow).Complete(testNow).TicketsCanceled(testNow, 0)
	a.Put(tx)
	a.PutIntent(VivenuRequest(0))
	path := "/api/transactions/" + tx.ID
	for _, c := range []struct{ path, at, want string }{
		{path, "_id", tx.ID},
		{path + "/tickets", "0._id", tx.Tickets[0].ID},
		{path + "/cancellations", "cancellableItems.0.cancelledAt", "2026-06-02T09:00:00.000Z"},
		{"/api/transaction/" + tx.ID + "/checkout?secret=" + tx.Secret, "_id", tx.CheckoutID},
		{"/api/purchaseintents/" + VivenuRequest(0).ID, "status", "new"},
		{"/api/events/" + tx.Event.ID, "name", tx.Event.Name},
	} {
		if status, body := a.call("GET", c.path, ""); status != 200 || at(body, c.at) != c.want {
			t.Errorf("%s: got %d, %s %v; want %s", c.path, status, c.at, at(body, c.at), c.want)
		}
	}
	for _, path := range []string{
		"/api/transactions/none", "/api/transactions/none/tickets", "/api/transactions/none/cancellations", "/api/events/none",
		"/api/purchaseintents/none", "/api/transaction/" + tx.ID + "/checkout?secret=wrong", "/api/nothing",
	} {
		if status, body := a.call("GET", path, ""); status != 404 || at(body, "error") != "Not Found" {
			t.Errorf("%s: got %d %v; want 404", path, status, body)
		}
	}
	if got, _ := a.Transaction(tx.ID); !strings.Contains(string(got.Webhook("transaction.complete")), `"mode":"prod"`) {
		t.Error("its webhooks are not of the API's mode")
	}
	moved := tx.Event.Moved(testNow.AddDate(0, 0, 90), testNow.Add(time.Hour))
	a.PutEvent(moved)
	a.Put(tx) // which knows the old time only
	if got, _ := a.Event(moved.ID); !got.Start.Equal(moved.Start) {
		t.Errorf("an old transaction moved the event back: got %v; want %v", got.Start, moved.Start)
	}
}

func TestVivenuCancels(t *testing.T) {
	t.Parallel()
	a := newVivenuAPI(t, VivenuOptions{})
	tx := VivenuSale(0).At(testNow.Add(-time.Hour)).Complete(testNow.Add(-time.Hour))
	a.Put(tx)
	var told []string
	a.OnChange(func(c VivenuChange) { told = append(told, c.Type+" "+c.Transaction.PaymentStatus) })
	path := "/api/transactions/" + tx.ID + "/cancel"
	if status, _ := a.call("POST", path, `{"refundFunds":true,"cancellationReason":"WHIM"}`); status != 400 {
		t.Errorf("unknown reason: got %d; want 400", status)
	}
	status, body := a.call("POST", path, `{"refundFunds":true,"cancellationReason":"CLAIM"}`)
	if status != 201 || at(body, "status") != "CANCELED" || at(body, "cancellationReason") != "CLAIM" {
		t.Errorf("got %d, %v, %v; want 201, CANCELED for CLAIM", status, at(body, "status"), at(body, "cancellationReason"))
	}
	if status, _ := a.call("POST", path, ``); status != 400 {
		t.Errorf("a second time: got %d; want 400", status)
	}
	if status, _ := a.call("POST", "/api/transactions/none/cancel", ``); status != 404 {
		t.Errorf("unknown: got %d; want 404", status)
	}
	if want := []string{"transaction.canceled REFUND"}; !slices.Equal(told, want) {
		t.Errorf("told %v; want %v", told, want)
	}
	want := []VivenuCall{
		{testNow, tx.ID, "cancel", 400, true, "WHIM", true}, {testNow, tx.ID, "cancel", 201, true, "CLAIM", true},
		{testNow, tx.ID, "cancel", 400, false, "", true}, {testNow, "none", "cancel", 404, false, "", true},
	}
	if got := a.Log(); !slices.Equal(got, want) {
		t.Errorf("log: got %+v; want %+v", got, want)
	}
}

func TestVivenuAnswersIntents(t *testing.T) {
	t.Parallel()
	a := newVivenuAPI(t, VivenuOptions{})
	var told []string
	a.OnChange(func(c VivenuChange) { told = append(told, c.Type) })
	for n := range 3 {
		a.PutIntent(VivenuRequest(n).At(testNow))
	}
	path := func(n int, op string) string { return "/api/purchaseintents/" + VivenuRequest(n).ID + "/" + op }
	for _, c := range []struct {
		path, body string
		status     int
		at, want   string
	}{
		{path(0, "approval"), `{"approvalStatus":"maybe"}`, 400, "error", "Bad Request"},
		{path(0, "approval"), `{"approvalStatus":"approved"}`, 200, "approvalStatus", "approved"},
		{path(0, "approval"), `{"approvalStatus":"rejected"}`, 400, "error", "Bad Request"},
		{path(1, "approval"), `{"approvalStatus":"rejected","rejectionReason":"Sold out."}`, 200, "rejectionReason", "Sold out."},
		{path(1, "cancel"), ``, 400, "error", "Bad Request"},
		{path(2, "cancel"), ``, 200, "status", "canceled"},
		{"/api/purchaseintents/none/approval", `{"approvalStatus":"approved"}`, 404, "error", "Not Found"},
	} {
		if status, body := a.call("POST", c.path, c.body); status != c.status || at(body, c.at) != c.want {
			t.Errorf("%s %s: got %d, %v; want %d, %s", c.path, c.body, status, at(body, c.at), c.status, c.want)
		}
	}
	if want := []string{"purchaseIntent.approved", "purchaseIntent.rejected", "purchaseIntent.cancelled"}; !slices.Equal(told, want) {
		t.Errorf("told %v; want %v", told, want)
	}
}

func TestVivenuWebhooksAreManaged(t *testing.T) {
	t.Parallel()
	a := newVivenuAPI(t, VivenuOptions{})
	const good = `{"name":"Willcall","url":"https://example.com/hook","events":{"transaction.complete":true},"hmacKey":"k"}`
	for _, bad := range []string{
		`{"name":"four","url":"https://example.com"}`, `{"name":"thirty-one characters long name","url":"https://example.com"}`,
		`{"name":"Willcall","url":"ftp://example.com"}`, `{"name":"Willcall"}`, `{`, `{"name":"Willcall","url":"https://example.com","events":{"ticket.checkin":true}}`,
	} {
		if status, body := a.call("POST", "/api/webhooks", bad); status != 400 || at(body, "statusCode") != 400.0 {
			t.Errorf("%s: got %d %v; want 400", bad, status, body)
		}
	}
	status, hook := a.call("POST", "/api/webhooks", good)
	if status != 201 || at(hook, "enabled") != true || at(hook, "createdBy") == nil {
		t.Fatalf("got %d %v; want 201", status, hook)
	}
	a.call("POST", "/api/webhooks", strings.Replace(good, "https", "http", 1))
	if _, list := a.call("GET", "/api/webhooks?top=1", ""); len(at(list, "docs").([]any)) != 1 || at(list, "docs.0.hmacKey") != "k" || at(list, "total") != 2.0 {
		t.Errorf("got %v; want the first of two, with its key", list)
	}
	path := "/api/webhook/" + at(hook, "_id").(string)
	if status, changed := a.call("PUT", path, strings.Replace(good, `"k"`, `"next"`, 1)); status != 201 || at(changed, "hmacKey") != "next" || at(changed, "_id") != at(hook, "_id") {
		t.Errorf("got %d %v; want 201 and the other key", status, changed)
	}
	if status, gone := a.call("DELETE", path, ""); status != 200 || at(gone, "hmacKey") != "next" {
		t.Errorf("got %d %v; want 200 and what was deleted", status, gone)
	}
	if status, _ := a.call("DELETE", path, ""); status != 404 {
		t.Errorf("got %d; want 404", status)
	}
}

func TestVivenuFaults(t *testing.T) {
	t.Parallel()
	a := newVivenuAPI(t, VivenuOptions{})
	tx := VivenuSale(0).Complete(testNow)
	a.Put(tx)
	if status, _, err := a.send("PUT", "/admin/faults", "", `{"faults":[{"path":"/api/transactions/*","kind":"nonsense"}]}`); err != nil || status != 400 {
		t.Errorf("got %d, %v; want 400", status, err)
	}
	if err := a.SetFaults(Faults{Faults: []Fault{
		{Path: "/api/transactions*", Kind: FaultStatus, Status: 429, Count: 1},
		{Method: "POST", Path: "/api/transactions/*", Kind: FaultLostAnswer, Count: 1},
	}}); err != nil {
		t.Fatal(err)
	}
	if status, body := a.call("GET", "/api/transactions", ""); status != 429 || at(body, "statusCode") != 429.0 {
		t.Errorf("got %d %v; want 429", status, body)
	}
	if _, _, err := a.send("POST", "/api/transactions/"+tx.ID+"/cancel", "key", ""); err == nil {
		t.Error("got an answer; want it lost")
	}
	if got, _ := a.Transaction(tx.ID); got.Status != "CANCELED" {
		t.Errorf("got %s; want the lost call carried out", got.Status)
	}
	if log := a.Log(); len(log) != 1 || log[0].Answered {
		t.Errorf("got %+v; want one call without an answer", log)
	}
	_ = a.SetFaults(Faults{Down: true})
	if _, _, err := a.send("GET", "/api/transactions", "key", ""); err == nil {
		t.Error("got an answer; want none")
	}
}

func TestVivenuMeetsStrangersWhereItIsLenient(t *testing.T) {
	t.Parallel()
	a := newVivenuAPI(t, VivenuOptions{Lenient: true})
	if status, body := a.call("GET", "/api/transactions/stranger", ""); status != 200 || at(body, "_id") != "stranger" || at(body, "status") != "COMPLETE" {
		t.Errorf("got %d %v; want a purchase", status, body)
	}
	if status, _ := a.call("POST", "/api/purchaseintents/unknown/approval", `{"approvalStatus":"approved"}`); status != 200 {
		t.Errorf("got %d; want 200", status)
	}
	if status, body := a.call("GET", "/api/events/unheard-of", ""); status != 200 || at(body, "_id") != "unheard-of" {
		t.Errorf("got %d %v; want an event", status, body)
	}
	if _, body := a.call("GET", "/api/transactions", ""); at(body, "total") != 0.0 {
		t.Errorf("got %v; want strangers in no list", at(body, "total"))
	}
}
