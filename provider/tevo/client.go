package tevo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client calls Ticket Evolution's REST API, version 9. Every method makes one HTTP request, except the Ensure methods, and
// retries nothing: that is for the caller, who can read from the error's class whether it helps. It is safe for concurrent
// use as long as nobody changes its fields.
type Client struct {
	BaseURL    string       // "https://api.ticketevolution.com", without /v9
	Token      string       // X-Token
	Secret     string       // key of X-Signature
	ReviewerID int64        // the user at Ticket Evolution on whose behalf orders are accepted and rejected
	HTTP       *http.Client // nil: one that gives up after 30 seconds
}

// maxAnswer is how many bytes an answer may have: a page of 100 orders has about a million, an airbill less.
const maxAnswer = 32 << 20

type answer struct {
	status int
	header http.Header
	body   []byte
}

// call makes a signed request. in is the JSON body of a write, nil for none. Errors are of type *Error.
func (c *Client) call(ctx context.Context, op, method, path string, query url.Values, in any) (answer, error) {
	write := method != http.MethodGet
	if c.Token == "" || c.Secret == "" {
		return answer{}, &Error{Class: Unauthorized, Op: op, Detail: "no API token and secret are configured"}
	}
	base, err := url.Parse(strings.TrimRight(c.BaseURL, "/"))
	if err != nil || base.Host == "" {
		return answer{}, &Error{Class: Invalid, Op: op, Detail: "the configured base URL is no URL"}
	}
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return answer{}, &Error{Class: Invalid, Op: op, Detail: "the request cannot be written as JSON"}
		}
	}
	target, tail := base.Scheme+"://"+base.Host+base.EscapedPath()+path, string(body)
	if !write {
		tail = query.Encode() // sorted by key; these very bytes are sent
		if tail != "" {
			target += "?" + tail
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, &Error{Class: Invalid, Op: op, Detail: "the configured base URL is no URL"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Token", c.Token)
	req.Header.Set("X-Signature", sign(c.Secret, method, base.Hostname(), base.EscapedPath()+path, tail))
	return c.send(req, op, write)
}

func (c *Client) send(req *http.Request, op string, write bool) (answer, error) {
	client := http.Client{Timeout: 30 * time.Second}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	// A redirect would be followed with a signature for another path, or a POST as a GET.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, noAnswer(op, write, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	ok := resp.StatusCode >= 200 && resp.StatusCode <= 299
	switch {
	case !ok:
		return answer{}, refusal(op, write, resp.StatusCode, resp.Header, body)
	case err != nil:
		e := noAnswer(op, write, err)
		e.Status, e.Detail = resp.StatusCode, "the answer broke off"
		return answer{}, e
	case len(body) > maxAnswer:
		return answer{}, odd(op, write, resp.StatusCode, "the answer is too large")
	}
	return answer{resp.StatusCode, resp.Header, body}, nil
}

// odd classes a success whose content cannot be used. A proxy's page or a broken answer may be gone next time.
func odd(op string, write bool, status int, detail string) *Error {
	e := &Error{Class: Transient, Op: op, Status: status, Detail: detail}
	if write {
		e.Class = OutcomeUnknown
	}
	return e
}

// sign is X-Signature: base64 of the HMAC-SHA256, keyed with the secret, of method, blank, host without port, path, "?" and
// tail; the "?" stands there even before an empty tail. The tail is the query of a GET, and the body of anything else, each
// byte for byte as sent. (public: Signing requests with X-Signature; the PHP and Ruby clients)
func sign(secret, method, host, path, tail string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, method+" "+host+path+"?"+tail)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
