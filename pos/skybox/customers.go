package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"willcall/pos"
)

type customerBody struct {
	ID                    json.Number      `json:"id,omitempty"`
	AccountID             json.Number      `json:"accountId,omitempty"`
	Email                 string           `json:"email"`
	Company               string           `json:"company,omitempty"`
	DisplayName           string           `json:"displayName"`
	FirstName             string           `json:"firstName,omitempty"`
	LastName              string           `json:"lastName,omitempty"`
	CustomerType          pos.CustomerKind `json:"customerType"`
	SalesTerm             string           `json:"salesTerm"`
	PaymentMethod         string           `json:"paymentMethod"`
	DefaultDeliveryMethod string           `json:"defaultDeliveryMethod"`
	Address               *addressBody     `json:"address"`
	CreatedDate           string           `json:"createdDate,omitempty"`
	Deleted               bool             `json:"deleted,omitempty"`
}

// addressBody has no omitempty: address1 and phone1 must be there, and may be empty.
type addressBody struct {
	Address1   string `json:"address1"`
	City       string `json:"city"`
	State      string `json:"state"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"`
	Phone1     string `json:"phone1"`
}

func (c *Client) address(phone string) *addressBody {
	a := c.cfg.Address
	return &addressBody{City: a.City, State: a.State, PostalCode: a.PostalCode, Country: a.Country, Phone1: phone}
}

// The longest displayName and phone1 that the document allows (Customer, Address).
const (
	maxName  = 100
	maxPhone = 45
)

func (b customerBody) record() (pos.Customer, error) {
	if !isID(b.ID.String()) {
		return pos.Customer{}, errors.New("a customer has no id")
	}
	at, err := parseTime(b.CreatedDate)
	if err != nil {
		return pos.Customer{}, err
	}
	cust := pos.Customer{
		ID: b.ID.String(), Name: b.DisplayName, Email: b.Email, Company: b.Company, Kind: b.CustomerType, CreatedAt: at,
	}
	if b.Address != nil {
		cust.Phone = b.Address.Phone1
	}
	return cust, nil
}

// FindCustomers asks for customers by the one that is set (SkyBox OpenAPI 1.0.0, customers, search), and leaves out those that are
// deleted. Assumed: the filter by e-mail address does not regard letter case, the one by telephone finds the number as it was written.
// It returns [pos.Unsupported] if the search finds everybody.
func (c *Client) FindCustomers(ctx context.Context, q pos.CustomerQuery) ([]pos.Customer, error) {
	const op = "find customers"
	query := url.Values{}
	if q.Email != "" {
		query.Set("email", q.Email)
	}
	if q.Phone != "" {
		query.Set("phone", q.Phone)
	}
	if len(query) == 0 {
		return nil, invalid(op, "there is nothing to search by")
	}
	records, err := c.search(ctx, op, "/customers", query)
	if err != nil {
		return nil, err
	}
	var all []pos.Customer
	for _, r := range records {
		var b customerBody
		err := decode(r, &b)
		if err == nil && b.Deleted {
			continue
		}
		var one pos.Customer
		if err == nil {
			one, err = b.record()
		}
		if err != nil {
			return nil, call{op: op, method: http.MethodGet}.unfit(err)
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b pos.Customer) int { return older(a.CreatedAt, b.CreatedAt, a.ID, b.ID) })
	return all, nil
}

// CreateCustomer makes a customer (SkyBox OpenAPI 1.0.0, customers, insert). SkyBox demands an e-mail address and a postal address:
// without the one in in, or [Config.Address], the error is [pos.Invalid]. The others are [pos.Invalid] and [pos.OutcomeUnknown].
func (c *Client) CreateCustomer(ctx context.Context, _ pos.Op, in pos.CustomerInput) (pos.Customer, error) {
	const op = "create customer"
	switch {
	case strings.TrimSpace(in.Email) == "":
		return pos.Customer{}, invalid(op, "SkyBox keeps no customer without an e-mail address")
	case !c.cfg.Address.known():
		return pos.Customer{}, invalid(op, "SkyBox keeps no customer without an address, and no placeholder is set (Config.Address)")
	case utf8.RuneCountInString(in.Phone) > maxPhone:
		return pos.Customer{}, invalid(op, "the telephone number is too long for SkyBox")
	}
	first, last := "", strings.TrimSpace(in.Name)
	if i := strings.LastIndexByte(last, ' '); i >= 0 {
		first, last = strings.TrimSpace(last[:i]), last[i+1:]
	}
	k := call{op: op, method: http.MethodPost, path: "/customers", body: customerBody{
		AccountID:             c.account,
		Email:                 in.Email,
		Company:               in.Company,
		DisplayName:           shortened(in.Name, maxName),
		FirstName:             first,
		LastName:              last,
		CustomerType:          in.Kind,
		SalesTerm:             c.cfg.SalesTerm,
		PaymentMethod:         c.cfg.PaymentMethod,
		DefaultDeliveryMethod: c.cfg.DeliveryMethod,
		Address:               c.address(in.Phone),
	}}
	body, err := c.do(ctx, k)
	if err != nil {
		return pos.Customer{}, err
	}
	var b customerBody
	if err := decode(body, &b); err != nil {
		return pos.Customer{}, k.unfit(err)
	}
	made, err := b.record()
	if err != nil {
		return pos.Customer{}, k.unfit(err)
	}
	return made, nil
}

// UpdateCustomer returns [pos.Unsupported]: see [Client.Capabilities].
func (c *Client) UpdateCustomer(context.Context, pos.Op, string, pos.CustomerInput) (pos.Customer, error) {
	return pos.Customer{}, &pos.Error{Class: pos.Unsupported, Op: "update customer", Message: "customers in SkyBox are not changed"}
}

// shortened cuts s to n characters.
func shortened(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// An eventBody is an event, as /events/{id} and the summaries of inventory have it.
type eventBody struct {
	Name string `json:"name"`
	Date string `json:"date"`
}

func (b eventBody) record() (pos.Event, error) {
	if b.Name == "" {
		return pos.Event{}, errors.New("an event has no name")
	}
	at, err := parseTime(b.Date)
	return pos.Event{Name: b.Name, StartsAt: at}, err
}

// mappingBody names an event that SkyBox has not mapped to one of its own (EventMapping).
type mappingBody struct {
	EventName string `json:"eventName"`
	VenueName string `json:"venueName"`
	EventDate string `json:"eventDate,omitempty"`
}

func (c *Client) mapping(e pos.Event) *mappingBody {
	m := &mappingBody{EventName: e.Name, VenueName: c.cfg.Venue}
	if !e.StartsAt.IsZero() {
		m.EventDate = e.StartsAt.UTC().Format(time.RFC3339)
	}
	return m
}
