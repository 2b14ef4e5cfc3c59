package vivenu

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"willcall/provider"
	"willcall/provider/wire"
)

// Client calls vivenu's REST API. Every method makes one HTTP request and retries nothing, except Show, Poll, Apply and the
// Ensure methods, which make several: whether to try again is for the caller, who can read from the error's class whether it
// helps. It is safe for concurrent use as long as nobody changes its fields. Errors are [*provider.CallError]. (public: the
// paths and their answers; "Webhooks", Endpoints)
type Client struct {
	BaseURL string       // "https://vivenu.com", or "https://vivenu.dev" for development; without /api
	Key     string       // of the API, "key_…"
	Mode    string       // "prod" or "dev": what the documents that Show and Poll write say of themselves
	HTTP    *http.Client // nil: one that gives up after 30 seconds
}

// Format prints everything but the key, with any verb: a client in a log line must not give it away.
func (c Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "Client{%q, mode %q}", c.BaseURL, c.Mode)
}

const (
	maxAnswer = 32 << 20 // bytes of an answer: a page of 100 transactions has about a million
	perPage   = 100
	maxPages  = 1000 // of one list
)

// call makes a request. in is the JSON body of a write, nil for none.
func (c *Client) call(ctx context.Context, op, method, path string, query url.Values, in any) (provider.Answer, error) {
	if c.Key == "" {
		return provider.Answer{}, &provider.CallError{Class: provider.Unauthorized, Op: op, Detail: "no API key is configured"}
	}
	req, _, err := provider.NewRequest(ctx, op, method, c.BaseURL, path, query, in)
	if err != nil {
		return provider.Answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.Key)
	return provider.Do(c.HTTP, req, op, maxAnswer)
}

// get reads one object, whose id must be the one asked for; "" takes any.
func (c *Client) get(ctx context.Context, op, path, id string, query url.Values) (json.RawMessage, error) {
	a, err := c.call(ctx, op, http.MethodGet, path, query, nil)
	if err != nil {
		return nil, err
	}
	var o identified
	if parse(a.Body, &o) != nil || o.ID.ID() == "" || id != "" && o.ID.ID() != id {
		return nil, provider.Odd(op, false, a.Status, "the answer is not the object that was asked for")
	}
	return a.Body, nil
}

func idFits(op, id string) error {
	if !wire.IsID(id) {
		return &provider.CallError{Class: provider.Invalid, Op: op, Detail: "it has no id that the API knows"}
	}
	return nil
}

// Transaction fetches a transaction, without its tickets. It holds buyer data and the transaction's secret.
func (c *Client) Transaction(ctx context.Context, id string) (json.RawMessage, error) {
	return c.object(ctx, "show transaction", "/api/transactions/", id)
}

// PurchaseIntent fetches a purchase intent, of which the same is true as of a transaction.
func (c *Client) PurchaseIntent(ctx context.Context, id string) (json.RawMessage, error) {
	return c.object(ctx, "show purchase intent", "/api/purchaseintents/", id)
}

// Event fetches a performance.
func (c *Client) Event(ctx context.Context, id string) (json.RawMessage, error) {
	return c.object(ctx, "show event", "/api/events/", id)
}

func (c *Client) object(ctx context.Context, op, path, id string) (json.RawMessage, error) {
	if err := idFits(op, id); err != nil {
		return nil, err
	}
	return c.get(ctx, op, path+id, id, nil)
}

// Tickets fetches the list of a transaction's tickets, with their barcodes.
func (c *Client) Tickets(ctx context.Context, id string) (json.RawMessage, error) {
	const op = "list tickets"
	if err := idFits(op, id); err != nil {
		return nil, err
	}
	a, err := c.call(ctx, op, http.MethodGet, "/api/transactions/"+id+"/tickets", nil, nil)
	if err != nil {
		return nil, err
	}
	var list wire.List[wire.Scalar]
	if unmarshal(a.Body, &list) != nil || list.All == nil {
		return nil, provider.Odd(op, false, a.Status, "the answer is no list of tickets")
	}
	return a.Body, nil
}

// Cancellations fetches which items of a transaction were or can be cancelled.
func (c *Client) Cancellations(ctx context.Context, id string) (json.RawMessage, error) {
	const op = "show cancellations"
	if err := idFits(op, id); err != nil {
		return nil, err
	}
	a, err := c.call(ctx, op, http.MethodGet, "/api/transactions/"+id+"/cancellations", nil, nil)
	if err != nil {
		return nil, err
	}
	var o cancellation
	if parse(a.Body, &o) != nil || o.Items.Wrong || o.Items.All == nil {
		return nil, provider.Odd(op, false, a.Status, "the answer lists no items")
	}
	return a.Body, nil
}

// Checkout fetches the checkout of which a transaction came; secret is the transaction's.
func (c *Client) Checkout(ctx context.Context, transactionID, secret string) (json.RawMessage, error) {
	const op = "show checkout"
	if err := idFits(op, transactionID); err != nil {
		return nil, err
	}
	return c.get(ctx, op, "/api/transaction/"+transactionID+"/checkout", "", url.Values{"secret": {secret}})
}

// Page is one page of a list of transactions.
type Page struct {
	Transactions []json.RawMessage
	More         bool // there are others behind them
}

// Transactions lists those that were updated at or after the given time, without the first skip of them. Transactions that
// change while the pages are read can move between them; the next poll, with a window that overlaps, finds them.
func (c *Client) Transactions(ctx context.Context, since time.Time, skip int) (Page, error) {
	const op = "list transactions"
	docs, more, err := c.page(ctx, op, "/api/transactions", skip, url.Values{
		"updatedAt[$gte]": {since.UTC().Format("2006-01-02T15:04:05.000Z")},
	})
	return Page{docs, more}, err
}

// page reads a list of {docs, total}. It does not believe that a page is as long as we ask for: at worst one empty page is
// read. Without a total only an empty page is the last.
func (c *Client) page(ctx context.Context, op, path string, skip int, query url.Values) ([]json.RawMessage, bool, error) {
	skip = max(skip, 0)
	if skip >= maxPages*perPage {
		return nil, false, &provider.CallError{Class: provider.Unsupported, Op: op, Detail: "the pages do not end"}
	}
	if query == nil {
		query = url.Values{}
	}
	query.Set("top", strconv.Itoa(perPage))
	query.Set("skip", strconv.Itoa(skip))
	a, err := c.call(ctx, op, http.MethodGet, path, query, nil)
	if err != nil {
		return nil, false, err
	}
	var in struct {
		Docs  wire.List[json.RawMessage] `json:"docs"`
		Total wire.Scalar                `json:"total"`
	}
	if parse(a.Body, &in) != nil || in.Docs.Wrong || in.Docs.All == nil {
		return nil, false, provider.Odd(op, false, a.Status, "the answer is no list")
	}
	got := len(in.Docs.All)
	all, err := strconv.Atoi(in.Total.Text)
	return in.Docs.All, got > 0 && (err != nil || skip+got < all), nil
}
