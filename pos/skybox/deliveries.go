package skybox

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"willcall/pos"
)

// carriers are the delivery methods that are parcels, by the name of their carrier (SkyBox OpenAPI 1.0.0, Invoice.deliveryMethod).
var carriers = map[string]string{"UPS": "UPS", "FEDEX": "FedEx", "USPS": "USPS", "COURIER": "courier"}

// GetDeliveries returns what is there for the buyer of an invoice, by its live lines. It is [pos.Unsupported] without
// Config.ReadDeliveries, because it stands on two assumptions that an operator has to check:
//
// A ticket's fileName, of which the document says "if present, a pdf file exists for this ticket", is the name by which GET
// /assets/{filename} "retrieves a file, base64 encoded" (assets, get); its answer has no declared type. What comes must be base64, bare
// or as a JSON string, of a PDF. A file that several tickets have must be that of all the tickets of one line, and only then is
// it given: else the document does not say whose page is whose.
//
// An invoice with the fulfillmentStatus COMPLETE was delivered by a person, in the way that its deliveryMethod names: WILLCALL and
// OFFICE_PICKUP are [pos.FormWillCall]; COURIER, UPS, FEDEX and USPS are [pos.FormParcel], whose number SkyBox does not tell;
// MOBILE_DELIVERY is [pos.FormTransfer] for lines whose tickets are all of the stock type MOBILE_TRANSFER. The system that they were
// transferred in is not told either. The other methods say nothing. All of that is of lines without files; an invoice that
// we ourselves set to COMPLETE looks the same.
//
// Errors: [pos.NotFound]; [pos.Unsupported] also for a file whose tickets are not clear.
func (c *Client) GetDeliveries(ctx context.Context, invoiceID string) ([]pos.Delivery, error) {
	const op = "get deliveries"
	if !c.cfg.ReadDeliveries {
		return nil, &pos.Error{Class: pos.Unsupported, Op: op, Message: "reading them stands on assumptions, and is not switched on"}
	}
	inv, err := c.read(ctx, op, invoiceID)
	if err != nil || inv.void {
		return nil, err
	}
	var all []pos.Delivery
	known := map[string]bool{} // names of files
	for _, line := range inv.seated {
		tickets, err := c.sold(ctx, op, inv.ID, line)
		if err != nil {
			return nil, err
		}
		found, err := byFile(op, line, tickets)
		if err != nil {
			return nil, err
		}
		for i := range found {
			f := &found[i]
			if known[f.Name] {
				return nil, unclearFile(op)
			}
			known[f.Name] = true
			if f.Content, err = c.file(ctx, op, f.Name); err != nil {
				return nil, err
			}
		}
		if len(found) == 0 && inv.Fulfillment == pos.Complete {
			found = byHand(line, inv.delivery, tickets)
		}
		all = append(all, found...)
	}
	return all, nil
}

// byFile are the files of a line's tickets, without their content.
func byFile(op, line string, tickets []ticketBody) ([]pos.Delivery, error) {
	var found []pos.Delivery
	for _, t := range tickets {
		if t.FileName == "" {
			continue
		}
		i := slices.IndexFunc(found, func(d pos.Delivery) bool { return d.Name == t.FileName })
		if i < 0 {
			i = len(found)
			found = append(found, pos.Delivery{Form: pos.FormFile, LineID: line, Name: t.FileName, MediaType: "application/pdf"})
		}
		found[i].TicketIDs = append(found[i].TicketIDs, t.ID.String())
	}
	for i := range found {
		switch n := len(found[i].TicketIDs); {
		case n > 1 && n < len(tickets):
			return nil, unclearFile(op)
		case n > 1:
			found[i].TicketIDs = nil // the order of its pages is not said
		}
	}
	return found, nil
}

// unclearFile does not name the file: its name is anything that a person typed.
func unclearFile(op string) error {
	return &pos.Error{Class: pos.Unsupported, Op: op, Message: "several tickets have one file, and whose it is is not clear"}
}

// byHand is how a person delivered a line, as far as SkyBox says.
func byHand(line, method string, tickets []ticketBody) []pos.Delivery {
	d := pos.Delivery{LineID: line}
	switch method {
	case "WILLCALL", "OFFICE_PICKUP":
		d.Form = pos.FormWillCall
	case "COURIER", "UPS", "FEDEX", "USPS":
		d.Form, d.Carrier = pos.FormParcel, carriers[method]
	case "MOBILE_DELIVERY":
		if len(tickets) == 0 || slices.ContainsFunc(tickets, func(t ticketBody) bool { return t.StockType != "MOBILE_TRANSFER" }) {
			return nil
		}
		d.Form = pos.FormTransfer
	default:
		return nil
	}
	for _, t := range tickets {
		d.TicketIDs = append(d.TicketIDs, t.ID.String())
	}
	return []pos.Delivery{d}
}

// file fetches a document.
func (c *Client) file(ctx context.Context, op, name string) ([]byte, error) {
	if name == "." || name == ".." {
		return nil, unclearFile(op) // as a path it would be another call
	}
	k := call{op: op, method: http.MethodGet, path: "/assets/" + url.PathEscape(name), accept: "*/*"}
	body, err := c.do(ctx, k)
	if err != nil {
		return nil, lost(err)
	}
	file, err := document(body)
	if err != nil {
		return nil, k.unfit(err)
	}
	return file, nil
}

// document decodes a PDF in base64, bare or as a JSON string. Anything else must not pass for a ticket.
func document(body []byte) ([]byte, error) {
	text := bytes.TrimSpace(body)
	if len(text) > 0 && text[0] == '"' {
		var s string
		if json.Unmarshal(text, &s) != nil {
			return nil, errors.New("it is not JSON")
		}
		text = []byte(s)
	}
	file := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(file, text)
	if err != nil || !bytes.HasPrefix(file[:n], []byte("%PDF-")) {
		return nil, errors.New("it is not a PDF in base64")
	}
	return file[:n], nil
}
