// Package tevocore is the adapter for brokers whose point of sale is Ticket Evolution's "Core": invoices and purchase
// orders are orders there, customers are clients, groups are ticket groups (API version 9).
//
// It owns how those are spoken over HTTP, signed and classed. It must not retry, look for a record before it writes, or
// decide anything about an order: package pos does the first two, its callers the rest. Errors of this package hold neither
// buyer data nor credentials, not even in their causes, whatever a server sends.
//
// What Ticket Evolution does not document is a setting of [Config] or an assumption that is checked on every answer; an
// answer that does not keep to it is no answer. The assumptions: an order carries its seller_reference_number wherever it is
// shown or listed; lists say how many entries they have, or end with a page that is not full; amounts are in one currency;
// isPO tells a purchase from a sale; occurs_at is an instant, as the provider's package takes it; eticket_finalized_at says of
// an item that its e-tickets are with the buyer.
package tevocore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"willcall/pos"
)

// Defaults and limits.
const (
	// DefaultTimeout is how long one request may take, from dialling to the last byte of the answer.
	DefaultTimeout = 10 * time.Second
	// DefaultSearchDays is how far back orders are listed where a reference is looked for.
	DefaultSearchDays = 60
	// DefaultMaxPages is how many pages of a hundred a search reads before it gives up.
	DefaultMaxPages = 100
	// maxAnswer is how large an answer may be, in bytes: a page of 100 orders has about a million.
	maxAnswer = 32 << 20
	// perPage is the most that Ticket Evolution puts on a page.
	perPage = 100
	// maxTurns bounds the wait for a turn under Config.PerSecond, in requests that may queue.
	maxTurns = 100
)

// reasons are the only reasons for a cancellation that Ticket Evolution takes (public: the PHP client, Orders/Cancel).
var reasons = []string{
	"Tickets No Longer Available", "Tickets Priced Incorrectly", "Duplicate Order", "Fraudulent Order", "Test Order", "Other",
}

// Config says which broker to speak for, and what is known of their account.
type Config struct {
	// BaseURL is https://api.ticketevolution.com, or the sandbox's, without /v9.
	BaseURL string
	// Token and Secret are the broker's API credential: X-Token, and the key of X-Signature.
	Token, Secret string
	// OfficeID is the broker's office, the seller of sales and the buyer of purchases.
	OfficeID string
	// ReviewerID is the user on whose behalf orders are cancelled.
	ReviewerID string

	// Timeout of one request; 0 = DefaultTimeout. A request ends earlier if the caller's deadline is nearer, a tenth before
	// it, so that the caller hears what became of it.
	Timeout time.Duration
	// SettleDelay is how long after a write a list may still miss it. Nothing is documented; it is what was measured.
	SettleDelay time.Duration
	// Currency of every amount: Ticket Evolution names none. "" = USD. Amounts in another are refused as [pos.Invalid].
	Currency string
	// PerSecond keeps requests apart; 0 = no limit of ours. The real limit is not published, and exceeding it is told by 503.
	PerSecond int

	// SearchDays is how far back orders are listed where a reference is looked for; 0 = DefaultSearchDays. An older record is
	// not found, so this must be longer than from a record's first attempt to its last repetition, and to its voiding: a
	// sale that is cancelled later than that must be voided by a person. It does not bound a search by SearchByReference.
	SearchDays int
	// MaxPages is how many pages of a list are read; 0 = DefaultMaxPages. A longer list is [pos.Unsupported], never taken for
	// one without the record. Without a filter for it, every search reads all orders of SearchDays: the two together
	// decide how many requests a booking costs, which is two searches.
	MaxPages int
	// SearchByReference names the query parameter by which orders are filtered by their reference, where the broker's account
	// has one; "" = none is known, and orders are listed and compared. What a filter finds is compared all the same.
	SearchByReference string

	// EmailFilter and PhoneFilter name the query parameters by which clients are filtered, where they are known. Both or
	// neither: a search that sees half of the buyers would make the others twice. An address is asked for in lower case, so
	// a filter must not mind the case of letters.
	EmailFilter, PhoneFilter string
	// ScanClients reads all clients, up to MaxPages, where no filters are known. Without filters and without it customers can
	// not be searched, and pos.EnsureCustomer refuses to make one.
	ScanClients bool

	// Listings reads ticket groups as listings: Ticket Evolution announced that ticket_groups/{id} redirects there.
	Listings bool
	// Delivery is the type of the shipment of a new order; "" = "TBD", which can become a mobile transfer later.
	Delivery string
	// PaymentType is the payment that is written for a record that is Paid, such as "offline"; "" = none is written, and such
	// a record stays unpaid in Ticket Evolution. Which types an account takes is not documented.
	PaymentType string
	// VoidByReturn voids sales by Orders/Return with an amount of 0 and cancel_order instead of by Orders/Cancel, which is
	// documented for sales between brokers. No money is returned: that is for a person.
	VoidByReturn bool
	// CancelKeepsTickets says that tickets of a cancelled order were seen not to go back into their group. Unless it is set
	// they are taken to go back, and voiding without pos.VoidInput.Restock is [pos.Unsupported]: dead tickets would be sold.
	CancelKeepsTickets bool
	// AttachFiles puts ticket files on orders as e-tickets. That an item's e-tickets are made final may have them e-mailed to the
	// client, by a setting of the account, so nobody's are unless this is set.
	AttachFiles bool
	// ReadETickets reads the e-tickets of orders. What Ticket Evolution answers there is not public: see [Client.GetDeliveries].
	ReadETickets bool
	// Vendors gives the office ids of those from whom tickets are bought, by the names that purchases use.
	Vendors map[string]string

	// HTTP sends the requests; nil = a client of its own. Redirects are never followed.
	HTTP *http.Client
}

// Client is a [pos.Adapter].
type Client struct {
	cfg     Config
	base    *url.URL
	vendors map[string]string // names by id
	http    *http.Client
	now     func() time.Time

	mu   sync.Mutex
	next time.Time // when the next request may be sent
	sent sentFiles
}

var _ pos.Adapter = (*Client)(nil)

// New checks cfg and reports every fault in it, without quoting a credential. It does not speak to Ticket Evolution.
func New(cfg Config) (*Client, error) {
	var errs []error
	wrong := func(bad bool, text string) {
		if bad {
			errs = append(errs, errors.New("tevocore: "+text))
		}
	}
	base, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/"))
	switch {
	case err != nil:
		// The text of err quotes the address, which may hold a password.
		wrong(true, "BaseURL is not a URL")
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		wrong(true, "BaseURL is not an http or https URL with a host")
	case base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		wrong(true, "BaseURL has a user, a query or a fragment")
	}
	unsendable := func(r rune) bool { return r <= ' ' || r > '~' }
	wrong(cfg.Token == "" || strings.ContainsFunc(cfg.Token, unsendable), "Token is empty or has characters that a header cannot carry")
	wrong(cfg.Secret == "", "Secret is empty")
	wrong(!isID(cfg.OfficeID), "OfficeID is not a number")
	wrong(!isID(cfg.ReviewerID), "ReviewerID is not a number")
	wrong(cfg.Timeout < 0 || cfg.SettleDelay < 0, "Timeout or SettleDelay is negative")
	wrong(cfg.SearchDays < 0 || cfg.MaxPages < 0 || cfg.PerSecond < 0, "SearchDays, MaxPages or PerSecond is negative")
	wrong((cfg.EmailFilter == "") != (cfg.PhoneFilter == ""), "EmailFilter and PhoneFilter need each other")
	for _, name := range []string{cfg.SearchByReference, cfg.EmailFilter, cfg.PhoneFilter} {
		wrong(slices.Contains([]string{"page", "per_page", "type", "state", "created_at.gte"}, name), "a filter has the name of another parameter")
	}
	if cfg.Currency == "" {
		cfg.Currency = "USD"
	}
	if _, err := (pos.Money{Currency: cfg.Currency}).Amount(); err != nil {
		wrong(true, "Currency is not an ISO 4217 code")
	}
	c := &Client{base: base, vendors: map[string]string{}, now: time.Now}
	for name, id := range cfg.Vendors {
		wrong(name == "" || !isID(id), "Vendors has an empty name, or an id that is not a number")
		wrong(c.vendors[id] != "", fmt.Sprintf("Vendors has two names for office %.20s", id))
		c.vendors[id] = name
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.SearchDays == 0 {
		cfg.SearchDays = DefaultSearchDays
	}
	if cfg.MaxPages == 0 {
		cfg.MaxPages = DefaultMaxPages
	}
	if cfg.Delivery == "" {
		cfg.Delivery = "TBD"
	}
	c.cfg = cfg
	h := http.Client{Transport: transport()}
	if cfg.HTTP != nil {
		h = *cfg.HTTP
	}
	// A redirected write could be made twice, and a signature is of one path.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &h
	return c, nil
}

// transport keeps as many connections to the one host as activities run at once; net/http's default keeps two.
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

// Capabilities are known without asking. It returns no error.
func (c *Client) Capabilities(context.Context) (pos.Capabilities, error) {
	return pos.Capabilities{
		SearchCustomers:      c.cfg.ScanClients || c.cfg.EmailFilter != "",
		SearchInvoices:       true,
		SearchPurchaseOrders: true,
		TicketUpload:         c.cfg.AttachFiles,
		ReadDeliveries:       c.cfg.ReadETickets,
		SettleDelay:          c.cfg.SettleDelay,
	}, nil
}

// Ping asks for the first order of the last minute: Ticket Evolution documents no call for health, and this one proves the
// credential without moving a buyer's data. Errors: [pos.Transient], [pos.RateLimited], [pos.Unauthorized].
func (c *Client) Ping(ctx context.Context) error {
	var answer pageAnswer
	answer.name = "orders"
	query := url.Values{"created_at.gte": {stamp(c.now().Add(-time.Minute))}, "page": {"1"}, "per_page": {"1"}, "type": {"Order"}}
	return c.get(ctx, "ping", "/v9/orders", query, &answer)
}

// UpdateCustomer returns [pos.Unsupported]: a client has several addresses, each a record of its own, and which of them would
// be replaced is not known.
func (c *Client) UpdateCustomer(context.Context, pos.Op, string, pos.CustomerInput) (pos.Customer, error) {
	return pos.Customer{}, &pos.Error{Class: pos.Unsupported, Op: "update customer", Message: "clients are changed by a person"}
}

// GetInventory returns one ticket group (Ticket Groups/Show, or Listings/Show). Errors: [pos.NotFound]; [pos.Unsupported]
// where groups are redirected to listings and Config.Listings is not set.
func (c *Client) GetInventory(ctx context.Context, id string) (pos.Inventory, error) {
	const op = "get inventory"
	if !isID(id) {
		return pos.Inventory{}, notFound(op)
	}
	path := "/v9/ticket_groups/"
	if c.cfg.Listings {
		path = "/v9/listings/"
	}
	answer := groupAnswer{want: id}
	if err := c.get(ctx, op, path+id, nil, &answer); err != nil {
		return pos.Inventory{}, err
	}
	return answer.record(), nil
}

// isID reports whether s can be an id of Ticket Evolution's, which are positive numbers: anything else must not get into a
// path, and is nobody's.
func isID(s string) bool {
	return s != "" && len(s) <= 18 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

func notFound(op string) error {
	return &pos.Error{Class: pos.NotFound, Op: op, Message: "that is no id"}
}

// stamp is a time as Ticket Evolution writes it: whole seconds, Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
