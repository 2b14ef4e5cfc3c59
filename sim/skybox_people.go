package sim

import (
	"net/http"
	"strings"
)

type skyAddress struct {
	Address1   *string `json:"address1"`
	City       string  `json:"city"`
	State      string  `json:"state"`
	PostalCode string  `json:"postalCode"`
	Country    string  `json:"country"`
	Phone1     *string `json:"phone1"`
}

// check: address1 and phone1 must be there and may be empty, the others may not be.
func (a *skyAddress) check(c *skyCheck) {
	if a == nil {
		c.that(false, "address", "may not be null")
		return
	}
	c.that(a.Address1 != nil, "address.address1", "may not be null")
	c.that(a.Phone1 != nil && len(*a.Phone1) <= 45, "address.phone1", "size must be between 0 and 45")
	for path, value := range map[string]string{
		"address.city": a.City, "address.state": a.State, "address.postalCode": a.PostalCode, "address.country": a.Country,
	} {
		c.that(value != "", path, "size must be at least 1")
	}
}

type skyCustomer struct {
	ID                    int64       `json:"id"`
	AccountID             int64       `json:"accountId"`
	CreatedDate           string      `json:"createdDate"`
	Email                 string      `json:"email"`
	Company               string      `json:"company,omitempty"`
	DisplayName           string      `json:"displayName"`
	FirstName             string      `json:"firstName,omitempty"`
	LastName              string      `json:"lastName,omitempty"`
	CustomerType          string      `json:"customerType"`
	SalesTerm             string      `json:"salesTerm"`
	PaymentMethod         string      `json:"paymentMethod"`
	DefaultDeliveryMethod string      `json:"defaultDeliveryMethod"`
	Address               *skyAddress `json:"address"`
}

// The closed sets that customers, vendors, invoices and purchases have in common.
var (
	skyTerms      = []string{"NET0", "NET10", "NET15", "NET25", "NET30", "NET45", "NET60"}
	skyDeliveries = []string{
		"COURIER", "EMAIL", "USPS", "UPS", "FEDEX", "WILLCALL", "PAPERLESS", "MEETANDGREET", "FLASHSEATS", "MOBILE_DELIVERY",
		"OFFICE_PICKUP", "OTHER",
	}
	skyMethods = []string{
		"CREDITCARD", "CASH", "CHECK", "PAYPAL", "TRADE", "VENMO", "OTHER", "ACCRUEDCREDIT", "ACH", "AR", "AP", "EVOPAY", "MULTIPLE",
		"COMPLIMENTARY", "CUSTOMER_CREDIT", "ZELLE",
	}
	skyCurrencies = []string{"USD", "CAD", "EUR", "GBP", "JPY", "BRL", "XBT", "AUD", "MXN"}
)

func (s *SkyBox) findCustomers(r *skyRequest) skyAnswer {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []any
	for _, c := range s.customers {
		same := func(name, value string) bool { return q.Get(name) == "" || strings.EqualFold(value, q.Get(name)) }
		if !s.searchable(c.ID) || !same("email", c.Email) || !same("displayName", c.DisplayName) || !same("company", c.Company) ||
			!same("lastName", c.LastName) || !same("customerType", c.CustomerType) ||
			q.Get("phone") != "" && digits(*c.Address.Phone1) != digits(q.Get("phone")) {
			continue
		}
		found = append(found, *c)
	}
	return s.page(r, found)
}

func (s *SkyBox) createCustomer(r *skyRequest) skyAnswer {
	var in skyCustomer
	if a, bad := r.read(&in); bad {
		return a
	}
	var c skyCheck
	c.that(in.AccountID != 0, "accountId", "may not be null")
	c.that(strings.Contains(in.Email, "@"), "email", "not a well-formed email address")
	c.that(in.DisplayName != "" && len([]rune(in.DisplayName)) <= 100, "displayName", "size must be between 1 and 100")
	c.oneOf(in.CustomerType, "customerType", "MARKETPLACE", "PERFORMER", "BROKER", "RETAIL", "CONCIERGE", "TRAVELAGENT", "MEMBER")
	c.oneOf(in.SalesTerm, "salesTerm", skyTerms...)
	c.oneOf(in.PaymentMethod, "paymentMethod", skyMethods...)
	c.oneOf(in.DefaultDeliveryMethod, "defaultDeliveryMethod", skyDeliveries...)
	in.Address.check(&c)
	if a, bad := c.refusal(); bad {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var first skyCustomer
	for i := range copies(r.fault) {
		one := in
		one.ID, one.CreatedDate = s.newID(), s.stamp()
		s.customers = append(s.customers, &one)
		if i == 0 {
			first = one
		}
	}
	return skyCreated(r.fault, first, first.ID)
}

func skyCreated(f Fault, v any, id int64) skyAnswer {
	a := skyAnswer{status: http.StatusOK, value: v, outcome: "created", id: skyID(id)}
	if f.Kind == FaultDouble {
		a.outcome = "doubled"
	}
	return a
}

type skyVendor struct {
	ID                    int64       `json:"id"`
	AccountID             int64       `json:"accountId"`
	CreatedDate           string      `json:"createdDate"`
	Email                 string      `json:"email"`
	DisplayName           string      `json:"displayName"`
	Type                  string      `json:"type"`
	PaymentMethod         string      `json:"paymentMethod"`
	PurchaseTerm          string      `json:"purchaseTerm"`
	DefaultDeliveryMethod string      `json:"defaultDeliveryMethod"`
	AccountDefault        bool        `json:"accountDefault"`
	Address               *skyAddress `json:"address"`
}

func (s *SkyBox) findVendors(r *skyRequest) skyAnswer {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []any
	for _, v := range s.vendors {
		if s.searchable(v.ID) && (q.Get("email") == "" || strings.EqualFold(v.Email, q.Get("email"))) &&
			strings.Contains(strings.ToLower(v.DisplayName), strings.ToLower(q.Get("displayName"))) {
			found = append(found, *v)
		}
	}
	return s.page(r, found)
}

// createVendor answers with a list, as the document says.
func (s *SkyBox) createVendor(r *skyRequest) skyAnswer {
	var in skyVendor
	if a, bad := r.read(&in); bad {
		return a
	}
	var c skyCheck
	c.that(strings.Contains(in.Email, "@"), "email", "not a well-formed email address")
	c.that(in.DisplayName != "", "displayName", "size must be at least 1")
	c.oneOf(in.Type, "type", "MARKETPLACE", "PRIMARY", "PERFORMER", "BROKER", "INDY", "MEMBER")
	c.oneOf(in.PaymentMethod, "paymentMethod", skyMethods...)
	c.oneOf(in.PurchaseTerm, "purchaseTerm", skyTerms...)
	c.oneOf(in.DefaultDeliveryMethod, "defaultDeliveryMethod", skyDeliveries...)
	in.Address.check(&c)
	if a, bad := c.refusal(); bad {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in.ID, in.CreatedDate, in.AccountDefault = s.newID(), s.stamp(), false
	s.vendors = append(s.vendors, &in)
	return skyCreated(r.fault, []any{in}, in.ID)
}

func (s *SkyBox) defaultVendor(*skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return skyOK(*s.vendors[0])
}

func (s *SkyBox) getVendor(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.vendor(r.id("id")); v != nil {
		return skyOK(*v)
	}
	return skyNotFound("vendor not found")
}

// vendor needs s.mu.
func (s *SkyBox) vendor(id int64) *skyVendor {
	for _, v := range s.vendors {
		if v.ID == id {
			return v
		}
	}
	return nil
}
