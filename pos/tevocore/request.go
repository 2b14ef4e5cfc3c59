package tevocore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
	"willcall/pos/unanswered"
)

// An answer is the body of a success.
type answer interface {
	// check says what the decoded body lacks, in words that quote nothing of it.
	check() error
}

func (c *Client) get(ctx context.Context, op, path string, query url.Values, into answer) error {
	return c.call(ctx, call{op: op, method: http.MethodGet, path: path, query: query}, into)
}

func (c *Client) post(ctx context.Context, op, path string, body any, into answer) error {
	return c.call(ctx, call{op: op, method: http.MethodPost, path: path, body: body}, into)
}

// A call is one request to be made once.
type call struct {
	op           string // for errors
	method, path string
	query        url.Values // of a GET
	body         any        // of a POST
	accept       string     // "" = JSON
	// changes is set for a GET that changes something: it is no read, so that a lost answer is not [pos.Transient], and nobody
	// may send it again unasked.
	changes bool
}

func (k call) write() bool { return k.method != http.MethodGet || k.changes }

// fault makes an error whose class depends on whether the call may have changed something.
func (k call) fault(message string, err error) error {
	class := pos.Transient
	if k.write() {
		class = pos.OutcomeUnknown
	}
	return &pos.Error{Class: class, Op: k.op, Message: message, Err: err}
}

// call makes one request and decodes its answer. Errors are *pos.Error, as pos.Adapter promises.
func (c *Client) call(ctx context.Context, k call, into answer) error {
	if err := c.turn(ctx, k.op); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.limit(ctx))
	defer cancel()
	var connected atomic.Bool
	req, err := c.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}), k)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		failed := unanswered.Of(err)
		if failed.Dial && !connected.Load() {
			return &pos.Error{Class: pos.Transient, Op: k.op, Message: "no connection", Err: failed}
		}
		return k.fault("no answer", failed)
	}
	defer resp.Body.Close()
	body, err := unanswered.Read(resp, maxAnswer)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		// A refusal says enough by its status where its body is lost.
		return k.refused(resp, body, c.now())
	case err != nil:
		return k.fault("the answer broke off", unanswered.Of(err))
	case len(body) > maxAnswer:
		return k.fault("the answer is too large", nil)
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated:
		// 202 above all: the order was queued, and is not there yet.
		return k.fault("status "+strconv.Itoa(resp.StatusCode)+" is not an answer yet", nil)
	}
	// An item of a list can be refused under a status that is none. To look for the word first spares a second decoding.
	if k.write() && bytes.Contains(body, errorsMember) {
		if names := faultyFields(body); len(names) > 0 {
			return k.invalid(resp.StatusCode, names)
		}
	}
	if file, ok := into.(*fileAnswer); ok {
		file.raw(body)
		return nil
	}
	if err := decode(body, into); err != nil {
		return k.fault("the answer cannot be used", err)
	}
	return nil
}

var errorsMember = []byte(`"errors"`)

// limit is how long a request may take: the configured time, or most of what the caller has left.
func (c *Client) limit(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return c.cfg.Timeout
	}
	left := time.Until(deadline)
	return min(c.cfg.Timeout, left-left/10)
}

// turn waits until Config.PerSecond lets the next request be sent.
func (c *Client) turn(ctx context.Context, op string) error {
	wait, ok := c.reserve()
	if !ok {
		return &pos.Error{Class: pos.RateLimited, Op: op, Message: "too many requests wait for PerSecond", RetryAfter: wait}
	}
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	if err := ctx.Err(); err != nil {
		return &pos.Error{Class: pos.Transient, Op: op, Message: "stopped before the request", Err: err}
	}
	return nil
}

// reserve takes the next place in the queue and says how far off it is; ok is false where the queue is too long.
func (c *Client) reserve() (wait time.Duration, ok bool) {
	if c.cfg.PerSecond == 0 {
		return 0, true
	}
	step := time.Second / time.Duration(c.cfg.PerSecond)
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next.Before(now) {
		c.next = now
	}
	wait = c.next.Sub(now)
	if wait >= maxTurns*step {
		return wait, false
	}
	c.next = c.next.Add(step)
	return wait, true
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	invalid := func(message string) error { return &pos.Error{Class: pos.Invalid, Op: k.op, Message: message} }
	path := c.base.EscapedPath() + k.path
	target, tail := c.base.Scheme+"://"+c.base.Host+path, ""
	var body io.Reader
	if k.method != http.MethodGet {
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, invalid("the request cannot be written as JSON")
		}
		tail, body = string(b), bytes.NewReader(b)
	} else if len(k.query) > 0 {
		tail = k.query.Encode() // sorted by key; these very bytes are sent
		target += "?" + tail
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, body)
	if err != nil {
		return nil, invalid("the request has no valid address")
	}
	// Without GetBody net/http cannot send a write again by itself, which would hide that a first one had arrived. A GET without
	// a body it would; one whose body turns out to be empty it does not.
	req.GetBody = nil
	if k.method == http.MethodGet && k.changes {
		req.Body = io.NopCloser(strings.NewReader(""))
	}
	req.Header.Set("Accept", cmp.Or(k.accept, "application/json"))
	req.Header.Set("User-Agent", "willcall")
	if k.method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("X-Token", c.cfg.Token)
	req.Header.Set("X-Signature", sign(c.cfg.Secret, k.method, c.base.Hostname(), path, tail))
	return req, nil
}

// sign is X-Signature: base64 of the HMAC-SHA256, keyed with the secret, of method, blank, host without port, path, "?" and
// tail; the "?" stands there even before an empty tail. The tail is the query of a GET, and the body of anything else, each
// byte for byte as sent. (public: Signing requests with X-Signature; the PHP and Ruby clients)
func sign(secret, method, host, path, tail string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, method+" "+host+path+"?"+tail)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// list reads all pages of a list and gives every entry to each, once. A list that is longer than Config.MaxPages is
// [pos.Unsupported], and one that changed too much while it was read is [pos.Transient]: neither may pass for complete.
func (c *Client) list(ctx context.Context, op, path, name string, query url.Values, each func(head, jsontext.Value) error) error {
	seen := map[ident]bool{}
	total := -1 // when the reading began: what is added since is not looked for
	query.Set("per_page", strconv.Itoa(perPage))
	for page := 1; page <= c.cfg.MaxPages; page++ {
		query.Set("page", strconv.Itoa(page))
		answer := pageAnswer{name: name}
		if err := c.get(ctx, op, path, query, &answer); err != nil {
			return err
		}
		for i, h := range answer.heads {
			// An entry moves to the next page when one is added before it.
			if seen[h.ID] {
				continue
			}
			seen[h.ID] = true
			if err := each(h, answer.entries[i]); err != nil {
				return err
			}
		}
		if page == 1 {
			total = answer.total
		}
		n := len(answer.entries)
		switch {
		case total < 0 && n == perPage || n > 0 && len(seen) < total:
			// There is more.
		case len(seen) < total:
			return &pos.Error{Class: pos.Transient, Op: op, Message: "the list ended before its number of entries"}
		default:
			return nil
		}
	}
	return &pos.Error{Class: pos.Unsupported, Op: op,
		Message: "the list is longer than MaxPages, so that what is not in it could not be known"}
}
