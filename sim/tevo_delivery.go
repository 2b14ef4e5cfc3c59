package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxUpload is how many bytes the body of a call may have: what the real one takes is not public.
const maxUpload = 64 << 20

// tevoTransfers are the ways that a shipment can be changed to, tevoCompletes those of them that are completed, and tevoSources
// where transferred tickets come from. (Shipments/Update, Shipments/Complete)
var (
	tevoTransfers = []string{"TMMobile", "TMMobileLink", "FlashSeats", "Eticket"}
	tevoCompletes = []string{"TMMobile", "TMMobileLink", "FlashSeats"}
	tevoSources   = []string{"AXS", "AM", "BA", "DICE", "FS", "MPV", "PAC", "RDP", "SG", "SH", "TM", "VIV"}
)

// handleDelivery adds what a seller does to deliver, and a buyer to fetch. Mind the ids: paths of items have items[].id, and
// deliver_etickets and the query of print_etickets the order_item_id. Mind the methods, too: GETs that write. (The PHP
// client; Orders/Deliver Etickets, Order Items/Add Etickets, Order Items/Finalize Etickets)
func (t *TEvo) handleDelivery() {
	const item = "/v9/orders/{id}/items/{item}/"
	for _, one := range []struct {
		method, path string
		do           func(*tevoDeliveryCall) tevoAnswer
	}{
		{"POST", "/v9/orders/{id}/deliver_etickets", t.deliverETickets},
		{"POST", item + "add_etickets", t.addETickets},
		{"POST", item + "finalize_etickets", t.finalizeETickets},
		{"GET", item + "remove_etickets", t.removeETickets},
		{"GET", item + "convert_to_etickets", t.convertToETickets},
		{"PUT", "/v9/shipments/{id}", t.updateShipment},
		{"PUT", "/v9/shipments/{id}/complete", t.completeShipment},
		{"GET", "/v9/shipments/{id}/deliver", t.deliverShipment},
	} {
		t.mux.HandleFunc(one.method+" "+one.path, t.signed(func(r *http.Request, body []byte, answered bool) tevoAnswer {
			op := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
			call := TEvoCall{OrderID: r.PathValue("id"), Op: op, ItemID: r.PathValue("item"), Answered: answered}
			ofShipment := strings.HasPrefix(one.path, "/v9/shipments/")
			if ofShipment {
				call.OrderID, call.ShipmentID = "", r.PathValue("id")
				if op == call.ShipmentID {
					call.Op = "update"
				}
			}
			return t.change(call, func(call *TEvoCall) (tevoAnswer, *TEvoChange) {
				c := tevoDeliveryCall{TEvoCall: call, body: body}
				if ofShipment {
					call.OrderID, c.at = t.shipment(call.ShipmentID)
				}
				if refusal, ok := t.deliverable(&c); !ok {
					return refusal, nil
				}
				a := one.do(&c)
				return a, c.told
			})
		}))
	}
	t.mux.HandleFunc("GET /v9/shipments/{id}", t.signed(t.showShipment))
	t.mux.HandleFunc("GET /v9/orders/{id}/print_etickets", t.signed(t.printETickets))
	t.mux.HandleFunc("GET "+item+"print_etickets", t.signed(t.printETickets))
}

// A tevoDeliveryCall is a call of a seller about an order of his. Its methods need the API's mutex.
type tevoDeliveryCall struct {
	*TEvoCall
	body  []byte
	rec   *tevoRecord
	order TEvoOrder // filled
	at    int       // index of the shipment in the order's parcels
	told  *TEvoChange
}

// read reads the JSON of the call.
func (c *tevoDeliveryCall) read(v any) (tevoAnswer, bool) {
	if json.Unmarshal(c.body, v) != nil {
		return tevoError(http.StatusBadRequest, "the body is not the JSON that this call takes"), false
	}
	return tevoAnswer{}, true
}

// item is the index of the item whose items[].id this is.
func (c *tevoDeliveryCall) item(id string) (int, bool) {
	i := slices.IndexFunc(c.order.Items, func(it TEvoItem) bool { return it.ID == id })
	return i, i >= 0
}

// shipment finds a shipment's order, and its place there; "" if no order has it. It needs t.mu.
func (t *TEvo) shipment(id string) (orderID string, at int) {
	for orderID, rec := range t.orders {
		if i := slices.IndexFunc(rec.order.filled().parcels(), func(sh TEvoShipment) bool { return sh.ID == id }); i >= 0 {
			return orderID, i
		}
	}
	return "", 0
}

// deliverable finds the order of a call. Only a seller can deliver, and only what was accepted; files can be taken back of any
// order (assumption). It needs t.mu.
func (t *TEvo) deliverable(c *tevoDeliveryCall) (tevoAnswer, bool) {
	rec, ok := t.orders[c.OrderID]
	if !ok || rec.order.SellerState == tevoOpen {
		return tevoError(http.StatusNotFound, "not found"), false
	}
	c.rec, c.order = rec, rec.order.filled()
	switch state := c.order.State; {
	case c.order.Purchase:
		return tevoError(http.StatusUnprocessableEntity, "only the seller can do this"), false
	case c.Op != "remove_etickets" && state != tevoAccepted && state != tevoCompleted:
		return tevoError(http.StatusUnprocessableEntity, "the order is "+state), false
	}
	return tevoAnswer{}, true
}

// keep stores the order as it has become.
func (t *TEvo) keep(c *tevoDeliveryCall) {
	c.order = c.order.touched(t.now())
	c.rec.order, c.rec.changed = c.order, t.now()
}

// shown is the answer of calls about an item: the item, as Items/Show has it.
func (t *TEvo) shown(c *tevoDeliveryCall, i int) tevoAnswer {
	o := c.order.filled()
	o.hideUploads = t.opts.HideUploads
	return tevoAnswer{status: http.StatusOK, body: o.ItemBody(i)}
}

// finalized makes the pages final, and has the seller told.
func (t *TEvo) finalized(c *tevoDeliveryCall, i int, pages []TEvoPage) {
	it := &c.order.Items[i]
	it.Finalized, it.Uploaded, it.Kept, it.FinalizedAt = true, nil, pages, t.now().UTC()
	t.keep(c)
	c.told = &TEvoChange{Order: c.order.filled(), Recipient: "seller", EventType: "etickets_finalized", Item: i}
}

// takesFiles says why an item takes no files; "" if it does. That it takes none while it travels in another way, or once its
// files are final, are assumptions.
func (c *tevoDeliveryCall) takesFiles(i int) string {
	switch it := c.order.Items[i]; {
	case !slices.Contains([]string{"Eticket", "InstantDelivery"}, c.order.way(it.OrderItemID)):
		return "the item is no eticket"
	case it.Finalized:
		return "the etickets are final"
	}
	return ""
}

// addETickets is Order Items/Add Etickets: the files' pages come behind those that are there.
func (t *TEvo) addETickets(c *tevoDeliveryCall) tevoAnswer {
	var in struct{ Files []string }
	if a, ok := c.read(&in); !ok {
		return a
	}
	c.Files = len(in.Files)
	i, ok := c.item(c.ItemID)
	if !ok {
		return tevoError(http.StatusNotFound, "item not found")
	}
	if why := c.takesFiles(i); why != "" {
		return tevoError(http.StatusUnprocessableEntity, why)
	}
	if len(in.Files) == 0 {
		return tevoError(http.StatusUnprocessableEntity, "files can't be blank")
	}
	pages := slices.Clone(c.order.Items[i].Uploaded)
	for _, text := range in.Files {
		more, err := tevoPages(text)
		if err != nil {
			return tevoError(http.StatusUnprocessableEntity, "files: "+err.Error())
		}
		pages = append(pages, more...)
	}
	c.order.Items[i].Uploaded = pages
	t.keep(c)
	return t.shown(c, i)
}

// finalizeETickets is Order Items/Finalize Etickets.
func (t *TEvo) finalizeETickets(c *tevoDeliveryCall) tevoAnswer {
	var in struct {
		KeepPages      []int `json:"keep_pages"`
		IgnoreQuantity bool  `json:"ignore_quantity"`
	}
	if a, ok := c.read(&in); !ok {
		return a
	}
	c.KeepPages = in.KeepPages
	i, ok := c.item(c.ItemID)
	if !ok {
		return tevoError(http.StatusNotFound, "item not found")
	}
	if why := c.takesFiles(i); why != "" {
		return tevoError(http.StatusUnprocessableEntity, why)
	}
	it := c.order.Items[i]
	var kept []TEvoPage
	for _, n := range in.KeepPages {
		if n < 1 || n > len(it.Uploaded) {
			return tevoError(http.StatusUnprocessableEntity, fmt.Sprintf("keep_pages: there is no page %d", n))
		}
		kept = append(kept, it.Uploaded[n-1])
	}
	if len(kept) == 0 || !in.IgnoreQuantity && len(kept) != it.Quantity {
		return tevoError(http.StatusUnprocessableEntity, "keep_pages must be as many as the quantity")
	}
	t.finalized(c, i, kept)
	return t.shown(c, i)
}

// deliverETickets is Orders/Deliver Etickets: of each item that it names a PDF with all its tickets and nothing else; here
// item_id is the order_item_id.
func (t *TEvo) deliverETickets(c *tevoDeliveryCall) tevoAnswer {
	var in struct {
		Etickets []struct {
			ItemID  json.RawMessage `json:"item_id"`
			Eticket string
		}
	}
	if a, ok := c.read(&in); !ok {
		return a
	}
	c.Files = len(in.Etickets)
	if c.Files == 0 {
		return tevoError(http.StatusUnprocessableEntity, "etickets can't be blank")
	}
	pages := map[int][]TEvoPage{}
	for _, e := range in.Etickets {
		id := strings.Trim(string(e.ItemID), `"`)
		i := slices.IndexFunc(c.order.Items, func(it TEvoItem) bool { return it.OrderItemID == id })
		if i < 0 || pages[i] != nil {
			return tevoError(http.StatusUnprocessableEntity, "etickets: there is no such item, or it is given twice")
		}
		if why := c.takesFiles(i); why != "" {
			return tevoError(http.StatusUnprocessableEntity, why)
		}
		of, err := tevoPages(e.Eticket)
		if err != nil || len(of) != c.order.Items[i].Quantity {
			return tevoError(http.StatusUnprocessableEntity, "etickets: want a PDF with all tickets of the item, and only these")
		}
		pages[i] = of
	}
	for i := range c.order.Items {
		if of, ok := pages[i]; ok {
			t.finalized(c, i, of)
		}
	}
	return tevoAnswer{status: http.StatusOK, body: object{"result": "success"}}
}

// removeETickets is Order Items/Remove Etickets. Assumption: it removes those that are final, too, and answers the item.
func (t *TEvo) removeETickets(c *tevoDeliveryCall) tevoAnswer {
	i, ok := c.item(c.ItemID)
	if !ok {
		return tevoError(http.StatusNotFound, "item not found")
	}
	it := &c.order.Items[i]
	if t.opts.RemoveRefusesNone && !it.Finalized && len(it.Uploaded) == 0 {
		return tevoError(http.StatusUnprocessableEntity, "there are no etickets")
	}
	it.Finalized, it.Uploaded, it.Kept, it.FinalizedAt = false, nil, nil, time.Time{}
	t.keep(c)
	return t.shown(c, i)
}

// convertToETickets is Order Items/Convert to Etickets: it takes the item out of its shipment and puts it into a new one. Of
// an item that is an e-ticket already nothing becomes of it (assumption), and a shipment that is empty then is deleted.
func (t *TEvo) convertToETickets(c *tevoDeliveryCall) tevoAnswer {
	i, ok := c.item(c.ItemID)
	if !ok {
		return tevoError(http.StatusNotFound, "item not found")
	}
	id := c.order.Items[i].OrderItemID
	if c.order.way(id) == "Eticket" {
		return t.shown(c, i)
	}
	var left []TEvoShipment
	for _, sh := range c.order.parcels() {
		sh.Items = slices.DeleteFunc(slices.Clone(sh.Items), func(of string) bool { return of == id })
		if len(sh.Items) > 0 {
			left = append(left, sh)
		}
	}
	c.order.Shipments = append(left, TEvoShipment{ID: c.freshID(), Type: "Eticket", State: shipmentPending, Items: []string{id}})
	t.keep(c)
	return t.shown(c, i)
}

// freshID is the id of a shipment that the order has not had.
func (c *tevoDeliveryCall) freshID() string {
	c.rec.shipments++
	return fmt.Sprintf("%s%03d", c.order.ID, c.rec.shipments)
}

// updateShipment is Shipments/Update: the shipment is deleted, and one of the new type, with a new id, takes its place.
func (t *TEvo) updateShipment(c *tevoDeliveryCall) tevoAnswer {
	var in struct {
		Type string `json:"mobile_transfer_type"`
	}
	if a, ok := c.read(&in); !ok {
		return a
	}
	c.Type = in.Type
	list := c.order.parcels()
	sh := list[c.at]
	switch {
	case !slices.Contains(tevoTransfers, in.Type):
		return tevoError(http.StatusUnprocessableEntity, "mobile_transfer_type must be one of: "+strings.Join(tevoTransfers, ", "))
	case sh.State != shipmentPending:
		return tevoError(http.StatusUnprocessableEntity, "the shipment is "+sh.State)
	case t.opts.TransferTBDAlone && !strings.EqualFold(sh.Type, "TBD"):
		return tevoError(http.StatusUnprocessableEntity, "the shipment must be TBD")
	}
	list[c.at] = TEvoShipment{ID: c.freshID(), Type: in.Type, State: shipmentPending, Items: sh.Items}
	return t.sent(c, list)
}

// sent stores the shipments and answers the one of the call.
func (t *TEvo) sent(c *tevoDeliveryCall, list []TEvoShipment) tevoAnswer {
	c.order.Shipments = list
	t.keep(c)
	return tevoAnswer{status: http.StatusOK, body: c.order.shipmentBody(list[c.at])}
}

// completeShipment is Shipments/Complete: it completes the shipment, and the order as well. That the shipment is delivered then
// is an assumption: the list of its states has none that is called completed.
func (t *TEvo) completeShipment(c *tevoDeliveryCall) tevoAnswer {
	var in struct {
		Link   string `json:"tm_mobile_link"`
		Source string `json:"transfer_source"`
	}
	if a, ok := c.read(&in); !ok {
		return a
	}
	c.Link, c.Source = in.Link, in.Source
	list := c.order.parcels()
	sh := &list[c.at]
	c.Type = sh.Type
	switch {
	case sh.State != shipmentPending || !slices.Contains(tevoCompletes, sh.Type):
		return tevoError(http.StatusUnprocessableEntity, "the shipment must be a pending mobile transfer")
	case in.Link == "" && sh.Type == "TMMobileLink":
		return tevoError(http.StatusUnprocessableEntity, "tm_mobile_link can't be blank")
	case in.Link != "" && sh.Type == "FlashSeats":
		return tevoError(http.StatusUnprocessableEntity, "tm_mobile_link is not for FlashSeats")
	case in.Source != "" && !slices.Contains(tevoSources, in.Source):
		return tevoError(http.StatusUnprocessableEntity, "transfer_source must be one of: "+strings.Join(tevoSources, ", "))
	}
	sh.State, sh.Link, sh.Source = shipmentDelivered, in.Link, in.Source
	c.order = c.order.Completed(t.now())
	return t.sent(c, list)
}

// deliverShipment is Shipments/Deliver: the shipment's state alone changes (assumption).
func (t *TEvo) deliverShipment(c *tevoDeliveryCall) tevoAnswer {
	list := c.order.parcels()
	if s := list[c.at].State; s != shipmentPending && s != "in_transit" {
		return tevoError(http.StatusUnprocessableEntity, "the shipment is "+s)
	}
	c.Type = list[c.at].Type
	list[c.at].State = shipmentDelivered
	return t.sent(c, list)
}

// showShipment is Shipments/Show.
func (t *TEvo) showShipment(r *http.Request, _ []byte, _ bool) tevoAnswer {
	t.mu.Lock()
	defer t.mu.Unlock()
	orderID, at := t.shipment(r.PathValue("id"))
	rec := t.orders[orderID]
	if rec == nil || rec.order.SellerState == tevoOpen {
		return tevoError(http.StatusNotFound, "shipment not found")
	}
	o := rec.order.filled()
	return tevoAnswer{status: http.StatusOK, body: o.shipmentBody(o.parcels()[at])}
}

// printETickets is Orders/Print Etickets, whose item_id is taken for an order_item_id, and Order Items/Print Etickets, whose path
// has items[].id: of the items asked for those that are final, one behind the other. Without any it is not found (assumption).
func (t *TEvo) printETickets(r *http.Request, _ []byte, _ bool) tevoAnswer {
	o, ok := t.Order(r.PathValue("id"))
	if !ok || o.SellerState == tevoOpen {
		return tevoError(http.StatusNotFound, "order not found")
	}
	linkID, orderItemID := r.PathValue("item"), r.URL.Query().Get("item_id")
	var texts []string
	for _, it := range o.Items {
		if (linkID == "" || it.ID == linkID) && (orderItemID == "" || it.OrderItemID == orderItemID) {
			texts = append(texts, it.printed()...)
		}
	}
	if len(texts) == 0 {
		return tevoError(http.StatusNotFound, "there are no etickets")
	}
	pdf := PDF(texts...)
	if t.opts.ETicketsJSON {
		return tevoAnswer{status: http.StatusOK, body: object{"eticket": base64.StdEncoding.EncodeToString(pdf)}}
	}
	return tevoAnswer{status: http.StatusOK, raw: pdf}
}

// printed are the pages of the item's final files. Whoever finalised an item without the API had a page for each ticket.
func (it TEvoItem) printed() (texts []string) {
	for _, p := range it.Kept {
		texts = append(texts, p.Text)
	}
	for i := 0; it.Finalized && len(it.Kept) == 0 && i < it.Quantity; i++ {
		seat := fmt.Sprintf("ticket %d of %d", i+1, it.Quantity)
		if i < len(it.Seats) {
			seat = "Seat " + it.Seats[i]
		}
		texts = append(texts, "Section "+it.Section+" Row "+it.Row+"\n"+seat)
	}
	return texts
}

// serveETickets tells what the buyer of an order has: by items[].id the pages that are final.
func (t *TEvo) serveETickets(w http.ResponseWriter, r *http.Request) {
	o, ok := t.Order(r.PathValue("id"))
	if !ok {
		writeJSON(w, http.StatusNotFound, object{"error": "order not found"})
		return
	}
	items := object{}
	for _, it := range o.Items {
		pages := []any{}
		for _, p := range it.Kept {
			pages = append(pages, object{"file": p.File, "page": p.Page, "text": p.Text})
		}
		items[it.ID] = object{"order_item_id": it.OrderItemID, "finalized": it.Finalized, "pages": pages}
	}
	writeJSON(w, http.StatusOK, object{"items": items})
}

// servePut makes an order known, for whoever cannot call Put: its lines with both of their ids, how it travels and where it
// stands, each with the default of [TEvoOrder]. It answers the order.
func (t *TEvo) servePut(w http.ResponseWriter, r *http.Request) {
	var in struct {
		GroupID  string `json:"group_id"`
		Purchase bool   `json:"purchase"`
		State    string `json:"state"`
		Delivery string `json:"delivery"`
		Format   string `json:"format"`
		Items    []struct {
			ID          string   `json:"id"`
			OrderItemID string   `json:"order_item_id"`
			RemoteID    string   `json:"remote_id"`
			Quantity    int      `json:"quantity"`
			PriceMinor  int64    `json:"price_minor"`
			Seats       []string `json:"seats"`
		} `json:"items"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		writeJSON(w, http.StatusBadRequest, object{"error": "order: " + err.Error()})
		return
	}
	o := TEvoOrder{ID: r.PathValue("id"), GroupID: in.GroupID, Purchase: in.Purchase, State: in.State, Delivery: in.Delivery, Format: in.Format}
	for _, it := range in.Items {
		o.Items = append(o.Items, TEvoItem{
			ID: it.ID, OrderItemID: it.OrderItemID, RemoteID: it.RemoteID, Quantity: it.Quantity, PriceMinor: it.PriceMinor, Seats: it.Seats,
		})
	}
	o = o.At(t.now())
	t.Put(o)
	writeJSON(w, http.StatusOK, t.body(o))
}

// A page object, and not the tree of pages; what a content stream sets.
var (
	pdfPage   = regexp.MustCompile(`/Type\s*/Page[^s\w]`)
	pdfStream = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`)
	pdfSet    = regexp.MustCompile(`\(((?:\\.|[^\\)])*)\) Tj`)
	pdfEscape = regexp.MustCompile(`\\(.)`)
)

// tevoPages are the pages of a file in base64: as many as page objects stand in it in plain text, with what is set on them
// if that can be read as easily.
func tevoPages(text string) ([]TEvoPage, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !bytes.HasPrefix(raw, []byte("%PDF-")) {
		return nil, fmt.Errorf("want PDFs in base64")
	}
	sum := sha256.Sum256(raw)
	file := hex.EncodeToString(sum[:])
	streams := pdfStream.FindAllSubmatch(raw, -1)
	var pages []TEvoPage
	for i := range pdfPage.FindAll(raw, -1) {
		p := TEvoPage{File: file, Page: i + 1}
		if i < len(streams) {
			var lines []string
			for _, m := range pdfSet.FindAllSubmatch(streams[i][1], -1) {
				lines = append(lines, pdfEscape.ReplaceAllString(string(m[1]), "$1"))
			}
			p.Text = strings.Join(lines, "\n")
		}
		pages = append(pages, p)
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("the file has no pages")
	}
	return pages, nil
}
