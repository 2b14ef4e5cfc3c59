package tevo

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"willcall/provider"
)

// LineTransfer is how the tickets of one line are transferred. The link is buyer data.
type LineTransfer struct {
	LineID string
	Link   string // where the buyer claims them; "" where they were transferred already
	Via    string // the system that they are in, by whatever name
}

// Transfer tells how the buyer of an accepted sale gets the tickets of these lines by mobile transfer: it makes their shipments
// ones of the right type, which replaces each by a new one, and completes them, which completes the order as well. With a link
// the type is TMMobileLink ("if you are only supplying a URL and not actually performing a transfer always change the Tbd
// shipment to TMMobileLink"); without one FlashSeats where the tickets are in Flash Seats or AXS, else TMMobile. It may be
// called as often as one likes: a pending shipment of the right type is that of an earlier call, and a delivered one stays as
// it is. (public: Shipments/Update, Shipments/Complete)
//
// It returns, as [*provider.CallError] and before anything is written, [provider.Unsupported] if of lines that travel together
// some have a link and some have none, if others travel with them, or if it cannot be told how they travel; [provider.Conflict] if the
// sale is not accepted or a shipment is neither pending nor delivered; [provider.NotFound] for a line that the order does not
// have. Later it returns what calls return.
func (c *Client) Transfer(ctx context.Context, orderID string, lines []LineTransfer) error {
	const op = "transfer tickets"
	byLine, ids := map[string][]LineTransfer{}, []string{}
	for _, l := range lines {
		byLine[l.LineID] = append(byLine[l.LineID], l)
		ids = append(ids, l.LineID)
	}
	o, todo, err := c.undelivered(ctx, op, orderID, ids)
	if err != nil || len(todo) == 0 {
		return err
	}
	moves := make([]transfer, len(todo))
	for i, p := range todo {
		var of []LineTransfer
		for _, id := range p.lines {
			of = append(of, byLine[id]...)
		}
		if moves[i], err = together(op, of); err != nil {
			return err
		}
	}
	if err := o.accepted(op); err != nil {
		return err
	}
	for i, p := range todo {
		id := p.ID.ID()
		if deliveryWord(p.Type) != strings.ToLower(moves[i].typ) {
			if id, err = c.updateShipment(ctx, op, id, moves[i].typ); err != nil {
				return err
			}
		}
		_, refused := c.completeShipment(ctx, op, id, moves[i])
		if err := c.arrived(ctx, op, orderID, p.lines, refused); err != nil {
			return err
		}
	}
	return nil
}

// HandOver tells that the tickets of these lines of an accepted sale lie where their buyer gets them: will call, or an office.
// That is Shipments/Deliver, a GET that writes. (public: the PHP client) A delivered shipment stays as it is. It returns what
// [Client.Transfer] does, Unsupported also for lines that travel in another way.
func (c *Client) HandOver(ctx context.Context, orderID string, lineIDs []string) error {
	const op = "hand tickets over"
	o, todo, err := c.undelivered(ctx, op, orderID, lineIDs)
	if err != nil || len(todo) == 0 {
		return err
	}
	for _, p := range todo {
		switch deliveryWord(p.Type) {
		case "willcall", "pickupatoffice", "localpickup":
		default:
			return &provider.CallError{Class: provider.Unsupported, Op: op, Detail: "the tickets are not ones that the buyer gets somewhere"}
		}
	}
	if err := o.accepted(op); err != nil {
		return err
	}
	for _, p := range todo {
		_, refused := c.deliverShipment(ctx, op, p.ID.ID())
		if err := c.arrived(ctx, op, orderID, p.lines, refused); err != nil {
			return err
		}
	}
	return nil
}

// parcel is a shipment with the lines that it holds.
type parcel struct {
	shipment
	lines []string
}

// undelivered looks at the order and gives the shipments of these lines that are not delivered: all are pending, and none holds
// another line.
func (c *Client) undelivered(ctx context.Context, op, orderID string, lineIDs []string) (Order, []parcel, error) {
	o, err := c.ShowOrder(ctx, orderID)
	if err != nil {
		return Order{}, nil, err
	}
	var todo []parcel
	for _, id := range lineIDs {
		if _, err := o.body.find(op, id); err != nil {
			return o, nil, err
		}
		p, err := o.body.travels(op, id)
		if err != nil {
			return o, nil, err
		}
		same := func(q parcel) bool { return q.ID == p.ID }
		switch {
		case delivered(p.State) || slices.ContainsFunc(todo, same):
			continue
		case p.State.Word() != "pending":
			return o, nil, &provider.CallError{Class: provider.Conflict, Op: op, Detail: "a shipment is neither pending nor delivered"}
		case slices.ContainsFunc(p.lines, func(of string) bool { return !slices.Contains(lineIDs, of) }):
			return o, nil, &provider.CallError{Class: provider.Unsupported, Op: op, Detail: "another line travels with these"}
		}
		todo = append(todo, p)
	}
	return o, todo, nil
}

// arrived ends a write that delivers these lines.
func (c *Client) arrived(ctx context.Context, op, orderID string, lines []string, refused error) error {
	return settle(op, refused, "the shipment is not delivered", func() (bool, error) {
		_, left, err := c.undelivered(ctx, op, orderID, lines)
		return len(left) == 0, err
	})
}

// travels is the one shipment that holds the line, those that are called off aside.
func (b *body) travels(op, lineID string) (parcel, error) {
	var found []parcel
	for _, s := range b.Shipments.All {
		switch s.State.Word() {
		case "canceled", "cancelled", "returned":
			continue
		}
		if p := (parcel{s, b.carried(s)}); slices.Contains(p.lines, lineID) && s.ID.ID() != "" {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		return parcel{}, &provider.CallError{Class: provider.Unsupported, Op: op, Detail: "the line does not travel in one shipment"}
	}
	return found[0], nil
}

// carried are the lines of a shipment. Assumption: an only shipment that lists none holds them all.
func (b *body) carried(s shipment) (lines []string) {
	items := s.Items.All
	if len(items) == 0 && len(b.Shipments.All) == 1 {
		items = b.Items.All
	}
	for _, it := range items {
		if id := it.lineID(); id != "" {
			lines = append(lines, id)
		}
	}
	return lines
}

// becomeETicket has the line travel as an e-ticket.
func (c *Client) becomeETicket(ctx context.Context, op string, o Order, it item) error {
	p, err := o.body.travels(op, it.lineID())
	if err != nil {
		return err
	}
	switch deliveryWord(p.Type) {
	case "eticket", "instantdelivery":
		return nil
	}
	switch {
	case p.State.Word() != "pending":
		return &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the line is on its way in a shipment of another type"}
	case len(p.lines) > 1:
		_, err = c.convertToETickets(ctx, op, o.ID, it)
	default:
		_, err = c.updateShipment(ctx, op, p.ID.ID(), "Eticket")
	}
	return err
}

// transfer is how a shipment is completed.
type transfer struct{ typ, link, source string }

// together is how lines that travel together are transferred. Links that differ are sent in one, with commas between them, as
// the documents ask for.
func together(op string, lines []LineTransfer) (transfer, error) {
	t := transferOf(lines[0])
	links := []string{t.link}
	for _, l := range lines[1:] {
		next := transferOf(l)
		if next.typ != t.typ {
			return t, &provider.CallError{Class: provider.Unsupported, Op: op, Detail: "lines that travel together are transferred in different ways"}
		}
		if next.source != t.source {
			t.source = "" // of some it would be wrong
		}
		if !slices.Contains(links, next.link) {
			links = append(links, next.link)
		}
	}
	if t.link = strings.Join(links, ","); len(links) > 1 && strings.Count(t.link, ",") != len(links)-1 {
		return t, &provider.CallError{Class: provider.Unsupported, Op: op, Detail: "links of lines that travel together cannot be told from each other"}
	}
	return t, nil
}

// transferOf is how a line is transferred.
func transferOf(l LineTransfer) transfer {
	t := transfer{typ: "TMMobile", link: strings.TrimSpace(l.Link), source: sourceOf(l.Via)}
	if t.link != "" {
		t.typ = "TMMobileLink"
	} else if t.source == "FS" || t.source == "AXS" {
		t.typ = "FlashSeats"
	}
	return t
}

// sourceOf is transfer_source, the API's code of a ticketing system, "" for all but the codes and names of its list.
func sourceOf(via string) string {
	w := strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "_", "", ".", "").Replace(via))
	for code, names := range sources {
		if w == code || slices.Contains(names, w) {
			return code
		}
	}
	return ""
}

// sources are the values of transfer_source with the names that the list gives them, and their short forms. (public:
// Shipments/Complete)
var sources = map[string][]string{
	"AM":   {"TICKETMASTERACCOUNTMANAGER", "ACCOUNTMANAGER"},
	"AXS":  {"AXSRESALE"},
	"BA":   {"MLBBALLPARKAPP", "BALLPARKAPP", "MLBBALLPARK"},
	"DICE": {"DICEFM"},
	"FS":   {"FLASHSEATS"},
	"MPV":  {"MYPROVENUE"},
	"PAC":  {"PACIOLAN"},
	"RDP":  {"TICKETSCOM"},
	"SG":   {"SEATGEEK"},
	"SH":   {"STUBHUB"},
	"TM":   {"TICKETMASTERCOM", "TICKETMASTER"},
	"VIV":  {"VIVENU"},
}

// updateShipment is Shipments/Update: it deletes the shipment and answers with the one that takes its place, whose id it
// returns.
func (c *Client) updateShipment(ctx context.Context, op, id, typ string) (string, error) {
	a, err := c.call(ctx, op, http.MethodPut, "/v9/shipments/"+id, nil, map[string]string{"mobile_transfer_type": typ})
	if err != nil {
		return "", err
	}
	var s shipment
	if parseBody(a.Body, &s) != nil || s.ID.ID() == "" || cmp.Or(deliveryWord(s.Type), strings.ToLower(typ)) != strings.ToLower(typ) {
		return "", provider.Odd(op, true, a.Status, "the answer is not the new shipment")
	}
	return s.ID.ID(), nil
}

// completeShipment is Shipments/Complete.
func (c *Client) completeShipment(ctx context.Context, op, id string, t transfer) (provider.Answer, error) {
	in := map[string]string{}
	if t.link != "" {
		in["tm_mobile_link"] = t.link
	}
	if t.source != "" {
		in["transfer_source"] = t.source
	}
	return c.call(ctx, op, http.MethodPut, "/v9/shipments/"+id+"/complete", nil, in)
}

// deliverShipment is Shipments/Deliver.
func (c *Client) deliverShipment(ctx context.Context, op, id string) (provider.Answer, error) {
	return c.writeByGET(ctx, op, "/v9/shipments/"+id+"/deliver")
}
