package tevo

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// An item has two ids here. Ours of the line is order_item_id, which both parties' documents share; calls about an item's files
// have the other one, items[].id, in their path. So each looks the line up in the order as the API shows it now, and nobody
// else needs to know. (public: Orders/Deliver Etickets, Order Items/Add Etickets)

// DeliverETickets gives the files of one line of an accepted sale to its buyer: of their pages, counted over all files from 1,
// those in keep, one for each ticket. Ticket Evolution may e-mail the buyer. It may be called as often as one likes: a line
// whose e-tickets are final stays as it is, whoever made them so.
//
// Files that are there and not final are removed first. Whether an order tells of such is not public, so they are removed
// without being asked for; that harms nobody, for a buyer sees what is final alone. One way remains in which an earlier upload
// can get between: it has had no answer, and is carried out after a later one has removed what was there. What is kept is still
// right then if the files are the same, for theirs are the first pages.
//
// A line that travels in another way becomes an e-ticket first: by Shipments/Update where it travels alone, else by Order
// Items/Convert to Etickets, which leaves what travels with it as it is.
//
// It returns, as [*provider.CallError], [provider.Invalid] for pages that are not one for each ticket and for files that the API
// refuses, [provider.Conflict] if the sale is not accepted or the line is on its way already, [provider.NotFound] for a line
// that the order does not have, [provider.Unsupported] if it cannot be told how the line travels, and what calls return.
func (c *Client) DeliverETickets(ctx context.Context, orderID, lineID string, files [][]byte, keep []int) error {
	const op = "deliver e-tickets"
	o, it, err := c.showLine(ctx, op, orderID, lineID)
	if err != nil || it.final() {
		return err
	}
	if err := o.accepted(op); err != nil {
		return err
	}
	if n, ok := it.Quantity.Count(); len(files) == 0 || len(keep) == 0 || ok && len(keep) != n {
		return &provider.CallError{Class: provider.Invalid, Op: op, Detail: "want files, and of their pages one for each ticket of the line"}
	}
	if err := c.becomeETicket(ctx, op, o, it); err != nil {
		return err
	}
	if err := c.clear(ctx, op, o, it); err != nil {
		return err
	}
	for _, some := range uploads(files) {
		if _, err := c.addETickets(ctx, op, orderID, it, some); err != nil {
			return err
		}
	}
	a, refused := c.finalizeETickets(ctx, op, orderID, it, keep)
	var answered item
	if refused == nil && parseBody(a.Body, &answered) == nil && answered.lineID() == lineID && answered.final() {
		return nil
	}
	return settle(op, refused, "the e-tickets are not final", func() (bool, error) {
		_, it, err := c.showLine(ctx, op, orderID, lineID)
		return it.final(), err
	})
}

// RevokeETickets takes the files of one line back, whatever became of the order; none is no error. Files that are not final and
// of which the order does not tell may stay: the buyer does not see them, and [Client.DeliverETickets] replaces them.
//
// It returns [provider.Conflict] if the buyer has fetched them, and otherwise what DeliverETickets returns.
func (c *Client) RevokeETickets(ctx context.Context, orderID, lineID string) error {
	const op = "revoke e-tickets"
	var o Order
	var it item
	look := func() (gone bool, err error) {
		o, it, err = c.showLine(ctx, op, orderID, lineID)
		if err == nil && o.body.fetched(it) {
			err = &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the buyer has fetched them already"}
		}
		return !it.files(), err
	}
	gone, err := look()
	if err != nil || gone {
		return err
	}
	_, refused := c.removeETickets(ctx, op, orderID, it)
	return settle(op, refused, "the e-tickets are still there", look)
}

// ETickets is Order Items/Print Etickets: the files of one line of a purchase, as one PDF. Orders/Print Etickets could be
// asked with item_id as well, but which of the two ids that is no text says, and an API that passes over a parameter which it
// does not know would answer with the tickets of all lines. What the call answers is not public. Assumption: the file itself, or
// JSON whose field eticket, etickets, file or pdf holds it in base64.
//
// It returns [provider.NotFound] while the seller has not made them final, and [provider.Unsupported] for what is no PDF.
func (c *Client) ETickets(ctx context.Context, orderID, lineID string) ([]byte, error) {
	const op = "get e-tickets"
	_, it, err := c.showLine(ctx, op, orderID, lineID)
	if err != nil {
		return nil, err
	}
	if !it.final() {
		return nil, &provider.CallError{Class: provider.NotFound, Op: op, Detail: "the seller has not given the e-tickets"}
	}
	a, err := c.call(ctx, op, http.MethodGet, itemPath(orderID, it)+"/print_etickets", nil, nil)
	if err != nil {
		return nil, err
	}
	file, mediaType, err := fileIn(op, a, "eticket", "etickets", "file", "pdf")
	if err == nil && mediaType != "application/pdf" {
		err = &provider.CallError{Class: provider.Unsupported, Op: op, Status: a.Status, Detail: "the answer is no PDF"}
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

// final reports whether the buyer has the e-tickets. What they are until then is documented by no sample: a fresh item has null
// in both fields.
func (it item) final() bool {
	return it.EticketFinalizedAt.Given() || it.EticketFinalized.Word() == "true"
}

// files reports whether the item tells of files.
func (it item) files() bool {
	some := func(n wire.Scalar) bool { f, err := strconv.ParseFloat(n.Text, 64); return err == nil && f > 0 }
	return it.final() || it.EticketAvailable.Word() == "true" || some(it.EticketPages) || some(it.EticketSize)
}

// fetched reports whether the buyer has the files of the line. The samples have that in the item and in the shipment's.
func (b *body) fetched(it item) bool {
	if it.EticketDownloaded.Given() {
		return true
	}
	for _, s := range b.Shipments.All {
		for _, in := range s.Items.All {
			if in.lineID() == it.lineID() && in.EticketDownloaded.Given() {
				return true
			}
		}
	}
	return false
}

// showLine looks at the order and finds the line in it.
func (c *Client) showLine(ctx context.Context, op, orderID, lineID string) (Order, item, error) {
	o, err := c.ShowOrder(ctx, orderID)
	if err != nil {
		return Order{}, item{}, err
	}
	it, err := o.body.find(op, lineID)
	return o, it, err
}

func (b *body) find(op, lineID string) (item, error) {
	for _, it := range b.Items.All {
		if lineID != "" && it.lineID() == lineID && it.ID.ID() != "" {
			return it, nil
		}
	}
	return item{}, &provider.CallError{Class: provider.NotFound, Op: op, Detail: "the order has no such line"}
}

// accepted refuses to deliver what is not sold, or not any more.
func (o Order) accepted(op string) error {
	status, unknown := o.body.standing(order.Sale)
	switch {
	case unknown != "":
		return &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the order is in a state that we do not know"}
	case !slices.Contains(provider.Accepted, status):
		return &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the order is " + string(status)}
	}
	return nil
}

// clear removes files that are not final. A refusal may mean that there are none, as the API does not say how it refuses: it is
// passed over unless the order tells of files.
func (c *Client) clear(ctx context.Context, op string, o Order, it item) error {
	_, err := c.removeETickets(ctx, op, o.ID, it)
	if class := provider.ClassOf(err); !it.files() && (class == provider.Invalid || class == provider.NotFound) {
		return nil
	}
	return err
}

// settle ends a write: done if a look finds it done, whoever did it; else it is the refusal, or, of a write that was taken,
// what remains to be said. An error of other classes than those of refusals is returned as it is.
func settle(op string, refused error, remains string, look func() (done bool, err error)) error {
	if class := provider.ClassOf(refused); refused != nil && class != provider.Invalid && class != provider.NotFound {
		return refused
	}
	done, err := look()
	switch {
	case err != nil:
		return err
	case done:
		return nil
	case refused != nil:
		return refused
	}
	return &provider.CallError{Class: provider.OutcomeUnknown, Op: op, Detail: "the API took the call, and " + remains}
}

// maxUpload is how many bytes of files go into one call, unless one file alone has more. A call must end within the client's
// timeout, and base64 makes a third more of them: at 8 seconds, 2 MiB want an uplink of 3 Mbit/s.
const maxUpload = 2 << 20

// uploads divides the files, in their order, among calls. The API joins what several calls add. (public: Order Items/Add
// Etickets: finalise "when you are finished adding")
func uploads(files [][]byte) (calls [][][]byte) {
	room := 0
	for _, f := range files {
		if room -= len(f); room < 0 || calls == nil {
			calls, room = append(calls, nil), maxUpload-len(f)
		}
		calls[len(calls)-1] = append(calls[len(calls)-1], f)
	}
	return calls
}

func itemPath(orderID string, it item) string {
	return "/v9/orders/" + orderID + "/items/" + it.ID.ID()
}

// addETickets is Order Items/Add Etickets.
func (c *Client) addETickets(ctx context.Context, op, orderID string, it item, files [][]byte) (provider.Answer, error) {
	return c.call(ctx, op, http.MethodPost, itemPath(orderID, it)+"/add_etickets", nil, map[string]any{"files": files}) // in base64
}

// finalizeETickets is Order Items/Finalize Etickets, with the quantity checked.
func (c *Client) finalizeETickets(ctx context.Context, op, orderID string, it item, keep []int) (provider.Answer, error) {
	return c.call(ctx, op, http.MethodPost, itemPath(orderID, it)+"/finalize_etickets", nil, map[string]any{"keep_pages": keep})
}

// removeETickets is Order Items/Remove Etickets, a write. (public: the PHP client)
func (c *Client) removeETickets(ctx context.Context, op, orderID string, it item) (provider.Answer, error) {
	return c.writeByGET(ctx, op, itemPath(orderID, it)+"/remove_etickets")
}

// convertToETickets is Order Items/Convert to Etickets, a write. (public: the PHP client)
func (c *Client) convertToETickets(ctx context.Context, op, orderID string, it item) (provider.Answer, error) {
	return c.writeByGET(ctx, op, itemPath(orderID, it)+"/convert_to_etickets")
}
