package sim

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// coreTicket is one ticket of an order item.
type coreTicket struct {
	id, barcode string
	delivered   bool
}

// coreShipment is how tickets of an order travel.
type coreShipment struct{ id, kind, state string }

// eticket keeps for the state what proves which file it was, and returns the file. It needs c.mu.
func (o *coreOrder) eticket(name, content string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(content)
	if err != nil || len(raw) == 0 {
		return nil, fmt.Errorf("%s is not base64 of a file", name)
	}
	sum := sha256.Sum256(raw)
	o.files = append(o.files, POSFile{
		Name: name, MediaType: "application/pdf", TicketIDs: []string{}, Bytes: len(raw), SHA256: hex.EncodeToString(sum[:]),
	})
	return raw, nil
}

// A TEvoCoreItem is what the contract's view of an order has no place for.
type TEvoCoreItem struct {
	ID        string   // items[].id
	TicketIDs []string // items[].tickets[].id
	Final     bool     // its e-tickets went to the buyer
}

// Items returns the items of an order; none of one that is not there.
func (c *TEvoCore) Items(orderID string) (all []TEvoCoreItem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.order(orderID)
	if o == nil {
		return nil
	}
	for _, it := range o.items {
		one := TEvoCoreItem{ID: it.id, Final: it.final()}
		for _, t := range it.tickets {
			one.TicketIDs = append(one.TicketIDs, t.id)
		}
		all = append(all, one)
	}
	return all
}

// deliverable finds the order of a delivery; void ones deliver nothing. It needs c.mu.
func (c *TEvoCore) deliverable(id string) (*coreOrder, coreAnswer, bool) {
	o := c.order(id)
	switch {
	case o == nil:
		return nil, coreRefuse(http.StatusNotFound, "order not found"), false
	case o.void() || o.state == tevoCancelProposed:
		return nil, coreRefuse(http.StatusUnprocessableEntity, "the order is "+o.state), false
	}
	return o, coreAnswer{}, true
}

func coreSuccess(id string) coreAnswer {
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: object{"result": "success"}}, outcome: "fulfilled", id: id}
}

// deliverEtickets is Orders/Deliver Etickets: a PDF for every item, "all, and only all". Here item_id is the order_item_id.
func (c *TEvoCore) deliverEtickets(r *coreRequest) coreAnswer {
	var in struct {
		Etickets []struct {
			ItemID  coreID `json:"item_id"`
			Eticket string `json:"eticket"`
		} `json:"etickets"`
	}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o, a, ok := c.deliverable(r.PathValue("id"))
	if !ok {
		return a
	}
	named := map[string]bool{}
	for _, e := range in.Etickets {
		named[string(e.ItemID)] = true
	}
	all := len(named) == len(o.items) && len(in.Etickets) == len(o.items)
	for _, it := range o.items {
		all = all && named[it.orderItemID]
	}
	if !all {
		return coreRefuse(http.StatusUnprocessableEntity, "etickets must be given for all items, and only for all")
	}
	files := slices.Clone(o.files)
	for _, e := range in.Etickets {
		if _, err := o.eticket(string(e.ItemID)+".pdf", e.Eticket); err != nil {
			o.files = files
			return coreRefuse(http.StatusUnprocessableEntity, err.Error())
		}
	}
	for _, e := range in.Etickets {
		it := o.items[slices.IndexFunc(o.items, func(it *coreItem) bool { return it.orderItemID == string(e.ItemID) })]
		raw, _ := base64.StdEncoding.DecodeString(e.Eticket)
		it.added, it.kept, it.finalized = [][]byte{raw}, nil, c.now().UTC()
		for n := range pagesOf(raw) {
			it.kept = append(it.kept, n+1)
		}
	}
	o.state, o.updated = tevoCompleted, c.now().UTC()
	return coreSuccess(o.id)
}

// pageMark begins the object of a page, in documents whose objects are not compressed.
var pageMark = regexp.MustCompile(`/Type\s*/Page\b`)

// pagesOf is how many pages a file has. One in which none can be found counts as one (assumption).
func pagesOf(file []byte) int {
	return max(1, len(pageMark.FindAll(file, -1)))
}

// item finds an item by items[].id, which is what these paths mean. It needs c.mu.
func (o *coreOrder) item(id string) *coreItem {
	return find(o.items, id, func(it *coreItem) string { return it.id })
}

// itemAnswer answers with an item as it is shown. It needs c.mu.
func (o *coreOrder) itemAnswer(it *coreItem, outcome string) coreAnswer {
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: o.itemBody(it)}, outcome: outcome, id: o.id}
}

// ofItem finds the item of a call and its order. It needs c.mu.
func (c *TEvoCore) ofItem(r *coreRequest) (*coreOrder, *coreItem, coreAnswer, bool) {
	o, a, ok := c.deliverable(r.PathValue("id"))
	if !ok {
		return nil, nil, a, false
	}
	it := o.item(r.PathValue("item"))
	if it == nil {
		return nil, nil, coreRefuse(http.StatusNotFound, "item not found"), false
	}
	return o, it, coreAnswer{}, true
}

// addEtickets is Order Items/Add Etickets: each file's pages come after those that are there. Assumption: final e-tickets take no
// more.
func (c *TEvoCore) addEtickets(r *coreRequest) coreAnswer {
	var in struct {
		Files []string `json:"files"`
	}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o, it, a, ok := c.ofItem(r)
	switch {
	case !ok:
		return a
	case len(in.Files) == 0:
		return coreInvalid(coreFaults{"files": {"can't be blank"}})
	case it.final():
		return coreRefuse(http.StatusUnprocessableEntity, "the etickets are finalized")
	}
	files, added := slices.Clone(o.files), it.added
	for _, f := range in.Files {
		raw, err := o.eticket(fmt.Sprintf("%s-%d.pdf", it.id, len(it.added)+1), f)
		if err != nil {
			o.files, it.added = files, added
			return coreRefuse(http.StatusUnprocessableEntity, err.Error())
		}
		it.added = append(slices.Clone(it.added), raw)
	}
	o.updated = c.now().UTC()
	return o.itemAnswer(it, "added")
}

// removeEtickets is Order Items/Remove Etickets, a GET that changes something. Assumptions: it is a success where there are none,
// and final ones stay.
func (c *TEvoCore) removeEtickets(r *coreRequest) coreAnswer {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, it, a, ok := c.ofItem(r)
	switch {
	case !ok:
		return a
	case it.final():
		return coreRefuse(http.StatusUnprocessableEntity, "the etickets are finalized")
	}
	o.files = slices.DeleteFunc(o.files, func(f POSFile) bool { return strings.HasPrefix(f.Name, it.id+"-") })
	it.added, o.updated = nil, c.now().UTC()
	return o.itemAnswer(it, "removed")
}

// printEtickets is Order Items/Print Etickets, and Orders/Print Etickets, whose item_id is taken for an items[].id (assumption).
// Only final ones are there; several files come as one document, whose pages say which they were. See
// [TEvoCoreOptions.PrintJSON] for the form.
func (c *TEvoCore) printEtickets(r *coreRequest) coreAnswer {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.order(r.PathValue("id"))
	if o == nil {
		return coreRefuse(http.StatusNotFound, "order not found")
	}
	item := cmp.Or(r.PathValue("item"), r.URL.Query().Get("item_id"))
	var files [][]byte
	for _, it := range o.items {
		if it.final() && (item == "" || item == it.id) {
			files = append(files, it.joined())
		}
	}
	if len(files) == 0 {
		return coreRefuse(http.StatusNotFound, "there are no etickets")
	}
	file := join(files)
	if c.opts.PrintJSON {
		return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: object{"eticket": base64.StdEncoding.EncodeToString(file)}}}
	}
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK}, file: file}
}

// joined are the pages of an item that were kept.
func (it *coreItem) joined() []byte {
	if len(it.added) == 1 && len(it.kept) == pagesOf(it.added[0]) {
		return it.added[0]
	}
	var pages []string
	n := 0
	for _, f := range it.added {
		for page := range pagesOf(f) {
			if n++; slices.Contains(it.kept, n) {
				pages = append(pages, fmt.Sprintf("page %d of file %x", page+1, sha256.Sum256(f)))
			}
		}
	}
	return PDF(pages...)
}

func join(files [][]byte) []byte {
	if len(files) == 1 {
		return files[0]
	}
	var pages []string
	for _, f := range files {
		for page := range pagesOf(f) {
			pages = append(pages, fmt.Sprintf("page %d of file %x", page+1, sha256.Sum256(f)))
		}
	}
	return PDF(pages...)
}

// completeOrder is Orders/Complete. Assumption: one that is completed, void or not accepted yet is refused.
func (c *TEvoCore) completeOrder(r *coreRequest) coreAnswer {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, a, ok := c.deliverable(r.PathValue("id"))
	switch {
	case !ok:
		return a
	case o.state != tevoAccepted:
		return coreRefuse(http.StatusUnprocessableEntity, "the order is "+o.state)
	}
	o.state, o.updated = tevoCompleted, c.now().UTC()
	return coreAnswer{tevoAnswer: tevoAnswer{status: http.StatusOK, body: c.body(o)}, outcome: "fulfilled", id: o.id}
}

// finalizeEtickets is Order Items/Finalize Etickets: the pages to keep, one for each ticket unless ignore_quantity. The
// order is completed when its last item is final, unless [TEvoCoreOptions.FinalStaysOpen].
func (c *TEvoCore) finalizeEtickets(r *coreRequest) coreAnswer {
	var in struct {
		KeepPages      []int `json:"keep_pages"`
		IgnoreQuantity bool  `json:"ignore_quantity"`
	}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o, it, a, ok := c.ofItem(r)
	if !ok {
		return a
	}
	pages := 0
	for _, file := range it.added {
		pages += pagesOf(file)
	}
	f := coreFaults{}
	f.check(!it.final(), "base", "the etickets are finalized")
	f.check(len(in.KeepPages) > 0, "keep_pages", "can't be blank")
	f.check(in.IgnoreQuantity || len(in.KeepPages) == it.quantity, "keep_pages", "must be one for each ticket")
	f.check(!slices.ContainsFunc(in.KeepPages, func(n int) bool { return n < 1 || n > pages }), "keep_pages", "there is no such page")
	if len(f) > 0 {
		return coreInvalid(f)
	}
	it.kept, it.finalized, o.updated = in.KeepPages, c.now().UTC(), c.now().UTC()
	if !c.opts.FinalStaysOpen && !slices.ContainsFunc(o.items, func(it *coreItem) bool { return !it.final() }) {
		o.state = tevoCompleted
	}
	return o.itemAnswer(it, "fulfilled")
}

// updateTicket is Tickets/Update: a single ticket's file or barcode.
func (c *TEvoCore) updateTicket(r *coreRequest) coreAnswer {
	var in struct {
		Eticket string `json:"eticket"`
		Barcode string `json:"barcode"`
	}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	if in.Eticket == "" && in.Barcode == "" {
		return coreInvalid(coreFaults{"eticket": {"or barcode is required"}})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id := r.PathValue("id")
	for _, o := range c.orders {
		for _, it := range o.items {
			t := find(it.tickets, id, func(t *coreTicket) string { return t.id })
			if t == nil {
				continue
			}
			if _, a, ok := c.deliverable(o.id); !ok {
				return a
			}
			if in.Eticket != "" {
				if _, err := o.eticket("ticket-"+id+".pdf", in.Eticket); err != nil {
					return coreRefuse(http.StatusUnprocessableEntity, err.Error())
				}
				t.delivered = true
			}
			t.barcode = in.Barcode
			return coreAnswer{
				tevoAnswer: tevoAnswer{status: http.StatusOK, body: object{"id": number(id), "barcode": orNull(t.barcode)}}, outcome: "fulfilled", id: o.id,
			}
		}
	}
	return coreRefuse(http.StatusNotFound, "ticket not found")
}

// shipment finds a shipment and its order. It needs c.mu.
func (c *TEvoCore) shipment(id string) (*coreOrder, *coreShipment, error) {
	for _, o := range c.orders {
		if sh := find(o.shipments, id, func(sh *coreShipment) string { return sh.id }); sh != nil {
			return o, sh, nil
		}
	}
	return nil, nil, errNoOrder
}

// coreTransfers are the mobile transfers that a shipment can become, coreSources where the tickets come from.
var (
	coreTransfers = []string{"TMMobileLink", "TMMobile", "FlashSeats"}
	coreSources   = []string{"AXS", "AM", "BA", "FS", "PAC", "SG", "SH", "TM"}
)

// updateShipment is Shipments/Update: a shipment whose way is to be decided becomes a mobile transfer, under a new id.
func (c *TEvoCore) updateShipment(r *coreRequest) coreAnswer {
	var in struct {
		Type string `json:"mobile_transfer_type"`
	}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	if !slices.Contains(coreTransfers, in.Type) {
		return coreInvalid(coreFaults{"mobile_transfer_type": {"is not included in the list"}})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o, sh, err := c.shipment(r.PathValue("id"))
	if err != nil {
		return coreRefuse(http.StatusNotFound, "shipment not found")
	}
	if _, a, ok := c.deliverable(o.id); !ok {
		return a
	}
	if !strings.EqualFold(sh.kind, "TBD") || sh.state != "pending" {
		return coreRefuse(http.StatusUnprocessableEntity, "the shipment must be TBD")
	}
	sh.state = "canceled"
	fresh := &coreShipment{id: c.newID(), kind: in.Type, state: "pending"}
	o.shipments, o.updated = append(o.shipments, fresh), c.now().UTC()
	return coreAnswer{
		tevoAnswer: tevoAnswer{status: http.StatusOK, body: object{"id": number(fresh.id), "type": fresh.kind, "state": fresh.state}},
		outcome:    "created", id: o.id,
	}
}

// completeShipment is Shipments/Complete: it "completes shipment and order". A TMMobileLink needs its link.
func (c *TEvoCore) completeShipment(r *coreRequest) coreAnswer {
	var in struct {
		Link   string `json:"tm_mobile_link"`
		Source string `json:"transfer_source"`
	}
	if a, ok := coreRead(r, &in); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o, sh, err := c.shipment(r.PathValue("id"))
	if err != nil {
		return coreRefuse(http.StatusNotFound, "shipment not found")
	}
	if _, a, ok := c.deliverable(o.id); !ok {
		return a
	}
	f := coreFaults{}
	f.check(in.Link != "" || sh.kind != "TMMobileLink", "tm_mobile_link", "can't be blank")
	f.check(in.Source == "" || slices.Contains(coreSources, in.Source), "transfer_source", "is not included in the list")
	if len(f) > 0 {
		return coreInvalid(f)
	}
	if sh.state != "pending" || !slices.Contains(coreTransfers, sh.kind) {
		return coreRefuse(http.StatusUnprocessableEntity, "the shipment must be a pending mobile transfer")
	}
	sh.state, o.state, o.updated = "delivered", tevoCompleted, c.now().UTC()
	return coreAnswer{
		tevoAnswer: tevoAnswer{status: http.StatusOK, body: object{"id": number(sh.id), "type": sh.kind, "state": sh.state}},
		outcome:    "fulfilled", id: o.id,
	}
}
