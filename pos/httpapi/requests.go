package httpapi

import (
	"time"

	"willcall/pos"
)

// The request bodies of openapi.yaml, schemas CustomerInput, InvoiceInput, HoldInput, FulfillmentInput, PurchaseOrderInput
// and the VoidInputs.

type customerRequest struct {
	Name    string           `json:"name"`
	Email   string           `json:"email"`
	Phone   string           `json:"phone"`
	Company string           `json:"company"`
	Kind    pos.CustomerKind `json:"kind"`
}

type invoiceBody struct {
	ExternalReference string            `json:"external_reference"`
	CustomerID        string            `json:"customer_id"`
	HoldID            *string           `json:"hold_id"`
	Payment           pos.Payment       `json:"payment,omitempty"`
	Lines             []invoiceLineBody `json:"lines"`
}

type invoiceLineBody struct {
	InventoryID string    `json:"inventory_id"`
	TicketIDs   []string  `json:"ticket_ids,omitempty"`
	Quantity    int       `json:"quantity"`
	Total       moneyBody `json:"total"`
	Description string    `json:"description,omitempty"`
}

type moneyBody struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

type purchaseOrderBody struct {
	ExternalReference string             `json:"external_reference"`
	Vendor            vendorBody         `json:"vendor"`
	Payment           pos.Payment        `json:"payment,omitempty"`
	Lines             []purchaseLineBody `json:"lines"`
}

type vendorBody struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
}

type purchaseLineBody struct {
	Event    eventBody `json:"event"`
	Section  string    `json:"section"`
	Row      string    `json:"row"`
	Seats    []string  `json:"seats,omitempty"`
	Quantity int       `json:"quantity"`
	Total    moneyBody `json:"total"`
}

type eventBody struct {
	Name     string  `json:"name"`
	StartsAt *string `json:"starts_at"`
}

type invoiceVoidRequest struct {
	Restock bool   `json:"restock"`
	Reason  string `json:"reason"`
}

type linesVoidRequest struct {
	LineIDs []string `json:"line_ids"`
	Restock bool     `json:"restock"`
	Reason  string   `json:"reason"`
}

type holdBody struct {
	ExternalReference string   `json:"external_reference"`
	InventoryID       string   `json:"inventory_id"`
	TicketIDs         []string `json:"ticket_ids,omitempty"`
	Quantity          int      `json:"quantity"`
	ExpiresAt         string   `json:"expires_at"`
}

func holdRequest(ref string, in pos.HoldInput) holdBody {
	return holdBody{
		ExternalReference: ref, InventoryID: in.InventoryID, TicketIDs: in.TicketIDs, Quantity: in.Quantity,
		ExpiresAt: in.Until.UTC().Format(time.RFC3339),
	}
}

type purchaseOrderVoidRequest struct {
	Reason string `json:"reason"`
}

type fulfillmentBody struct {
	Fulfillment pos.Fulfillment `json:"fulfillment"`
	Files       *[]fileBody     `json:"files,omitempty"` // absent leaves them as they are
}

type fileBody struct {
	Name      string   `json:"name"`
	MediaType string   `json:"media_type"`
	TicketIDs []string `json:"ticket_ids,omitempty"`
	URL       string   `json:"url,omitempty"`
	Content   []byte   `json:"content,omitempty"` // encoding/json writes Base64
}

func fulfillmentRequest(in pos.FulfillmentInput) fulfillmentBody {
	b := fulfillmentBody{Fulfillment: in.State}
	if in.Files == nil {
		return b
	}
	files := make([]fileBody, 0, len(in.Files)) // an empty list takes all files away
	for _, f := range in.Files {
		files = append(files, fileBody{Name: f.Name, MediaType: f.MediaType, TicketIDs: f.TicketIDs, URL: f.URL, Content: f.Content})
	}
	b.Files = &files
	return b
}

// invoiceRequest fails if a total has no currency.
func invoiceRequest(ref string, in pos.InvoiceInput) (invoiceBody, error) {
	b := invoiceBody{ExternalReference: ref, CustomerID: in.CustomerID, Payment: in.Payment}
	if in.HoldID != "" {
		b.HoldID = &in.HoldID
	}
	for _, l := range in.Lines {
		total, err := l.Total.Amount()
		if err != nil {
			return invoiceBody{}, err
		}
		b.Lines = append(b.Lines, invoiceLineBody{
			InventoryID: l.InventoryID,
			TicketIDs:   l.TicketIDs,
			Quantity:    l.Quantity,
			Total:       moneyBody{Amount: total, Currency: l.Total.Currency},
			Description: l.Description,
		})
	}
	return b, nil
}

// purchaseOrderRequest fails if a total has no currency.
func purchaseOrderRequest(ref string, in pos.PurchaseInput) (purchaseOrderBody, error) {
	b := purchaseOrderBody{
		ExternalReference: ref,
		Vendor:            vendorBody{ID: in.Vendor.ID, Name: in.Vendor.Name},
		Payment:           in.Payment,
	}
	for _, l := range in.Lines {
		total, err := l.Total.Amount()
		if err != nil {
			return purchaseOrderBody{}, err
		}
		line := purchaseLineBody{
			Event:    eventBody{Name: l.Event.Name},
			Section:  l.Section,
			Row:      l.Row,
			Seats:    l.Seats,
			Quantity: l.Quantity,
			Total:    moneyBody{Amount: total, Currency: l.Total.Currency},
		}
		if !l.Event.StartsAt.IsZero() {
			at := l.Event.StartsAt.UTC().Format(time.RFC3339)
			line.Event.StartsAt = &at
		}
		b.Lines = append(b.Lines, line)
	}
	return b, nil
}
