package sim

import (
	"fmt"
	"io"
	"net/http"
	"slices"
)

// A POSDelivery is something that is there to be given to the buyer of an invoice, as the contract has it.
type POSDelivery struct {
	Form      string   `json:"form"` // "file", "link", "transfer", "parcel", "will_call"; the contract says what each needs
	LineID    string   `json:"line_id,omitempty"`
	TicketIDs []string `json:"ticket_ids,omitempty"`
	Name      string   `json:"name,omitempty"`
	MediaType string   `json:"media_type,omitempty"`
	Content   []byte   `json:"content,omitempty"` // encoding/json writes Base64
	URL       string   `json:"url,omitempty"`
	Via       string   `json:"via,omitempty"`
	Carrier   string   `json:"carrier,omitempty"`
	Tracking  string   `json:"tracking,omitempty"`
}

// SetDeliveries replaces what is there for the buyer of an invoice, as when files come into the POS, and posts the event
// invoice.deliveries_changed. What it is given is served as it is, also where the contract forbids it. It fails for an unknown invoice.
func (p *POS) SetDeliveries(invoiceID string, all []POSDelivery) error {
	reference, known := func() (string, bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		inv := p.invoice(invoiceID)
		if inv == nil {
			return "", false
		}
		p.supply[invoiceID] = slices.Clone(all)
		return inv.ExternalReference, true
	}()
	if !known {
		return fmt.Errorf("sim: no invoice %q", invoiceID)
	}
	p.tell("invoice.deliveries_changed", invoiceID, reference)
	return nil
}

// VoidByHand makes an invoice void as a person does who works in the POS, puts its tickets back, and posts the event
// invoice.voided; one that is void stays as it is. It fails for an unknown invoice.
func (p *POS) VoidByHand(invoiceID, reason string) error {
	reference, known, voided := func() (string, bool, bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		inv := p.invoice(invoiceID)
		if inv == nil || inv.Voided {
			return "", inv != nil, false
		}
		p.void(inv, true, reason)
		return inv.ExternalReference, true, true
	}()
	if !known {
		return fmt.Errorf("sim: no invoice %q", invoiceID)
	}
	if voided {
		p.tell("invoice.voided", invoiceID, reference)
	}
	return nil
}

func (p *POS) getDeliveries(r *posRequest) posAnswer {
	if p.opts.NoDeliveries {
		return refuse(unsupported("this POS does not say what is there for a buyer"))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	inv := p.invoice(r.PathValue("id"))
	if inv == nil {
		return refuse(notFound("no such invoice"))
	}
	return posAnswer{status: http.StatusOK, value: object{"items": append([]POSDelivery{}, p.supply[inv.ID]...)}}
}

// adminDeliveries answers PUT /admin/invoices/{id}/deliveries, whose body is the contract's DeliveryList.
func (p *POS) adminDeliveries(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Items []POSDelivery `json:"items"`
	}
	p.byHand(w, r, &in, func() error { return p.SetDeliveries(r.PathValue("id"), in.Items) })
}

// adminVoid answers PUT /admin/invoices/{id}/void, whose body has a reason.
func (p *POS) adminVoid(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Reason string `json:"reason"`
	}
	p.byHand(w, r, &in, func() error { return p.VoidByHand(r.PathValue("id"), in.Reason) })
}

// byHand reads a body of the simulator's own API and does what it asks for: 204, 400 for another body, 404 for an unknown record.
func (p *POS) byHand(w http.ResponseWriter, r *http.Request, into any, do func() error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, object{"error": "the body could not be read"})
		return
	}
	if wrong := readJSON(r, body, into); wrong != nil {
		writeJSON(w, http.StatusBadRequest, object{"error": wrong.Detail})
		return
	}
	if err := do(); err != nil {
		writeJSON(w, http.StatusNotFound, object{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
