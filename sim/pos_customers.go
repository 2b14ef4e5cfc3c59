package sim

import (
	"net/http"
	"strings"
)

// A POSCustomer is a customer as the contract has it; nil is unknown.
type POSCustomer struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Email     *string `json:"email"`
	Phone     *string `json:"phone"`
	Company   *string `json:"company"`
	Kind      string  `json:"kind"`
	CreatedAt string  `json:"created_at"`
}

func (p *POS) findCustomers(r *posRequest) posAnswer {
	email, phone := r.URL.Query().Get("email"), r.URL.Query().Get("phone")
	var v validator
	v.check(email != "" || phone != "", "", "email or phone must be given")
	v.text(email, "email", 0, 320)
	v.text(phone, "phone", 0, 64)
	if wrong := v.problem(); wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []POSCustomer{}
	for _, c := range p.customers {
		if !p.searchable(c.ID) {
			continue
		}
		if email != "" && (c.Email == nil || !strings.EqualFold(*c.Email, email)) {
			continue
		}
		if phone != "" && (c.Phone == nil || digits(*c.Phone) != digits(phone)) {
			continue
		}
		items = append(items, *c)
	}
	return posAnswer{status: http.StatusOK, value: object{"items": items}}
}

type customerInput struct {
	Name    string  `json:"name"`
	Email   *string `json:"email"`
	Phone   *string `json:"phone"`
	Company *string `json:"company"`
	Kind    string  `json:"kind"`
}

func (r *posRequest) customer() (in customerInput, wrong *problem) {
	if wrong := readJSON(r.Request, r.body, &in); wrong != nil {
		return in, wrong
	}
	var v validator
	v.check(in.Name != "", "/name", "must not be empty")
	v.oneOf(in.Kind, "/kind", "RETAIL", "BROKER", "MARKETPLACE")
	return in, v.problem()
}

// updateCustomer replaces what is known of a customer, and keeps its kind.
func (p *POS) updateCustomer(r *posRequest) posAnswer {
	in, wrong := r.customer()
	if wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := find(p.customers, r.PathValue("id"), func(c *POSCustomer) string { return c.ID })
	if c == nil {
		return refuse(notFound("no such customer"))
	}
	c.Name, c.Email, c.Phone, c.Company = in.Name, known(in.Email), known(in.Phone), known(in.Company)
	return posAnswer{status: http.StatusOK, value: *c, outcome: "updated", id: c.ID}
}

func (p *POS) createCustomer(r *posRequest) posAnswer {
	in, wrong := r.customer()
	if wrong != nil {
		return refuse(wrong)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var first POSCustomer
	for i := range copies(r.fault) {
		c := &POSCustomer{
			ID: p.newID("cust_"), Name: in.Name, Email: known(in.Email), Phone: known(in.Phone), Company: known(in.Company),
			Kind: in.Kind, CreatedAt: p.stamp(),
		}
		p.customers = append(p.customers, c)
		if i == 0 {
			first = *c
		}
	}
	return created(r.fault, first, first.ID)
}

// copies is how often a create takes effect.
func copies(f Fault) int {
	if f.Kind == FaultDouble {
		return 2
	}
	return 1
}

func created(f Fault, v any, id string) posAnswer {
	a := posAnswer{status: http.StatusCreated, value: v, outcome: "created", id: id}
	if f.Kind == FaultDouble {
		a.outcome = "doubled"
	}
	return a
}

// known is nil for what is absent or empty: the contract takes both for unknown.
func known(s *string) *string {
	if s == nil || *s == "" {
		return nil
	}
	return s
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
