package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

type skyPurchase struct {
	id, vendor                                         int64
	ref, payment, method, delivery, currency, internal string
	made                                               string
	received                                           bool
	lines                                              []*skyLine
	notes                                              []skyNote
}

func (po *skyPurchase) body() object {
	lines := []object{}
	for _, l := range po.lines {
		lines = append(lines, l.body(false))
	}
	return object{
		"id": po.id, "vendorId": po.vendor, "externalRef": po.ref, "paymentStatus": po.payment, "paymentMethod": po.method,
		"deliveryMethod": po.delivery, "currencyCode": po.currency, "internalNotes": po.internal, "createdDate": po.made,
		"received": po.received, "lines": lines, "notes": append([]skyNote{}, po.notes...),
	}
}

func (po *skyPurchase) fulfillment() string {
	if po.received {
		return "COMPLETE"
	}
	return "PENDING"
}

// purchaseState needs s.mu.
func (s *SkyBox) purchaseState(po *skyPurchase) POSPurchaseOrder {
	st := POSPurchaseOrder{
		ID: skyID(po.id), ExternalReference: po.ref, Payment: po.payment, Fulfillment: po.fulfillment(), Voided: !live(po.lines), CreatedAt: po.made,
		Lines: []POSPurchaseLine{},
	}
	if v := s.vendor(po.vendor); v != nil {
		st.Vendor = POSVendor{ID: skyID(v.ID), Name: v.DisplayName}
	}
	for _, l := range po.lines {
		line := POSPurchaseLine{
			ID: skyID(l.id), Section: l.group.section, Row: l.group.row, Seats: seats(l.tickets), Quantity: l.quantity,
			Total: POSMoney{Amount: l.amount.String(), Currency: po.currency},
		}
		switch e := s.events[l.group.event]; {
		case e != nil:
			line.Event = POSEvent{Name: e.Name, StartsAt: known(&e.Date)}
		case l.group.mapping != nil:
			line.Event = POSEvent{Name: l.group.mapping.EventName, StartsAt: known(&l.group.mapping.EventDate)}
		}
		st.Lines = append(st.Lines, line)
	}
	return st
}

func (s *SkyBox) purchase(id int64) *skyPurchase {
	return find(s.purchases, skyID(id), func(po *skyPurchase) string { return skyID(po.id) })
}

// purchaseLine finds a line and whose it is.
func (s *SkyBox) purchaseLine(id int64) (*skyPurchase, *skyLine) {
	for _, po := range s.purchases {
		for _, l := range po.lines {
			if l.id == id {
				return po, l
			}
		}
	}
	return nil, nil
}

// findPurchases knows a second filter by reference, which ignores dashes, slashes and spaces.
func (s *SkyBox) findPurchases(r *skyRequest) skyAnswer {
	simple := func(ref string) string { return strings.NewReplacer("-", "", "/", "", " ", "").Replace(ref) }
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []any
	for _, po := range s.purchases {
		loose := q.Get("simplifiedExternalRef")
		if s.matches(po.ref, q) && (loose == "" || simple(loose) == simple(po.ref)) && s.searchable(po.id) {
			b := po.body()
			if s.opts.BareLines {
				delete(b, "lines")
			}
			if v := s.vendor(po.vendor); v != nil {
				b["displayName"] = v.DisplayName
			}
			found = append(found, b)
		}
	}
	return s.page(r, found)
}

func (s *SkyBox) getPurchase(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if po := s.purchase(r.id("id")); po != nil {
		return skyOK(po.body())
	}
	return skyNotFound("purchase not found")
}

type skyPurchaseInput struct {
	VendorID       int64  `json:"vendorId"`
	ExternalRef    string `json:"externalRef"`
	CurrencyCode   string `json:"currencyCode"`
	PaymentMethod  string `json:"paymentMethod"`
	PaymentStatus  string `json:"paymentStatus"`
	DeliveryMethod string `json:"deliveryMethod"`
	InternalNotes  string `json:"internalNotes"`
	Lines          []struct {
		AccountID    int64       `json:"accountId"`
		LineType     string      `json:"lineType"`
		LineItemType string      `json:"lineItemType"`
		Quantity     int         `json:"quantity"`
		Amount       json.Number `json:"amount"`
		Inventory    *skyStock   `json:"inventory"`
	} `json:"lines"`
}

// skyStock is inventory as a purchase brings it.
type skyStock struct {
	EventID         int64        `json:"eventId"`
	EventMapping    *skyMapping  `json:"eventMapping"`
	Quantity        int          `json:"quantity"`
	Section         string       `json:"section"`
	Row             string       `json:"row"`
	LowSeat         int          `json:"lowSeat"`
	HighSeat        int          `json:"highSeat"`
	Cost            *json.Number `json:"cost"`
	StockType       string       `json:"stockType"`
	SplitType       string       `json:"splitType"`
	SeatType        string       `json:"seatType"`
	Notes           string       `json:"notes"`
	HideSeatNumbers bool         `json:"hideSeatNumbers"`
	Tickets         []struct {
		SeatNumber int `json:"seatNumber"`
	} `json:"tickets"`
}

// seatNumbers are those of the tickets that are listed, else from the lowest to the highest.
func (st *skyStock) seatNumbers() (numbers []int) {
	for _, t := range st.Tickets {
		numbers = append(numbers, t.SeatNumber)
	}
	if len(numbers) > 0 || st.LowSeat < 1 {
		return numbers
	}
	step := 1
	if st.SeatType == "ALTERNATING" {
		step = 2
	}
	for n := st.LowSeat; n <= st.HighSeat && len(numbers) <= st.Quantity; n += step {
		numbers = append(numbers, n)
	}
	return numbers
}

func (in *skyPurchaseInput) check() *skyCheck {
	c := &skyCheck{}
	c.that(len([]rune(in.ExternalRef)) <= 255, "externalRef", "size must be between 0 and 255")
	c.oneOf(in.CurrencyCode, "currencyCode", skyCurrencies...)
	c.oneOf(in.PaymentMethod, "paymentMethod", skyMethods...)
	c.oneOf(in.PaymentStatus, "paymentStatus", "", "UNPAID", "PAID", "PARTIAL", "VOID")
	c.oneOf(in.DeliveryMethod, "deliveryMethod", skyDeliveries...)
	c.that(len(in.Lines) > 0, "lines", "may not be empty")
	for i, l := range in.Lines {
		at := fmt.Sprintf("lines[%d].", i)
		c.that(l.AccountID != 0, at+"accountId", "may not be null")
		c.that(l.Amount != "", at+"amount", "may not be null")
		c.oneOf(l.LineType, at+"lineType", "", "PURCHASE")
		c.oneOf(l.LineItemType, at+"lineItemType", "INVENTORY")
		st := l.Inventory
		if st == nil {
			c.that(false, at+"inventory", "may not be null")
			continue
		}
		at += "inventory."
		c.that(st.EventID != 0 || st.EventMapping != nil, at+"eventId", "may not be null")
		if m := st.EventMapping; m != nil {
			c.that(m.EventName != "", at+"eventMapping.eventName", "may not be null")
			c.that(m.VenueName != "", at+"eventMapping.venueName", "may not be null")
		}
		c.that(st.Section != "" && len([]rune(st.Section)) <= 51, at+"section", "size must be between 1 and 51")
		c.that(st.Row != "" && len([]rune(st.Row)) <= 44, at+"row", "size must be between 1 and 44")
		c.that(st.Cost != nil, at+"cost", "may not be null")
		c.oneOf(st.StockType, at+"stockType", "HARD", "ELECTRONIC", "FLASH", "PAPERLESS", "PAPERLESS_CARD", "MOBILE_TRANSFER", "MOBILE_SCREENCAP")
		c.oneOf(st.SplitType, at+"splitType", "DEFAULT", "ANY", "CUSTOM", "NEVERLEAVEONE")
		c.oneOf(st.SeatType, at+"seatType", "CONSECUTIVE", "ALTERNATING", "GA", "PIGGYBACK")
		numbers := st.seatNumbers()
		c.that(len(numbers) == l.Quantity && st.Quantity == l.Quantity, at+"quantity", "must be the number of seats")
		c.that(!slices.ContainsFunc(numbers, func(n int) bool { return n < 1 }), at+"tickets", "seatNumber must be greater than or equal to 1")
	}
	return c
}

func (s *SkyBox) createPurchase(r *skyRequest) skyAnswer {
	var in skyPurchaseInput
	if a, bad := r.read(&in); bad {
		return a
	}
	c := in.check()
	if a, bad := c.refusal(); bad {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.that(s.vendor(in.VendorID) != nil, "vendorId", "does not exist")
	c.that(!s.opts.UniqueReferences || in.ExternalRef == "" || !slices.ContainsFunc(s.purchases, func(po *skyPurchase) bool {
		return po.ref == in.ExternalRef && live(po.lines)
	}), "externalRef", "is in use")
	if a, bad := c.refusal(); bad {
		return a
	}
	var first *skyPurchase
	for i := range copies(r.fault) {
		if po := s.addPurchase(in); i == 0 {
			first = po
		}
	}
	return skyCreated(r.fault, first.body(), first.id)
}

func (s *SkyBox) addPurchase(in skyPurchaseInput) *skyPurchase {
	po := &skyPurchase{
		id: s.newID(), vendor: in.VendorID, ref: in.ExternalRef, payment: cmp.Or(in.PaymentStatus, "UNPAID"), method: in.PaymentMethod,
		delivery: in.DeliveryMethod, currency: in.CurrencyCode, internal: in.InternalNotes, made: s.stamp(),
	}
	for _, l := range in.Lines {
		st := l.Inventory
		g := &skyGroup{
			id: s.newID(), event: st.EventID, mapping: st.EventMapping, section: st.Section, row: st.Row, notes: st.Notes,
			stockType: st.StockType, splitType: st.SplitType, seatType: st.SeatType, hideSeats: st.HideSeatNumbers,
		}
		line := &skyLine{id: s.newID(), kind: "PURCHASE", item: "INVENTORY", quantity: l.Quantity, amount: l.Amount, group: g}
		for _, n := range st.seatNumbers() {
			g.tickets = append(g.tickets, &skyTicket{id: s.newID(), group: g, seat: n, status: "AVAILABLE", purchaseLine: line.id})
		}
		line.tickets = g.tickets
		s.groups = append(s.groups, g)
		po.lines = append(po.lines, line)
	}
	s.purchases = append(s.purchases, po)
	return po
}

// updatePurchases is a partial update: what the body does not name stays.
func (s *SkyBox) updatePurchases(r *skyRequest) skyAnswer {
	var in struct {
		PurchaseIDs   []int64 `json:"purchaseIds"`
		PaymentStatus string  `json:"paymentStatus"`
		Received      *bool   `json:"received"`
	}
	if a, bad := r.read(&in); bad {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var c skyCheck
	c.that(len(in.PurchaseIDs) > 0, "purchaseIds", "may not be empty")
	c.oneOf(in.PaymentStatus, "paymentStatus", "", "UNPAID", "PAID", "PARTIAL", "VOID")
	for _, id := range in.PurchaseIDs {
		c.that(s.purchase(id) != nil, "purchaseIds", "does not exist")
	}
	if a, bad := c.refusal(); bad {
		return a
	}
	for _, id := range in.PurchaseIDs {
		po := s.purchase(id)
		po.payment = cmp.Or(in.PaymentStatus, po.payment)
		if in.Received != nil {
			po.received = *in.Received
		}
	}
	return skyAnswer{status: http.StatusOK, outcome: "updated", id: skyID(in.PurchaseIDs[0])}
}

func (s *SkyBox) addPurchaseNote(r *skyRequest) skyAnswer {
	var in skyNote
	if a, bad := r.read(&in); bad {
		return a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	po := s.purchase(r.id("id"))
	if po == nil {
		return skyNotFound("purchase not found")
	}
	in.ID, in.Date = s.newID(), s.stamp()
	po.notes = append(po.notes, in)
	return skyAnswer{status: http.StatusOK, value: in, outcome: "updated", id: skyID(po.id)}
}

// cancelPurchaseLine kills what is left of a line's tickets; those that are sold stay sold.
func (s *SkyBox) cancelPurchaseLine(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	po, l := s.purchaseLine(r.id("line"))
	switch {
	case l == nil || po.id != r.id("id"):
		return skyRefuse(http.StatusBadRequest, "no such line")
	case l.cancelled:
		return s.goneAlready()
	}
	l.cancelled = true
	for _, t := range l.tickets {
		if t.status == "AVAILABLE" {
			t.status = "CANCELLED"
		}
	}
	return skyAnswer{status: http.StatusOK, outcome: "cancelled", id: skyID(l.id)}
}
