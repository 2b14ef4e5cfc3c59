package tevo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"

	"willcall/provider"
)

// Client calls Ticket Evolution's REST API, version 9. Every method makes one HTTP request, except the Ensure methods and those
// that deliver, which look before they write, and retries nothing: that is for the caller, who can read from the error's class whether it helps. It is safe for concurrent
// use as long as nobody changes its fields.
type Client struct {
	BaseURL    string       // "https://api.ticketevolution.com", without /v9
	Token      string       // X-Token
	Secret     string       // key of X-Signature
	ReviewerID int64        // the user at Ticket Evolution on whose behalf orders are accepted and rejected
	HTTP       *http.Client // nil: one that gives up after 30 seconds
}

// maxAnswer is how many bytes an answer may have: a page of 100 orders has about a million, files of tickets some more.
const maxAnswer = 32 << 20

// call makes a signed request. in is the JSON body of a write, nil for none. Errors are [*provider.CallError].
func (c *Client) call(ctx context.Context, op, method, path string, query url.Values, in any) (provider.Answer, error) {
	req, err := c.request(ctx, op, method, path, query, in)
	if err != nil {
		return provider.Answer{}, err
	}
	return provider.Do(c.HTTP, req, op, maxAnswer)
}

// writeByGET is call for a GET that changes something.
func (c *Client) writeByGET(ctx context.Context, op, path string) (provider.Answer, error) {
	req, err := c.request(ctx, op, http.MethodGet, path, nil, nil)
	if err != nil {
		return provider.Answer{}, err
	}
	return provider.Write(c.HTTP, req, op, maxAnswer)
}

func (c *Client) request(ctx context.Context, op, method, path string, query url.Values, in any) (*http.Request, error) {
	if c.Token == "" || c.Secret == "" {
		return nil, &provider.CallError{Class: provider.Unauthorized, Op: op, Detail: "no API token and secret are configured"}
	}
	req, body, err := provider.NewRequest(ctx, op, method, c.BaseURL, path, query, in)
	if err != nil {
		return nil, err
	}
	tail := string(body)
	if method == http.MethodGet {
		tail = req.URL.RawQuery
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Token", c.Token)
	req.Header.Set("X-Signature", sign(c.Secret, method, req.URL.Hostname(), req.URL.EscapedPath(), tail))
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
