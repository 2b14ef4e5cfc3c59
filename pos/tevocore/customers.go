package tevocore

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
)

// clientBody is a client. It has no kind, and no time of creation.
type clientBody struct {
	ID     ident  `json:"id"`
	Name   string `json:"name"`
	Emails []struct {
		Address string `json:"address"`
	} `json:"email_addresses"`
	Phones []struct {
		Number string `json:"number"`
	} `json:"phone_numbers"`
}

// record makes a customer of a client. Of several addresses and numbers it takes those that were asked for, else the first.
func (b *clientBody) record(q pos.CustomerQuery) pos.Customer {
	v := pos.Customer{ID: string(b.ID), Name: b.Name}
	for _, e := range b.Emails {
		if v.Email == "" || q.Email != "" && sameEmail(e.Address, q.Email) {
			v.Email = e.Address
		}
	}
	for _, p := range b.Phones {
		if v.Phone == "" || q.Phone != "" && samePhone(p.Number, q.Phone) {
			v.Phone = p.Number
		}
	}
	return v
}

func (b *clientBody) fits(q pos.CustomerQuery) bool {
	for _, e := range b.Emails {
		if q.Email != "" && sameEmail(e.Address, q.Email) {
			return true
		}
	}
	for _, p := range b.Phones {
		if q.Email == "" && samePhone(p.Number, q.Phone) {
			return true
		}
	}
	return false
}

func sameEmail(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// samePhone compares the digits.
func samePhone(a, b string) bool {
	digits := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, s)
	}
	return digits(a) != "" && digits(a) == digits(b)
}

type clientsAnswer struct {
	Clients []clientBody `json:"clients"`
}

func (a *clientsAnswer) check() error {
	if len(a.Clients) != 1 || a.Clients[0].ID == "" {
		return errors.New("it is not one client with an id")
	}
	return nil
}

// FindCustomers lists clients, filtered where Config names the filters, and returns those whose e-mail address or telephone
// number is the one that is set, by their ids, which grow with age; their CreatedAt is zero. Errors: [pos.Unsupported] where
// clients can not be searched, or are more than Config.MaxPages holds.
func (c *Client) FindCustomers(ctx context.Context, q pos.CustomerQuery) ([]pos.Customer, error) {
	const op = "find customers"
	query := url.Values{}
	switch {
	case q.Email == "" && q.Phone == "":
		return nil, nil
	case c.cfg.EmailFilter == "" && !c.cfg.ScanClients:
		return nil, &pos.Error{Class: pos.Unsupported, Op: op, Message: "no filter of clients is configured"}
	case c.cfg.EmailFilter == "":
	case q.Email != "":
		query.Set(c.cfg.EmailFilter, q.Email)
	default:
		query.Set(c.cfg.PhoneFilter, q.Phone)
	}
	var found []pos.Customer
	err := c.list(ctx, op, "/v9/clients", "clients", query, func(_ head, raw jsontext.Value) error {
		var b clientBody
		if parse(raw, &b) != nil {
			return &pos.Error{Class: pos.Transient, Op: op, Message: "a client cannot be read"}
		}
		if b.fits(q) {
			found = append(found, b.record(q))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b pos.Customer) int { return byID(a.ID, b.ID) })
	return found, nil
}

// byID compares ids as numbers.
func byID(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

type clientRequest struct {
	Name   string         `json:"name"`
	Emails []emailRequest `json:"email_addresses,omitempty"`
	Phones []phoneRequest `json:"phone_numbers,omitempty"`
}

type emailRequest struct {
	Address string `json:"address"`
}

type phoneRequest struct {
	Number string `json:"number"`
}

// CreateCustomer makes a client (Clients/Create). Company and kind are not written: a client's company is a record of its
// own, and it has no kind. A name "must include a space", or it is [pos.Invalid]. Other errors: [pos.OutcomeUnknown].
func (c *Client) CreateCustomer(ctx context.Context, _ pos.Op, in pos.CustomerInput) (pos.Customer, error) {
	one := clientRequest{Name: in.Name}
	if in.Email != "" {
		one.Emails = []emailRequest{{Address: in.Email}}
	}
	if in.Phone != "" {
		one.Phones = []phoneRequest{{Number: in.Phone}}
	}
	body := struct {
		Clients []clientRequest `json:"clients"`
	}{[]clientRequest{one}}
	var answer clientsAnswer
	if err := c.post(ctx, "create customer", "/v9/clients", body, &answer); err != nil {
		return pos.Customer{}, err
	}
	return answer.Clients[0].record(pos.CustomerQuery{}), nil
}
