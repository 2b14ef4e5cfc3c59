package skybox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"willcall/pos"
	"willcall/pos/unanswered"
)

// A call is one request to be made once.
type call struct {
	op           string // for errors
	method, path string
	query        url.Values
	body         any
	accept       string // "" = JSON
}

func (k call) write() bool { return k.method != http.MethodGet }

// fault makes an error whose class depends on whether the call may have changed something.
func (k call) fault(message string, err error) *pos.Error {
	class := pos.Transient
	if k.write() {
		class = pos.OutcomeUnknown
	}
	return &pos.Error{Class: class, Op: k.op, Message: message, Err: err}
}

// unfit makes the error of an answer that is not the document's.
func (k call) unfit(err error) error { return k.fault("the answer is not what the document says", err) }

// done are the statuses of what was done. The document has 200 alone; the other two say the same. 202 does not.
var done = []int{http.StatusOK, http.StatusCreated, http.StatusNoContent}

// do makes one request and returns the body of its success. Errors are *pos.Error, as pos.Adapter promises.
func (c *Client) do(ctx context.Context, k call) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, &pos.Error{Class: pos.Transient, Op: k.op, Message: "stopped before the request", Err: err}
	}
	if c.limiter != nil {
		if err := c.limiter.Wait(ctx); err != nil {
			return nil, &pos.Error{Class: pos.Transient, Op: k.op, Message: "stopped before the request, by our own rate limit", Err: ctx.Err()}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.limit(ctx))
	defer cancel()
	var connected atomic.Bool
	req, err := c.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}), k)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		failed := unanswered.Of(err)
		if failed.Dial && !connected.Load() {
			return nil, &pos.Error{Class: pos.Transient, Op: k.op, Message: "no connection", Err: failed}
		}
		return nil, k.fault("no answer", failed)
	}
	defer resp.Body.Close()
	body, err := unanswered.Read(resp, maxAnswer)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		// A refusal says enough by its status where its body is lost.
		return nil, k.refused(resp, body, c.now())
	case err != nil:
		return nil, k.fault("the answer broke off", unanswered.Of(err))
	case len(body) > maxAnswer:
		return nil, k.fault("the answer is too large", nil)
	case !slices.Contains(done, resp.StatusCode):
		return nil, k.fault("status "+strconv.Itoa(resp.StatusCode)+" is not in the document", nil)
	}
	return body, nil
}

// limit is how long a request may take: the configured time, or most of what the caller has left.
func (c *Client) limit(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return c.cfg.Timeout
	}
	left := time.Until(deadline)
	return min(c.cfg.Timeout, left-left/10)
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, invalid(k.op, "the request cannot be written as JSON")
		}
		body = bytes.NewReader(b)
	}
	path := k.path
	if len(k.query) > 0 {
		path += "?" + k.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, k.method, c.cfg.BaseURL+path, body)
	if err != nil {
		return nil, invalid(k.op, "the request has no valid address")
	}
	// Without GetBody net/http cannot send a write again by itself when a connection breaks.
	req.GetBody = nil
	req.Header = maps.Clone(c.header) // its values are shared, and nobody writes into them
	if k.accept != "" {
		req.Header.Set("Accept", k.accept)
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// header is what every request bears.
func (cfg Config) header() http.Header {
	h := http.Header{}
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "willcall")
	h.Set("X-Application-Token", cfg.ApplicationToken)
	h.Set("X-Api-Token", cfg.APIToken)
	h.Set("X-Account", cfg.Account)
	return h
}

// get reads one record.
func (c *Client) get(ctx context.Context, op, path string, into any) error {
	k := call{op: op, method: http.MethodGet, path: path}
	body, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	if err := decode(body, into); err != nil {
		return k.unfit(err)
	}
	return nil
}

// How searches are paged. The document has limit and pageNumber, and says neither what the first page is called nor how many records
// a page may have at most.
const (
	pageSize = 50
	maxPages = 40
)

// search collects all pages of a search, each record once.
//
// The first page is asked for without a number. If it is full, pages 1, 2, … follow: the first of them repeats what is known if SkyBox
// counts from 1, and is new if it counts from 0.
func (c *Client) search(ctx context.Context, op, path string, query url.Values) ([]json.RawMessage, error) {
	query.Set("limit", strconv.Itoa(pageSize))
	k := call{op: op, method: http.MethodGet, path: path, query: query}
	var all []json.RawMessage
	seen := map[string]bool{}
	for page := range maxPages {
		if page > 0 {
			query.Set("pageNumber", strconv.Itoa(page))
		}
		body, err := c.do(ctx, k)
		if err != nil {
			return nil, err
		}
		records, err := list(body)
		if err != nil {
			return nil, k.unfit(err)
		}
		fresh := 0
		for _, r := range records {
			id, err := idOf(r)
			if err != nil {
				return nil, k.unfit(err)
			}
			if !seen[id] {
				seen[id] = true
				fresh++
				all = append(all, r)
			}
		}
		if len(records) < pageSize {
			return all, nil
		}
		if fresh == 0 && page > 1 {
			// A record that cannot be reached could be the one that is looked for.
			return nil, &pos.Error{Class: pos.Unsupported, Op: op, Message: "the pages of the search repeat themselves"}
		}
	}
	return nil, &pos.Error{Class: pos.Unsupported, Op: op,
		Message: "the search finds more than " + strconv.Itoa(pageSize*(maxPages-1)) + " records: its filter does not work"}
}
