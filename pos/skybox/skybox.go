// Package skybox is the adapter for SkyBox, Vivid Seats' point of sale for brokers. It is written from the field lists of
// "SkyBox OpenAPI 1.0.0" (service root https://skybox.vividseats.com/services); comments name the section they stand on.
//
// It speaks HTTP and classes what comes back. It must not retry, wait for searches to catch up, or decide anything about an
// order: package pos does the first two, its callers the rest. SkyBox has no idempotency keys, so a repetition is recognised by
// the record's externalRef alone; the key of a write is kept in internalNotes, for people. Errors of this package hold neither
// buyer data nor the three credentials, not even in their causes, whatever a server sends.
//
// What the document does not say is a setting of [Config], or an assumption that is checked where it matters: an answer that
// does not fit is no answer.
package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"willcall/pos"
)

// Defaults and limits.
const (
	// DefaultBaseURL is where the document has SkyBox.
	DefaultBaseURL = "https://skybox.vividseats.com/services"
	// DefaultTimeout is how long one request may take, from dialling to the last byte of the answer. Some methods make several.
	DefaultTimeout = 10 * time.Second
	// maxAnswer is how large an answer may be, in bytes. One record is some kilobytes.
	maxAnswer = 8 << 20
)

// Config says which account to speak to, and what to send where SkyBox wants more than the port knows.
type Config struct {
	// BaseURL is what the document's paths are appended to; "" = [DefaultBaseURL].
	BaseURL string
	// ApplicationToken identifies our integration, APIToken the broker's user, Account the broker's account: the headers
	// X-Application-Token, X-Api-Token and X-Account. Account is a number.
	ApplicationToken, APIToken, Account string
	// Timeout of one request; 0 = [DefaultTimeout]. A request ends earlier if the caller's deadline is nearer, a tenth before it,
	// so that the caller hears what became of it.
	Timeout time.Duration
	// HTTP sends the requests; nil = a client of its own. Redirects are never followed.
	HTTP *http.Client

	// SettleDelay is how long after a write a search may still miss it. SkyBox does not say: measure it.
	SettleDelay time.Duration
	// PerSecond is how many requests this client makes in a second, evenly; 0 = any number. SkyBox has limits for each endpoint,
	// whose numbers are not in the document; this one is for all of them together.
	PerSecond float64

	// Currency is that of records which name none; "" = such a record is refused. One of the document's currencyCode.
	Currency string
	// SalesTerm, PaymentMethod and DeliveryMethod are those of new customers and invoices; "" = NET0, AR, MOBILE_DELIVERY.
	SalesTerm, PaymentMethod, DeliveryMethod string
	// PurchaseTerm, PurchaseMethod and StockType are those of new vendors and purchases; "" = NET0, CREDITCARD, MOBILE_TRANSFER.
	PurchaseTerm, PurchaseMethod, StockType string

	// Address stands for the address of customers and vendors, which the port does not know and SkyBox demands. Without it they
	// cannot be created.
	Address Address

	// VendorID is the vendor of purchases from a vendor that SkyBox does not know by name; "" = such a vendor is created.
	VendorID string
	// VendorEmail and VendorType are those of vendors that are created: SkyBox demands both. Without VendorEmail none can be;
	// VendorType "" = BROKER.
	VendorEmail, VendorType string
	// Venue stands for the venue of purchased tickets, which the port does not know and SkyBox demands (EventMapping.venueName).
	// Without it nothing can be purchased.
	Venue string
	// NoPlace stands for a section or row that a purchase does not have; SkyBox wants one character at least. Without it such a
	// purchase is refused. It must be a text that no real section or row has.
	NoPlace string

	// ReadDeliveries lets [Client.GetDeliveries] read what is there for buyers. It stands on assumptions, said there. Before it is switched
	// on, try: attach two different files of the same name to the tickets of two sales, and see that each gives its own.
	ReadDeliveries bool
}

// Address is what SkyBox wants of an address (Address, required members): none of it may be empty.
type Address struct {
	City       string
	State      string // two letters, OTHER or UNKNOWN
	PostalCode string
	Country    string
}

func (a Address) known() bool {
	return a.City != "" && a.State != "" && a.PostalCode != "" && a.Country != ""
}

// Client is a [pos.Adapter].
type Client struct {
	cfg     Config
	account json.Number
	header  http.Header // of every request
	http    *http.Client
	limiter *rate.Limiter
	now     func() time.Time

	// adding is held while a vendor is created, so that two purchases at once do not create one each.
	adding chan struct{}

	mu      sync.Mutex
	vendors map[string]string // name by id; a vendor that is renamed keeps its old name here until the client is made anew
	made    map[string]string // id by name of those this client created, which a search may miss yet
}

var (
	_ pos.Adapter    = (*Client)(nil)
	_ pos.SaleFinder = (*Client)(nil)
)

// New checks cfg and reports every fault in it. It does not speak to SkyBox.
func New(cfg Config) (*Client, error) {
	or := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	or(&cfg.BaseURL, DefaultBaseURL)
	or(&cfg.SalesTerm, "NET0")
	or(&cfg.PaymentMethod, "AR")
	or(&cfg.DeliveryMethod, "MOBILE_DELIVERY")
	or(&cfg.PurchaseTerm, "NET0")
	or(&cfg.PurchaseMethod, "CREDITCARD")
	or(&cfg.StockType, "MOBILE_TRANSFER")
	or(&cfg.VendorType, "BROKER")
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	c := &Client{
		cfg:     cfg,
		account: json.Number(cfg.Account),
		header:  cfg.header(),
		now:     time.Now,
		adding:  make(chan struct{}, 1),
		vendors: map[string]string{},
		made:    map[string]string{},
	}
	if cfg.PerSecond > 0 {
		c.limiter = rate.NewLimiter(rate.Limit(cfg.PerSecond), 1)
	}
	h := http.Client{Transport: transport()}
	if cfg.HTTP != nil {
		h = *cfg.HTTP
	}
	// A redirected write could be made twice, and the credentials must not travel to another host.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &h
	return c, nil
}

func (cfg Config) check() error {
	var errs []error
	fault := func(bad bool, message string) {
		if bad {
			errs = append(errs, errors.New("skybox: "+message))
		}
	}
	base, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil:
		// The text of err quotes the address, which may hold a password.
		fault(true, "BaseURL is not a URL")
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		fault(true, "BaseURL is not an http or https URL with a host")
	case base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		fault(true, "BaseURL has a user, a query or a fragment")
	}
	for _, secret := range []struct{ name, value string }{
		{"ApplicationToken", cfg.ApplicationToken}, {"APIToken", cfg.APIToken},
	} {
		bad := secret.value == "" || strings.ContainsFunc(secret.value, func(r rune) bool { return r <= ' ' || r > '~' })
		fault(bad, secret.name+" is empty or has characters that a header cannot carry")
	}
	fault(!isID(cfg.Account), "Account is not a number")
	fault(cfg.VendorID != "" && !isID(cfg.VendorID), "VendorID is not a number")
	fault(cfg.Timeout < 0, "Timeout is negative")
	fault(cfg.SettleDelay < 0, "SettleDelay is negative")
	fault(cfg.PerSecond < 0 || math.IsNaN(cfg.PerSecond) || math.IsInf(cfg.PerSecond, 0), "PerSecond is not a number of requests")
	fault(cfg.Currency != "" && !slices.Contains(currencies, cfg.Currency), "Currency is not one of "+strings.Join(currencies, ", "))
	fault(cfg.Address != (Address{}) && !cfg.Address.known(), "Address has a member that is empty")
	fault(cfg.VendorEmail != "" && !cfg.Address.known(), "VendorEmail needs an Address: vendors have one")
	for _, set := range []struct {
		name, value string
		allowed     []string
	}{
		{"SalesTerm", cfg.SalesTerm, terms}, {"PurchaseTerm", cfg.PurchaseTerm, terms},
		{"PaymentMethod", cfg.PaymentMethod, methods}, {"PurchaseMethod", cfg.PurchaseMethod, methods},
		{"DeliveryMethod", cfg.DeliveryMethod, deliveries}, {"StockType", cfg.StockType, stockTypes},
		{"VendorType", cfg.VendorType, vendorTypes},
	} {
		fault(!slices.Contains(set.allowed, set.value), fmt.Sprintf("%s is not one of %s", set.name, strings.Join(set.allowed, ", ")))
	}
	return errors.Join(errs...)
}

// The document's closed sets. XBT is left out of the currencies: its smallest unit is not that of any money we keep.
var (
	currencies = []string{"USD", "CAD", "EUR", "GBP", "JPY", "BRL", "AUD", "MXN"}
	terms      = []string{"NET0", "NET10", "NET15", "NET25", "NET30", "NET45", "NET60"}
	methods    = []string{
		"CREDITCARD", "CASH", "CHECK", "PAYPAL", "TRADE", "VENMO", "OTHER", "ACCRUEDCREDIT", "ACH", "AR", "AP", "EVOPAY", "MULTIPLE",
		"COMPLIMENTARY", "CUSTOMER_CREDIT", "ZELLE",
	}
	deliveries = []string{
		"COURIER", "EMAIL", "USPS", "UPS", "FEDEX", "WILLCALL", "PAPERLESS", "MEETANDGREET", "FLASHSEATS", "MOBILE_DELIVERY",
		"OFFICE_PICKUP", "OTHER",
	}
	stockTypes  = []string{"HARD", "ELECTRONIC", "FLASH", "PAPERLESS", "PAPERLESS_CARD", "MOBILE_TRANSFER", "MOBILE_SCREENCAP"}
	vendorTypes = []string{"MARKETPLACE", "PRIMARY", "PERFORMER", "BROKER", "INDY", "MEMBER"}
)

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

// Capabilities are known beforehand; SkyBox is not asked. Customers cannot be changed: whether PUT /customers replaces or merges
// is not in the document. Ticket files are not taken either, see [Client.SetFulfillment].
func (c *Client) Capabilities(context.Context) (pos.Capabilities, error) {
	return pos.Capabilities{
		SearchCustomers:      true,
		SearchInvoices:       true,
		SearchPurchaseOrders: true,
		SellsSeats:           true,
		Holds:                true,
		SearchHolds:          true,
		ReadDeliveries:       c.cfg.ReadDeliveries,
		VoidLines:            true,
		FulfillPurchases:     true,
		SettleDelay:          c.cfg.SettleDelay,
	}, nil
}

// Ping reads the account, which checks the credentials, too (SkyBox OpenAPI 1.0.0, account).
func (c *Client) Ping(ctx context.Context) error {
	k := call{op: "ping", method: http.MethodGet, path: "/account"}
	body, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	var account struct {
		ID json.Number `json:"id"`
	}
	if err := decode(body, &account); err != nil {
		return k.unfit(err)
	}
	return nil
}

// isID says whether s can be an id of SkyBox, all of which are numbers. An id is data: what is none never gets into a path.
func isID(s string) bool {
	return len(s) > 0 && len(s) <= 18 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// unknownID is the error for an id that SkyBox cannot have given.
func unknownID(op, what string) error {
	return &pos.Error{Class: pos.NotFound, Op: op, Message: "that is no id of " + what}
}

func invalid(op, message string) error {
	return &pos.Error{Class: pos.Invalid, Op: op, Message: message}
}
