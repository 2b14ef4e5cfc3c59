// Package httpapi is the adapter for every point of sale that serves the contract in openapi.yaml: the
// "bring your own POS" of brokers whose system has no adapter of its own.
//
// It speaks HTTP and classes what comes back. It must not retry, search before it writes, or decide anything
// about an order: package pos does the first two, its callers the rest. Errors of this package hold neither
// buyer data nor the token, not even in their causes, whatever a server sends.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"willcall/pos"
)

// Defaults and limits.
const (
	// DefaultTimeout is how long a call may take, from dialling to the last byte of the answer.
	DefaultTimeout = 10 * time.Second
	// maxAnswer is how large an answer may be, in bytes. One record is some kilobytes.
	maxAnswer = 4 << 20
	// maxFiles is how large one may be that has ticket files in it.
	maxFiles = 64 << 20
	// capabilitiesAge is how long capabilities are believed. They change with releases of the POS.
	capabilitiesAge = 5 * time.Minute
)

// Config says which POS to speak to.
type Config struct {
	// BaseURL is what the contract's paths are appended to, e.g. https://pos.example.com/willcall. The token
	// crosses the network: use https beyond one machine.
	BaseURL string
	// Token is the tenant's bearer token.
	Token string
	// Timeout of one call; 0 = DefaultTimeout. A call ends earlier if the caller's deadline is nearer, a tenth
	// before it, so that the caller hears what became of it.
	Timeout time.Duration
	// HTTP sends the requests; nil = a client of its own. Redirects are never followed.
	HTTP *http.Client
}

// Client is a [pos.Adapter].
type Client struct {
	base    string
	token   string
	timeout time.Duration
	http    *http.Client
	now     func() time.Time

	mu       sync.Mutex
	caps     pos.Capabilities
	capsTill time.Time
}

var _ pos.Adapter = (*Client)(nil)

// New checks cfg and reports every fault in it. It does not speak to the POS.
func New(cfg Config) (*Client, error) {
	var errs []error
	base, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil:
		// The text of err quotes the address, which may hold a password.
		errs = append(errs, errors.New("httpapi: BaseURL is not a URL"))
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		errs = append(errs, errors.New("httpapi: BaseURL is not an http or https URL with a host"))
	case base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		errs = append(errs, errors.New("httpapi: BaseURL has a user, a query or a fragment"))
	}
	if cfg.Token == "" || strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, errors.New("httpapi: Token is empty or has characters that a header cannot carry"))
	}
	if cfg.Timeout < 0 {
		errs = append(errs, fmt.Errorf("httpapi: Timeout is negative: %v", cfg.Timeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c := &Client{
		base:    strings.TrimRight(cfg.BaseURL, "/"),
		token:   cfg.Token,
		timeout: cfg.Timeout,
		now:     time.Now,
	}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	h := http.Client{Transport: transport()}
	if cfg.HTTP != nil {
		h = *cfg.HTTP
	}
	// A redirected write could be made twice, and the token must not travel to another host.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &h
	return c, nil
}

// transport keeps as many connections to the one POS as activities run at once; net/http's default keeps two.
func transport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Capabilities asks the POS, and keeps the answer for five minutes. Keys and searches are part of the contract.
func (c *Client) Capabilities(ctx context.Context) (pos.Capabilities, error) {
	c.mu.Lock()
	caps, till := c.caps, c.capsTill
	c.mu.Unlock()
	if c.now().Before(till) {
		return caps, nil
	}
	var answer capabilitiesAnswer
	if err := c.get(ctx, "get capabilities", "/v1/capabilities", nil, &answer); err != nil {
		return pos.Capabilities{}, err
	}
	caps = answer.record()
	c.mu.Lock()
	c.caps, c.capsTill = caps, c.now().Add(capabilitiesAge)
	c.mu.Unlock()
	return caps, nil
}

// Ping asks for the health of the POS.
func (c *Client) Ping(ctx context.Context) error {
	return c.get(ctx, "ping", "/v1/health", nil, &healthAnswer{})
}

// GetInventory returns one ticket group.
func (c *Client) GetInventory(ctx context.Context, id string) (pos.Inventory, error) {
	const op = "get inventory"
	path, err := idPath(op, "/v1/inventory/", id, "")
	if err != nil {
		return pos.Inventory{}, err
	}
	var answer inventoryAnswer
	answer.want.id = id
	if err := c.get(ctx, op, path, nil, &answer); err != nil {
		return pos.Inventory{}, err
	}
	return answer.record(), nil
}

// FindCustomers asks for customers by the one that is set.
func (c *Client) FindCustomers(ctx context.Context, q pos.CustomerQuery) ([]pos.Customer, error) {
	query := url.Values{}
	if q.Email != "" {
		query.Set("email", q.Email)
	}
	if q.Phone != "" {
		query.Set("phone", q.Phone)
	}
	var answer customersAnswer
	if err := c.get(ctx, "find customers", "/v1/customers", query, &answer); err != nil {
		return nil, err
	}
	return answer.records(), nil
}

// CreateCustomer makes a customer.
func (c *Client) CreateCustomer(ctx context.Context, op pos.Op, in pos.CustomerInput) (pos.Customer, error) {
	var answer customerAnswer
	if err := c.post(ctx, "create customer", "/v1/customers", op, customerRequest(in), &answer); err != nil {
		return pos.Customer{}, err
	}
	return answer.record(), nil
}

// UpdateCustomer replaces what the POS knows of a customer.
func (c *Client) UpdateCustomer(ctx context.Context, o pos.Op, id string, in pos.CustomerInput) (pos.Customer, error) {
	const op = "update customer"
	path, err := idPath(op, "/v1/customers/", id, "")
	if err != nil {
		return pos.Customer{}, err
	}
	var answer customerAnswer
	if err := c.put(ctx, op, path, o, customerRequest(in), &answer); err != nil {
		return pos.Customer{}, err
	}
	return answer.record(), nil
}

// FindInvoices returns the invoices of one reference.
func (c *Client) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	var answer invoicesAnswer
	query := url.Values{"external_reference": {ref}}
	if err := c.get(ctx, "find invoices", "/v1/invoices", query, &answer); err != nil {
		return nil, err
	}
	return answer.records(), nil
}

// GetInvoice returns one invoice.
func (c *Client) GetInvoice(ctx context.Context, id string) (pos.Invoice, error) {
	const op = "get invoice"
	path, err := idPath(op, "/v1/invoices/", id, "")
	if err != nil {
		return pos.Invoice{}, err
	}
	var answer invoiceAnswer
	answer.want.id = id
	if err := c.get(ctx, op, path, nil, &answer); err != nil {
		return pos.Invoice{}, err
	}
	return answer.record(), nil
}

// CreateInvoice sells tickets.
func (c *Client) CreateInvoice(ctx context.Context, op pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	const what = "create invoice"
	body, err := invoiceRequest(op.Ref, in)
	if err != nil {
		return pos.Invoice{}, &pos.Error{Class: pos.Invalid, Op: what, Err: err}
	}
	var answer invoiceAnswer
	if err := c.post(ctx, what, "/v1/invoices", op, body, &answer); err != nil {
		return pos.Invoice{}, err
	}
	return answer.record(), nil
}

// VoidInvoice makes an invoice void.
func (c *Client) VoidInvoice(ctx context.Context, op pos.Op, id string, in pos.VoidInput) (pos.Invoice, error) {
	const what = "void invoice"
	path, err := idPath(what, "/v1/invoices/", id, "/void")
	if err != nil {
		return pos.Invoice{}, err
	}
	var answer invoiceAnswer
	answer.want = wanted{id: id, void: true}
	body := invoiceVoidRequest{Restock: in.Restock, Reason: in.Reason}
	if err := c.put(ctx, what, path, op, body, &answer); err != nil {
		return pos.Invoice{}, err
	}
	return answer.record(), nil
}

// SetFulfillment says whether an invoice is delivered, and replaces its ticket files if there is a list of them.
func (c *Client) SetFulfillment(ctx context.Context, op pos.Op, id string, in pos.FulfillmentInput) (pos.Invoice, error) {
	const what = "set fulfillment"
	path, err := idPath(what, "/v1/invoices/", id, "/fulfillment")
	if err != nil {
		return pos.Invoice{}, err
	}
	var answer invoiceAnswer
	answer.want.id = id
	if err := c.put(ctx, what, path, op, fulfillmentRequest(in), &answer); err != nil {
		return pos.Invoice{}, err
	}
	return answer.record(), nil
}

// VoidInvoiceLines makes lines of an invoice void.
func (c *Client) VoidInvoiceLines(ctx context.Context, op pos.Op, id string, lineIDs []string, in pos.VoidInput) (pos.Invoice, error) {
	const what = "void invoice lines"
	path, err := idPath(what, "/v1/invoices/", id, "/lines/void")
	if err != nil {
		return pos.Invoice{}, err
	}
	var answer invoiceAnswer
	answer.want.id = id
	answer.voidLines = lineIDs
	if err := c.put(ctx, what, path, op, linesVoidRequest{LineIDs: lineIDs, Restock: in.Restock, Reason: in.Reason}, &answer); err != nil {
		return pos.Invoice{}, err
	}
	return answer.record(), nil
}

// GetDeliveries returns what is there to be given to the buyer of an invoice. The answer may have 64 MB.
func (c *Client) GetDeliveries(ctx context.Context, invoiceID string) ([]pos.Delivery, error) {
	const op = "get deliveries"
	path, err := idPath(op, "/v1/invoices/", invoiceID, "/deliveries")
	if err != nil {
		return nil, err
	}
	var answer deliveriesAnswer
	if err := c.call(ctx, call{op: op, method: http.MethodGet, path: path, most: maxFiles}, &answer); err != nil {
		return nil, err
	}
	return answer.records(), nil
}

// FindHolds is not in the contract: keys alone keep holds from being placed twice.
func (c *Client) FindHolds(context.Context, string) ([]pos.Hold, error) {
	return nil, &pos.Error{Class: pos.Unsupported, Op: "find holds", Message: "the contract has no search for holds"}
}

// PlaceHold keeps tickets. The contract knows no customer of a hold: in.CustomerID is not sent.
func (c *Client) PlaceHold(ctx context.Context, op pos.Op, in pos.HoldInput) (pos.Hold, error) {
	var answer holdAnswer
	if err := c.post(ctx, "place hold", "/v1/holds", op, holdRequest(op.Ref, in), &answer); err != nil {
		return pos.Hold{}, err
	}
	return answer.record(), nil
}

// ReleaseHold gives the tickets of a hold back.
func (c *Client) ReleaseHold(ctx context.Context, op pos.Op, id string) error {
	const what = "release hold"
	path, err := idPath(what, "/v1/holds/", id, "")
	if err != nil {
		return err
	}
	return c.call(ctx, call{op: what, method: http.MethodDelete, path: path, correlation: op.Key}, nil)
}

// FindPurchaseOrders returns the purchase orders of one reference.
func (c *Client) FindPurchaseOrders(ctx context.Context, ref string) ([]pos.PurchaseOrder, error) {
	var answer purchaseOrdersAnswer
	query := url.Values{"external_reference": {ref}}
	if err := c.get(ctx, "find purchase orders", "/v1/purchase-orders", query, &answer); err != nil {
		return nil, err
	}
	return answer.records(), nil
}

// CreatePurchaseOrder records a purchase.
func (c *Client) CreatePurchaseOrder(ctx context.Context, op pos.Op, in pos.PurchaseInput) (pos.PurchaseOrder, error) {
	const what = "create purchase order"
	body, err := purchaseOrderRequest(op.Ref, in)
	if err != nil {
		return pos.PurchaseOrder{}, &pos.Error{Class: pos.Invalid, Op: what, Err: err}
	}
	var answer purchaseOrderAnswer
	if err := c.post(ctx, what, "/v1/purchase-orders", op, body, &answer); err != nil {
		return pos.PurchaseOrder{}, err
	}
	return answer.record(), nil
}

// VoidPurchaseOrder makes a purchase order void.
func (c *Client) VoidPurchaseOrder(ctx context.Context, op pos.Op, id string, in pos.VoidInput) (pos.PurchaseOrder, error) {
	const what = "void purchase order"
	path, err := idPath(what, "/v1/purchase-orders/", id, "/void")
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	var answer purchaseOrderAnswer
	answer.want = wanted{id: id, void: true}
	if err := c.put(ctx, what, path, op, purchaseOrderVoidRequest{Reason: in.Reason}, &answer); err != nil {
		return pos.PurchaseOrder{}, err
	}
	return answer.record(), nil
}

// FulfillPurchaseOrder says whether the vendor delivered, and replaces the ticket files if there is a list of them.
func (c *Client) FulfillPurchaseOrder(ctx context.Context, op pos.Op, id string, in pos.FulfillmentInput) (pos.PurchaseOrder, error) {
	const what = "fulfill purchase order"
	path, err := idPath(what, "/v1/purchase-orders/", id, "/fulfillment")
	if err != nil {
		return pos.PurchaseOrder{}, err
	}
	var answer purchaseOrderAnswer
	answer.want.id = id
	if err := c.put(ctx, what, path, op, fulfillmentRequest(in), &answer); err != nil {
		return pos.PurchaseOrder{}, err
	}
	return answer.record(), nil
}

// idPath puts an id into a path. Ids are the POS's: opaque, but not a way to another path.
func idPath(op, before, id, after string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", &pos.Error{Class: pos.NotFound, Op: op, Message: "that is no id"}
	}
	return before + url.PathEscape(id) + after, nil
}
