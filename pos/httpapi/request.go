package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"willcall/pos"
	"willcall/pos/unanswered"
)

// An answer is the body of a success.
type answer interface {
	// check says what of the contract the decoded body does not keep, in words that quote nothing of it.
	check() error
}

func (c *Client) get(ctx context.Context, op, path string, query url.Values, into answer) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.call(ctx, call{op: op, method: http.MethodGet, path: path}, into)
}

func (c *Client) post(ctx context.Context, op, path string, o pos.Op, body any, into answer) error {
	return c.call(ctx, call{op: op, method: http.MethodPost, path: path, key: o.Key, body: body}, into)
}

// put needs no key: repeating it changes nothing by itself.
func (c *Client) put(ctx context.Context, op, path string, o pos.Op, body any, into answer) error {
	return c.call(ctx, call{op: op, method: http.MethodPut, path: path, correlation: o.Key, body: body}, into)
}

// A call is one request to be made once.
type call struct {
	op           string // for errors
	method, path string
	key          string // of a POST
	correlation  string // where ctx has none; "" takes the key, or a random one
	body         any
	most         int64 // bytes that the answer may have; 0 = maxAnswer
}

func (k call) write() bool { return k.method != http.MethodGet }

// fault makes an error whose class depends on whether the call may have changed something.
func (k call) fault(message string, err error) error {
	class := pos.Transient
	if k.write() {
		class = pos.OutcomeUnknown
	}
	return &pos.Error{Class: class, Op: k.op, Message: message, Err: err}
}

// call makes one request and decodes its answer; into is nil where the contract has none, but 204. Errors are *pos.Error, as pos.Adapter promises.
func (c *Client) call(ctx context.Context, k call, into answer) error {
	if err := ctx.Err(); err != nil {
		return &pos.Error{Class: pos.Transient, Op: k.op, Message: "stopped before the request", Err: err}
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
	most := k.most
	if most == 0 {
		most = maxAnswer
	}
	body, err := unanswered.Read(resp, most)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		// A refusal says enough by its status where its body is lost.
		return k.refused(resp, body, c.now())
	case err != nil:
		return k.fault("the answer broke off", unanswered.Of(err))
	case int64(len(body)) > most:
		return k.fault("the answer is too large", nil)
	case into == nil && resp.StatusCode == http.StatusNoContent:
		return nil
	case into == nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated:
		return k.fault("status "+strconv.Itoa(resp.StatusCode)+" is not in the contract", nil)
	}
	if err := decode(body, into); err != nil {
		return k.fault("the answer is not what the contract says", err)
	}
	return nil
}

// limit is how long a call may take: the configured time, or most of what the caller has left.
func (c *Client) limit(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return c.timeout
	}
	left := time.Until(deadline)
	return min(c.timeout, left-left/10)
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	invalid := func(message string) error { return &pos.Error{Class: pos.Invalid, Op: k.op, Message: message} }
	var body io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, invalid("the request cannot be written as JSON")
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, c.base+k.path, body)
	if err != nil {
		return nil, invalid("the request has no valid address")
	}
	// net/http sends a request with an Idempotency-Key again by itself when a connection breaks. Then a dial
	// that fails would hide a first request that had arrived. Without GetBody it cannot.
	req.GetBody = nil
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("User-Agent", "willcall")
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if k.method == http.MethodPost {
		key, ok := quoteKey(k.key)
		if !ok {
			return nil, invalid("the key is empty or not printable ASCII")
		}
		req.Header.Set("Idempotency-Key", key)
	}
	req.Header.Set("X-Correlation-Id", correlation(ctx, k))
	return req, nil
}

// correlation picks the id by which a request is found in the logs of both sides.
func correlation(ctx context.Context, k call) string {
	for _, id := range []string{pos.Correlation(ctx), k.correlation, k.key} {
		if id != "" && len(id) <= 255 && !strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
			return id
		}
	}
	return rand.Text()
}

// quoteKey writes a key as a structured-field string (RFC 9651, section 4.1.6).
func quoteKey(key string) (string, bool) {
	if key == "" {
		return "", false
	}
	b := []byte{'"'}
	for i := range len(key) {
		switch ch := key[i]; {
		case ch < ' ' || ch > '~':
			return "", false
		case ch == '"' || ch == '\\':
			b = append(b, '\\', ch)
		default:
			b = append(b, ch)
		}
	}
	return string(append(b, '"')), true
}
