package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
)

func TestRowHoldsWhatCameAndNoSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := "{\"type\":\"order\", \"order\":\"a/7\",\r\n\t\"note\":\"\xff\\u0000\"}" // bytes that a re-encoding would change
	req := post(body)
	req.URL.Path = "/webhooks/toy/path-token"
	for _, h := range []string{"Authorization", "Cookie", "X-Tixstock-Signature", "X-Original-Url", "Host"} {
		req.Header.Set(h, "secret-"+h)
	}
	req.Header.Set("User-Agent", "Toy/1 \xff"+strings.Repeat("x", 1000))
	req.Header.Set("X-Request-Id", "r-1")
	before := time.Now().Add(-time.Microsecond)
	if w := serve(Handler(r.Options), req); w.Code != 200 {
		t.Fatalf("status = %d: %s", w.Code, w.Body)
	}
	row := r.rows[0]
	if got := string(row.Body); got != body {
		t.Errorf("body = %q; want %q", got, body)
	}
	if got, want := row.BodySHA256, sha256.Sum256([]byte(body)); got != want {
		t.Errorf("body hash = %x; want %x", got, want)
	}
	if got, want := row.DedupeKey, provider.DedupeKey("toy", "order", sha256.Sum256([]byte(body))); got != want {
		t.Errorf("dedupe key = %q; want %q", got, want)
	}
	if got, want := slices.Sorted(maps.Keys(row.Headers)), []string{"Content-Type", "User-Agent", "X-Request-Id"}; !slices.Equal(got, want) {
		t.Errorf("headers kept = %q; want %q", got, want)
	}
	if got := row.Headers["User-Agent"]; len(got) > maxHeader || !strings.HasPrefix(got, "Toy/1 \uFFFDxxx") {
		t.Errorf("User-Agent = %q", got)
	}
	want := postgres.Webhook{
		ID: row.ID, Source: "toy", Provider: "toyshop", Type: "order", Disposition: provider.Forward, OrderID: "order:toy:a-7",
		ProviderOrderID: "a/7", Kind: order.Sale, Via: postgres.ViaWebhook, ReceivedAt: row.ReceivedAt, Attempt: 1,
		DedupeKey: row.DedupeKey, BodySHA256: row.BodySHA256, Headers: row.Headers, Body: row.Body,
	}
	if got, want := fmt.Sprintf("%+v", row), fmt.Sprintf("%+v", want); got != want {
		t.Errorf("row = %s\nwant  %s", got, want)
	}
	if got := row.ReceivedAt; got.Before(before) || got.After(time.Now()) || got.Location() != time.UTC ||
		got != got.Truncate(time.Microsecond) {
		t.Errorf("received at %v; want now, in UTC, as exact as Postgres keeps it", got)
	}
	if strings.Contains(r.logs.String(), "path-token") {
		t.Errorf("the path token was logged: %s", r.logs)
	}

	signal := r.forwarded[0]
	wantSignal := Signal{
		Order:   order.Identity{ID: "order:toy:a-7", Source: "toy", Provider: "toyshop", ProviderOrderID: "a/7", Kind: order.Sale},
		Event:   order.Event{ID: row.ID, Type: "order", At: row.ReceivedAt, Received: row.ReceivedAt, Status: order.StatusPending},
		Attempt: 1, Sender: "toy",
	}
	if got, want := fmt.Sprintf("%+v", signal), fmt.Sprintf("%+v", wantSignal); got != want {
		t.Errorf("signal = %s\nwant     %s", got, want)
	}
}

func TestStoredRowIsReadAsItWasAtTheDoor(t *testing.T) {
	t.Parallel()
	src := toySource()
	var seen []provider.Delivery
	src.Decode = func(d provider.Delivery) (provider.Decoded, error) {
		seen = append(seen, d)
		return toyDecode(d)
	}
	r := newRig(t, src)
	req := post(toy("order", "7", "e-1"))
	req.URL.Path = "/webhooks/toy/path-token"
	serve(Handler(r.Options), req)
	_, again, _ := src.Classify(DeliveryOf(r.rows[0]))
	if got, want := fmt.Sprintf("%+v", *again), fmt.Sprintf("%+v", r.forwarded[0]); got != want {
		t.Errorf("signal of the stored row = %s\nwant %s", got, want)
	}
	if got, want := fmt.Sprintf("%+v", seen[1]), fmt.Sprintf("%+v", seen[0]); got != want {
		t.Errorf("delivery of the stored row = %s\nwant %s", got, want)
	}
}

func TestRepeatIsAnsweredLikeTheFirstAndForwardedOnce(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"Order": toy("order", "7", "e-1"), "Undecodable": "no json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			h := Handler(r.Options)
			first, second := serve(h, post(body)), serve(h, post(body))
			if first.Code != second.Code {
				t.Errorf("status of the repeat = %d; want %d", second.Code, first.Code)
			}
			var got receipt
			if err := json.Unmarshal(second.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if want := (receipt{ID: r.rows[0].ID, Status: "duplicate"}); got != want {
				t.Errorf("receipt = %+v; want %+v", got, want)
			}
			if len(r.forwarded) > 1 {
				t.Errorf("forwarded %d times; want once", len(r.forwarded))
			}
			if got := r.count(t, "willcall_webhooks_duplicate_total"); got != 1 {
				t.Errorf("duplicates counted = %v; want 1", got)
			}
			if got := r.count(t, "willcall_webhooks_received_total"); got != 1 {
				t.Errorf("received counted = %v; want 1", got)
			}
		})
	}
}

func TestProvidersIDIsTheDedupeKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := Handler(r.Options)
	serve(h, post(toy("order", "7", "e-1")))
	serve(h, post(toy("order", "7", "e-1\x00")))
	if got := r.rows[0].DedupeKey; got != "e-1" {
		t.Errorf("dedupe key = %q; want e-1", got)
	}
	if got := r.rows[1].DedupeKey; len(got) != 64 {
		t.Errorf("dedupe key of an id that Postgres could not take = %q; want a hash", got)
	}
}

func TestConflictIsCountedAndBothAreForwarded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put = func(_ context.Context, w postgres.Webhook) (postgres.Stored, error) {
		return postgres.Stored{ID: w.ID, Conflict: true}, nil
	}
	serve(Handler(r.Options), post(toy("order", "7", "e-1")))
	if got := r.count(t, "willcall_webhooks_conflict_total"); got != 1 {
		t.Errorf("conflicts counted = %v; want 1", got)
	}
	if len(r.forwarded) != 1 {
		t.Errorf("forwarded = %d; want 1", len(r.forwarded))
	}
}

func TestMetricLabelsAreBounded(t *testing.T) {
	t.Parallel()
	src := toySource()
	src.Decode = func(d provider.Delivery) (provider.Decoded, error) {
		return provider.Decoded{Type: string(d.Body), Disposition: provider.Recorded}, nil
	}
	r := newRig(t, src)
	h := Handler(r.Options)
	for i := range 3 * maxTypes {
		serve(h, post(fmt.Sprint("type-", i)))
	}
	if got := r.count(t, "willcall_webhooks_received_total", "toy", "other"); got != 2*maxTypes {
		t.Errorf("received under other = %v; want %d", got, 2*maxTypes)
	}
	r = newRig(t, src)
	h = Handler(r.Options)
	for _, typ := range []string{buyer, "type 1", "type\n1", "größe", strings.Repeat("t", maxTypeName+1)} {
		serve(h, post(typ))
	}
	for _, typ := range []string{"seller/in-hand_updated", "ticketTransfer.transferred", "TransactionChanged", strings.Repeat("t", maxTypeName)} {
		if serve(h, post(typ)); r.count(t, "willcall_webhooks_received_total", "toy", typ) != 1 {
			t.Errorf("not received under %q; want the plain name itself", typ)
		}
	}
	if got := r.count(t, "willcall_webhooks_received_total", "toy", "other"); got != 5 {
		t.Errorf("received under other = %v; want the 5 that are no plain names", got)
	}
	r = newRig(t)
	serve(Handler(r.Options), post(toy("banana", "", "")))
	if got := r.count(t, "willcall_webhooks_received_total", "toy", "unknown"); got != 1 {
		t.Errorf("received under unknown = %v; want 1", got)
	}
}

func TestVerificationOffIsShown(t *testing.T) {
	t.Parallel()
	off := toySource()
	off.Name, off.VerifyOff = "off", true
	r := newRig(t, toySource(), off)
	Handler(r.Options)
	for source, want := range map[string]float64{"toy": 0, "off": 1} {
		if got := r.count(t, "willcall_webhook_verification_off", source); got != want {
			t.Errorf("verification off for %s = %v; want %v", source, got, want)
		}
	}
}

func TestUncertainCommitIsReported(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put = func(context.Context, postgres.Webhook) (postgres.Stored, error) {
		return postgres.Stored{}, postgres.ErrUnavailable
	}
	serve(Handler(r.Options), post(toy("order", "7", "")))
	if got := r.uncertain; !slices.Equal(got, []string{"order:toy:7"}) {
		t.Errorf("uncertain = %q; want the order", got)
	}
}

func TestSourceMayMakeItsOwnAnswer(t *testing.T) {
	t.Parallel()
	src := toySource()
	var asked []string
	fail := false
	src.Answer = func(_ context.Context, d provider.Delivery, dec provider.Decoded, _ *Signal) (any, error) {
		if fail {
			return nil, errors.New("database away, " + buyer)
		}
		asked = append(asked, d.ID)
		if dec.Disposition != provider.Forward {
			return nil, nil
		}
		return map[string]any{"order_status": "Approved"}, nil
	}
	r := newRig(t, src)
	h := Handler(r.Options)
	for range 2 {
		w := serve(h, post(toy("order", "7", "e-1")))
		if got, want := w.Body.String(), `{"order_status":"Approved"}`; w.Code != 200 || got != want {
			t.Errorf("answer = %d %s; want 200 %s", w.Code, got, want)
		}
	}
	if want := []string{r.rows[0].ID, r.rows[0].ID}; !slices.Equal(asked, want) {
		t.Errorf("asked for rows %q; want the first row twice", asked)
	}
	if w := serve(h, post(toy("note", "7", "e-2"))); !strings.Contains(w.Body.String(), "recorded") {
		t.Errorf("answer without an own one = %s; want a receipt", w.Body)
	}
	fail = true
	w := serve(h, post(toy("order", "7", "e-3")))
	if got := problemOf(t, w); w.Code != 503 || got != "storage-unavailable" {
		t.Errorf("failed answer = %d %s; want 503", w.Code, got)
	}
	if len(r.forwarded) != 2 {
		t.Errorf("forwarded = %d; want 2: what is committed goes on whatever is answered", len(r.forwarded))
	}
}

// TestSenderThatHangsUpDoesNotStopTheCommit matters because a row whose commit nobody waited for is only found by a sweep.
func TestSenderThatHangsUpDoesNotStopTheCommit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, hangUp := context.WithCancel(t.Context())
	r.put = func(ctx context.Context, w postgres.Webhook) (postgres.Stored, error) {
		hangUp()
		return postgres.Stored{ID: w.ID}, ctx.Err()
	}
	serve(Handler(r.Options), post(toy("order", "7", "")).WithContext(ctx))
	if len(r.forwarded) != 1 {
		t.Error("not forwarded; want forwarded")
	}
}

func TestBytesInFlightAreHeldUntilTheCommit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := toy("order", "7", "")
	r.MaxInFlightBytes = int64(len(body)) + 10
	inside, goOn := make(chan struct{}), make(chan struct{})
	r.put = func(_ context.Context, w postgres.Webhook) (postgres.Stored, error) {
		inside <- struct{}{}
		<-goOn
		return postgres.Stored{ID: w.ID}, nil
	}
	h := Handler(r.Options)
	var first *httptest.ResponseRecorder
	var wg sync.WaitGroup
	wg.Go(func() { first = serve(h, post(body)) })
	<-inside
	if got := r.count(t, "willcall_webhook_in_flight_bytes"); got != float64(len(body)) {
		t.Errorf("bytes in flight = %v; want %d", got, len(body))
	}
	second := serve(h, post(body))
	if got := problemOf(t, second); got != "too-busy" || second.Header().Get("Retry-After") == "" {
		t.Errorf("second = %d %s; want too-busy with Retry-After", second.Code, got)
	}
	close(goOn)
	wg.Wait()
	if first.Code != 200 {
		t.Errorf("first = %d; want 200", first.Code)
	}
}
