package sim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inbox stands in for the webhook endpoint. It answers by status, 200 if that is nil.
type inbox struct {
	status func(n int) int

	mu     sync.Mutex
	got    []received
	inside int
	most   int // posts under way at once
	delay  time.Duration
}

type received struct {
	at          time.Duration // since the start
	contentType string
	body        []byte
	form        url.Values
}

func (b *inbox) client(start time.Time) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		b.mu.Lock()
		n := len(b.got)
		b.got = append(b.got, received{time.Since(start), r.Header.Get("Content-Type"), body, form})
		b.inside++
		b.most = max(b.most, b.inside)
		b.mu.Unlock()
		if b.delay > 0 {
			<-time.After(b.delay)
		}
		b.mu.Lock()
		b.inside--
		b.mu.Unlock()
		status := 200
		if b.status != nil {
			status = b.status(n)
		}
		if status == 0 {
			return nil, errors.New("no answer")
		}
		return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// runFor runs a sender for a while of the bubble's time.
func runFor(t *testing.T, s *Sender, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	s.Run(ctx)
	synctest.Wait()
}

func TestSenderIsDeterministicBySeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (bodies []string) {
		synctest.Test(t, func(t *testing.T) {
			box := &inbox{}
			s := NewSender(SenderOptions{URL: "http://inbox.invalid/t", Rate: 60, Seed: seed, Concurrency: 1, Client: box.client(time.Now())})
			runFor(t, s, 100*time.Second-500*time.Millisecond) // no step falls on the end
			for _, r := range box.got {
				bodies = append(bodies, r.at.String()+" "+string(r.body))
			}
		})
		return bodies
	}
	first, second, other := run(7), run(7), run(8)
	if len(first) < 100 {
		t.Fatalf("got %d webhooks; want a hundred", len(first))
	}
	for i := range max(len(first), len(second)) {
		if i >= min(len(first), len(second)) || first[i] != second[i] {
			t.Fatalf("the same seed made other webhooks from number %d of %d and %d on", i, len(first), len(second))
		}
	}
	if slices.Equal(first, other) {
		t.Error("another seed made the same webhooks")
	}
}

func TestEveryWebhookRoundTrips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{}
		api := NewTEvo(TEvoOptions{})
		s := NewSender(SenderOptions{URL: "http://inbox.invalid/t", TEvo: api, Rate: 60, Seed: 1, Client: box.client(time.Now())})
		acceptWhatIsPending(t, api)
		runFor(t, s, 5*time.Minute)

		events, drift := map[string]int{}, map[string]bool{}
		for _, r := range box.got {
			form, body := unform(t, r.contentType, r.body)
			if len(form) != 4 || form.Get("order_group_id") == "" || (form.Get("recipient") != "seller" && form.Get("recipient") != "buyer") {
				t.Fatalf("form: got %v", form)
			}
			if again := form.Encode(); again != string(r.body) {
				t.Fatalf("form does not round-trip: got %s; want %s", again, r.body)
			}
			events[form.Get("recipient")+" "+form.Get("event_type")]++
			for _, path := range []string{"id", "items.0.ticket_group.in_hand", "items.0.eticket_downloaded_at"} {
				if body["items"] != nil && body["oid"] != nil {
					drift[path+reflect.ValueOf(at(body, path)).Kind().String()] = true
				}
			}
			if body["oid"] == nil {
				continue
			}
			id := strings.TrimPrefix(body["url"].(string), "/orders/")
			if _, known := api.Order(id); !known {
				t.Errorf("the API does not know order %s", id)
			}
			if strings.Contains(form.Get("body"), "@") && !strings.Contains(form.Get("body"), "example.com") {
				t.Errorf("an address that is not invented: %s", form.Get("body"))
			}
		}
		for _, want := range []string{
			"seller order_created", "seller fraud_response_received", "seller seller_accepted", "seller delivery_updated",
			"seller airbill_uploaded", "seller etickets_finalized", "seller in-hand_updated",
			"buyer order_accepted", "buyer seller_accepted", "buyer etickets_finalized", "buyer order_canceled",
		} {
			if events[want] == 0 {
				t.Errorf("no webhook %s among %v", want, events)
			}
		}
		if len(drift) != 6 {
			t.Errorf("types: got %v; want both types of each field", drift)
		}
	})
}

// acceptWhatIsPending accepts every sale that nobody checks for fraud any more, as long as the test runs.
func acceptWhatIsPending(t *testing.T, api *TEvo) {
	ctx := t.Context()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(5 * time.Second):
			}
			for _, o := range api.Orders() {
				if o.State == "pending" && !o.Purchase && o.Fraud != "pending" {
					r := httptest.NewRequest("POST", "/", nil)
					r.SetPathValue("id", o.ID)
					api.accept(r, []byte(`{"reviewer_id":1}`), true)
				}
			}
		}
	}()
}

func TestStoriesCoverTheMix(t *testing.T) {
	t.Parallel()
	kinds, ids := map[string]bool{}, map[string]bool{}
	for n := range 2000 {
		s := NewStory(3, n, testNow)
		kinds[s.Kind] = true
		if ids[s.Order.ID] || ids[s.Order.GroupID] {
			t.Fatalf("order %d: id %s or %s was used before", n, s.Order.ID, s.Order.GroupID)
		}
		ids[s.Order.ID], ids[s.Order.GroupID] = true, true
		if away := s.Order.OccursAt.Sub(testNow); away < 14*24*time.Hour {
			t.Fatalf("order %d: its event is %v away; want some weeks", n, away)
		}
		if n%50 == 0 && !reflect.DeepEqual(plain(t, s.Order.Body()), plain(t, NewStory(3, n, testNow).Order.Body())) {
			t.Fatalf("order %d differs from itself", n)
		}
	}
	same := 0
	for n := range 50 {
		if NewStory(3, n, testNow).Kind == NewStory(4, n, testNow).Kind {
			same++
		}
	}
	if same == 50 {
		t.Error("another seed told the same stories")
	}
	for _, k := range storyKinds {
		if !kinds[k.name] {
			t.Errorf("no story of kind %q in 2000", k.name)
		}
	}
}

func TestSenderRetriesAsTicketEvolutionDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status func(n int) int
		scale  float64
		at     []time.Duration
		counts SenderCounts
	}{
		"UntilItGivesUp": {
			func(int) int { return 503 }, 1,
			[]time.Duration{0, 10 * time.Second, 130 * time.Second, 730 * time.Second, 4330 * time.Second},
			SenderCounts{Webhooks: 1, Attempts: 5, GaveUp: 1, Status: map[int]int{503: 5}},
		},
		"UntilItIsTaken": {
			func(n int) int { return []int{0, 404, 202}[n] }, 1,
			[]time.Duration{0, 10 * time.Second, 130 * time.Second},
			SenderCounts{Webhooks: 1, Attempts: 3, Delivered: 1, NoAnswer: 1, Status: map[int]int{404: 1, 202: 1}},
		},
		"FasterOnRequest": {
			func(n int) int { return []int{500, 200}[n] }, 0.01,
			[]time.Duration{0, 100 * time.Millisecond},
			SenderCounts{Webhooks: 1, Attempts: 2, Delivered: 1, Status: map[int]int{500: 1, 200: 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box := &inbox{status: c.status}
				s := NewSender(SenderOptions{URL: "http://inbox.invalid/t", RetryScale: c.scale, Client: box.client(time.Now())})
				s.Tell(OfficeSale(0), "seller", "order_created")
				runFor(t, s, 24*time.Hour)
				var times []time.Duration
				for _, r := range box.got {
					times = append(times, r.at)
					if string(r.body) != string(box.got[0].body) {
						t.Error("a retry has other bytes")
					}
				}
				if !slices.Equal(times, c.at) {
					t.Errorf("posts at: got %v; want %v", times, c.at)
				}
				if got := s.Counts(); !reflect.DeepEqual(got, c.counts) {
					t.Errorf("counts: got %+v; want %+v", got, c.counts)
				}
			})
		})
	}
}

func TestSenderBoundsItsConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{delay: time.Second}
		s := NewSender(SenderOptions{URL: "http://inbox.invalid/t", Concurrency: 3, Client: box.client(time.Now())})
		for n := range 30 {
			s.Tell(OfficeSale(n), "seller", "order_created")
		}
		runFor(t, s, time.Minute)
		if box.most != 3 || len(box.got) != 30 {
			t.Errorf("got %d at once and %d in all; want 3 and 30", box.most, len(box.got))
		}
	})
}

func TestSenderRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSender(SenderOptions{Rate: 30})
		runFor(t, s, 10*time.Minute-time.Second)
		if got := s.Counts(); got.Orders != 300 || got.Attempts != 0 {
			t.Errorf("got %+v; want 300 orders and, without a URL, no attempts", got)
		}
		if got := len(s.TEvo().Orders()); got != 300 {
			t.Errorf("the API knows %d orders; want 300", got)
		}
		idle := NewSender(SenderOptions{})
		runFor(t, idle, time.Hour)
		if got := idle.Counts().Orders; got != 0 {
			t.Errorf("rate 0: got %d orders; want none", got)
		}
	})
}

func TestStepsAreDatedByPlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		for NewStory(5, n, testNow).Kind != "client declined" {
			n++
		}
		// The timers run in another year than the clock that dates the orders.
		s := NewSender(SenderOptions{Seed: 5, StoryScale: 2, Now: func() time.Time { return testNow }})
		s.next = n
		story := s.Begin()
		runFor(t, s, time.Hour)
		o, _ := s.TEvo().Order(story.Order.ID)
		if want := testNow.Add(2 * story.Steps[1].After); o.Fraud != "declined" || !o.UpdatedAt.Equal(want) {
			t.Errorf("got %s at %v; want declined at %v", o.Fraud, o.UpdatedAt, want)
		}
	})
}

func TestStepsWaitForTheirCondition(t *testing.T) {
	t.Parallel()
	for accepted, want := range map[time.Duration]bool{3 * time.Minute: true, 30 * time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			for NewStory(5, n, testNow).Kind != "office sale to TEvo" {
				n++
			}
			s := NewSender(SenderOptions{Seed: 5})
			s.next = n
			id := s.Begin().Order.ID
			time.AfterFunc(accepted, func() {
				s.TEvo().Update(id, func(o TEvoOrder) TEvoOrder { return o.Accepted(time.Now()) })
			})
			runFor(t, s, time.Hour)
			if o, _ := s.TEvo().Order(id); o.Items[0].Finalized != want {
				t.Errorf("accepted after %v: etickets finalised: got %v; want %v", accepted, o.Items[0].Finalized, want)
			}
		})
	}
}

func TestStoriesAsDelivered(t *testing.T) {
	t.Parallel()
	play := func(t *testing.T, kind string) (events []string) {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			for NewStory(5, n, testNow).Kind != kind {
				n++
			}
			box := &inbox{}
			s := NewSender(SenderOptions{URL: "http://inbox.invalid/t", Seed: 5, Concurrency: 1, Client: box.client(time.Now())})
			s.next = n
			s.Begin()
			runFor(t, s, time.Hour)
			for _, r := range box.got {
				_, body := unform(t, r.contentType, r.body)
				fraud, _ := body["fraud_check_status"].(string)
				events = append(events, strings.TrimSpace(r.form.Get("event_type")+" "+body["state"].(string)+" "+fraud))
			}
		})
		return events
	}
	t.Run("ApprovalOvertakesTheOrder", func(t *testing.T) {
		t.Parallel()
		got := play(t, "client approved, out of order")
		if last := got[len(got)-1]; last != "order_created pending pending" {
			t.Errorf("got %q; want the order last, as it was at first", got)
		}
		if !slices.Contains(got, "fraud_response_received pending approved") {
			t.Errorf("got %q; want an approval", got)
		}
	})
	t.Run("RepeatsAreEqual", func(t *testing.T) {
		t.Parallel()
		got := play(t, "office sale, webhooks repeated")
		if len(got) < 2 || len(slices.Compact(got)) != 1 {
			t.Errorf("got %q; want order_created several times", got)
		}
	})
	t.Run("SilentCancellationTellsNobody", func(t *testing.T) {
		t.Parallel()
		if got := play(t, "canceled silently"); len(got) != 1 {
			t.Errorf("got %q; want one webhook", got)
		}
	})
	t.Run("CancellationIsInTheStateOnly", func(t *testing.T) {
		t.Parallel()
		got := play(t, "canceled, told in a later webhook")
		if want := []string{"order_created pending pending", "fraud_response_received canceled declined"}; !slices.Equal(got, want) {
			t.Errorf("got %q; want %q", got, want)
		}
	})
	t.Run("DeclinedStaysPending", func(t *testing.T) {
		t.Parallel()
		got := play(t, "client declined")
		if want := []string{"order_created pending pending", "fraud_response_received pending declined"}; !slices.Equal(got, want) {
			t.Errorf("got %q; want %q", got, want)
		}
	})
}

func TestPostMakesTheOrderKnown(t *testing.T) {
	t.Parallel()
	box := &inbox{status: func(int) int { return 202 }}
	s := NewSender(SenderOptions{URL: "http://inbox.invalid/secret-token", Client: box.client(time.Now())})
	o := OfficeSale(0).At(testNow)
	if status, err := s.Post(t.Context(), o, "seller", "order_created"); status != 202 || err != nil {
		t.Errorf("got %d, %v; want 202", status, err)
	}
	s.TEvo().Update(o.ID, func(o TEvoOrder) TEvoOrder { return o.Accepted(testNow.Add(time.Minute)) })
	if _, err := s.Post(t.Context(), o, "seller", "order_created"); err != nil {
		t.Error(err)
	}
	if got, _ := s.TEvo().Order(o.ID); got.State != "accepted" {
		t.Errorf("an old webhook rolled the API back: got %s; want accepted", got.State)
	}
	box.status = func(int) int { return 0 }
	if _, err := s.Post(t.Context(), o, "seller", "order_created"); err == nil || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("got %v; want an error without the URL", err)
	}
}

func TestAcceptedByAPIIsToldByWebhook(t *testing.T) {
	t.Parallel()
	arrived := make(chan url.Values, 1)
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		arrived <- form
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	})}
	a := newAPI(t, TEvoOptions{})
	s := NewSender(SenderOptions{URL: "http://inbox.invalid/t", TEvo: a.TEvo, Client: client})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	a.Put(OfficeSale(0))
	if status, _ := a.call("POST", "/v9/orders/147277/accept", `{"reviewer_id":7}`); status != 200 {
		t.Fatalf("got %d; want 200", status)
	}
	form := <-arrived
	if form.Get("event_type") != "seller_accepted" || form.Get("recipient") != "seller" || form.Get("order_group_id") != "44442" {
		t.Errorf("got %v", form)
	}
	stop()
	<-done
}
