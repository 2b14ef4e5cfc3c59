package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// tevoRetries is when Ticket Evolution sends a webhook again that was not answered with success; after the last it
// gives up (an older version of "Order Notifications (Webhooks)"; newer ones do not say).
var tevoRetries = []time.Duration{10 * time.Second, 120 * time.Second, 600 * time.Second, 3600 * time.Second}

// A step whose condition does not hold is tried again this often and this many times.
const (
	stepPause = 5 * time.Second
	stepTries = 60
)

// SenderOptions configure a [Sender].
type SenderOptions struct {
	// URL is where webhooks go, path token included. Empty sends nothing, the orders change all the same.
	URL string
	// TEvo is where the orders can be read and accepted; nil is an API of the sender's own.
	TEvo *TEvo
	// Rate is orders per minute; 0 is none.
	Rate float64
	// Seed chooses the orders; see [NewStory].
	Seed uint64
	// Supply, if it is there, has the tickets of an accepted sale put into our point of sale, in the form that the order's
	// Delivery wants: files for an Eticket, a link or a transfer for TBD, nothing but word of it for a WillCall. The mix then has
	// stories in which nobody else delivers; without it, none. It runs beside the steps of other orders; see [POS.Supplier].
	Supply func(TEvoOrder)
	// Concurrency is how many webhooks are under way at most; 0 is 8.
	Concurrency int
	// StoryScale and RetryScale stretch the time between the steps of an order, and between the attempts to deliver a
	// webhook. 0 is 1, as it is in life.
	StoryScale, RetryScale float64

	Client *http.Client     // nil is one that waits ten seconds
	Logger *slog.Logger     // nil logs nothing
	Now    func() time.Time // nil is time.Now; it dates the orders, it does not drive the timers
}

// SenderCounts tells what a [Sender] did so far.
type SenderCounts struct {
	Orders    int         // begun
	Webhooks  int         // told, repeats included
	Attempts  int         // posts, retries included
	Delivered int         // webhooks answered with success
	GaveUp    int         // webhooks that ran out of retries
	NoAnswer  int         // attempts without an answer
	Status    map[int]int // attempts by the status they were answered with
}

// Sender makes orders and sends the webhooks that Ticket Evolution would send. What the API changes (accept,
// reject) it reports too. It is safe for concurrent use.
type Sender struct {
	opts SenderOptions
	now  func() time.Time
	tevo *TEvo
	jobs *schedule

	mu     sync.Mutex
	counts SenderCounts
	next   int // number of the next order
}

// NewSender makes a sender and attaches it to opts.TEvo. Nothing is sent before Run, except by Post.
func NewSender(opts SenderOptions) *Sender { return newSender(opts, newSchedule()) }

func newSender(opts SenderOptions, jobs *schedule) *Sender {
	s := &Sender{opts: opts, now: opts.Now, tevo: opts.TEvo, jobs: jobs}
	s.counts.Status = map[int]int{}
	if s.now == nil {
		s.now = time.Now
	}
	if s.tevo == nil {
		s.tevo = NewTEvo(TEvoOptions{Now: s.now})
	}
	if s.opts.Logger == nil {
		s.opts.Logger = slog.New(slog.DiscardHandler)
	}
	if s.opts.Client == nil {
		s.opts.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if s.opts.Concurrency <= 0 {
		s.opts.Concurrency = 8
	}
	if s.opts.StoryScale == 0 {
		s.opts.StoryScale = 1
	}
	if s.opts.RetryScale == 0 {
		s.opts.RetryScale = 1
	}
	s.tevo.OnChange(func(c TEvoChange) {
		contentType, body := c.Order.ItemWebhook(c.Item, c.Recipient, c.EventType)
		s.queue(contentType, body, time.Now())
	})
	return s
}

// TEvo is the API that knows the sender's orders.
func (s *Sender) TEvo() *TEvo { return s.tevo }

// Counts returns what was done so far.
func (s *Sender) Counts() SenderCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Status = maps.Clone(c.Status)
	return c
}

// Post makes the order known to the API, unless that knows it as it is or newer, and posts one webhook about it, once.
// It returns the status it was answered with, or an error if there was no answer.
func (s *Sender) Post(ctx context.Context, o TEvoOrder, recipient, eventType string) (status int, err error) {
	s.tevo.putNewer(o)
	contentType, body := o.Webhook(recipient, eventType)
	s.count(func(c *SenderCounts) { c.Webhooks++ })
	return s.attempt(ctx, contentType, body)
}

// Tell queues a webhook about the order as it is given. Run delivers it, with retries.
func (s *Sender) Tell(o TEvoOrder, recipient, eventType string) {
	contentType, body := o.Webhook(recipient, eventType)
	s.queue(contentType, body, time.Now())
}

// Begin starts the story of a new order; Run carries it on.
func (s *Sender) Begin() Story {
	s.mu.Lock()
	n := s.next
	s.next++
	s.counts.Orders++
	s.mu.Unlock()
	at := s.now()
	kinds := storyKinds
	if s.opts.Supply != nil {
		kinds = slices.Concat(storyKinds, suppliedKinds)
	}
	story := newStory(kinds, s.opts.Seed, n, at)
	s.tevo.Put(story.Order)
	s.opts.Logger.Info("tevo simulator: order", "order", story.Order.OID(), "kind", story.Kind)
	timer := time.Now()
	for _, step := range story.Steps {
		after := scaled(step.After, s.opts.StoryScale)
		s.jobs.add(timer.Add(after), func() { s.step(story.Order.ID, step, at.Add(after), stepTries) })
	}
	return story
}

// step carries out one step as of at. It is dated by plan and not by the clock, so that the same seed makes the same
// bytes.
func (s *Sender) step(id string, step StoryStep, at time.Time, tries int) {
	o, ok := s.tevo.Order(id)
	if !ok {
		return
	}
	if step.If != nil && !step.If(o) {
		if tries > 1 {
			pause := scaled(stepPause, s.opts.StoryScale)
			s.jobs.add(time.Now().Add(pause), func() { s.step(id, step, at.Add(pause), tries-1) })
		}
		return
	}
	if step.Change != nil {
		o, _ = s.tevo.Update(id, func(o TEvoOrder) TEvoOrder { return step.Change(o, at) })
	}
	if step.Supply && s.opts.Supply != nil {
		s.jobs.addSlow(time.Now(), func(context.Context) { s.opts.Supply(o) })
	}
	if step.EventType == "" {
		return
	}
	contentType, body := step.Told(o)
	leaves := time.Now().Add(scaled(step.Late, s.opts.StoryScale))
	for range 1 + step.Repeats {
		s.queue(contentType, body, leaves)
	}
}

// queue has Run post a webhook at a time, and again for as long as Ticket Evolution would.
func (s *Sender) queue(contentType string, body []byte, at time.Time) {
	if s.opts.URL == "" {
		return
	}
	s.count(func(c *SenderCounts) { c.Webhooks++ })
	s.deliver(contentType, body, at, 0)
}

func (s *Sender) deliver(contentType string, body []byte, at time.Time, retries int) {
	s.jobs.addSlow(at, func(ctx context.Context) {
		status, err := s.attempt(ctx, contentType, body)
		switch {
		case ctx.Err() != nil || (err == nil && status/100 == 2):
		case retries == len(tevoRetries):
			s.count(func(c *SenderCounts) { c.GaveUp++ })
			s.opts.Logger.Warn("tevo simulator: webhook given up", "status", status)
		default:
			wait := scaled(tevoRetries[retries], s.opts.RetryScale)
			s.deliver(contentType, body, time.Now().Add(wait), retries+1)
		}
	})
}

// attempt posts a webhook and counts the answer.
func (s *Sender) attempt(ctx context.Context, contentType string, body []byte) (int, error) {
	s.count(func(c *SenderCounts) { c.Attempts++ })
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.opts.URL, bytes.NewReader(body))
	if err != nil {
		s.count(func(c *SenderCounts) { c.NoAnswer++ })
		return 0, fmt.Errorf("webhook: %w", withoutURL(err))
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := s.opts.Client.Do(req)
	if err != nil {
		s.count(func(c *SenderCounts) { c.NoAnswer++ })
		return 0, fmt.Errorf("webhook: %w", withoutURL(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // so that the connection can be used again
	s.count(func(c *SenderCounts) {
		c.Status[resp.StatusCode]++
		if resp.StatusCode/100 == 2 {
			c.Delivered++
		}
	})
	return resp.StatusCode, nil
}

// withoutURL drops the URL from an error: its path holds the token.
func withoutURL(err error) error {
	if u, ok := err.(*url.Error); ok {
		return u.Err
	}
	return err
}

func (s *Sender) count(f func(*SenderCounts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.counts)
}

// Run makes orders at the rate asked for and delivers every webhook that is due, until ctx ends. It then waits for the
// posts under way. What was not delivered by then is lost.
func (s *Sender) Run(ctx context.Context) {
	s.jobs.runAtRate(ctx, s.opts.Rate, s.opts.Concurrency, func() { s.Begin() })
}

func scaled(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }
