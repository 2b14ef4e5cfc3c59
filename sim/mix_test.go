package sim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mailroom stands in for the four webhook endpoints. It answers by status, 200 if that is nil, and Tixstock with order_status.
type mailroom struct {
	status func(n int) int

	mu  sync.Mutex
	got []letter
}

type letter struct {
	at     time.Duration // since the start
	to     string        // the path: which provider's endpoint
	header http.Header
	body   []byte
}

// typ is the webhook's type, wherever the provider puts it.
func (l letter) typ(t *testing.T) string {
	t.Helper()
	var m struct {
		Type        string
		MessageType string
		Meta        struct{ Type string }
	}
	if err := json.Unmarshal(l.body, &m); err != nil {
		t.Fatalf("%s: %v", l.to, err)
	}
	return m.Type + m.MessageType + m.Meta.Type
}

func (b *mailroom) options(start time.Time, seed uint64, rate float64) MixOptions {
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		n := len(b.got)
		b.got = append(b.got, letter{time.Since(start), strings.TrimPrefix(r.URL.Path, "/"), r.Header, body})
		status, answer := 200, `{"external_id":"1","order_status":"Delivered","message":"m","success":true}`
		if b.status != nil {
			status = b.status(n)
		}
		if status == 0 {
			return nil, errors.New("no answer")
		}
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
	})}
	return MixOptions{
		Sender:       SenderOptions{URL: "http://inbox.invalid/tevo", Rate: rate, Seed: seed, Concurrency: 1, Client: client},
		VivenuTarget: Target{"http://inbox.invalid/vivenu", "dev-vivenu-key"}, LTDTarget: Target{URL: "http://inbox.invalid/ltd"},
		TixstockTarget: Target{"http://inbox.invalid/tixstock", "dev-tixstock-token"},
	}
}

// runMix runs a mix for a while of the bubble's time.
func runMix(t *testing.T, m *Mix, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	m.Run(ctx)
	synctest.Wait()
}

func TestMixIsDeterministicBySeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (all []string) {
		synctest.Test(t, func(t *testing.T) {
			box := &mailroom{}
			runMix(t, NewMix(box.options(time.Now(), seed, 60)), 200*time.Second-500*time.Millisecond) // no step falls on the end
			for _, l := range box.got {
				all = append(all, l.at.String()+" "+l.to+" "+string(l.body))
			}
		})
		return all
	}
	first, second, other := run(7), run(7), run(8)
	if len(first) < 300 {
		t.Fatalf("got %d webhooks; want some hundred", len(first))
	}
	if !slices.Equal(first, second) {
		t.Error("the same seed made other webhooks")
	}
	if slices.Equal(first, other) {
		t.Error("another seed made the same webhooks")
	}
}

func TestMixSendsWhatEveryProviderSends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &mailroom{}
		o := box.options(time.Now(), 1, 100)
		o.POS = NewPOS(POSOptions{})
		m := NewMix(o)
		runMix(t, m, 6*time.Minute)

		seen, ids := map[string]int{}, map[string]string{}
		for _, l := range box.got {
			if l.to == ProviderTEvo {
				seen[l.to]++
				continue
			}
			seen[l.to+" "+l.typ(t)]++
			if got := l.header.Get("Content-Type"); got != "application/json" {
				t.Fatalf("%s: content type: got %q", l.to, got)
			}
			switch l.to {
			case ProviderVivenu:
				if got := l.header.Get("x-vivenu-signature"); got != SignVivenu("dev-vivenu-key", l.body) {
					t.Fatalf("vivenu: signature: got %q", got)
				}
				id, _ := at(unjson(t, l.body), "id").(string)
				if other, known := ids[id]; known && other != string(l.body) {
					t.Fatalf("two webhooks have the id %s", id)
				}
				ids[id] = string(l.body)
			case ProviderTixstock:
				if got := l.header.Get("X-Tixstock-Signature"); got != SignTixstock("dev-tixstock-token", l.body) {
					t.Fatalf("tixstock: signature: got %q", got)
				}
			}
			if strings.Contains(string(l.body), "@") && !strings.Contains(string(l.body), "@example.com") {
				t.Errorf("an address that is not invented: %s", l.body)
			}
		}
		for _, want := range []string{
			"tevo",
			"vivenu transaction.reservedBySystem", "vivenu transaction.complete", "vivenu transaction.canceled",
			"vivenu transaction.partiallyCanceled", "vivenu checkout.completed", "vivenu checkout.aborted", "vivenu ticket.created",
			"vivenu ticket.updated", "vivenu ticketTransfer.created", "vivenu ticketTransfer.transferred", "vivenu scan.created",
			"vivenu purchaseIntent.created", "vivenu purchaseIntent.approved", "vivenu purchaseIntent.completed",
			"vivenu purchaseIntent.expired", "vivenu event.updated", "vivenu customer.updated", "vivenu support.assignedToSeller",
			"ltd TransactionChanged", "ltd ScheduledEticketDelivery",
			"tixstock order.eticket_fulfilment", "tixstock order.mobile_ticket_fulfilment", "tixstock order.update",
		} {
			if seen[want] == 0 {
				t.Errorf("no webhook %s among %v", want, seen)
			}
		}
		counts, total := m.Counts(), 0
		for _, c := range counts {
			total += c.Orders
		}
		for provider, percent := range map[string]int{ProviderTEvo: 40, ProviderVivenu: 30, ProviderLTD: 15, ProviderTixstock: 15} {
			if got := counts[provider].Orders * 100 / total; got < percent-6 || got > percent+6 {
				t.Errorf("%s: got %d%% of %d orders; want about %d%%", provider, got, total, percent)
			}
		}
		invoices := o.POS.State().Invoices
		for _, inv := range invoices {
			order, ok := m.Tixstock().Order(inv.ExternalReference)
			if !ok || inv.Lines[0].Quantity != len(order.Tickets) {
				t.Errorf("invoice %+v is not of a Tixstock order", inv)
			}
		}
		if got := counts[ProviderTixstock].Orders; len(invoices) < got/2 || got == 0 {
			t.Errorf("got %d invoices for %d Tixstock orders", len(invoices), got)
		}
		if got := m.Tixstock().Answers(); len(got) == 0 || !got[0].Valid || got[0].OrderStatus != "Delivered" {
			t.Errorf("tixstock keeps no answers: %v", got)
		}
	})
}

func TestMixStoriesCoverTheirKinds(t *testing.T) {
	t.Parallel()
	for provider, kinds := range map[string][]plotKind{ProviderVivenu: vivenuPlots, ProviderLTD: ltdPlots, ProviderTixstock: tixstockPlots} {
		m, told, ids := NewMix(MixOptions{Sender: SenderOptions{Seed: 3}}), map[string]bool{}, map[string]bool{}
		for n := range 600 {
			p := m.plot(provider, n, testNow)
			told[p.kind] = true
			if p.id == "" || ids[p.id] {
				t.Fatalf("%s: order %d: id %q is empty or was used before", provider, n, p.id)
			}
			ids[p.id] = true
		}
		for _, k := range kinds {
			if !told[k.name] {
				t.Errorf("%s: no story of kind %q in 600", provider, k.name)
			}
		}
	}
}

// play tells one story of this kind alone and returns the types of its webhooks in the order of their arrival.
func play(t *testing.T, provider, kind string, prepare func(*Mix, Began), set func(*MixOptions)) (types []string, m *Mix, b Began) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		box := &mailroom{}
		options := box.options(time.Now(), 5, 0)
		if set != nil {
			set(&options)
		}
		m = NewMix(options)
		for n := range 1000 {
			if NewMix(MixOptions{Sender: SenderOptions{Seed: 5}}).plot(provider, n, time.Now()).kind == kind {
				m.nextOf[provider] = n
				break
			}
		}
		b = m.BeginWith(provider)
		if b.Kind != kind || b.Provider != provider {
			t.Fatalf("got %+v; want a story of kind %q", b, kind)
		}
		if prepare != nil {
			prepare(m, b)
		}
		runMix(t, m, time.Hour)
		for _, l := range box.got {
			types = append(types, l.typ(t))
		}
	})
	return types, m, b
}

func TestMixStoriesAsDelivered(t *testing.T) {
	t.Parallel()
	t.Run("TheCounterIsPaidWithoutAWebhook", func(t *testing.T) {
		t.Parallel()
		got, m, b := play(t, ProviderVivenu, "paid at the counter", nil, nil)
		if tx, _ := m.Vivenu().Transaction(b.ID); tx.PaymentStatus != "LOCAL-RECEIVED" {
			t.Errorf("got %s; want LOCAL-RECEIVED", tx.PaymentStatus)
		}
		if got[0] != "transaction.reservedBySystem" || got[len(got)-1] != "ticket.created" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("FreeCostsNothing", func(t *testing.T) {
		t.Parallel()
		_, m, b := play(t, ProviderVivenu, "free", nil, nil)
		if tx, _ := m.Vivenu().Transaction(b.ID); tx.AmountMinor() != 0 || tx.Status != "COMPLETE" {
			t.Errorf("got %d, %s; want 0 and COMPLETE", tx.AmountMinor(), tx.Status)
		}
	})
	t.Run("CompletionOvertakesTheReservation", func(t *testing.T) {
		t.Parallel()
		got, _, _ := play(t, ProviderVivenu, "out of order", nil, nil)
		if last := got[len(got)-1]; last != "transaction.reservedBySystem" {
			t.Errorf("got %q; want the reservation last", got)
		}
	})
	t.Run("PartialCancellationLeavesATicket", func(t *testing.T) {
		t.Parallel()
		_, m, b := play(t, ProviderVivenu, "partially canceled", nil, nil)
		tx, _ := m.Vivenu().Transaction(b.ID)
		if tx.Status != "COMPLETE" || tx.Tickets[0].Status != "INVALID" || tx.Tickets[1].Status != "VALID" {
			t.Errorf("got %s, %+v", tx.Status, tx.Tickets)
		}
	})
	t.Run("IntentIsApprovedByItself", func(t *testing.T) {
		t.Parallel()
		got, m, b := play(t, ProviderVivenu, "purchase intent", nil, nil)
		want := []string{"purchaseIntent.created", "purchaseIntent.approved", "purchaseIntent.completed", "transaction.complete", "checkout.completed"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q; want %q", got, want)
		}
		p, _ := m.Vivenu().Intent(b.ID)
		if tx, ok := m.Vivenu().Transaction(p.TransactionID); !ok || tx.IntentID != b.ID {
			t.Errorf("got transaction %q of intent %q; want one of %q", p.TransactionID, tx.IntentID, b.ID)
		}
	})
	t.Run("AnIntentThatIsRejectedByAPIEndsThere", func(t *testing.T) {
		t.Parallel()
		got, _, _ := play(t, ProviderVivenu, "purchase intent", func(m *Mix, b Began) {
			m.jobs.add(time.Now().Add(time.Second), func() {
				call := VivenuCall{ID: b.ID}
				m.Vivenu().changeIntent(call, isAwaiting, func(p VivenuIntent) VivenuIntent { return p.Rejected("No.", time.Now()) }, "purchaseIntent.rejected")
			})
		}, nil)
		if want := []string{"purchaseIntent.created", "purchaseIntent.rejected"}; !slices.Equal(got, want) {
			t.Errorf("got %q; want %q", got, want)
		}
	})
	t.Run("BarcodesOvertakeTheBooking", func(t *testing.T) {
		t.Parallel()
		got, _, _ := play(t, ProviderLTD, "barcodes overtake the booking", nil, nil)
		if want := []string{"ScheduledEticketDelivery", "TransactionChanged"}; !slices.Equal(got, want) {
			t.Errorf("got %q; want %q", got, want)
		}
	})
	t.Run("OneTicketOfABookingIsCancelled", func(t *testing.T) {
		t.Parallel()
		got, m, b := play(t, ProviderLTD, "one ticket cancelled", nil, nil)
		booking, _ := m.LTD().Booking(b.ID)
		if left := booking.Count(); len(got) != 2 || left != len(booking.Performances[0].Tickets)-1 || left == 0 {
			t.Errorf("got %q and %d tickets left", got, left)
		}
	})
	t.Run("EveryTicketIsAWebhook", func(t *testing.T) {
		t.Parallel()
		got, m, b := play(t, ProviderTixstock, "e-tickets", nil, nil)
		o, _ := m.Tixstock().Order(b.ID)
		if len(got) != len(o.Tickets) || o.Status != "Delivered" {
			t.Errorf("got %q for %d tickets, status %s", got, len(o.Tickets), o.Status)
		}
	})
	t.Run("RepeatsAreEqual", func(t *testing.T) {
		t.Parallel()
		got, m, b := play(t, ProviderTixstock, "webhooks repeated", nil, nil)
		if o, _ := m.Tixstock().Order(b.ID); len(got) < 2*len(o.Tickets) {
			t.Errorf("got %d webhooks for %d tickets; want each repeated", len(got), len(o.Tickets))
		}
	})
	t.Run("CanceledByAPIIsToldByWebhook", func(t *testing.T) {
		t.Parallel()
		got, _, _ := play(t, ProviderVivenu, "sale", func(m *Mix, b Began) {
			m.jobs.add(time.Now().Add(time.Minute), func() {
				tx, _ := m.Vivenu().Update(b.ID, func(tx VivenuTransaction) VivenuTransaction { return tx.Canceled(time.Now()) })
				m.Vivenu().notify(VivenuChange{Type: "transaction.canceled", Transaction: &tx})
			})
		}, nil)
		if last := got[len(got)-1]; last != "transaction.canceled" {
			t.Errorf("got %q; want the cancellation last", got)
		}
	})
	t.Run("WithoutATargetOrdersChangeAllTheSame", func(t *testing.T) {
		t.Parallel()
		got, m, b := play(t, ProviderVivenu, "sale", nil, func(o *MixOptions) { o.VivenuTarget.URL = "" })
		if tx, _ := m.Vivenu().Transaction(b.ID); len(got) != 0 || tx.Status != "COMPLETE" {
			t.Errorf("got %q and %s; want no webhook of a complete transaction", got, tx.Status)
		}
	})
}

func TestMixRetries(t *testing.T) {
	t.Parallel()
	minutes := func(list ...int) (at []time.Duration) {
		for _, m := range list {
			at = append(at, time.Duration(m)*time.Minute)
		}
		return at
	}
	for name, c := range map[string]struct {
		provider string
		status   func(n int) int
		at       []time.Duration
		counts   SenderCounts
	}{
		"VivenuSixTimesOverTwoHours": {
			ProviderVivenu, func(int) int { return 503 }, minutes(0, 1, 5, 15, 35, 70, 120),
			SenderCounts{Webhooks: 1, Attempts: 7, GaveUp: 1, Status: map[int]int{503: 7}},
		},
		"VivenuNeverAfter401": {
			ProviderVivenu, func(int) int { return 401 }, minutes(0),
			SenderCounts{Webhooks: 1, Attempts: 1, GaveUp: 1, Status: map[int]int{401: 1}},
		},
		"VivenuWithoutAnAnswer": {
			ProviderVivenu, func(n int) int { return []int{0, 202}[n] }, minutes(0, 1),
			SenderCounts{Webhooks: 1, Attempts: 2, NoAnswer: 1, Delivered: 1, Status: map[int]int{202: 1}},
		},
		"TixstockThreeTimes": {
			ProviderTixstock, func(int) int { return 401 }, minutes(0, 1, 6, 21),
			SenderCounts{Webhooks: 1, Attempts: 4, GaveUp: 1, Status: map[int]int{401: 4}},
		},
		"LTDUntilItIsTaken": {
			ProviderLTD, func(n int) int { return []int{404, 200}[n] }, minutes(0, 1),
			SenderCounts{Webhooks: 1, Attempts: 2, Delivered: 1, Status: map[int]int{404: 1, 200: 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box := &mailroom{status: c.status}
				m := NewMix(box.options(time.Now(), 1, 0))
				m.Tell(c.provider, VivenuSale(0).Webhook("transaction.complete"))
				runMix(t, m, 24*time.Hour)
				var times []time.Duration
				for _, l := range box.got {
					times = append(times, l.at)
				}
				if !slices.Equal(times, c.at) {
					t.Errorf("posts at: got %v; want %v", times, c.at)
				}
				if got := m.Counts()[c.provider]; !reflect.DeepEqual(got, c.counts) {
					t.Errorf("counts: got %+v; want %+v", got, c.counts)
				}
			})
		})
	}
}

func TestMixPostsOnce(t *testing.T) {
	t.Parallel()
	box := &mailroom{status: func(int) int { return 503 }}
	o := box.options(time.Now(), 1, 0)
	o.LTDTarget.URL = ""
	o.VivenuTarget.Secret = ""
	m := NewMix(o)
	order := TixstockSale(0)
	m.Tixstock().Put(order)
	if status, answer, err := m.Post(t.Context(), ProviderTixstock, order.ETicket(0)); status != 503 || len(answer) == 0 || err != nil {
		t.Errorf("got %d %s, %v; want 503 and its body", status, answer, err)
	}
	if _, _, err := m.Post(t.Context(), ProviderVivenu, VivenuSale(0).Webhook("transaction.complete")); err != nil {
		t.Error(err)
	}
	if _, there := box.got[1].header["X-Vivenu-Signature"]; there || len(box.got) != 2 {
		t.Errorf("got %d posts, signed %v; want two, the one without a key unsigned", len(box.got), there)
	}
	for _, provider := range []string{ProviderLTD, ProviderTEvo} {
		if _, _, err := m.Post(t.Context(), provider, nil); err == nil {
			t.Errorf("%s: got no error; want one, it has no target", provider)
		}
	}
	box.status = func(int) int { return 0 }
	if _, _, err := m.Post(t.Context(), ProviderVivenu, nil); err == nil || strings.Contains(err.Error(), "inbox.invalid") {
		t.Errorf("got %v; want an error without the URL", err)
	}
}

func TestMixWeights(t *testing.T) {
	t.Parallel()
	begin := func(o MixOptions) map[string]int {
		m, got := NewMix(o), map[string]int{}
		for range 200 {
			got[m.Begin().Provider]++
		}
		return got
	}
	if got := begin(MixOptions{}); got[ProviderTEvo] != 200 {
		t.Errorf("without targets: got %v; want Ticket Evolution alone", got)
	}
	if got := begin(MixOptions{LTDTarget: Target{URL: "http://inbox.invalid"}}); got[ProviderLTD] != 200 {
		t.Errorf("with one target: got %v; want that one alone", got)
	}
	if got := begin(MixOptions{Weights: MixWeights{Vivenu: 1, Tixstock: 1}}); got[ProviderVivenu] < 60 || got[ProviderTixstock] < 60 || got[ProviderTEvo] > 0 {
		t.Errorf("with weights: got %v; want halves", got)
	}
}

func TestMixOfTicketEvolutionAloneIsTheSender(t *testing.T) {
	t.Parallel()
	m := NewMix(MixOptions{Sender: SenderOptions{Seed: 9, Now: func() time.Time { return testNow }}})
	for n := range 20 {
		if got, want := m.Begin().ID, NewStory(9, n, testNow).Order.ID; got != want {
			t.Fatalf("order %d: got %s; want %s", n, got, want)
		}
	}
	if got := m.Counts()[ProviderTEvo].Orders; got != 20 {
		t.Errorf("got %d orders; want 20", got)
	}
}
