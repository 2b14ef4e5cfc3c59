package sim

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The providers of a [Mix].
const (
	ProviderTEvo     = "tevo"
	ProviderVivenu   = "vivenu"
	ProviderLTD      = "ltd"
	ProviderTixstock = "tixstock"
)

// vivenuRetries is when vivenu sends a webhook again that was answered with 5xx or not at all: six times over two hours, as seen in
// practice. How the two hours are divided is an assumption, and so is that nothing else is sent again; of 401 that is known.
var vivenuRetries = []time.Duration{time.Minute, 4 * time.Minute, 10 * time.Minute, 20 * time.Minute, 35 * time.Minute, 50 * time.Minute}

// otherRetries is when Tixstock and London Theatre Direct send a webhook again that was not answered with success: an assumption.
var otherRetries = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}

// A Target is where a provider's webhooks go.
type Target struct {
	URL string // path token included, where there is one; empty sends nothing
	// Secret signs the webhooks: vivenu's hmacKey, or Tixstock's bearer token. London Theatre Direct's scheme is not public; its
	// webhooks are not signed.
	Secret string
}

// MixWeights is how often each provider has an order, in relation to the others.
type MixWeights struct{ TEvo, Vivenu, LTD, Tixstock int }

// MixOptions configure a [Mix].
type MixOptions struct {
	// Sender is Ticket Evolution's part, and rate, seed, pace, concurrency, client, clock and logger of all parts.
	Sender SenderOptions
	// SupplyReference has POS get the tickets of Ticket Evolution's sales, in place of Sender.Supply: it is what stands before an
	// order's group id in the external reference of its invoice, such as "order:tevo:". See [POS.Supplier].
	SupplyReference string

	VivenuTarget, LTDTarget, TixstockTarget Target

	Vivenu   *Vivenu   // where transactions and intents can be read; nil is one of the mix's own
	LTD      *LTD      // the same for bookings
	Tixstock *Tixstock // what keeps orders and answers; nil is one of the mix's own
	POS      *POS      // where the shop books what Tixstock then fulfils; nil books nothing

	// Weights of zero are 40, 30, 15, 15 for the providers that have a target, and Ticket Evolution alone where none has.
	Weights MixWeights
}

// Mix makes orders of all four providers and sends their webhooks, one seed and one rate for all. It is safe for concurrent use.
type Mix struct {
	opts     MixOptions
	now      func() time.Time
	jobs     *schedule
	sender   *Sender
	vivenu   *Vivenu
	ltd      *LTD
	tixstock *Tixstock
	log      *slog.Logger

	mu     sync.Mutex
	counts map[string]*SenderCounts
	next   int            // number of the next order
	nextOf map[string]int // number of the next order of a provider, Ticket Evolution aside
}

// Began is an order that a [Mix] has begun.
type Began struct {
	Provider string
	Kind     string // for logs, such as "partially canceled"
	ID       string // as its API knows it: a transaction, an intent, a basket, an order
}

// NewMix makes a mix and attaches it to its APIs. Nothing is sent before Run, except by Post.
func NewMix(o MixOptions) *Mix {
	if o.SupplyReference != "" && o.POS != nil {
		o.Sender.Supply = o.POS.Supplier(o.SupplyReference)
	}
	m := &Mix{opts: o, jobs: newSchedule(), counts: map[string]*SenderCounts{}, nextOf: map[string]int{}}
	m.sender = newSender(o.Sender, m.jobs)
	m.opts.Sender, m.now, m.log = m.sender.opts, m.sender.now, m.sender.opts.Logger
	m.vivenu = cmp.Or(o.Vivenu, NewVivenu(VivenuOptions{Now: m.now}))
	m.ltd = cmp.Or(o.LTD, NewLTD(LTDOptions{Now: m.now}))
	m.tixstock = cmp.Or(o.Tixstock, NewTixstock(TixstockOptions{Token: o.TixstockTarget.Secret, Now: m.now}))
	for _, p := range []string{ProviderVivenu, ProviderLTD, ProviderTixstock} {
		m.counts[p] = &SenderCounts{Status: map[int]int{}}
	}
	if (o.Weights == MixWeights{}) {
		m.opts.Weights = m.usualWeights()
	}
	m.vivenu.OnChange(func(c VivenuChange) { m.Tell(ProviderVivenu, c.Webhook()) })
	return m
}

func (m *Mix) usualWeights() MixWeights {
	of := func(url string, weight int) int {
		if url == "" {
			return 0
		}
		return weight
	}
	w := MixWeights{
		of(m.opts.Sender.URL, 40), of(m.opts.VivenuTarget.URL, 30), of(m.opts.LTDTarget.URL, 15), of(m.opts.TixstockTarget.URL, 15),
	}
	if (w == MixWeights{}) {
		w.TEvo = 1
	}
	return w
}

// Sender is Ticket Evolution's part of the mix. Its own Run must not be called.
func (m *Mix) Sender() *Sender { return m.sender }

// Vivenu is the API that knows the transactions and intents.
func (m *Mix) Vivenu() *Vivenu { return m.vivenu }

// LTD is the API that knows the bookings.
func (m *Mix) LTD() *LTD { return m.ltd }

// Tixstock is what knows Tixstock's orders and what its webhooks were answered.
func (m *Mix) Tixstock() *Tixstock { return m.tixstock }

// Counts returns what was done so far, by provider.
func (m *Mix) Counts() map[string]SenderCounts {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]SenderCounts{ProviderTEvo: m.sender.Counts()}
	for p, c := range m.counts {
		one := *c
		one.Status = maps.Clone(c.Status)
		all[p] = one
	}
	return all
}

func (m *Mix) count(provider string, f func(*SenderCounts)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.counts[provider])
}

// Begin starts the story of a new order of whichever provider the seed picks; Run carries it on.
func (m *Mix) Begin() Began {
	m.mu.Lock()
	n := m.next
	m.next++
	m.mu.Unlock()
	return m.BeginWith(m.provider(n))
}

// provider picks whose the n-th order is. The seed alone decides.
func (m *Mix) provider(n int) string {
	w := m.opts.Weights
	pick := rand.New(rand.NewPCG(m.opts.Sender.Seed^0x6d6978, uint64(n))).IntN(w.TEvo + w.Vivenu + w.LTD + w.Tixstock)
	for _, one := range []struct {
		provider string
		weight   int
	}{{ProviderVivenu, w.Vivenu}, {ProviderLTD, w.LTD}, {ProviderTixstock, w.Tixstock}} {
		if pick -= one.weight; pick < 0 {
			return one.provider
		}
	}
	return ProviderTEvo
}

// BeginWith starts the story of a new order of this provider. Its story depends on the seed and on how many orders the provider had
// before, not on those of others.
func (m *Mix) BeginWith(provider string) Began {
	if provider == ProviderTEvo {
		s := m.sender.Begin()
		return Began{provider, s.Kind, s.Order.ID}
	}
	m.mu.Lock()
	n := m.nextOf[provider]
	m.nextOf[provider]++
	m.counts[provider].Orders++
	m.mu.Unlock()
	at, timer := m.now(), time.Now()
	p := m.plot(provider, n, at)
	m.log.Info("mix: order", "provider", provider, "order", p.id, "kind", p.kind)
	for _, step := range p.steps {
		after := scaled(step.after, m.opts.Sender.StoryScale)
		m.jobs.add(timer.Add(after), func() { m.step(provider, step, at.Add(after), stepTries) })
	}
	return Began{provider, p.kind, p.id}
}

// step carries out one step as of at. It is dated by plan and not by the clock, so that the same seed makes the same bytes.
func (m *Mix) step(provider string, step plotStep, at time.Time, tries int) {
	if step.ready != nil && !step.ready() {
		if tries > 1 {
			pause := scaled(stepPause, m.opts.Sender.StoryScale)
			m.jobs.add(time.Now().Add(pause), func() { m.step(provider, step, at.Add(pause), tries-1) })
		}
		return
	}
	leaves := time.Now().Add(scaled(step.late, m.opts.Sender.StoryScale))
	for _, body := range step.do(at) {
		for range 1 + step.repeats {
			m.queue(provider, body, leaves)
		}
	}
}

// Tell queues a webhook of vivenu, London Theatre Direct or Tixstock. Run delivers it, with retries.
func (m *Mix) Tell(provider string, body []byte) { m.queue(provider, body, time.Now()) }

func (m *Mix) target(provider string) Target {
	switch provider {
	case ProviderVivenu:
		return m.opts.VivenuTarget
	case ProviderLTD:
		return m.opts.LTDTarget
	case ProviderTixstock:
		return m.opts.TixstockTarget
	}
	return Target{}
}

func (m *Mix) queue(provider string, body []byte, at time.Time) {
	if m.target(provider).URL == "" {
		return
	}
	m.count(provider, func(c *SenderCounts) { c.Webhooks++ })
	m.deliver(provider, body, at, 0)
}

func (m *Mix) deliver(provider string, body []byte, at time.Time, retries int) {
	waits := otherRetries
	if provider == ProviderVivenu {
		waits = vivenuRetries
	}
	m.jobs.addSlow(at, func(ctx context.Context) {
		status, _, err := m.attempt(ctx, provider, body)
		again := err != nil || status/100 == 5 || provider != ProviderVivenu
		switch {
		case ctx.Err() != nil || (err == nil && status/100 == 2):
		case retries == len(waits) || !again:
			m.count(provider, func(c *SenderCounts) { c.GaveUp++ })
			m.log.Warn("mix: webhook given up", "provider", provider, "status", status)
		default:
			m.deliver(provider, body, time.Now().Add(scaled(waits[retries], m.opts.Sender.RetryScale)), retries+1)
		}
	})
}

// Post posts one webhook of vivenu, London Theatre Direct or Tixstock, signed and once. It returns what it was answered, or an
// error if there was no answer or the provider has no target.
func (m *Mix) Post(ctx context.Context, provider string, body []byte) (status int, answer []byte, err error) {
	if m.target(provider).URL == "" {
		return 0, nil, fmt.Errorf("webhook: %s has no target in this mix", strconv.Quote(provider))
	}
	m.count(provider, func(c *SenderCounts) { c.Webhooks++ })
	return m.attempt(ctx, provider, body)
}

// header is what a provider's webhook carries besides its body.
func (m *Mix) header(provider string, body []byte) http.Header {
	h, secret := http.Header{}, m.target(provider).Secret
	switch provider {
	case ProviderTixstock:
		return TixstockHeader(secret, body)
	case ProviderVivenu:
		if secret != "" { // without a key there is no such header
			h.Set("X-Vivenu-Signature", SignVivenu(secret, body))
		}
	}
	h.Set("Content-Type", "application/json")
	return h
}

// attempt posts a webhook and counts the answer.
func (m *Mix) attempt(ctx context.Context, provider string, body []byte) (status int, answer []byte, err error) {
	m.count(provider, func(c *SenderCounts) { c.Attempts++ })
	defer func() {
		if err != nil {
			m.count(provider, func(c *SenderCounts) { c.NoAnswer++ })
			err = fmt.Errorf("webhook: %w", withoutURL(err))
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.target(provider).URL, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = m.header(provider, body)
	resp, err := m.opts.Sender.Client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, nil, errors.Join(errors.New("the answer broke off"), err)
	}
	m.count(provider, func(c *SenderCounts) {
		c.Status[resp.StatusCode]++
		if resp.StatusCode/100 == 2 {
			c.Delivered++
		}
	})
	if provider == ProviderTixstock {
		m.tixstock.Answered(body, resp.StatusCode, answer)
	}
	return resp.StatusCode, answer, nil
}

// Run makes orders at the rate asked for and delivers every webhook that is due, until ctx ends. It then waits for the posts under
// way. What was not delivered by then is lost.
func (m *Mix) Run(ctx context.Context) {
	m.jobs.runAtRate(ctx, m.opts.Sender.Rate, m.opts.Sender.Concurrency, func() { m.Begin() })
}
