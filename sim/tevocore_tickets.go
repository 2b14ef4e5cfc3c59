package sim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
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

// eticket keeps what proves which file it was, not the file. It needs c.mu.
func (o *coreOrder) eticket(name, content string) error {
	raw, err := base64.StdEncoding.DecodeString(content)
	if err != nil || len(raw) == 0 {
		return fmt.Errorf("%s is not base64 of a file", name)
	}
	sum := sha256.Sum256(raw)
	o.files = append(o.files, POSFile{
		Name: name, MediaType: "application/pdf", TicketIDs: []string{}, Bytes: len(raw), SHA256: hex.EncodeToString(sum[:]),
	})
	return nil
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
		if err := o.eticket(string(e.ItemID)+".pdf", e.Eticket); err != nil {
			o.files = files
			return coreRefuse(http.StatusUnprocessableEntity, err.Error())
		}
	}
	for _, it := range o.items {
		it.finalized = true
	}
	o.state, o.updated = tevoCompleted, c.now().UTC()
	return coreSuccess(o.id)
}

// item finds an item by items[].id, which is what these paths mean. It needs c.mu.
func (o *coreOrder) item(id string) *coreItem {
	return find(o.items, id, func(it *coreItem) string { return it.id })
}

// addEtickets is Order Items/Add Etickets: files of pages. Assumption: a file is one page.
func (c *TEvoCore) addEtickets(r *coreRequest) coreAnswer {
	var in struct {
		Files []string `json:"files"`
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
	it := o.item(r.PathValue("item"))
	if it == nil {
		return coreRefuse(http.StatusNotFound, "item not found")
	}
	if len(in.Files) == 0 {
		return coreInvalid(coreFaults{"files": {"can't be blank"}})
	}
	files := slices.Clone(o.files)
	for i, f := range in.Files {
		if err := o.eticket(fmt.Sprintf("%s-%d.pdf", it.id, it.pages+i+1), f); err != nil {
			o.files = files
			return coreRefuse(http.StatusUnprocessableEntity, err.Error())
		}
	}
	it.pages += len(in.Files)
	return coreSuccess(o.id)
}

// finalizeEtickets is Order Items/Finalize Etickets: the pages to keep, one for each ticket unless ignore_quantity. The
// order is completed when its last item is final (assumption).
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
	o, a, ok := c.deliverable(r.PathValue("id"))
	if !ok {
		return a
	}
	it := o.item(r.PathValue("item"))
	if it == nil {
		return coreRefuse(http.StatusNotFound, "item not found")
	}
	f := coreFaults{}
	f.check(len(in.KeepPages) > 0, "keep_pages", "can't be blank")
	f.check(in.IgnoreQuantity || len(in.KeepPages) == it.quantity, "keep_pages", "must be one for each ticket")
	f.check(!slices.ContainsFunc(in.KeepPages, func(n int) bool { return n < 1 || n > it.pages }), "keep_pages", "there is no such page")
	if len(f) > 0 {
		return coreInvalid(f)
	}
	it.finalized = true
	if !slices.ContainsFunc(o.items, func(it *coreItem) bool { return !it.finalized }) {
		o.state = tevoCompleted
	}
	o.updated = c.now().UTC()
	return coreSuccess(o.id)
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
				if err := o.eticket("ticket-"+id+".pdf", in.Eticket); err != nil {
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
