package tevocore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
)

// SetFulfillment completes a sale, with its e-tickets where files are given and Config.AttachFiles is set. Completing
// (POST orders/{id}/complete, public: the Ruby client) makes its state "completed"; that it delivers anything is not
// documented, so without files it is for tickets that came to their buyer in another way. A completed order stays as it is, and is
// never reopened: Pending is [pos.Unsupported] of one, and changes nothing of any other.
//
// Files become the e-tickets of the items (Order Items/Remove, Add and Finalize Etickets, public wiki pages 12550157, 12550153
// and 12550155), which may have them e-mailed to the client. They must be PDF documents, or it is [pos.Unsupported]; each belongs
// to the item that has its tickets, or to the only item, with as many pages as tickets, one for each. Whatever of that does not hold is
// [pos.Invalid], before anything is written. What an item has of e-tickets that are not final is removed first. (Assumption:
// removing is a success where there are none. Where it is refused nothing is added, for old pages would be sent.)
//
// Final e-tickets are not taken from a buyer, and which they are cannot be read: an item that has some is done if this Client
// made these very files final, and [pos.Invalid] otherwise, for a person to compare. That is so after a lost answer, too, if
// another process repeats the call.
//
// Other errors: [pos.Invalid] for an order that is void or whose cancellation is proposed, [pos.NotFound], [pos.OutcomeUnknown].
func (c *Client) SetFulfillment(ctx context.Context, _ pos.Op, id string, in pos.FulfillmentInput) (pos.Invoice, error) {
	const what = "set fulfillment"
	refuse := func(class pos.Class, message string) (pos.Invoice, error) {
		return pos.Invoice{}, &pos.Error{Class: class, Op: what, Message: message}
	}
	switch {
	case len(in.Files) > 0 && !c.cfg.AttachFiles:
		return refuse(pos.Unsupported, "files are not attached: see attach_files")
	case in.Files != nil && len(in.Files) == 0 && c.cfg.AttachFiles:
		return refuse(pos.Invalid, "there is no file to attach, and e-tickets are not taken from a buyer")
	case len(in.Files) > 0 && in.State != pos.Complete:
		return refuse(pos.Unsupported, "e-tickets cannot be attached without delivering them")
	case slices.ContainsFunc(in.Files, func(f pos.TicketFile) bool { return !isPDF(f) }):
		return refuse(pos.Unsupported, "only PDF documents can be attached: a person enters links, barcodes and pictures")
	}
	o, err := c.show(ctx, what, id, false)
	if err != nil {
		return pos.Invoice{}, err
	}
	inv, err := c.invoice(o)
	switch {
	case err != nil:
		return pos.Invoice{}, unreadable(what, err)
	case inv.Voided:
		return refuse(pos.Invalid, "the order is void")
	case o.State == stateProposed:
		return refuse(pos.Invalid, "the cancellation of the order is proposed")
	case in.State == pos.Pending && inv.Fulfillment == pos.Complete:
		return refuse(pos.Unsupported, "a completed order cannot be reopened")
	case in.State == pos.Pending:
		return inv, nil
	}
	if len(in.Files) > 0 {
		packs, err := c.packs(o, in.Files)
		if err != nil {
			return pos.Invoice{}, &pos.Error{Class: pos.Invalid, Op: what, Err: err}
		}
		for _, p := range packs {
			if err := c.attach(ctx, what, id, p); err != nil {
				return pos.Invoice{}, err
			}
		}
		if len(packs) > 0 {
			if o, err = c.attached(ctx, what, id); err != nil {
				return pos.Invoice{}, err
			}
		}
	}
	if o, err = c.complete(ctx, what, o); err != nil {
		return pos.Invoice{}, err
	}
	if inv, err = c.invoice(o); err != nil {
		return pos.Invoice{}, unusable(what, err)
	}
	return inv, nil
}

// complete completes an order that is not, and returns it as it is then.
func (c *Client) complete(ctx context.Context, what string, o *orderBody) (*orderBody, error) {
	if o.State == stateCompleted {
		return o, nil
	}
	id := string(o.ID)
	refusal := c.post(ctx, what, "/v9/orders/"+id+"/complete", struct{}{}, &anyAnswer{})
	if refusal != nil && pos.ClassOf(refusal) != pos.Invalid {
		return nil, refusal
	}
	// The answer is not documented. After a refusal, too: somebody may have completed it in between.
	o, err := c.show(ctx, what, id, false)
	switch {
	case err == nil && o.State == stateCompleted:
		return o, nil
	case refusal != nil:
		return nil, refusal
	}
	return nil, &pos.Error{Class: pos.OutcomeUnknown, Op: what, Message: "completed, and not seen to be", Err: err}
}

// A pack is the files of one item.
type pack struct {
	item     string
	quantity int
	files    [][]byte // in their order
	pages    int
}

// digest is of the files in their order.
func (p pack) digest() [sha256.Size]byte {
	h := sha256.New()
	for _, f := range p.files {
		one := sha256.Sum256(f)
		h.Write(one[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// packs divides files among the items of an order, and returns those that are not final yet. Every item must have its e-tickets in
// the end: an order is not completed with some of its tickets.
func (c *Client) packs(o *orderBody, files []pos.TicketFile) ([]pack, error) {
	packs := make([]pack, len(o.Items))
	owner := map[string]int{} // items by their tickets that no file has had yet
	for i, it := range o.Items {
		packs[i] = pack{item: string(it.ID), quantity: count(it.Quantity)}
		for _, t := range it.Tickets {
			if t.ID != "" {
				owner[string(t.ID)] = i
			}
		}
	}
	for _, f := range files {
		at := 0
		if len(f.TicketIDs) == 0 && len(packs) > 1 {
			return nil, errors.New("a file does not say which of the order's items it is for")
		}
		for n, id := range f.TicketIDs {
			i, ok := owner[id]
			if !ok || n > 0 && i != at {
				return nil, errors.New("a file is for tickets that are not of the order, that another has, or of several items")
			}
			at = i
			delete(owner, id)
		}
		pages, err := pageCount(f.Content)
		if err != nil {
			return nil, err
		}
		if n := len(f.TicketIDs); n > 0 && n != pages {
			return nil, fmt.Errorf("a file for %d tickets has %d pages; it must be one for each", n, pages)
		}
		packs[at].files, packs[at].pages = append(packs[at].files, f.Content), packs[at].pages+pages
	}
	var due []pack
	for i, p := range packs {
		final, known := o.Items[i].final()
		switch {
		case !known:
			return nil, errors.New("the order does not say whether its e-tickets are final")
		case p.files == nil && !final:
			return nil, errors.New("an item of the order would be without e-tickets")
		case p.files != nil && p.pages != p.quantity:
			return nil, fmt.Errorf("%d pages for the %d tickets of an item; it must be one for each", p.pages, p.quantity)
		case final && p.files != nil && !c.sent.has(p):
			return nil, errors.New("an item of the order has final e-tickets, and whether they are these cannot be told")
		case !final:
			due = append(due, p)
		}
	}
	return due, nil
}

type addRequest struct {
	Files [][]byte `json:"files"` // JSON has them in base64
}

type finalizeRequest struct {
	KeepPages      []int `json:"keep_pages"`
	IgnoreQuantity bool  `json:"ignore_quantity"`
}

// attach gives an item its e-tickets and makes them final. Each call is made once, and an attempt that broke off in between leaves
// e-tickets that are not final: the next one removes them.
func (c *Client) attach(ctx context.Context, what, id string, p pack) error {
	path := "/v9/orders/" + id + "/items/" + p.item
	// A GET in the documents, although it changes something.
	remove := call{op: what, method: http.MethodGet, path: path + "/remove_etickets", changes: true}
	if err := c.call(ctx, remove, &anyAnswer{}); err != nil {
		return err
	}
	if err := c.post(ctx, what, path+"/add_etickets", addRequest{p.files}, &anyAnswer{}); err != nil {
		return err
	}
	final := finalizeRequest{}
	for n := range p.pages {
		final.KeepPages = append(final.KeepPages, n+1)
	}
	// Before the call, for its answer may be lost.
	c.sent.put(p)
	return c.post(ctx, what, path+"/finalize_etickets", final, &anyAnswer{})
}

// attached reads an order whose items have all been given their e-tickets, and makes sure that they have.
func (c *Client) attached(ctx context.Context, what, id string) (*orderBody, error) {
	o, err := c.show(ctx, what, id, false)
	unseen := err != nil
	if err == nil {
		unseen = slices.ContainsFunc(o.Items, func(it itemBody) bool { final, _ := it.final(); return !final })
	}
	if unseen {
		return nil, &pos.Error{Class: pos.OutcomeUnknown, Op: what, Message: "e-tickets were made final, and are not seen to be", Err: err}
	}
	return o, nil
}

// sentFiles remembers which files this process made final, by item.
type sentFiles struct {
	mu   sync.Mutex
	last map[string][sha256.Size]byte
}

// maxSent bounds the memory. What is forgotten costs a look by a person, and only if an answer was lost.
const maxSent = 10_000

func (s *sentFiles) put(p pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || len(s.last) >= maxSent {
		s.last = map[string][sha256.Size]byte{}
	}
	s.last[p.item] = p.digest()
}

func (s *sentFiles) has(p pack) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.last[p.item]
	return ok && was == p.digest()
}

// signature begins every PDF document. (ISO 32000-1, section 7.5.2)
const signature = "%PDF-"

func isPDF(f pos.TicketFile) bool {
	kind, _, err := mime.ParseMediaType(f.MediaType)
	return err == nil && kind == "application/pdf" && bytes.HasPrefix(f.Content, []byte(signature))
}

// GetDeliveries returns the e-tickets that were made final, a file for each item of the sale; none of a void one. What the call for
// them answers (Order Items/Print Etickets, public wiki page 12550151) is not public. Assumption: the PDF document itself, or JSON whose
// member eticket or file holds it in base64. Anything else, such as a link, is [pos.Unsupported], as everything is without
// Config.ReadETickets. Other errors: [pos.NotFound].
func (c *Client) GetDeliveries(ctx context.Context, invoiceID string) ([]pos.Delivery, error) {
	const what = "get deliveries"
	if !c.cfg.ReadETickets {
		return nil, &pos.Error{Class: pos.Unsupported, Op: what, Message: "e-tickets are not read: see read_etickets"}
	}
	o, err := c.show(ctx, what, invoiceID, false)
	if err != nil {
		return nil, err
	}
	inv, err := c.invoice(o)
	if err != nil {
		return nil, unreadable(what, err)
	}
	if inv.Voided {
		return nil, nil
	}
	var all []pos.Delivery
	for _, it := range o.Items {
		switch final, known := it.final(); {
		case !known:
			return nil, &pos.Error{Class: pos.Unsupported, Op: what, Message: "the order does not say whether its e-tickets are final"}
		case !final:
			continue
		}
		// By the path, not by the parameter item_id of Orders/Print Etickets: which of an item's two ids that one means is not said.
		var file fileAnswer
		print := call{op: what, method: http.MethodGet, path: "/v9/orders/" + invoiceID + "/items/" + string(it.ID) + "/print_etickets",
			accept: "application/pdf, application/json"}
		if err := c.call(ctx, print, &file); err != nil {
			return nil, err
		}
		if file.content == nil {
			return nil, &pos.Error{Class: pos.Unsupported, Op: what, Message: "e-tickets are answered in a form that is not known"}
		}
		all = append(all, pos.Delivery{
			Form: pos.FormFile, LineID: string(it.ID), Name: "etickets-" + string(it.ID) + ".pdf", MediaType: "application/pdf", Content: file.content,
		})
	}
	return all, nil
}

// fileAnswer is a document, or JSON with one in it; content stays nil where it is neither.
type fileAnswer struct{ content []byte }

// raw takes an answer that need not be JSON.
func (a *fileAnswer) raw(body []byte) {
	if bytes.HasPrefix(body, []byte(signature)) {
		a.content = body
		return
	}
	var in struct {
		ETicket jsontext.Value `json:"eticket"`
		File    jsontext.Value `json:"file"`
	}
	if parse(body, &in) != nil {
		return
	}
	for _, member := range []jsontext.Value{in.ETicket, in.File} {
		file, err := base64.StdEncoding.DecodeString(text(member))
		if err == nil && bytes.HasPrefix(file, []byte(signature)) {
			a.content = file
			return
		}
	}
}

func (a *fileAnswer) check() error { return nil }

// VoidInvoiceLines returns [pos.Unsupported]: Ticket Evolution cancels whole orders, and no documented call takes an item out of
// one. (Orders/Return takes an amount of money.)
func (c *Client) VoidInvoiceLines(context.Context, pos.Op, string, []string, pos.VoidInput) (pos.Invoice, error) {
	return pos.Invoice{}, &pos.Error{Class: pos.Unsupported, Op: "void invoice lines", Message: "an order is cancelled as a whole, or changed by a person"}
}

// FindHolds returns [pos.Unsupported]; see [Client.PlaceHold].
func (c *Client) FindHolds(context.Context, string) ([]pos.Hold, error) {
	return nil, noHolds("find holds")
}

// PlaceHold returns [pos.Unsupported]. Ticket Groups/Take keeps tickets back, but neither a key nor a search is known by which a
// repetition would find what an earlier attempt took, and the guide for partners says that nothing can be held at all.
func (c *Client) PlaceHold(context.Context, pos.Op, pos.HoldInput) (pos.Hold, error) {
	return pos.Hold{}, noHolds("place hold")
}

// ReleaseHold returns [pos.Unsupported]; see [Client.PlaceHold].
func (c *Client) ReleaseHold(context.Context, pos.Op, string) error { return noHolds("release hold") }

func noHolds(op string) error {
	return &pos.Error{Class: pos.Unsupported, Op: op, Message: "a hold could not be found again after a lost answer"}
}

// FulfillPurchaseOrder returns [pos.Unsupported]: no call by which a buyer says that tickets have come is documented, and
// Orders/Complete is the seller's.
func (c *Client) FulfillPurchaseOrder(context.Context, pos.Op, string, pos.FulfillmentInput) (pos.PurchaseOrder, error) {
	return pos.PurchaseOrder{}, &pos.Error{Class: pos.Unsupported, Op: "fulfill purchase order", Message: "the seller says in Ticket Evolution that tickets have come"}
}
