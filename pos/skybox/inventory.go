package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"willcall/pos"
)

// groupBody is what a sale needs to know of inventory. Every sale reads it, so it has no more members than that.
type groupBody struct {
	ID       json.Number `json:"id"`
	Quantity int         `json:"quantity"`
	Status   pos.Stock   `json:"status"`
	SeatType string      `json:"seatType"`
	Tickets  []seatBody  `json:"tickets"`
}

type seatBody struct {
	ID         json.Number `json:"id"`
	SeatNumber json.Number `json:"seatNumber"`
	Status     string      `json:"status"`
}

// inventoryBody is all of it that we know.
type inventoryBody struct {
	groupBody
	EventID         json.Number  `json:"eventId"`
	Event           *eventBody   `json:"event"`
	EventMapping    *mappingBody `json:"eventMapping"`
	Section         string       `json:"section"`
	Row             string       `json:"row"`
	HideSeatNumbers bool         `json:"hideSeatNumbers"`
	Notes           string       `json:"notes"`
	LowSeat         int          `json:"lowSeat"`
	HighSeat        int          `json:"highSeat"`
}

// ticketBody is a ticket that was sold.
type ticketBody struct {
	ID          json.Number `json:"id"`
	InventoryID json.Number `json:"inventoryId"`
	StockType   string      `json:"stockType"`
	FileName    string      `json:"fileName"`
}

// event finds out what inventory is for. An event that the broker wrote comes before the one that SkyBox took it for: it is the
// one that we know.
func (c *Client) event(ctx context.Context, op string, b *inventoryBody) (pos.Event, error) {
	k := call{op: op, method: http.MethodGet}
	var e eventBody
	switch {
	case b.EventMapping != nil && b.EventMapping.EventName != "":
		e = eventBody{Name: b.EventMapping.EventName, Date: b.EventMapping.EventDate}
	case b.Event != nil:
		e = *b.Event
	case isID(b.EventID.String()):
		if err := c.get(ctx, op, "/events/"+b.EventID.String(), &e); err != nil {
			// The event is part of what was asked for: that it is missing does not make the group unknown.
			if pos.ClassOf(err) == pos.NotFound {
				return pos.Event{}, k.unfit(errors.New("its event is not there"))
			}
			return pos.Event{}, err
		}
	default:
		return pos.Event{}, k.unfit(errors.New("it names no event"))
	}
	ev, err := e.record()
	if err != nil {
		return pos.Event{}, k.unfit(err)
	}
	return ev, nil
}

// group reads what a sale needs to know of inventory.
func (c *Client) group(ctx context.Context, op, id string) (*groupBody, error) {
	var b groupBody
	if err := c.inventory(ctx, op, id, &b, &b); err != nil {
		return nil, err
	}
	return &b, nil
}

// inventory reads inventory into a body, of which group is a part.
func (c *Client) inventory(ctx context.Context, op, id string, into any, group *groupBody) error {
	if !isID(id) {
		return unknownID(op, "inventory")
	}
	if err := c.get(ctx, op, "/inventory/"+id, into); err != nil {
		return err
	}
	if err := group.check(id); err != nil {
		return call{op: op, method: http.MethodGet}.unfit(err)
	}
	return nil
}

func (b *groupBody) check(id string) error {
	if b.ID.String() != id {
		return errors.New("it is another record than asked for")
	}
	if b.Status != pos.Available && b.Status != pos.OnHold && b.Status != pos.Depleted {
		return errors.New("a group has no status of the document's set")
	}
	for _, t := range b.Tickets {
		if !isID(t.ID.String()) || t.Status == "" {
			return errors.New("a ticket has no id or status")
		}
	}
	return nil
}

// step is how far seats that lie side by side are apart.
func (b *groupBody) step() int {
	if b.SeatType == "ALTERNATING" {
		return 2
	}
	return 1
}

// free are the tickets that can be sold, by seat. A group on hold has none, whatever its tickets say.
func (b *groupBody) free() []seatBody {
	if b.Status != pos.Available {
		return nil
	}
	free := slices.DeleteFunc(slices.Clone(b.Tickets), func(t seatBody) bool { return t.Status != string(pos.Available) })
	slices.SortStableFunc(free, func(a, b seatBody) int { return seatNumber(a) - seatNumber(b) })
	return free
}

func seatNumber(t seatBody) int {
	n, err := t.SeatNumber.Int64()
	if err != nil || n < 0 || n > 1<<30 {
		return 0
	}
	return int(n)
}

// GetInventory returns one group with its tickets (SkyBox OpenAPI 1.0.0, inventory, by id) and its event, for which it may ask in a
// second request. Tickets that are in error or cancelled are neither available nor sold, and are left out. Errors: [pos.NotFound].
func (c *Client) GetInventory(ctx context.Context, id string) (pos.Inventory, error) {
	const op = "get inventory"
	var b inventoryBody
	if err := c.inventory(ctx, op, id, &b, &b.groupBody); err != nil {
		return pos.Inventory{}, err
	}
	event, err := c.event(ctx, op, &b)
	if err != nil {
		return pos.Inventory{}, err
	}
	inv := pos.Inventory{
		ID: b.ID.String(), Event: event, Section: b.Section, Row: b.Row, Quantity: b.Quantity, Status: b.Status,
	}
	for _, t := range b.Tickets {
		if t.Status == string(pos.Available) || t.Status == string(pos.Sold) {
			inv.Tickets = append(inv.Tickets, pos.Ticket{ID: t.ID.String(), Seat: t.SeatNumber.String(), Status: pos.Stock(t.Status)})
		}
	}
	return inv, nil
}

// pick chooses n of the free tickets: seats side by side if there are, else the first.
func (b *groupBody) pick(n int, taken map[string]bool) []string {
	free := slices.DeleteFunc(b.free(), func(t seatBody) bool { return taken[t.ID.String()] })
	if len(free) < n {
		return nil
	}
	step, from := b.step(), 0
	for i := range free[:len(free)-n+1] {
		if seatNumber(free[i+n-1])-seatNumber(free[i]) == step*(n-1) {
			from = i
			break
		}
	}
	var ids []string
	for _, t := range free[from : from+n] {
		ids = append(ids, t.ID.String())
		taken[t.ID.String()] = true
	}
	return ids
}
