// Package config reads the one file that both daemons are configured by. It is strict (a key that nobody reads is a fault),
// reports every fault at once by the name of its key, and has a default for all that can have one. Secrets come from the
// environment or from files, by reference: "${NAME}", "${NAME:-default}" or "${file:/path}". It opens no connection.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Config is the file.
type Config struct {
	// Database is the URL of our Postgres; empty means DATABASE_URL.
	Database string            `yaml:"database"`
	Webhookd Webhookd          `yaml:"webhookd"`
	Operator Operator          `yaml:"operator"`
	Worker   Worker            `yaml:"worker"`
	Log      Log               `yaml:"log"`
	POS      map[string]POS    `yaml:"pos"`
	Sources  map[string]Source `yaml:"sources"`
}

// shown is the configuration as it may be printed: a Secret hides itself, the URL of the database needs help.
func (c Config) shown() any {
	type plain Config // without the methods below
	if u, err := url.Parse(c.Database); err != nil || u.User != nil {
		c.Database = "(secret)"
	}
	return plain(c)
}

// Format hides the database's password from every verb.
func (c Config) Format(f fmt.State, verb rune) { format(f, verb, c.shown()) }

// MarshalYAML does so in dumps of the configuration.
func (c Config) MarshalYAML() (any, error) { return c.shown(), nil }

// MarshalJSON does the same.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.shown()) }

// Webhookd is the daemon that providers post to.
type Webhookd struct {
	Listen           string        `yaml:"listen"`              // default ":8080"
	MaxInFlightBytes Bytes         `yaml:"max_in_flight_bytes"` // bodies in memory at once; default 256MB
	MaxLargeBodies   int           `yaml:"max_large_bodies"`    // of them above 1MB, each held about three times over; default 4
	AckTimeout       time.Duration `yaml:"ack_timeout"`         // for the commit; beyond it 503; default 3s
	Flushers         int           `yaml:"flushers"`            // groups committed at once; default 8
	Lanes            int           `yaml:"lanes"`               // signals to Temporal at once; default 16
	MaxConns         int           `yaml:"max_conns"`           // to Postgres; default 16
	TrustedProxies   []string      `yaml:"trusted_proxies"`     // networks whose X-Forwarded-For is believed; default none
	StopWithin       time.Duration `yaml:"stop_within"`         // default 20s
}

// Operator is the operators' API, which webhookd serves.
type Operator struct {
	Listen string `yaml:"listen"` // default "127.0.0.1:8081"
	Token  Secret `yaml:"token"`  // required where it listens beyond loopback
}

// Worker is the daemon that runs workflows and activities.
type Worker struct {
	Listen       string        `yaml:"listen"`         // metrics and health; default "127.0.0.1:8082"
	Workflows    int           `yaml:"workflow_tasks"` // workflow tasks at once; default 100
	Activities   int           `yaml:"activities"`     // activities at once, each queue; default 50
	Cache        int           `yaml:"cache"`          // orders kept in memory; default 10000
	MaxConns     int           `yaml:"max_conns"`      // to Postgres; default 16
	StopWithin   time.Duration `yaml:"stop_within"`    // default 35s: longer than an activity's attempt
	POSPerSecond float64       `yaml:"pos_per_second"` // calls of POS activities over all workers; default unlimited

	DuplicatesWithin time.Duration `yaml:"duplicates_within"` // how far back the POS is searched each night for orders written twice; default 720h
	LookEvery        time.Duration `yaml:"look_every"`        // how often the POS is asked what is there for an order that waits for its tickets; default 30m
}

// Log is how the daemons log.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error; default info
	Format string `yaml:"format"` // json or text; default json
}

// POS is one point-of-sale system.
type POS struct {
	// Kind is "http": any POS behind the contract of pos/httpapi/openapi.yaml; "skybox": SkyBox of Vivid Seats; or "tevocore": the
	// Core of Ticket Evolution.
	Kind    string        `yaml:"kind"`
	URL     string        `yaml:"url"`     // skybox, tevocore: default the vendor's
	Token   Secret        `yaml:"token"`   // http: bearer token; skybox: X-Api-Token; tevocore: X-Token
	Timeout time.Duration `yaml:"timeout"` // of one call; default 8s, at most 10s: it must end within an attempt's lease

	// What follows is for skybox and tevocore. A POS behind the contract says it itself.
	SettleDelay time.Duration `yaml:"settle_delay"` // how long after a write a search may still miss it: measure it
	PerSecond   int           `yaml:"per_second"`   // calls of one worker; default unlimited
	Currency    string        `yaml:"currency"`     // of records that name none, ISO 4217; tevocore: of all, default USD

	SkyBox   *SkyBox   `yaml:"skybox"`
	TEvoCore *TEvoCore `yaml:"tevocore"`

	// Events makes /webhooks/<name of the POS> the path that the POS tells its news at. Absent: it has no path, and what changes in
	// it is found when it is next asked. http, skybox; the Core's news comes by a source of kind tevo.
	Events *Events `yaml:"events"`
}

// Format is what makes a pointer to a POS safe to print; see [API.Format].
func (p POS) Format(f fmt.State, verb rune) {
	type plain POS // without this method
	format(f, verb, plain(p))
}

// Events is how a POS proves what it posts. An event is a hint: it makes us ask the POS, and nothing else.
type Events struct {
	// Secrets are, for http, what it signs with by Standard Webhooks 1.0.0: whsec_ and the base64 of 24 to 64 bytes. For skybox they
	// are what Proof asks for. Several while one is being rotated.
	Secrets []Secret `yaml:"secrets"`
	Proof   *Proof   `yaml:"proof"` // skybox, whose signature is not public: kind token, basic or bearer, in the URL or headers registered there
	Allow   []string `yaml:"allow"` // networks that may post; empty: all
}

// Format is what makes a pointer to Events safe to print; see [API.Format].
func (e Events) Format(f fmt.State, verb rune) {
	type plain Events // without this method
	format(f, verb, plain(e))
}

// SkyBox is what only a POS of kind skybox needs: the rest of the credentials, and what SkyBox demands and no order says. What the
// words may be is in SkyBox's OpenAPI document.
type SkyBox struct {
	ApplicationToken Secret `yaml:"application_token"` // X-Application-Token: of our integration
	Account          string `yaml:"account"`           // X-Account: the broker's number
	SalesTerm        string `yaml:"sales_term"`        // of new customers and invoices; default NET0
	PaymentMethod    string `yaml:"payment_method"`    // default AR
	DeliveryMethod   string `yaml:"delivery_method"`   // default MOBILE_DELIVERY
	PurchaseTerm     string `yaml:"purchase_term"`     // of new vendors and purchases; default NET0
	PurchaseMethod   string `yaml:"purchase_method"`   // default CREDITCARD
	StockType        string `yaml:"stock_type"`        // default MOBILE_TRANSFER

	// Address stands for that of customers and vendors, which no webhook brings. Without it none can be created.
	Address Address `yaml:"address"`

	VendorID    string `yaml:"vendor_id"`    // of purchases from whom SkyBox does not know by name; empty: a vendor is created
	VendorEmail string `yaml:"vendor_email"` // of vendors that are created; without it none can be
	VendorType  string `yaml:"vendor_type"`  // default BROKER
	Venue       string `yaml:"venue"`        // of purchased tickets; without it nothing can be purchased
	NoPlace     string `yaml:"no_place"`     // stands for a section or row that a purchase does not have

	// ReadDeliveries reads ticket files and deliveries by hand out of SkyBox. It stands on assumptions that the document of SkyBox does not
	// confirm: see package pos/skybox, GetDeliveries.
	ReadDeliveries bool `yaml:"read_deliveries"`
}

// Address is a postal address.
type Address struct {
	City       string `yaml:"city"`
	State      string `yaml:"state"` // two letters, OTHER or UNKNOWN
	PostalCode string `yaml:"postal_code"`
	Country    string `yaml:"country"`
}

// TEvoCore is what only a POS of kind tevocore needs: the rest of the credentials, and what Ticket Evolution does not document.
type TEvoCore struct {
	Secret     Secret `yaml:"secret"`      // key of X-Signature
	OfficeID   string `yaml:"office_id"`   // the broker's office
	ReviewerID string `yaml:"reviewer_id"` // the user in whose name orders are cancelled

	SearchDays         int               `yaml:"search_days"`          // how far back orders are listed to find a reference; default 60
	MaxPages           int               `yaml:"max_pages"`            // of a hundred, that one search reads; default 100
	SearchByReference  string            `yaml:"search_by_reference"`  // query parameter that filters orders by their reference, where there is one
	EmailFilter        string            `yaml:"email_filter"`         // query parameters that filter clients, where known: both
	PhoneFilter        string            `yaml:"phone_filter"`         // or neither
	ScanClients        bool              `yaml:"scan_clients"`         // read all clients where no filters are known
	Listings           bool              `yaml:"listings"`             // read ticket groups as listings
	Delivery           string            `yaml:"delivery"`             // type of the shipment of a new order; default TBD
	PaymentType        string            `yaml:"payment_type"`         // of a paid order's payment; empty: none is written
	VoidByReturn       bool              `yaml:"void_by_return"`       // void sales by a return of 0 that cancels
	CancelKeepsTickets bool              `yaml:"cancel_keeps_tickets"` // tickets of a cancelled order do not go back into their group
	AttachFiles        bool              `yaml:"attach_files"`         // put tickets on orders as e-tickets, which may e-mail them to the client
	ReadETickets       bool              `yaml:"read_etickets"`        // read the e-tickets of orders
	Vendors            map[string]string `yaml:"vendors"`              // name of whom we buy from → their office id
}

// Source is one account at one provider.
type Source struct {
	Kind     string   `yaml:"kind"`     // "tevo", "tixstock", "vivenu" or "ltd"
	Secrets  []Secret `yaml:"secrets"`  // what proves a webhook, by kind: see [Source.Proof]; several while one is being rotated
	Verify   string   `yaml:"verify"`   // "on" (default) or "off": take what anybody posts
	Allow    []string `yaml:"allow"`    // networks that may post; empty: all
	MaxBody  Bytes    `yaml:"max_body"` // default 8MB; tixstock 25MB
	Currency string   `yaml:"currency"` // ISO 4217, for providers that name none; default USD, ltd GBP
	POS      string   `yaml:"pos"`      // a key of pos
	Policy   Policy   `yaml:"policy"`
	API      *API     `yaml:"api"` // absent: we hold no credentials

	// Inventory maps the provider's id of what is sold (vivenu: ticket type, ltd: event, tixstock: listing) to the ticket group
	// of the POS. What it does not name has the same id in both.
	Inventory map[string]string `yaml:"inventory"`

	// CustomerID is the POS customer, such as the marketplace itself, of buyers whose e-mail address and telephone number the
	// provider does not tell. Without it each gets a customer of their own; SkyBox refuses one without an address.
	CustomerID string `yaml:"customer_id"`

	// Proof says how webhooks are proven where the provider's way is not public (ltd). The secrets of the others are: tevo, path
	// tokens; tixstock, bearer tokens; vivenu, hmac keys.
	Proof *Proof `yaml:"proof"`

	Mode         string            `yaml:"mode"`          // vivenu: "prod" (default) or "dev"; webhooks of the other are refused
	AffiliateID  string            `yaml:"affiliate_id"`  // ltd: ours; webhooks of another are refused
	Statuses     map[string]string `yaml:"statuses"`      // tixstock: our state → External Status of the reseller admin area
	StatusWords  map[string]string `yaml:"status_words"`  // tixstock: their status, in small letters → pending, accepted, rejected, cancelled, completed
	AnswerWithin time.Duration     `yaml:"answer_within"` // tixstock: for the order's state in the answer; default 3s
}

// Proof is how a webhook proves where it comes from.
type Proof struct {
	Kind     string `yaml:"kind"`     // "token" (in the path), "basic" (secrets: user:password), "bearer" or "hmac" (SHA-256 of the body)
	Header   string `yaml:"header"`   // hmac: the header of the signature
	Encoding string `yaml:"encoding"` // hmac: "hex" (default) or "base64"
	Prefix   string `yaml:"prefix"`   // hmac: what stands before the signature, such as "sha256="
}

// Policy is how the orders of a source are handled; see order.Policy. A zero duration means its default.
type Policy struct {
	FraudService *bool  `yaml:"fraud_service"` // tevo alone has one; default true there
	Accept       string `yaml:"accept"`        // "auto" (default) or "manual"
	Invoice      *bool  `yaml:"invoice"`       // default true
	// Attach puts tickets that others bring into the POS: of tixstock and ltd on the invoice, of tevo's purchases, read by its API, on
	// the purchase order. Default true there for a POS of kind http, which alone is known to take them, for tevo with an api.
	Attach       *bool         `yaml:"attach"`
	Deliver      *bool         `yaml:"deliver"` // tevo: give the buyer what the POS has for him; needs api; default true for a POS of kind http, which alone can tell what it has
	Hold         *bool         `yaml:"hold"`    // keep the tickets of a sale that waits for a payment, a check or an approval; default false
	DetailsWait  time.Duration `yaml:"details_wait"`
	FraudWait    time.Duration `yaml:"fraud_wait"`
	PaymentWait  time.Duration `yaml:"payment_wait"`
	ApprovalWait time.Duration `yaml:"approval_wait"`
	StepPatience time.Duration `yaml:"step_patience"`
	FulfilWithin time.Duration `yaml:"fulfil_within"`
	EventLead    time.Duration `yaml:"event_lead"`
	Grace        time.Duration `yaml:"grace"`
	Quiet        time.Duration `yaml:"quiet"`
}

// API is a provider's API.
type API struct {
	URL        string        `yaml:"url"`
	Token      Secret        `yaml:"token"`       // tevo: X-Token; vivenu: API key; ltd: Api-Key
	Secret     Secret        `yaml:"secret"`      // tevo: key of X-Signature
	ReviewerID string        `yaml:"reviewer_id"` // tevo: the user in whose name orders are accepted
	BasketPath string        `yaml:"basket_path"` // ltd: path of a submitted basket's summary, with {basket} in it
	Confirm    *bool         `yaml:"confirm"`     // read each order again before it is written; default true for tevo, which signs nothing
	Sweep      *bool         `yaml:"sweep"`       // poll for what webhooks missed; default true
	PerSecond  float64       `yaml:"per_second"`  // calls over all workers; default 5
	Timeout    time.Duration `yaml:"timeout"`     // of one call; default 8s
}

// Format is what makes a pointer to an API safe to print: for %s of one, fmt goes past the methods of its fields.
func (a API) Format(f fmt.State, verb rune) {
	type plain API // without this method
	format(f, verb, plain(a))
}

// format prints v by the verbs that a struct has a meaning for: for others fmt would go past the methods of its fields.
func format(f fmt.State, verb rune, v any) {
	if verb == 'v' {
		fmt.Fprintf(f, fmt.FormatString(f, verb), v)
	} else {
		fmt.Fprintf(f, "%+v", v)
	}
}

// Secret is a string that does not print.
type Secret string

// String hides the secret from logs and errors.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// Format hides the secret from every verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalYAML hides the secret from dumps of the configuration.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalJSON does the same.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(s.String())), nil }

// Bytes is a size: "512", "64KB", "8MB", "1GB", in powers of 1,024.
type Bytes int64

// UnmarshalYAML reads a size.
func (b *Bytes) UnmarshalYAML(n *yaml.Node) error {
	s, unit := strings.ToUpper(strings.TrimSpace(n.Value)), int64(1)
	for suffix, u := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if cut, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = strings.TrimSpace(cut), u
		}
	}
	v, err := strconv.ParseInt(s, 10, 32)
	if err != nil || v < 0 {
		return errors.New("want a size like 8MB")
	}
	*b = Bytes(v * unit)
	return nil
}
