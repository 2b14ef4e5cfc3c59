package tevo

import (
	"fmt"
	"strings"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// decodeLines reads what an O body says of the goods: the snapshot, without the buyer's class, and what the items say
// beside it, of the version at. A position that cannot be invoiced as it stands is an error.
func decodeLines(b *body, s Settings, at time.Time) (*order.Snapshot, []order.LineFact, error) {
	snapshot := &order.Snapshot{APIID: b.ID.ID()}
	if snapshot.APIID == "" {
		return nil, nil, provider.Malformed("body.id", "want an id")
	}
	items, err := b.listed()
	if err != nil {
		return nil, nil, err
	}
	here := map[string]bool{} // lines of shipments that are delivered
	for _, sh := range b.Shipments.All {
		if delivered(sh.State) {
			for _, id := range b.carried(sh) {
				here[id] = true
			}
		}
	}
	var facts []order.LineFact
	seen := map[string]bool{}
	for i, it := range items {
		path := fmt.Sprintf("body.items[%d]", i)
		l, err := b.line(path, it, s)
		if err != nil {
			return nil, nil, err
		}
		if seen[l.ID] {
			return nil, nil, provider.Malformed(path+".order_item_id", "another item has the same")
		}
		seen[l.ID] = true
		snapshot.Lines = append(snapshot.Lines, l)
		f := order.LineFact{LineID: l.ID}
		var final bool
		if f.Delivered, final = it.EticketFinalizedAt.Moment(); !final && here[l.ID] {
			f.Delivered = at
		}
		f.InHandOn, _ = it.inHandOn().Day()
		if !f.Delivered.IsZero() || !f.InHandOn.IsZero() {
			facts = append(facts, f)
		}
		if e := it.TicketGroup.V.Event; e.Given && snapshot.Show == (order.Show{}) {
			snapshot.Show = order.Show{ID: wire.Cut(e.V.ID.Text), Name: wire.Cut(e.V.Name.Text)}
			// A date that cannot be read is one that is not known yet. It must not keep the sale from being handled.
			snapshot.Show.StartsAt, _ = e.V.OccursAt.Moment()
		}
	}
	return snapshot, facts, nil
}

// listed are the items of an order or a shipment: at least one.
func (b *body) listed() ([]item, error) {
	switch n := len(b.Items.All); {
	case b.Items.Wrong:
		return nil, provider.Malformed("body.items", "want a list of items")
	case n == 0:
		return nil, provider.Malformed("body.items", "it is missing or empty")
	case n > maxLines:
		return nil, provider.Malformed("body.items", "there are too many")
	}
	return b.Items.All, nil
}

func (b *body) line(path string, it item, s Settings) (order.Line, error) {
	g := it.TicketGroup.V
	l := order.Line{ID: it.lineID(), ItemID: it.ID.ID(), Inventory: wire.Cut(g.RemoteID.Text), Section: wire.Cut(g.Section.Text), Row: wire.Cut(g.Row.Text)}
	if l.ID == "" {
		return l, provider.Malformed(path+".order_item_id", "want an id")
	}
	if l.ItemID == "" {
		return l, provider.Malformed(path+".id", "want an id")
	}
	var ok bool
	if l.Quantity, ok = it.Quantity.Count(); !ok {
		return l, provider.Malformed(path+".quantity", fmt.Sprintf("want a whole number from 1 to %d", wire.MaxQuantity))
	}
	// total and subtotal are "0.0" while an order is pending; only the item's price is true all the time.
	if !it.Price.Given() {
		return l, provider.Malformed(path+".price", "it is missing")
	}
	var err error
	if l.Unit, err = order.ParseMoney(it.Price.Text, s.Currency); err != nil {
		return l, provider.Malformed(path+".price", err.Error()) // its errors do not say what they read
	}
	if l.Unit.Minor < 0 {
		return l, provider.Malformed(path+".price", "it is negative")
	}
	l.Seats = it.seats(l.Quantity)
	l.Delivery = b.delivery(l.ID, g)
	return l, nil
}

// lineID is the id of the line that every document of both parties shares. Orders have it as items[].order_item_id beside
// items[].id, which is the link of one party; shipments have it as items[].id beside order_item_link_id; the webhook about an
// item has it in its url as well. Where there is but one id, as in the answers of 2012, it is that.
func (it item) lineID() string {
	if it.OrderItemID.Given() {
		return it.OrderItemID.ID()
	}
	id := it.ID.ID()
	if link := it.OrderItemLinkID.ID(); link != "" && link != id {
		return id
	}
	if _, tail, found := strings.Cut(it.URL.Text, "/items/"); found && wire.IsID(tail) {
		return tail
	}
	return id
}

// inHandOn is when the seller will have the tickets. The samples have it in the ticket group.
func (it item) inHandOn() wire.Scalar {
	if it.InHandOn.Given() {
		return it.InHandOn
	}
	return it.TicketGroup.V.InHandOn
}

// seats takes the first list that names seats. A ticket group may hold more seats than were sold of it; which of them is
// then not known, and such a list is passed over.
func (it item) seats(sold int) []string {
	g := it.TicketGroup.V
	var tickets []wire.Scalar
	for _, t := range g.Tickets.All {
		tickets = append(tickets, t.Seat)
	}
	for _, from := range [][]wire.Scalar{it.Seats.All, g.Seats.All, tickets} {
		var seats []string
		for _, s := range from {
			if s.Text != "" {
				seats = append(seats, wire.Cut(s.Text))
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
	for i, s := range b.Shipments.All {
		for _, it := range s.Items.All {
			if it.lineID() == lineID {
				found = &b.Shipments.All[i]
			}
		}
	}
	if found == nil && len(b.Shipments.All) == 1 {
		found = &b.Shipments.All[0]
	}
	if found != nil {
		if d := deliveryOf(found.Type); d != "" {
			return d
		}
	}
	if d := deliveryOf(g.Format); d != "" || !g.Format.Given() {
		return d
	}
	return order.DeliveryOther
}

// deliveryOf maps shipment types (public: Shipments) and formats of ticket groups. Not decided yet is "".
func deliveryOf(s wire.Scalar) order.Delivery {
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
func deliveryWord(s wire.Scalar) string {
	w := strings.TrimPrefix(s.Word(), "delivery::")
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(w)
}
