package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"willcall/pos"
)

// holdRequest is SkyBox OpenAPI 1.0.0, HoldRequest. LowSeat is the first of the seats; without it SkyBox is assumed to pick.
type holdRequest struct {
	InventoryID json.Number `json:"inventoryId"`
	CustomerID  json.Number `json:"customerId,omitempty"`
	ExternalRef string      `json:"externalRef"`
	Quantity    int         `json:"quantity"`
	LowSeat     int         `json:"lowSeat,omitempty"`
	ExpiryDate  string      `json:"expiryDate"`
	Notes       string      `json:"notes"`
}

type holdBody struct {
	ID          json.Number `json:"id"`
	InventoryID json.Number `json:"inventoryId"`
	ExternalRef string      `json:"externalRef"`
	Quantity    int         `json:"quantity"`
	Seats       string      `json:"seats"`
	ExpiryDate  string      `json:"expiryDate"`
	CreatedDate string      `json:"createdDate"`
	RemovedDate string      `json:"removedDate"`
}

// A hold is one that SkyBox keeps.
type hold struct {
	pos.Hold
	seats   string // as SkyBox writes them
	created time.Time
	removed bool
}

func (b *holdBody) record() (hold, error) {
	if !isID(b.ID.String()) || !isID(b.InventoryID.String()) || b.Quantity < 1 {
		return hold{}, errors.New("a hold has no id, no inventory or no tickets")
	}
	until, err := parseTime(b.ExpiryDate)
	if err == nil && until.IsZero() {
		err = errors.New("a hold has no end")
	}
	if err != nil {
		return hold{}, err
	}
	created, err := parseTime(b.CreatedDate)
	if err != nil {
		return hold{}, err
	}
	return hold{seats: b.Seats, created: created, removed: b.RemovedDate != "", Hold: pos.Hold{
		ID: b.ID.String(), Ref: b.ExternalRef, InventoryID: b.InventoryID.String(), Quantity: b.Quantity, Until: until,
	}}, nil
}

// inForce says whether a hold still keeps its tickets: SkyBox may show those that were removed or ran out, too.
func (c *Client) inForce(h hold) bool { return !h.removed && h.Until.After(c.now()) }

// name fills in the tickets of a hold. SkyBox tells seats, in a text of which the document says nothing ("seats", Hold): 9, 10 and 9-10
// are understood. Where it says anything else, or seats that the group does not have, the tickets stay unknown, so that a hold of
// named tickets is not taken for proven.
func (c *Client) name(ctx context.Context, op string, h *hold) error {
	if h.seats == "" {
		return nil
	}
	g, err := c.group(ctx, op, h.InventoryID)
	if err != nil {
		return lost(err)
	}
	h.TicketIDs = g.keptBy(*h)
	return nil
}

// keptBy are the tickets that a hold keeps; none where that cannot be told.
func (b *groupBody) keptBy(h hold) []string {
	seats := seatsOf(h.seats, b.step())
	if len(seats) != h.Quantity {
		return nil
	}
	var ids []string
	for _, seat := range seats {
		for _, t := range b.Tickets {
			if seatNumber(t) == seat {
				ids = append(ids, t.ID.String())
			}
		}
	}
	if len(ids) != h.Quantity {
		return nil
	}
	return ids
}

// kept are the tickets of a group that holds keep, as far as it can be told (SkyBox OpenAPI 1.0.0, holds, search by inventoryId). A
// ticket has no status for it, but a group's quantity is that of tickets "available": only where it is less than its tickets
// make out are holds asked for, so that a sale from a group without any costs no request more. A hold that cannot be read, or that
// the search misses yet, is passed over: SkyBox refuses held seats to a sale that is not forced.
func (c *Client) kept(ctx context.Context, op string, g *groupBody) ([]string, error) {
	if g.Quantity >= len(g.free()) {
		return nil, nil
	}
	records, err := c.search(ctx, op, "/holds", url.Values{"inventoryId": {g.ID.String()}})
	if err != nil {
		return nil, lost(err)
	}
	var ids []string
	for _, r := range records {
		var b holdBody
		if decode(r, &b) != nil {
			continue
		}
		h, err := b.record()
		if err == nil && h.InventoryID == g.ID.String() && c.inForce(h) {
			ids = append(ids, g.keptBy(h)...)
		}
	}
	return ids, nil
}

// maxSeats is how many seats a range may have: more is no text of seats.
const maxSeats = 1000

// seatsOf reads a text of seats; none means that it cannot be read. The seats of a range are step apart.
func seatsOf(text string, step int) (seats []int) {
	for part := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		low, err := strconv.Atoi(strings.TrimSpace(from))
		high := low
		if err == nil && ranged {
			high, err = strconv.Atoi(strings.TrimSpace(to))
		}
		if err != nil || low < 1 || high < low || (high-low)/step >= maxSeats {
			return nil
		}
		for n := low; n <= high; n += step {
			seats = append(seats, n)
		}
	}
	return seats
}

// FindHolds searches for holds whose externalRef is exactly ref and that are in force (SkyBox OpenAPI 1.0.0, holds, search). How the
// filter matches, and whether it finds holds that were removed or ran out, is not in the document. It may take several requests: for
// further pages, and for the ids of the seats. One that cannot be read makes the search fail.
func (c *Client) FindHolds(ctx context.Context, ref string) ([]pos.Hold, error) {
	const op = "find holds"
	k := call{op: op, method: http.MethodGet}
	if ref == "" {
		return nil, invalid(op, "there is nothing to search by")
	}
	records, err := c.search(ctx, op, "/holds", url.Values{"externalRef": {ref}})
	if err != nil {
		return nil, err
	}
	var found []hold
	for _, r := range records {
		has, err := refOf(r)
		if err != nil {
			return nil, k.unfit(err) // it could be ours
		}
		if has != ref {
			continue
		}
		var b holdBody
		if err := decode(r, &b); err != nil {
			return nil, k.unfit(err)
		}
		h, err := b.record()
		if err != nil {
			return nil, k.unfit(err)
		}
		if !c.inForce(h) {
			continue
		}
		if err := c.name(ctx, op, &h); err != nil {
			return nil, err
		}
		found = append(found, h)
	}
	slices.SortStableFunc(found, func(a, b hold) int { return older(a.created, b.created, a.ID, b.ID) })
	var all []pos.Hold
	for _, h := range found {
		all = append(all, h.Hold)
	}
	return all, nil
}

// PlaceHold keeps tickets of one group (SkyBox OpenAPI 1.0.0, holds, insert). The document knows a quantity and a lowest seat: tickets
// that are named must lie side by side, and it is assumed that the seats are counted upwards from the lowest; what is held is read
// from the answer, and the caller compares.
//
// Errors: [pos.Unsupported] for tickets that do not lie side by side; after a 400, as in [Client.CreateInvoice], [pos.Unavailable] if the
// seats are not free as far as the group shows, else [pos.Invalid]; [pos.NotFound], [pos.OutcomeUnknown].
func (c *Client) PlaceHold(ctx context.Context, o pos.Op, in pos.HoldInput) (pos.Hold, error) {
	const op = "place hold"
	switch {
	case !isID(in.InventoryID):
		return pos.Hold{}, unknownID(op, "inventory")
	case in.CustomerID != "" && !isID(in.CustomerID):
		return pos.Hold{}, unknownID(op, "a customer")
	case in.Quantity < 1 || len(in.TicketIDs) > 0 && len(in.TicketIDs) != in.Quantity:
		return pos.Hold{}, invalid(op, "the hold keeps no tickets, or names more or fewer than it keeps")
	case in.Until.IsZero():
		return pos.Hold{}, invalid(op, "the hold has no end, and SkyBox wants one")
	}
	req := holdRequest{
		InventoryID: json.Number(in.InventoryID), CustomerID: json.Number(in.CustomerID), ExternalRef: o.Ref, Quantity: in.Quantity,
		ExpiryDate: in.Until.UTC().Format(time.RFC3339), Notes: o.Key,
	}
	if len(in.TicketIDs) > 0 {
		g, err := c.group(ctx, op, in.InventoryID)
		if err != nil {
			return pos.Hold{}, err
		}
		if req.LowSeat, err = g.lowSeat(op, in.TicketIDs); err != nil {
			return pos.Hold{}, err
		}
	}
	k := call{op: op, method: http.MethodPost, path: "/holds", body: req}
	body, err := c.do(ctx, k)
	if errors.Is(err, errBadRequest) {
		return pos.Hold{}, c.whyNotHeld(ctx, op, in, err)
	}
	if err != nil {
		return pos.Hold{}, err
	}
	var b holdBody
	if err := decode(body, &b); err != nil {
		return pos.Hold{}, k.unfit(err)
	}
	h, err := b.record()
	if err != nil {
		return pos.Hold{}, k.unfit(err)
	}
	if err := c.name(ctx, op, &h); err != nil {
		return pos.Hold{}, k.fault("written, and its seats could not be read", err)
	}
	return h.Hold, nil
}

// lowSeat is the lowest seat of tickets that are free and lie side by side.
func (b *groupBody) lowSeat(op string, ids []string) (int, error) {
	var seats []int
	free := b.free()
	for _, id := range ids {
		same := func(t seatBody) bool { return t.ID.String() == id }
		if !slices.ContainsFunc(b.Tickets, same) {
			return 0, &pos.Error{Class: pos.NotFound, Op: op, Message: "that is no ticket of the inventory"}
		}
		i := slices.IndexFunc(free, same)
		if i < 0 {
			return 0, &pos.Error{Class: pos.Unavailable, Op: op, Message: "ticket " + id + " is not for sale"}
		}
		seats = append(seats, seatNumber(free[i]))
	}
	slices.Sort(seats)
	for i, seat := range seats {
		if seat < 1 || seat != seats[0]+i*b.step() {
			return 0, &pos.Error{Class: pos.Unsupported, Op: op, Message: "the seats do not lie side by side: hold them one by one"}
		}
	}
	return seats[0], nil
}

// whyNotHeld tells seats that are gone from a request that is wrong, by one look at the group. Tickets do not show that they are
// held, only the group's quantity does.
func (c *Client) whyNotHeld(ctx context.Context, op string, in pos.HoldInput, refusal error) error {
	g, err := c.group(ctx, op, in.InventoryID)
	switch pos.ClassOf(err) {
	case "":
	case pos.NotFound, pos.Unauthorized, pos.RateLimited:
		return err
	default:
		return &pos.Error{Class: pos.Transient, Op: op, Message: "refused, and whether for want of seats could not be seen", Err: err}
	}
	if len(in.TicketIDs) > 0 {
		if _, err := g.lowSeat(op, in.TicketIDs); err != nil {
			return err
		}
	}
	if g.Status != pos.Available || g.Quantity < in.Quantity || g.Quantity < len(g.free()) {
		return &pos.Error{Class: pos.Unavailable, Op: op, Message: "the seats are not free, or held by another"}
	}
	return refusal
}

// ReleaseHold deletes a hold (SkyBox OpenAPI 1.0.0, holds, delete). What SkyBox answers to one that is gone is not in the document: a 404
// says it, and after a 400 the hold is looked for. Errors: [pos.Invalid], [pos.OutcomeUnknown].
func (c *Client) ReleaseHold(ctx context.Context, _ pos.Op, id string) error {
	const op = "release hold"
	if !isID(id) {
		return nil // nobody's
	}
	_, err := c.do(ctx, call{op: op, method: http.MethodDelete, path: "/holds/" + id})
	switch {
	case pos.ClassOf(err) == pos.NotFound:
		return nil
	case !errors.Is(err, errBadRequest):
		return err
	}
	h, looked := c.hold(ctx, op, id)
	if pos.ClassOf(looked) == pos.NotFound || looked == nil && !c.inForce(h) {
		return nil
	}
	return err
}

// hold reads a hold by its id, without its tickets.
func (c *Client) hold(ctx context.Context, op, id string) (hold, error) {
	if !isID(id) {
		return hold{}, unknownID(op, "a hold")
	}
	var b holdBody
	if err := c.get(ctx, op, "/holds/"+id, &b); err != nil {
		return hold{}, err
	}
	h, err := b.record()
	if err == nil && h.ID != id {
		err = errors.New("it is another record than asked for")
	}
	if err != nil {
		return hold{}, call{op: op, method: http.MethodGet}.unfit(err)
	}
	return h, nil
}

// held says which tickets of a hold each line sells: those that it names, else the first that are left. A forced sale passes over
// other holds as well, so no ticket may be in it that the hold is not proven to keep: lines of another group are refused, and so is
// a hold whose seats cannot be read.
//
// Errors: [pos.Unavailable] if the hold is over or has other tickets, [pos.Unsupported].
func (c *Client) held(ctx context.Context, op string, in pos.InvoiceInput) ([][]string, error) {
	h, err := c.hold(ctx, op, in.HoldID)
	if pos.ClassOf(err) == pos.NotFound || err == nil && !c.inForce(h) {
		return nil, &pos.Error{Class: pos.Unavailable, Op: op, Message: "the hold is over"}
	}
	if err != nil {
		return nil, err
	}
	if err := c.name(ctx, op, &h); err != nil {
		return nil, err
	}
	if len(h.TicketIDs) == 0 {
		return nil, &pos.Error{Class: pos.Unsupported, Op: op, Message: "which seats the hold keeps cannot be read: sell them by hand, or release it"}
	}
	left := slices.Clone(h.TicketIDs)
	chosen := make([][]string, len(in.Lines))
	take := func(line int, ids []string) error {
		for _, id := range ids {
			i := slices.Index(left, id)
			if i < 0 {
				return &pos.Error{Class: pos.Unavailable, Op: op, Message: "the hold does not keep ticket " + id}
			}
			left = slices.Delete(left, i, i+1)
		}
		chosen[line] = ids
		return nil
	}
	for i, l := range in.Lines {
		if l.InventoryID != h.InventoryID {
			return nil, &pos.Error{Class: pos.Unsupported, Op: op, Message: "a sale out of a hold is of the hold's inventory alone"}
		}
		if len(l.TicketIDs) > 0 {
			if err := take(i, l.TicketIDs); err != nil {
				return nil, err
			}
		}
	}
	for i, l := range in.Lines {
		if len(l.TicketIDs) > 0 {
			continue
		}
		if l.Quantity < 1 || l.Quantity > len(left) {
			return nil, &pos.Error{Class: pos.Unavailable, Op: op, Message: "the hold keeps fewer tickets than are sold"}
		}
		if err := take(i, slices.Clone(left[:l.Quantity])); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}
