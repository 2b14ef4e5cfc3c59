package sim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// coreClient is a client: a buyer of the broker's own. A client has no reference, no kind and no time of creation.
type coreClient struct {
	id, name, notes string
	emails, phones  []coreContact
	born            time.Time // by our clock, for the search lag
}

type coreContact struct{ id, value string }

func (cl *coreClient) body() object {
	emails, phones := []any{}, []any{}
	for _, e := range cl.emails {
		emails = append(emails, object{"id": e.id, "label": nil, "address": e.value, "url": "/clients/" + cl.id + "/email_addresses/" + e.id})
	}
	for _, p := range cl.phones {
		phones = append(phones, object{"id": p.id, "label": nil, "number": p.value, "country_code": nil, "extension": nil})
	}
	b := object{
		"id": cl.id, "url": "/v9/clients/" + cl.id, "name": cl.name, "company": nil, "notes": orNull(cl.notes),
		"email_addresses": emails, "phone_numbers": phones, "addresses": []any{}, "tags": []any{},
		"primary_email_address": nil, "primary_phone_number": nil, "primary_credit_card": nil,
		"primary_shipping_address": nil, "primary_billing_address": nil,
		"updated_at": cl.born.UTC().Format("2006-01-02T15:04:05+00:00"), "balance": "0.0",
	}
	if len(emails) > 0 {
		b["primary_email_address"] = emails[0]
	}
	if len(phones) > 0 {
		b["primary_phone_number"] = phones[0]
	}
	return b
}

func (cl *coreClient) customer() POSCustomer {
	v := POSCustomer{ID: cl.id, Name: cl.name, Kind: "RETAIL", CreatedAt: cl.born.UTC().Format(time.RFC3339)}
	if len(cl.emails) > 0 {
		v.Email = known(&cl.emails[0].value)
	}
	if len(cl.phones) > 0 {
		v.Phone = known(&cl.phones[0].value)
	}
	return v
}

// listClients is Clients/Index, oldest first (assumption).
func (c *TEvoCore) listClients(r *coreRequest) coreAnswer {
	q := r.URL.Query()
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*coreClient
	for _, cl := range c.clients {
		if c.visible(cl.born) && c.wantsClient(q, cl) {
			found = append(found, cl)
		}
	}
	from, to, body, err := corePage(q, len(found))
	if err != nil {
		return coreRefuse(http.StatusUnprocessableEntity, err.Error())
	}
	list := []any{}
	for _, cl := range found[from:to] {
		list = append(list, cl.body())
	}
	body["clients"] = list
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: body}}
}

func (c *TEvoCore) wantsClient(q url.Values, cl *coreClient) bool {
	if name := c.opts.EmailFilter; name != "" && q.Get(name) != "" {
		return slices.ContainsFunc(cl.emails, func(e coreContact) bool { return strings.EqualFold(e.value, q.Get(name)) })
	}
	if name := c.opts.PhoneFilter; name != "" && q.Get(name) != "" {
		return slices.ContainsFunc(cl.phones, func(p coreContact) bool { return digits(p.value) == digits(q.Get(name)) })
	}
	return true
}

type coreClientInput struct {
	Name   string `json:"name"`
	Notes  string `json:"notes"`
	Emails []struct {
		Address string `json:"address"`
	} `json:"email_addresses"`
	Phones []struct {
		Number string `json:"number"`
	} `json:"phone_numbers"`
}

// createClients is Clients/Create: all of the array or none of it (assumption). The refusal repeats what was sent, with what
// is wrong within each, as the fixture of a refused change does. A name "must include a space".
func (c *TEvoCore) createClients(r *coreRequest) coreAnswer {
	var in struct {
		Clients []coreClientInput `json:"clients"`
	}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	if len(in.Clients) == 0 {
		return coreRefuse(http.StatusBadRequest, "clients is required")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	refused, echo := false, []any{}
	for _, one := range in.Clients {
		faults := coreFaults{}
		faults.check(strings.TrimSpace(one.Name) != "", "name", "can't be blank")
		faults.check(one.Name == "" || strings.Contains(strings.TrimSpace(one.Name), " "), "name", "must include a space")
		for _, e := range one.Emails {
			faults.check(strings.Contains(e.Address, "@"), "email_addresses", "is invalid")
		}
		refused = refused || len(faults) > 0
		b := (&coreClient{name: one.Name}).body()
		b["id"], b["email_addresses"], b["phone_numbers"] = nil, one.Emails, one.Phones
		if len(faults) > 0 {
			b["errors"] = faults
		}
		echo = append(echo, b)
	}
	if refused {
		return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusUnprocessableEntity, body: object{"clients": echo}}, outcome: "refused: 422"}
	}
	made, first := []any{}, ""
	for i := range copies(r.fault) {
		for _, one := range in.Clients {
			cl := &coreClient{id: c.newID(), name: one.Name, notes: one.Notes, born: c.now()}
			for _, e := range one.Emails {
				cl.emails = append(cl.emails, coreContact{id: c.newID(), value: e.Address})
			}
			for _, p := range one.Phones {
				cl.phones = append(cl.phones, coreContact{id: c.newID(), value: p.Number})
			}
			c.clients = append(c.clients, cl)
			if i == 0 {
				made = append(made, cl.body())
				if first == "" {
					first = cl.id
				}
			}
		}
	}
	return coreCreated(r.fault, object{"clients": made}, first)
}

// coreCreated answers 200, as the client libraries' fixtures have it.
func coreCreated(f Fault, body any, id string) coreAnswer {
	a := coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: body}, outcome: "created", id: id}
	if f.Kind == FaultDouble {
		a.outcome = "doubled"
	}
	return a
}

func (c *TEvoCore) client(id string) *coreClient {
	return find(c.clients, id, func(cl *coreClient) string { return cl.id })
}
