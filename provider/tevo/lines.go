package tevo

import (
	"fmt"
	"strconv"
	"strings"

	"willcall/order"
)

// decodeLines reads what an O body says of the goods: the snapshot, without the buyer's class, and what the items say
// beside it. A position that cannot be invoiced as it stands is an error.
func decodeLines(b *body, s Settings) (*order.Snapshot, []order.LineFact, error) {
	snapshot := &order.Snapshot{APIID: b.ID.id()}
	if snapshot.APIID == "" {
		return nil, nil, malformed("body.id", "want an id")
	}
	switch n := len(b.Items.all); {
	case b.Items.wrong:
		return nil, nil, malformed("body.items", "want a list of items")
	case n == 0:
		return nil, nil, malformed("body.items", "it is missing or empty")
	case n > maxLines:
		return nil, nil, malformed("body.items", "there are too many")
	}
	var facts []order.LineFact
	seen := map[string]bool{}
	for i, it := range b.Items.all {
		path := fmt.Sprintf("body.items[%d]", i)
		l, err := b.line(path, it, s)
		if err != nil {
			return nil, nil, err
		}
		if seen[l.ID] {
			return nil, nil, malformed(path+".order_item_id", "another item has the same")
		}
		seen[l.ID] = true
		snapshot.Lines = append(snapshot.Lines, l)
		f := order.LineFact{LineID: l.ID}
		f.Delivered, _ = it.EticketFinalizedAt.moment()
		f.InHandOn, _ = it.inHandOn().day()
		if !f.Delivered.IsZero() || !f.InHandOn.IsZero() {
			facts = append(facts, f)
		}
		if e := it.TicketGroup.v.Event; e.given && snapshot.Show == (order.Show{}) {
			snapshot.Show = order.Show{ID: cut(e.v.ID.text), Name: cut(e.v.Name.text)}
			// A date that cannot be read is one that is not known yet. It must not keep the sale from being handled.
			snapshot.Show.StartsAt, _ = e.v.OccursAt.moment()
		}
	}
	return snapshot, facts, nil
}

func (b *body) line(path string, it item, s Settings) (order.Line, error) {
	g := it.TicketGroup.v
	l := order.Line{ID: it.lineID(), ItemID: it.ID.id(), Inventory: cut(g.RemoteID.text), Section: cut(g.Section.text), Row: cut(g.Row.text)}
	if l.ID == "" {
		return l, malformed(path+".order_item_id", "want an id")
	}
	if l.ItemID == "" {
		return l, malformed(path+".id", "want an id")
	}
	var ok bool
	if l.Quantity, ok = it.Quantity.count(); !ok {
		return l, malformed(path+".quantity", fmt.Sprintf("want a whole number from 1 to %d", maxQuantity))
	}
	// total and subtotal are "0.0" while an order is pending; only the item's price is true all the time.
	if !it.Price.given() {
		return l, malformed(path+".price", "it is missing")
	}
	var err error
	if l.Unit, err = order.ParseMoney(it.Price.text, s.Currency); err != nil {
		return l, malformed(path+".price", err.Error()) // its errors do not say what they read
	}
	if l.Unit.Minor < 0 {
		return l, malformed(path+".price", "it is negative")
	}
	l.Seats = it.seats(l.Quantity)
	l.Delivery = b.delivery(l.ID, g)
	return l, nil
}

// count reads a quantity; "2" and 2.0 are two.
func (s scalar) count() (int, bool) {
	whole, frac, _ := strings.Cut(s.text, ".")
	if strings.Trim(frac, "0") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(whole)
	return n, err == nil && n >= 1 && n <= maxQuantity
}

// lineID is the id of the line that every document of both parties shares. Orders have it as items[].order_item_id beside
// items[].id, which is the link of one party; shipments have it as items[].id beside order_item_link_id; the webhook about an
// item has it in its url as well. Where there is but one id, as in the answers of 2012, it is that.
func (it item) lineID() string {
	if it.OrderItemID.given() {
		return it.OrderItemID.id()
	}
	id := it.ID.id()
	if link := it.OrderItemLinkID.id(); link != "" && link != id {
		return id
	}
	if _, tail, found := strings.Cut(it.URL.text, "/items/"); found && isID(tail) {
		return tail
	}
	return id
}

// inHandOn is when the seller will have the tickets. The samples have it in the ticket group.
func (it item) inHandOn() scalar {
	if it.InHandOn.given() {
		return it.InHandOn
	}
	return it.TicketGroup.v.InHandOn
}

// seats takes the first list that names seats. A ticket group may hold more seats than were sold of it; which of them is
// then not known, and such a list is passed over.
func (it item) seats(sold int) []string {
	g := it.TicketGroup.v
	var tickets []scalar
	for _, t := range g.Tickets.all {
		tickets = append(tickets, t.Seat)
	}
	for _, from := range [][]scalar{it.Seats.all, g.Seats.all, tickets} {
		var seats []string
		for _, s := range from {
			if s.text != "" {
				seats = append(seats, cut(s.text))
			}
		}
		if len(seats) > 0 && len(seats) <= sold {
			return seats
		}
	}
	return nil
}

// delivery is how the line travels: the type of the shipment that holds it, and while that is not decided the format of
// the ticket group.
func (b *body) delivery(lineID string, g group) order.Delivery {
	var found *shipment
	for i, s := range b.Shipments.all {
		for _, it := range s.Items.all {
			if it.lineID() == lineID {
				found = &b.Shipments.all[i]
			}
		}
	}
	if found == nil && len(b.Shipments.all) == 1 {
		found = &b.Shipments.all[0]
	}
	if found != nil {
		if d := deliveryOf(found.Type); d != "" {
			return d
		}
	}
	if d := deliveryOf(g.Format); d != "" || !g.Format.given() {
		return d
	}
	return order.DeliveryOther
}

// deliveryOf maps shipment types (public: Shipments) and formats of ticket groups. Not decided yet is "".
func deliveryOf(s scalar) order.Delivery {
	switch deliveryWord(s) {
	case "", "tbd":
		return ""
	case "eticket", "instantdelivery":
		return order.DeliveryETicket
	case "tmmobile", "tmmobilelink", "flashseats", "mobile", "mobiletransfer":
		return order.DeliveryMobile
	case "fedex", "ups", "courier", "providedairbill", "physical":
		return order.DeliveryShipped
	case "willcall", "pickupatoffice", "localpickup":
		return order.DeliveryWillCall
	}
	return order.DeliveryOther
}

// deliveryWord makes one of "Delivery::TMMobile" and "TM_mobile", of "TBD" and "Tbd".
func deliveryWord(s scalar) string {
	w := strings.TrimPrefix(s.word(), "delivery::")
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(w)
}
