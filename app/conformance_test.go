package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
	"willcall/sim"
	"willcall/webhook"
	"willcall/workflows"
)

// TestEveryProviderConforms holds every kind of provider against the same promises: whatever comes, the right status,
// nothing lost, no panic, and no secret or buyer data where it does not belong. The door, the sources and the inbox are those of
// webhookd; only Temporal is not there.
func TestEveryProviderConforms(t *testing.T) {
	t.Parallel()
	rows := senders()
	for kind := range kinds {
		if !slices.ContainsFunc(rows, func(s sender) bool { return s.kind == kind }) {
			t.Errorf("kind %q does not run the conformance test: give it a source in conformanceConfig and a row in senders", kind)
		}
	}
	for kind := range posDoors {
		if !slices.ContainsFunc(rows, func(s sender) bool { return s.kind == kind && s.invoice != "" }) {
			t.Errorf("POS kind %q does not run the conformance test: give it a POS in conformanceConfig and a row in senders", kind)
		}
	}
	seen := map[string]bool{}
	for _, row := range rows {
		first := !seen[row.kind] // of several sources of one kind the decoder is the same
		seen[row.kind] = true
		t.Run(row.source, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, row)
			if got := r.kind(); got != row.kind {
				t.Fatalf("the source is of kind %q; want %q", got, row.kind)
			}
			t.Run("GoodWebhookIsKeptAndForwarded", r.good)
			t.Run("Proof", r.proofs)
			t.Run("OwnFaults", r.ownFaults)
			t.Run("Form", r.form)
			t.Run("Size", r.sizes)
			t.Run("Repeats", r.repeats)
			t.Run("RepeatsAtOnce", r.repeatsAtOnce)
			t.Run("UnknownType", r.unknownType)
			t.Run("ForAnother", r.forAnother)
			t.Run("Texts", func(t *testing.T) { r.spoil(t, texts(r.row, r.next())) })
			if first {
				t.Run("Fields", r.fields)
			}
			if row.own != nil {
				row.own(t, r)
			}
			r.goesOn(t)
			r.audit(t)
		})
	}
}

func (r *rig) good(t *testing.T) {
	body := r.next()
	w := r.take(t, body)
	row := r.one(t, body)
	if w.Code != http.StatusOK || row.Disposition != provider.Forward || row.Source != r.row.source || row.Provider != r.row.kind {
		t.Errorf("answered %d and kept as %s of %s, %s; want 200, forward, %s, %s", w.Code, row.Disposition, row.Source, row.Provider, r.row.source, r.row.kind)
	}
	heard := r.signals[row.ID]
	if len(heard) != 1 || heard[0].Order.ID != row.OrderID || row.OrderID == "" {
		t.Fatalf("signals = %+v; want one, for the row's order %q", heard, row.OrderID)
	}
	_, _, dec := r.source.Classify(webhook.DeliveryOf(row))
	if heard[0].files < len(dec.Files) {
		t.Errorf("files kept before the signal = %d; want %d", heard[0].files, len(dec.Files))
	}
	r.balance(t)
}

func (r *rig) proofs(t *testing.T) {
	secrets := r.secrets()
	if len(secrets) < 2 {
		t.Fatal("the source needs a second secret")
	}
	// refused sends bytes that would be taken with the right proof.
	refused := func(t *testing.T, body []byte, p evidence) {
		t.Helper()
		r.refusal(t, r.send(r.proven(body, p)), http.StatusUnauthorized, "not-authentic")
		r.balance(t)
	}
	body := r.next()
	for _, name := range slices.Sorted(maps.Keys(r.row.proof.bad)) {
		t.Run(name, func(t *testing.T) { refused(t, body, r.row.proof.bad[name](secrets[0], body)) })
	}
	if r.row.proof.body {
		right := r.row.proof.of(secrets[0], body)
		for name, changed := range map[string][]byte{
			"OneByteMore":   append(bytes.Clone(body), ' '),
			"OneByteLess":   body[:len(body)-1],
			"OneBitChanged": append([]byte{body[0] ^ 1}, body[1:]...),
			"Empty":         nil,
			"EncodedAnew":   append(sealJSON(openJSON(body)), '\n'),
			"AnotherOne":    r.next(),
		} {
			t.Run("ChangedBytes/"+name, func(t *testing.T) { refused(t, changed, right) })
		}
	}
	for name, source := range r.config.Sources {
		if name != r.row.source {
			t.Run("SecretOf/"+name, func(t *testing.T) { refused(t, body, r.row.proof.of(string(source.Secrets[0]), body)) })
		}
	}
	t.Run("RightOneIsNoRepeatAfterwards", func(t *testing.T) {
		if got := r.take(t, body).Body.String(); strings.Contains(got, "duplicate") {
			t.Errorf("answered %s; want a refusal to leave nothing behind", got)
		}
		r.one(t, body)
		r.balance(t)
	})
	for _, name := range slices.Sorted(maps.Keys(r.row.proof.also)) {
		t.Run("Also/"+name, func(t *testing.T) {
			body := r.next()
			w := r.send(r.proven(body, r.row.proof.also[name](secrets[0], body)))
			r.answered(t, body, w)
			r.balance(t)
		})
	}
	t.Run("SecondSecret", func(t *testing.T) {
		body := r.next()
		r.answered(t, body, r.send(r.proven(body, r.row.proof.of(secrets[1], body))))
		r.balance(t)
	})
}

// ownFaults are faults of our configuration: the provider must try again, and nothing may pass meanwhile.
func (r *rig) ownFaults(t *testing.T) {
	body := r.next()
	for name, secrets := range map[string][]config.Secret{"NoSecret": nil, "EmptySecret": {""}} {
		t.Run(name, func(t *testing.T) {
			door := r.changed(t, secrets, nil)
			proofs := []evidence{r.row.proof.of(r.secrets()[0], body), r.row.proof.of("", body), {}}
			for _, bad := range r.row.proof.bad {
				proofs = append(proofs, bad("dev-some-secret", body))
			}
			for _, p := range proofs {
				r.refusal(t, r.sendTo(door, r.proven(body, p)), http.StatusServiceUnavailable, "not-verifiable")
			}
			r.balance(t)
		})
	}
	t.Run("OutsideTheAllowedNetworks", func(t *testing.T) {
		door := r.changed(t, nil, []string{"10.0.0.0/8", "2001:db8::/32"})
		r.refusal(t, r.sendTo(door, r.request(body)), http.StatusUnauthorized, "not-authentic")
		r.balance(t)
		req := r.request(body)
		req.RemoteAddr = "10.1.2.3:443"
		r.answered(t, body, r.sendTo(door, req))
		r.balance(t)
	})
}

func (r *rig) form(t *testing.T) {
	body := r.next()
	for name, c := range map[string]struct {
		change func(*http.Request)
		code   int
		say    string
	}{
		"GET":              {func(q *http.Request) { q.Method = http.MethodGet }, http.StatusMethodNotAllowed, "method-not-allowed"},
		"OtherSource":      {func(q *http.Request) { q.URL.Path = "/webhooks/nobody" }, http.StatusNotFound, "unknown-source"},
		"OtherContentType": {func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") }, http.StatusUnsupportedMediaType, "unsupported-media-type"},
		"NoContentType":    {func(q *http.Request) { q.Header.Del("Content-Type") }, http.StatusUnsupportedMediaType, "unsupported-media-type"},
		"Compressed":       {func(q *http.Request) { q.Header.Set("Content-Encoding", "gzip") }, http.StatusUnsupportedMediaType, "unsupported-media-type"},
		"CutOff":           {func(q *http.Request) { q.ContentLength++ }, http.StatusBadRequest, "body-incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasSuffix(name, "ContentType") && len(r.source.ContentTypes) == 0 { // this sender may send any
				body := r.next()
				req := r.request(body)
				c.change(req)
				r.answered(t, body, r.send(req))
				return
			}
			req := r.request(body)
			c.change(req)
			r.refusal(t, r.send(req), c.code, c.say)
			r.balance(t)
		})
	}
	t.Run("WithACharset", func(t *testing.T) {
		req := r.request(body)
		req.Header.Set("Content-Type", r.row.contentType+"; charset=utf-8")
		r.answered(t, body, r.send(req))
		r.balance(t)
	})
}

func (r *rig) sizes(t *testing.T) {
	unsized := func(body []byte) *http.Request {
		req := r.request(body)
		again := httptest.NewRequest(http.MethodPost, req.URL.String(), chunked(body))
		if again.Header = req.Header; again.ContentLength >= 0 {
			t.Fatal("the length is declared after all")
		}
		return again
	}
	for name, request := range map[string]func([]byte) *http.Request{"Declared": r.request, "Chunked": unsized} {
		t.Run(name+"/OneByteTooMany", func(t *testing.T) {
			r.refusal(t, r.send(request(r.row.pad(r.next(), int(r.source.MaxBody)+1))), http.StatusRequestEntityTooLarge, "body-too-large")
			r.balance(t)
		})
		t.Run(name+"/JustTheLimit", func(t *testing.T) {
			body := r.row.pad(r.next(), int(r.source.MaxBody))
			r.answered(t, body, r.send(request(body)))
			if row := r.one(t, body); row.Disposition != provider.Forward {
				t.Errorf("kept as %s; want forward", row.Disposition)
			}
			r.balance(t)
		})
		t.Run(name+"/Empty", func(t *testing.T) {
			r.answered(t, nil, r.send(request(nil)))
			if row := r.one(t, nil); row.Disposition != provider.Quarantined {
				t.Errorf("kept as %s; want quarantined", row.Disposition)
			}
			r.balance(t)
		})
	}
	r.goesOn(t)
}

// sameAnswer checks the answers to one webhook that came several times: all name the row, or say the same.
func (r *rig) sameAnswer(t *testing.T, body []byte, answers []*httptest.ResponseRecorder) {
	t.Helper()
	row := r.one(t, body)
	accepted := 0
	for _, w := range answers {
		r.answered(t, body, w)
		if r.source.Answer != nil {
			if w.Body.String() != answers[0].Body.String() {
				t.Errorf("answered %s, and then %s; want the same", answers[0].Body, w.Body)
			}
			continue
		}
		var got struct{ ID, Status string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.ID != row.ID || got.Status != "accepted" && got.Status != "duplicate" {
			t.Errorf("answered %s; want the row %s, accepted or duplicate", w.Body, row.ID)
		}
		if got.Status == "accepted" {
			accepted++
		}
	}
	if r.source.Answer == nil && accepted != 1 {
		t.Errorf("accepted %d times; want once, and duplicate otherwise", accepted)
	}
	if n := len(r.signals[row.ID]); n != 1 {
		t.Errorf("signals = %d; want 1", n)
	}
	r.balance(t)
}

func (r *rig) repeats(t *testing.T) {
	body := r.next()
	var answers []*httptest.ResponseRecorder
	for range 5 {
		answers = append(answers, r.send(r.request(body)))
	}
	r.sameAnswer(t, body, answers)
	r.goesOn(t)
}

func (r *rig) repeatsAtOnce(t *testing.T) {
	body := r.next()
	answers := make([]*httptest.ResponseRecorder, 16)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			<-start
			answers[i] = r.send(r.request(body))
		})
	}
	close(start)
	wg.Wait()
	r.sameAnswer(t, body, answers)
	r.goesOn(t)
}

func (r *rig) unknownType(t *testing.T) {
	w := r.take(t, r.row.unknown)
	if row := r.one(t, r.row.unknown); w.Code != http.StatusAccepted || row.Disposition != provider.Unknown || !strings.Contains(w.Body.String(), `"unknown"`) {
		t.Errorf("answered %d, %s and kept as %s; want 202 and unknown", w.Code, w.Body, row.Disposition)
	}
	r.balance(t)
}

func (r *rig) forAnother(t *testing.T) {
	if r.row.elsewhere == nil {
		return
	}
	r.refusal(t, r.send(r.request(r.row.elsewhere)), http.StatusForbidden, "not-for-this-source")
	// Who cannot prove himself must not learn whose webhooks are taken here.
	r.refusal(t, r.send(r.proven(r.row.elsewhere, evidence{})), http.StatusUnauthorized, "not-authentic")
	r.balance(t)
	r.goesOn(t)
}

func (r *rig) fields(t *testing.T) {
	var bodies []spoilt
	for i, good := range append([][]byte{r.next()}, r.row.more...) {
		with := values
		if i > 0 {
			with = fewValues
		}
		bodies = append(bodies, spoilt{what: "nothing", body: good})
		bodies = append(bodies, all(r.row, good)...)
		bodies = slices.AppendSeq(bodies, fields(r.row, good, with))
	}
	if len(bodies) < cmp.Or(r.row.ways, 300) {
		t.Errorf("%d ways to spoil the samples; want some hundreds", len(bodies))
	}
	r.spoil(t, bodies)
}

// spoil sends webhooks that are authentic and otherwise anything, several at once, and checks that every one is kept.
func (r *rig) spoil(t *testing.T, bodies []spoilt) {
	bodies = distinct(bodies)
	work := make(chan spoilt)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for s := range work {
				w := r.send(r.request(s.body))
				if r.row.foreign != nil && r.row.foreign(s.body) {
					if w.Code != http.StatusForbidden {
						t.Errorf("%s: answered %d, %s; want 403", s, w.Code, w.Body)
					}
					continue
				}
				if w.Code/100 != 2 {
					t.Errorf("%s: answered %d, %s; want 2xx", s, w.Code, w.Body)
					continue
				}
				r.answered(t, s.body, w)
			}
		})
	}
	for _, s := range bodies {
		work <- s
	}
	close(work)
	wg.Wait()
	r.balance(t)
	r.goesOn(t)
}

func tixstockPromises(t *testing.T, r *rig) {
	type answer struct {
		ExternalID  string `json:"external_id"`
		OrderStatus string `json:"order_status"`
		Message     string
		Success     bool
	}
	told := func(t *testing.T, body []byte) (a answer) {
		t.Helper()
		w := r.take(t, body)
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
			t.Fatalf("answered %d, %s; want 200 and JSON", w.Code, w.Body)
		}
		r.one(t, body)
		r.balance(t)
		return a
	}
	answered := func(s workflows.Standing, err error) {
		r.ask = func(context.Context, webhook.Signal, time.Duration) (workflows.Standing, error) { return s, err }
	}
	n := 800
	sale := func() sim.TixstockOrder { n++; return sim.TixstockSale(12 * n) }

	t.Run("AnswerHasTheOrdersState", func(t *testing.T) {
		for state, want := range map[order.State]string{
			order.AwaitingFulfilment: "Awaiting Tickets", order.PartiallyFulfilled: "Awaiting Tickets", order.Received: "Awaiting Tickets",
			order.Fulfilled: "Commissionable", order.Completed: "Commissionable", order.Cancelled: "Cancelled", order.Rejected: "Rejected",
		} {
			answered(workflows.Standing{State: state}, nil)
			o := sale()
			if got := told(t, o.ETicket(0)); !got.Success || got.OrderStatus != want || got.ExternalID != o.OrderID || got.Message == "" {
				t.Errorf("%s: answered %+v; want success, %q and the order %s", state, got, want, o.OrderID)
			}
		}
	})
	t.Run("RepeatIsAnsweredWithTheStateByNow", func(t *testing.T) {
		body := sale().ETicket(0)
		for state, want := range map[order.State]string{order.AwaitingFulfilment: "Awaiting Tickets", order.Fulfilled: "Commissionable"} {
			answered(workflows.Standing{State: state}, nil)
			if got := told(t, body); !got.Success || got.OrderStatus != want {
				t.Errorf("answered %+v; want success and %q", got, want)
			}
		}
	})
	t.Run("AskedAboutTheRowThatIsStored", func(t *testing.T) {
		body := sale().ETicket(0)
		var ids []string
		r.ask = func(_ context.Context, s webhook.Signal, within time.Duration) (workflows.Standing, error) {
			if ids = append(ids, s.Event.ID); within != 50*time.Millisecond {
				t.Errorf("asked for %s; want what is configured", within)
			}
			return workflows.Standing{State: order.AwaitingFulfilment}, nil
		}
		told(t, body)
		told(t, body)
		if id := r.one(t, body).ID; !slices.Equal(ids, []string{id, id}) {
			t.Errorf("asked about %q; want the row %s, also for the repeat", ids, id)
		}
	})
	answered(workflows.Standing{State: order.AwaitingFulfilment}, nil)
	for name, file := range map[string]string{"NotBase64": "§§§", "NoPDF": "aGVsbG8gd29ybGQ=", "HalfAPDF": "JVBERi0xLjQK", "Nothing": ""} {
		t.Run("UnusableTicket/"+name, func(t *testing.T) {
			doc := openJSON(sale().ETicket(0))
			doc.(map[string]any)["data"].(map[string]any)["file"] = file
			body := sealJSON(doc)
			if got := told(t, body); got.Success || got.OrderStatus != "Awaiting Tickets" || got.Message == "" {
				t.Errorf("answered %+v; want no success, the order's status and a message", got)
			}
			if row := r.one(t, body); row.Disposition != provider.Forward || len(r.signals[row.ID]) != 1 {
				t.Errorf("kept as %s; want it forwarded, so that the order can ask for another", row.Disposition)
			}
		})
	}
	t.Run("UnknownOrder", func(t *testing.T) {
		answered(workflows.Standing{State: order.Received, Unknown: true}, nil)
		r.stranger = true
		defer func() { r.stranger = false }()
		if got := told(t, sale().ETicket(0)); got.Success || got.OrderStatus != "Awaiting Tickets" || got.Message == "" {
			t.Errorf("answered %+v; want no success, a status and a message", got)
		}
	})
	t.Run("NoWorkerAnswers", func(t *testing.T) {
		r.ask = func(ctx context.Context, _ webhook.Signal, within time.Duration) (workflows.Standing, error) {
			ctx, cancel := context.WithTimeout(ctx, within) // as webhook.Ask does
			defer cancel()
			<-ctx.Done()
			return workflows.Standing{}, errNoWorker
		}
		state := r.state
		defer func() { r.state = state }()
		for name, c := range map[string]struct {
			state func(context.Context, string) (order.State, error)
			want  string
		}{
			"StateOfTheReadModel": {func(context.Context, string) (order.State, error) { return order.Cancelled, nil }, "Cancelled"},
			"NoSuchOrderYet":      {func(context.Context, string) (order.State, error) { return "", nil }, "Awaiting Tickets"},
			"NoReadModelEither":   {func(context.Context, string) (order.State, error) { return "", postgres.ErrUnavailable }, "Awaiting Tickets"},
			"ReadModelHangs": {func(ctx context.Context, _ string) (order.State, error) {
				<-ctx.Done()
				return "", ctx.Err()
			}, "Awaiting Tickets"},
			"StateThatTixstockHasNoNameFor": {func(context.Context, string) (order.State, error) { return order.Invoicing, nil }, "Awaiting Tickets"},
		} {
			r.state = c.state
			began := time.Now()
			if got := told(t, sale().ETicket(0)); !got.Success || got.OrderStatus != c.want {
				t.Errorf("%s: answered %+v; want success, for the ticket is stored, and %q", name, got, c.want)
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("%s: answered after %s; want it within a few seconds", name, took)
			}
		}
		answered(workflows.Standing{State: order.AwaitingFulfilment}, nil)
	})
}

func vivenuPromises(t *testing.T, r *rig) {
	sale := func(n int) sim.VivenuTransaction {
		s := sim.VivenuSale(n)
		s.Mode = "prod"
		return s.Complete(soldAt)
	}
	t.Run("SameNewsInAnotherTransmission", func(t *testing.T) {
		first := r.next()
		var v struct {
			ID   string          `json:"id"`
			Type string          `json:"type"`
			Mode string          `json:"mode"`
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(first, &v); err != nil {
			t.Fatal(err)
		}
		v.ID = "11111111-2222-3333-4444-555555555555"
		again := sealJSON(v)
		if bytes.Equal(again, first) {
			t.Fatal("the second transmission is the first; want another id")
		}
		r.take(t, first)
		id := r.one(t, first).ID
		if got := r.take(t, again).Body.String(); !strings.Contains(got, `"duplicate"`) || !strings.Contains(got, id) {
			t.Errorf("answered %s; want a duplicate of %s", got, id)
		}
		r.balance(t)
	})
	t.Run("OtherNewsOfTheSameVersionIsNoRepeat", func(t *testing.T) {
		first := r.next()
		changed := bytes.Replace(first, []byte(`"paymentStatus":"RECEIVED"`), []byte(`"paymentStatus":"REFUNDED"`), 1)
		if bytes.Equal(changed, first) {
			t.Fatal("the sample has another payment status than this test thinks")
		}
		for _, body := range [][]byte{first, changed} {
			if got := r.take(t, body).Body.String(); !strings.Contains(got, `"accepted"`) {
				t.Errorf("answered %s; want accepted", got)
			}
		}
		r.balance(t)
	})
	t.Run("ScanOfAnUnknownTicketIsParked", func(t *testing.T) {
		v := sale(700)
		body := v.TicketWebhook(0, "scan.created")
		w := r.take(t, body)
		row := r.one(t, body)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"parked"`) || row.Disposition != provider.Parked || row.Concern != "ticket:"+v.Tickets[0].ID {
			t.Errorf("answered %d, %s and kept as %s of %q; want 200 and parked, of the ticket", w.Code, w.Body, row.Disposition, row.Concern)
		}
		if len(r.signals[row.ID]) != 0 {
			t.Error("it was forwarded; want it to wait for its order")
		}
		r.balance(t)
	})
	t.Run("ScanOfAKnownTicketGoesToItsOrder", func(t *testing.T) {
		v := sale(701)
		known := order.Identity{ID: "order:vivenu:" + v.ID, Source: "vivenu", Provider: "vivenu", ProviderOrderID: v.ID, Kind: order.Sale}
		_, err := r.db.SaveOrder(t.Context(), postgres.OrderRow{Identity: known, State: order.Invoiced, DecidedAt: soldAt, Doc: json.RawMessage("{}"),
			Refs: []string{"ticket:" + v.Tickets[0].ID}}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		body := v.TicketWebhook(0, "scan.created")
		w := r.send(r.request(body))
		r.taken[r.row.says(body)] = true
		row := r.one(t, body)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"accepted"`) || row.OrderID != known.ID || row.ProviderOrderID != v.ID {
			t.Errorf("answered %d, %s and kept for %q; want 200, accepted, for %q", w.Code, w.Body, row.OrderID, known.ID)
		}
		if heard := r.signals[row.ID]; len(heard) != 1 || heard[0].Order != known {
			t.Errorf("signals = %+v; want one for the order that has the ticket", heard)
		}
		r.balance(t)
	})
}

// posPromises are made to every POS that posts events.
func posPromises(t *testing.T, r *rig) {
	body := func(invoice string) []byte {
		return []byte(strings.ReplaceAll(string(r.next()), r.row.invoice, invoice))
	}
	t.Run("HintForTheOrderThatHasTheInvoice", func(t *testing.T) {
		known := r.invoiced(t, "901", "9001")
		b := body("9001")
		r.take(t, b)
		row := r.one(t, b)
		heard := r.signals[row.ID]
		if len(heard) != 1 || heard[0].Order != known || row.OrderID != known.ID || row.Provider != r.row.kind {
			t.Fatalf("signals = %+v of %+v; want one for %+v", heard, row, known)
		}
		if e := heard[0].Event; !e.Hint || !e.At.Equal(row.ReceivedAt) || e.Snapshot != nil || e.Status != "" || e.Supply != nil || len(e.Refs) > 0 ||
			!strings.HasPrefix(e.Type, "pos/") {
			t.Errorf("event = %+v; want a hint of when it came and nothing else: what it says is not believed", e)
		}
	})
	t.Run("ParkedUntilTheOrderHasItsInvoice", func(t *testing.T) {
		b := body("9002")
		if w := r.take(t, b); !strings.Contains(w.Body.String(), `"parked"`) {
			t.Errorf("answered %s; want parked", w.Body)
		}
		known := r.invoiced(t, "902", "9002")
		row := r.one(t, b)
		if row.Disposition != provider.Forward || row.OrderID != known.ID || row.ProviderOrderID != "902" || row.Kind != order.Sale {
			t.Errorf("row = %+v; want it for %s as soon as that is saved with its invoice", row, known.ID)
		}
		r.mu.Lock() // the forwarder, which is not here, sends it from the inbox
		r.signals[row.ID] = []heard{{Signal: webhook.Signal{Order: known}, rows: 1}}
		r.mu.Unlock()
	})
	t.Run("WhatWeHaveStoredOurselvesIsRecorded", func(t *testing.T) {
		own := []byte(`{"type":"pos/supply","at":"2026-06-01T15:00:00Z","order":{"id":"order:tevo:901"},"supply":{"invoice":"9001","lines":[]}}`)
		row, signal, _ := r.source.Classify(provider.Delivery{ID: postgres.NewID(), Body: own, Received: soldAt})
		if row.Disposition != provider.Recorded || row.Type != activities.SupplyType || signal != nil {
			t.Errorf("read as %s, %s; want recorded, %s", row.Disposition, row.Type, activities.SupplyType)
		}
	})
	t.Run("WithoutEventsThereIsNoPath", func(t *testing.T) {
		cfg := r.config
		cfg.POS = maps.Clone(cfg.POS)
		p := cfg.POS[r.row.source]
		p.Events = nil
		cfg.POS[r.row.source] = p
		door, src := r.open(t, cfg)
		b := body("9001")
		r.refusal(t, r.sendTo(door, r.request(b)), http.StatusNotFound, "unknown-source")
		if row, _, dec := src.Classify(provider.Delivery{ID: postgres.NewID(), Body: b, Received: soldAt}); dec.Concern != "invoice:9001" {
			t.Errorf("what lies in the inbox is read as %s, %q; want it understood still", row.Disposition, dec.Concern)
		}
		r.balance(t)
	})
}

// skyPromises are for a sender of whose bodies nothing is public: any object may come, and none is for a person to look at.
func skyPromises(t *testing.T, r *rig) {
	posPromises(t, r)
	for body, want := range map[string]provider.Disposition{
		`{"topic":"PURCHASE","id":77}`: provider.Recorded, `{"topic":"INVOICE"}`: provider.Recorded, `{"topic":"LINE","lines":[{"invoiceId":1},{"invoiceId":2}]}`: provider.Recorded,
		`{}`: provider.Unknown, `{"topic":7,"id":[]}`: provider.Unknown, `{"invoiceId":7799}`: provider.Parked,
	} {
		r.take(t, []byte(body))
		if row := r.one(t, []byte(body)); row.Disposition != want {
			t.Errorf("%s: kept as %s; want %s", body, row.Disposition, want)
		}
	}
}
