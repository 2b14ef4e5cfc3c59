package sim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A SkyBoxGroup is inventory to start with. Seats are numbers: SkyBox knows no others. The id of a ticket is a thousand times the
// group's id, plus the seat.
type SkyBoxGroup struct {
	ID           int64
	EventID      int64
	EventName    string
	StartsAt     time.Time // zero: not announced
	Section, Row string
	Seats        []int
}

type skyEvent struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Date string `json:"date,omitempty"`
}

type skyMapping struct {
	EventName string `json:"eventName"`
	VenueName string `json:"venueName"`
	EventDate string `json:"eventDate,omitempty"`
}

type skyGroup struct {
	id, event                      int64
	mapping                        *skyMapping // of inventory whose event is not known
	section, row, notes            string
	stockType, splitType, seatType string
	hideSeats                      bool
	tickets                        []*skyTicket
}

type skyTicket struct {
	id           int64
	group        *skyGroup
	seat         int
	status       string        // AVAILABLE, SOLD or CANCELLED
	hold         int64         // that it is on; 0 is none
	invoiceLine  int64         // that sold it
	purchaseLine int64         // that bought it
	elsewhere    *skyElsewhere // the sale that it seems to be in; nil is none
	file         string        // the name of its document; "" is none
}

// skyElsewhere is the sale by another that FaultSeatsGone makes up. It ends as a whole: a client that has seen one of its tickets sold
// need not look at the others.
type skyElsewhere struct{ seen bool }

func (t *skyTicket) soldElsewhere() bool { return t.elsewhere != nil && !t.elsewhere.seen }

func (t *skyTicket) free() bool { return t.status == "AVAILABLE" && t.hold == 0 && !t.soldElsewhere() }

func (s *SkyBox) stock(g SkyBoxGroup) {
	if s.events[g.EventID] == nil {
		e := &skyEvent{ID: g.EventID, Name: g.EventName}
		if !g.StartsAt.IsZero() {
			e.Date = g.StartsAt.UTC().Format(time.RFC3339)
		}
		s.events[g.EventID] = e
	}
	group := &skyGroup{
		id: g.ID, event: g.EventID, section: g.Section, row: g.Row, stockType: "MOBILE_TRANSFER", splitType: "DEFAULT", seatType: "CONSECUTIVE",
	}
	for _, seat := range g.Seats {
		group.tickets = append(group.tickets, &skyTicket{id: g.ID*1000 + int64(seat), group: group, seat: seat, status: "AVAILABLE"})
	}
	s.groups = append(s.groups, group)
}

func (s *SkyBox) group(id int64) *skyGroup {
	return find(s.groups, skyID(id), func(g *skyGroup) string { return skyID(g.id) })
}

func (s *SkyBox) ticket(id int64) *skyTicket {
	for _, g := range s.groups {
		for _, t := range g.tickets {
			if t.id == id {
				return t
			}
		}
	}
	return nil
}

func (g *skyGroup) body(withTickets bool) object {
	free, held, tickets := 0, 0, []object{}
	for _, t := range g.tickets {
		if t.free() {
			free++
		} else if t.hold != 0 {
			held++
		}
		tickets = append(tickets, t.body())
	}
	status := "DEPLETED"
	if free > 0 {
		status = "AVAILABLE"
	} else if held > 0 {
		status = "ON_HOLD"
	}
	b := object{
		"id": g.id, "quantity": free, "section": g.section, "row": g.row, "status": status, "stockType": g.stockType,
		"splitType": g.splitType, "seatType": g.seatType, "hideSeatNumbers": g.hideSeats, "notes": g.notes, "cost": 0.0,
	}
	if g.event != 0 {
		b["eventId"] = g.event
	}
	if g.mapping != nil {
		b["eventMapping"] = g.mapping
	}
	if len(g.tickets) > 0 {
		b["lowSeat"], b["highSeat"] = g.tickets[0].seat, g.tickets[len(g.tickets)-1].seat
	}
	if withTickets {
		b["tickets"] = tickets
	}
	return b
}

func (t *skyTicket) body() object {
	status := t.status
	if t.soldElsewhere() {
		status = "SOLD"
	}
	b := object{
		"id": t.id, "seatNumber": t.seat, "inventoryId": t.group.id, "section": t.group.section, "row": t.group.row,
		"status": status, "stockType": t.group.stockType, "cost": 0.0, "faceValue": 0.0, "sellPrice": 0.0,
	}
	if t.invoiceLine != 0 {
		b["invoiceLineId"] = t.invoiceLine
	}
	if t.file != "" {
		b["fileName"] = t.file
	}
	if t.purchaseLine != 0 {
		b["purchaseLineId"] = t.purchaseLine
	}
	return b
}

func (s *SkyBox) getEvent(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.events[r.id("id")]; e != nil {
		return skyOK(*e)
	}
	return skyNotFound("event not found")
}

func (s *SkyBox) getInventory(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireHolds()
	g := s.group(r.id("id"))
	if g == nil {
		return skyNotFound("inventory not found")
	}
	b := g.body(true)
	for _, t := range g.tickets {
		if t.elsewhere != nil {
			t.elsewhere.seen = true
		}
	}
	return skyOK(b)
}

func (s *SkyBox) findInventory(r *skyRequest) skyAnswer {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireHolds()
	var found []any
	for _, g := range s.groups {
		same := func(name, value string) bool { return q.Get(name) == "" || value == q.Get(name) }
		if same("id", skyID(g.id)) && same("eventId", skyID(g.event)) && same("section", g.section) && same("row", g.row) {
			b := g.body(q.Get("includeTickets") == "true")
			if e := s.events[g.event]; e != nil {
				b["event"] = *e
			}
			found = append(found, b)
		}
	}
	return s.page(r, found)
}

// PutFile gives a ticket a file, as a person does in SkyBox's own pages; no content takes the name away again. It reports whether
// there is such a ticket.
func (s *SkyBox) PutFile(ticketID int64, name string, content []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.ticket(ticketID)
	if t == nil {
		return false
	}
	if t.file = name; content == nil {
		t.file = ""
	}
	s.files[name] = slices.Clone(content)
	return true
}

// getAsset answers with a file "base64 encoded".
func (s *SkyBox) getAsset(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	content := s.files[r.PathValue("filename")]
	if content == nil {
		return skyNotFound("file not found")
	}
	text := base64.StdEncoding.EncodeToString(content)
	if s.opts.AssetsAsJSON {
		return skyOK(text)
	}
	return skyAnswer{status: http.StatusOK, value: []byte(text), plain: true}
}

type skyHold struct {
	ID          int64  `json:"id"`
	InventoryID int64  `json:"inventoryId"`
	CustomerID  int64  `json:"customerId,omitempty"`
	ExternalRef string `json:"externalRef"`
	Quantity    int    `json:"quantity"`
	LowSeat     int    `json:"lowSeat,omitempty"`
	Seats       string `json:"seats,omitempty"`
	ExpiryDate  string `json:"expiryDate"`
	CreatedDate string `json:"createdDate"`
	RemovedDate string `json:"removedDate,omitempty"`

	until   time.Time
	tickets []*skyTicket
}

func (s *SkyBox) createHold(r *skyRequest) skyAnswer {
	var in skyHold
	if a, bad := r.read(&in); bad {
		return a
	}
	until, err := time.Parse(time.RFC3339, in.ExpiryDate)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireHolds()
	g := s.group(in.InventoryID)
	var c skyCheck
	c.that(err == nil && until.After(s.now()), "expiryDate", "must be in the future")
	c.that(in.Quantity >= 1, "quantity", "must be greater than or equal to 1")
	c.that(g != nil, "inventoryId", "does not exist")
	if a, bad := c.refusal(); bad {
		return a
	}
	var free []*skyTicket
	for _, t := range g.tickets {
		if t.seat >= in.LowSeat && t.free() {
			free = append(free, t)
		}
	}
	if len(free) < in.Quantity || r.fault.Kind == FaultSeatsGone {
		return skyRefuse(http.StatusBadRequest, "tickets are not available")
	}
	var first *skyHold
	for i := range copies(r.fault) {
		h := in
		h.ID, h.CreatedDate, h.RemovedDate, h.until, h.tickets = s.newID(), s.stamp(), "", until, slices.Clone(free[:in.Quantity])
		h.Seats = s.seatsText(h.tickets)
		if i == 0 {
			first = &h
			for _, t := range h.tickets {
				t.hold = h.ID
			}
		}
		s.holds = append(s.holds, &h)
	}
	return skyCreated(r.fault, *first, first.ID)
}

// seatsText writes seats as one of the ways that the document leaves open.
func (s *SkyBox) seatsText(tickets []*skyTicket) string {
	list := seats(tickets)
	last := len(tickets) - 1
	switch {
	case s.opts.SeatsUntold:
		return ""
	case last > 0 && !s.opts.SeatsAsList && tickets[last].seat-tickets[0].seat == last:
		return list[0] + "-" + list[last]
	}
	return strings.Join(list, ",")
}

func (s *SkyBox) findHolds(r *skyRequest) skyAnswer {
	q := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireHolds()
	var found []any
	for _, h := range slices.Concat(s.oldHolds, s.holds) {
		inGroup := q.Get("inventoryId") == "" || q.Get("inventoryId") == skyID(h.InventoryID)
		if inGroup && s.matches(h.ExternalRef, q) && s.searchable(h.ID) {
			found = append(found, *h)
		}
	}
	return s.page(r, found)
}

// hold returns one that is in force.
func (s *SkyBox) hold(id int64) *skyHold {
	s.expireHolds()
	return find(s.holds, skyID(id), func(h *skyHold) string { return skyID(h.ID) })
}

func (s *SkyBox) getHold(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hold(r.id("id")); h != nil {
		return skyOK(*h)
	}
	if h := find(s.oldHolds, skyID(r.id("id")), func(h *skyHold) string { return skyID(h.ID) }); h != nil {
		return skyOK(*h)
	}
	return skyNotFound("hold not found")
}

func (s *SkyBox) deleteHold(r *skyRequest) skyAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hold(r.id("id"))
	switch {
	case h == nil && s.gone[r.id("id")]:
		return s.goneAlready()
	case h == nil:
		return skyNotFound("hold not found")
	}
	s.dropHolds(func(one *skyHold) bool { return one == h })
	return skyAnswer{status: http.StatusOK, value: *h, outcome: "released", id: skyID(h.ID)}
}

// expireHolds gives back what nobody came for. It needs s.mu; whoever looks at stock calls it first.
func (s *SkyBox) expireHolds() {
	now := s.now()
	s.dropHolds(func(h *skyHold) bool { return !h.until.After(now) })
}

func (s *SkyBox) dropHolds(which func(*skyHold) bool) {
	s.holds = slices.DeleteFunc(s.holds, func(h *skyHold) bool {
		if !which(h) {
			return false
		}
		for _, t := range h.tickets {
			if t.hold == h.ID {
				t.hold = 0
			}
		}
		s.gone[h.ID] = true
		if s.opts.OldHolds {
			h.RemovedDate = s.stamp()
			s.oldHolds = append(s.oldHolds, h)
		}
		return true
	})
}

// seats are the seat numbers of tickets, as text.
func seats(tickets []*skyTicket) []string {
	list := []string{}
	for _, t := range tickets {
		list = append(list, strconv.Itoa(t.seat))
	}
	return list
}
