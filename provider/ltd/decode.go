package ltd

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// Settings are what no webhook says.
type Settings struct {
	// Currency of TotalAmount, ISO 4217: London Theatre Direct names none. GBP for London.
	Currency string
	// AffiliateID is ours, as London Theatre Direct gave it. Letter case does not count.
	AffiliateID string
	// Inventory maps an EventId to the ticket group of our POS. An event that is not named is its own group id.
	Inventory map[string]string
}

const (
	changed   = "TransactionChanged"
	scheduled = "ScheduledEticketDelivery"
	// Polled is the message type of what [Client.Show] makes of a basket. London Theatre Direct never sends it.
	Polled = "BasketPolled"
)

// Types lists the message types that are understood: all that the portal names ("List of all webhooks types").
func Types() []string { return []string{changed, scheduled} }

// Decode reads a webhook, or what [Client.Show] made of a basket. It is a pure function of its arguments. The event's version
// is the message's Timestamp, or d.Received where it has none; DedupeKey is always empty, for London Theatre Direct numbers
// nothing that it sends. A message type that no document names is [provider.Unknown], and no error.
//
// A booking is a sale that has been made, so that it is accepted from the first news of it, and each of its tickets is a line:
// each can be cancelled or issued by itself. OrderStatus and TotalCount are not believed; see the wire types. A ticket is with
// the buyer once it has a barcode. Barcodes go into Files, never into the event.
//
// Prices are known of whole bookings alone. Assumption: TotalAmount is the price of the tickets that are not cancelled, as in the
// sample, where 108 with a TotalCount of 1 stands beside one purchased and one cancelled ticket. It is shared out equally among
// the live lines, the first ones bearing what does not divide, so that they always add up to TotalAmount: were the assumption
// wrong, single prices would be, but our invoice would still agree with London Theatre Direct's total.
//
// Every error is a [provider.ErrMalformed] that names the field and never its value; Decoded then still has the type, and what
// is known of the order. A TransactionChanged is read whole or not at all: from half of its tickets neither prices nor
// cancellations could be told. A ScheduledEticketDelivery that names another affiliate, or none, is refused as well, although
// [Verifier.Verify] has looked.
func Decode(d provider.Delivery, s Settings) (provider.Decoded, error) {
	var m message
	err := parse(d.Body, &m)
	out := provider.Decoded{Type: wire.Cut(m.MessageType.Text), Disposition: provider.Quarantined}
	if out.OrderID = m.Payload.V.BookingReference.ID(); out.OrderID != "" {
		out.Kind = order.Sale
	}
	switch {
	case err != nil:
		return out, err
	case out.Type == "":
		return out, provider.Malformed("MessageType", "it is missing")
	case !m.is(changed) && !m.is(scheduled) && !m.is(Polled):
		out.Disposition = provider.Unknown
		return out, nil
	case !m.Payload.Given:
		return out, provider.Malformed("Payload", "want an object")
	case out.OrderID == "":
		return out, provider.Malformed("Payload.BookingReference", "want an id")
	}
	e := order.Event{ID: d.ID, Type: out.Type, At: d.Received.UTC(), Received: d.Received.UTC()}
	if at, ok := m.Timestamp.Moment(); ok {
		e.At = at
	} else if m.Timestamp.Given() {
		return out, provider.Malformed("Timestamp", "want a time")
	}
	var files []provider.File
	if m.is(changed) {
		files, err = decodeBooking(m.Payload.V, &e, s)
	} else {
		files, err = decodeIssued(m.Payload.V, &e, s, m.is(Polled))
	}
	if err != nil {
		return out, err
	}
	out.Disposition, out.Event, out.Files = provider.Forward, &e, files
	return out, nil
}

// position is a ticket of a booking with what its order says of it.
type position struct {
	ticket
	place
	eventID string
	gone    bool
}

// decodeBooking reads a TransactionChanged.
func decodeBooking(p payload, e *order.Event, s Settings) ([]provider.File, error) {
	all, err := positions(p, e)
	if err != nil {
		return nil, err
	}
	basket := strings.ToLower(p.BasketID.ID())
	switch {
	case basket == noGuid:
		basket = ""
	case basket == "" && p.BasketID.Given():
		return nil, provider.Malformed("Payload.BasketId", "want an id")
	}
	var places []place
	live := 0
	for _, t := range all {
		places = append(places, t.place)
		if !t.gone {
			live++
		}
	}
	units, err := shares(p.TotalAmount, live, s.Currency)
	if err != nil {
		return nil, err
	}
	e.Status = order.StatusAccepted
	e.Snapshot = &order.Snapshot{APIID: basket, Buyer: order.Client, Show: firstShow(all)}
	e.Snapshot.Free = live > 0 && units[0].Minor == 0
	var files []provider.File
	for i, id := range numbered(places, func(i int) bool { return all[i].gone }) {
		t := all[i]
		l := order.Line{ID: id, Inventory: t.eventID, Quantity: 1, Unit: order.Money{Currency: s.Currency},
			Section: wire.Cut(t.AreaName.Text), Row: t.row, Delivery: deliveryOf(p.DeliveryType)}
		if group, ok := s.Inventory[t.eventID]; ok && t.eventID != "" {
			l.Inventory = group
		}
		if t.seat != "" {
			l.Seats = []string{t.seat}
		}
		if !t.gone {
			l.Unit, units = units[0], units[1:]
		}
		e.Snapshot.Lines = append(e.Snapshot.Lines, l)
		fact := order.LineFact{LineID: id, Cancelled: t.gone}
		if barcode(t.Barcode) != "" {
			fact.Tickets = []string{id} // not the barcode: seats share barcodes, and it would get into the history
			files = append(files, t.file(id, t.AreaName, t.Barcode, t.BarcodeType, t.gone))
		}
		if fact.Cancelled || fact.Tickets != nil {
			e.Lines = append(e.Lines, fact)
		}
	}
	return files, nil
}

// positions lists the tickets of all performances, and notes in e the first status that is not known. Such a ticket counts as
// live: to keep a sale that is off is a person's question, to drop one that is on is a seat without a guest.
func positions(p payload, e *order.Event) ([]position, error) {
	if p.Orders.Wrong {
		return nil, provider.Malformed("Payload.Orders", "want a list of orders")
	}
	var all []position
	for i, o := range p.Orders.All {
		path := fmt.Sprintf("Payload.Orders[%d]", i)
		day, ok := performanceOf(o.Performance)
		switch {
		case o.Tickets.Wrong:
			return nil, provider.Malformed(path+".Tickets", "want a list of tickets")
		case !ok:
			return nil, provider.Malformed(path+".PerformanceTimeDate", "want a time")
		case o.EventID.Given() && o.EventID.ID() == "":
			return nil, provider.Malformed(path+".EventId", "want an id")
		}
		for j, t := range o.Tickets.All {
			at := fmt.Sprintf("%s.Tickets[%d]", path, j)
			if t == (ticket{}) { // it may be of either kind, and the others' prices hang on that
				return nil, provider.Malformed(at, "it is empty")
			}
			pos := position{ticket: t, place: place{day: day, show: o.EventName.Text}, eventID: o.EventID.ID()}
			pos.seatInfo(t.SeatInfo.Text)
			if err := oneText(at, map[string]wire.Scalar{"SeatInfo": t.SeatInfo, "Barcode": t.Barcode, "Status": t.Status}); err != nil {
				return nil, err
			}
			switch t.Status.Word() {
			case "cancelled", "canceled":
				pos.gone = true
			case "purchased", "":
			default:
				if e.Unknown == "" {
					e.Unknown = wire.Cut(t.Status.Text)
				}
			}
			if all = append(all, pos); len(all) > maxTickets {
				return nil, provider.Malformed("Payload.Orders", "there are too many tickets")
			}
		}
	}
	if len(all) == 0 {
		return nil, provider.Malformed("Payload.Orders", "it has no tickets")
	}
	return all, nil
}

// oneText refuses an object or list in the place of a text that identifies a ticket or says what it is worth.
func oneText(path string, fields map[string]wire.Scalar) error {
	for _, name := range []string{"SeatInfo", "TicketName1", "TicketName2", "Barcode", "Status"} {
		if fields[name].Kind == 'x' {
			return provider.Malformed(path+"."+name, "want a text")
		}
	}
	return nil
}

// shares splits the total among n lines. Where nothing is live there is nothing to pay, whatever TotalAmount holds: a
// cancellation must not be lost over it.
func shares(total wire.Scalar, n int, currency string) ([]order.Money, error) {
	const path = "Payload.TotalAmount"
	if n == 0 {
		return nil, nil
	}
	if !total.Given() {
		return nil, provider.Malformed(path, "it is missing")
	}
	sum, err := order.ParseMoney(total.Text, currency)
	if err != nil {
		return nil, provider.Malformed(path, err.Error()) // its errors do not say what they read
	}
	if sum.Minor < 0 {
		return nil, provider.Malformed(path, "it is negative")
	}
	each, rest := sum.Minor/int64(n), sum.Minor%int64(n)
	out := make([]order.Money, n)
	for i := range out {
		out[i] = order.Money{Minor: each, Currency: sum.Currency}
		if int64(i) < rest {
			out[i].Minor++
		}
	}
	return out, nil
}

// firstShow is the earliest performance that somebody still has a ticket for; of a booking that is cancelled, the earliest.
func firstShow(all []position) order.Show {
	var best *position
	for i := range all {
		t := &all[i]
		switch {
		case best == nil, best.gone && !t.gone:
			best = t
		case t.gone && !best.gone, t.day.at.IsZero():
		case best.day.at.IsZero(), t.day.at.Before(best.day.at):
			best = t
		}
	}
	return order.Show{ID: best.eventID, Name: wire.Cut(best.show), StartsAt: best.day.at}
}

// deliveryOf maps the words that the sample and public pages use for DeliveryType; the whole list is not public. With "Venue
// Dispatch" the venue itself writes to the customer.
func deliveryOf(s wire.Scalar) order.Delivery {
	switch word := squeezeName(s.Text); word {
	case "":
		if s.Given() {
			return order.DeliveryOther
		}
		return ""
	case "printathome", "eticket", "etickets", "scheduledeticket", "scheduledetickets":
		return order.DeliveryETicket
	}
	return order.DeliveryOther
}

// decodeIssued reads a ScheduledEticketDelivery, or a basket that we asked for. A seat that the booking does not name is no
// error: the booking may not have arrived yet.
func decodeIssued(p payload, e *order.Event, s Settings, polled bool) ([]provider.File, error) {
	switch n := len(p.Tickets.All); {
	case !sameAffiliate(p.AffiliateID.Text, s.AffiliateID):
		return nil, provider.Malformed("Payload.AffiliateId", "want our own")
	case p.Tickets.Wrong:
		return nil, provider.Malformed("Payload.Tickets", "want a list of tickets")
	case n == 0 && !polled: // a basket whose tickets are not available yet has none
		return nil, provider.Malformed("Payload.Tickets", "it is missing or empty")
	case n > maxTickets:
		return nil, provider.Malformed("Payload.Tickets", "there are too many")
	}
	var places []place
	for i, t := range p.Tickets.All {
		path := fmt.Sprintf("Payload.Tickets[%d]", i)
		day, ok := performanceOf(t.Performance)
		if !ok {
			return nil, provider.Malformed(path+".PerformanceDate", "want a time")
		}
		if t == (issued{}) {
			return nil, provider.Malformed(path, "it is empty")
		}
		if err := oneText(path, map[string]wire.Scalar{"TicketName1": t.Row, "TicketName2": t.Seat, "Barcode": t.Barcode}); err != nil {
			return nil, err
		}
		at := place{day: day, show: t.EventName.Text}
		at.names(t.Row, t.Seat)
		places = append(places, at)
	}
	var files []provider.File
	for i, id := range numbered(places, func(int) bool { return false }) {
		t := p.Tickets.All[i]
		if barcode(t.Barcode) == "" {
			e.Unusable = "a ticket came without its barcode"
			continue
		}
		e.Lines = append(e.Lines, order.LineFact{LineID: id, Tickets: []string{id}})
		files = append(files, places[i].file(id, t.AreaName, t.Barcode, t.BarcodeType, false))
	}
	return files, nil
}

// Tickets are the tickets that a webhook brings, whose barcodes are for whoever delivers them. Those of the event that [Decode]
// makes of it, in its order; a cancelled one is none. Errors: those of Decode.
func Tickets(d provider.Delivery, s Settings) ([]provider.Ticket, error) {
	dec, err := Decode(d, s)
	if err != nil || dec.Event == nil {
		return nil, err
	}
	var out []provider.Ticket
	next := 0
	for _, l := range dec.Event.Lines {
		if l.Tickets == nil {
			continue
		}
		var c code
		if err := json.Unmarshal(dec.Files[next].Body, &c); err != nil { // our own writing: it cannot be
			return nil, provider.Malformed("Files", "want barcodes")
		}
		if next++; !c.Cancelled {
			out = append(out, provider.Ticket{Line: l.LineID, Key: l.Tickets[0], Code: c.line()})
		}
	}
	return out, nil
}

// line is the barcode with what a person finds the seat by.
func (c code) line() string {
	var words []string
	for _, w := range []struct{ name, text string }{{"", c.Area}, {"row", c.Row}, {"seat", c.Seat}, {"", c.SeatInfo}} {
		if w.text != "" {
			words = append(words, strings.TrimSpace(w.name+" "+w.text))
		}
	}
	out := strings.Join(words, " ") + ": " + c.Barcode
	if c.BarcodeType != "" {
		out += " (" + c.BarcodeType + ")"
	}
	return strings.Join(strings.Fields(strings.TrimPrefix(out, ": ")), " ")
}

// noGuid is how .NET writes a guid that is not set (public: Data Types, "Guid empty").
const noGuid = "00000000-0000-0000-0000-000000000000"

// barcode is text that may begin with zeros; "false" in its place would be none.
func barcode(s wire.Scalar) string {
	if s.Kind != 's' && s.Kind != 'n' {
		return ""
	}
	return s.Text
}

// code is what a ticket is worth at the door. Its fields are in the order of their names, so that equal tickets are equal bytes.
type code struct {
	Area        string `json:"area,omitzero"`
	Barcode     string `json:"barcode"`
	BarcodeType string `json:"barcode_type,omitzero"`
	Cancelled   bool   `json:"cancelled,omitzero"` // the barcode was good once
	Event       string `json:"event,omitzero"`
	Performance string `json:"performance,omitzero"` // on London's clocks, with their distance from UTC
	Row         string `json:"row,omitzero"`
	Seat        string `json:"seat,omitzero"`
	SeatInfo    string `json:"seat_info,omitzero"` // where row and seat cannot be told apart
}

// file is the barcode of the line. Its name bears the line's id, for a booking may have one seat of two performances.
func (p place) file(lineID string, area, number, kind wire.Scalar, gone bool) provider.File {
	c := code{Area: wire.Cut(area.Text), Barcode: barcode(number), BarcodeType: wire.Cut(kind.Text), Cancelled: gone,
		Event: wire.Cut(p.show), Row: p.row, Seat: p.seat}
	if p.row == "" && p.seat == "" {
		c.SeatInfo = p.text
	}
	if !p.day.at.IsZero() {
		c.Performance = p.day.at.In(london).Format(time.RFC3339)
	}
	body, _ := json.Marshal(c) // texts alone, and clean ones: it cannot fail
	return provider.File{Name: "ticket " + p.where() + " (" + lineID + ")", MediaType: "application/json", Body: body}
}
