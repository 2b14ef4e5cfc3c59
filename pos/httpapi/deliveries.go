package httpapi

import (
	"errors"
	"net/url"

	"willcall/pos"
)

// The answer that is deliveries: openapi.yaml, schemas Delivery and DeliveryList. An answer with one delivery that is not understood
// is not understood at all: the rest of it may be less than the buyer's tickets, or another's.

type deliveryAnswer struct {
	Form      pos.DeliveryForm `json:"form"`
	LineID    string           `json:"line_id"`
	TicketIDs []string         `json:"ticket_ids"`
	Name      string           `json:"name"`
	MediaType string           `json:"media_type"`
	Content   []byte           `json:"content"` // encoding/json reads Base64
	URL       string           `json:"url"`
	Via       string           `json:"via"`
	Carrier   string           `json:"carrier"`
	Tracking  string           `json:"tracking"`
}

func (a *deliveryAnswer) check() error {
	lacks := false
	switch a.Form {
	case pos.FormFile:
		lacks = len(a.Content) == 0 || a.MediaType == ""
	case pos.FormLink:
		lacks = a.URL == ""
	case pos.FormTransfer:
		lacks = a.Via == ""
	case pos.FormParcel:
		lacks = a.Carrier == ""
	case pos.FormWillCall:
	default:
		return errors.New("a delivery has a form that is not in the contract")
	}
	if lacks {
		return errors.New("a delivery lacks what its form needs")
	}
	if u, err := url.Parse(a.URL); a.URL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return errors.New("a delivery's url is no address")
	}
	return nil
}

type deliveriesAnswer struct {
	Items []deliveryAnswer `json:"items"`
}

func (a *deliveriesAnswer) check() error {
	if a.Items == nil {
		return errNoItems
	}
	for i := range a.Items {
		if err := a.Items[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (a *deliveriesAnswer) records() []pos.Delivery {
	var all []pos.Delivery
	for i := range a.Items {
		all = append(all, pos.Delivery(a.Items[i]))
	}
	return all
}
