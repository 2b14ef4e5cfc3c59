package tixstock

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"willcall/provider"
)

// ErrNoStatus means that an answer must bear the order's status and none was given. Tixstock sets the order to what it reads
// there, so an empty one is not sent.
var ErrNoStatus = errors.New("tixstock: the answer needs a status of the order")

// Standing is what the answer to a webhook says of us.
type Standing struct {
	// Status is the External Status, as it is configured in Tixstock's admin area, for the order's present state. Only the
	// answers to fulfilments and to order.update bear it. Some are final at Tixstock: Commissionable raises an invoice and locks
	// the order (public: Order Update Webhook of the partner API), so it is not for an order that lacks a ticket.
	Status string
	// Success says that what the webhook asked for is done. For event.cancel it says that we know the event.
	Success bool
	// Message is for people at Tixstock; "": the document's own. It must hold no buyer data.
	Message string
}

// The answers, with the fields in the order of the documents.
type (
	// ("Order Ticket Fulfilment Webhooks", Resellers JSON Response)
	fulfilled struct {
		ExternalID  string `json:"external_id"`
		OrderStatus string `json:"order_status"`
		Message     string `json:"message"`
		Success     bool   `json:"success"`
	}
	// (public: Order Update Webhook)
	updated struct {
		OrderStatus string `json:"order_status"`
		Success     bool   `json:"success"`
	}
	// (public: Hold, Release and Delete Ticket Webhook); the partner API has no answer to the first two, and reads none.
	listed struct {
		ListingID string   `json:"listing_id"`
		Success   bool     `json:"success"`
		Message   string   `json:"message"`
		Errors    []string `json:"errors,omitempty"` // of a failure
	}
	// (public: Update Event Webhook)
	eventUpdated struct {
		EventID string   `json:"event_id"`
		Success bool     `json:"success"`
		Message string   `json:"message"`
		Errors  []string `json:"errors,omitempty"` // of a failure
	}
	// (public: Cancel Event Webhook)
	eventCancelled struct {
		EventFound bool            `json:"event_found"`
		Listings   map[string]bool `json:"listings,omitzero"` // only of an event that was found
	}
	// (public: Broker Closed Webhook)
	brokerClosed struct {
		BrokerID string `json:"broker_id"`
		Success  string `json:"success"` // a text there, and a Boolean everywhere else
		Message  string `json:"message"`
	}
	refusal struct {
		Success bool   `json:"success"`
		Status  int    `json:"status"`
		Message string `json:"message"`
	}
)

// messages are the documents' own, of success and of failure.
var messages = map[string][2]string{
	"ticket.hold":    {"Ticket quantity successfully decreased.", "Failed to decrease listing quantity."},
	"ticket.release": {"Ticket quantity successfully increased.", "Failed to increase listing quantity."},
	"ticket.delete":  {"Ticket successfully deleted.", "Ticket failed to be deleted."},
	"event.update":   {"Event details updated successfully.", "Event details failed to be updated."},
	"broker.closed":  {"Broker has been successfully disconnected", "Broker failed to disconnect"},
}

// Answer is what to answer to the webhook d, of which [Decode] made dec; it can be marshalled as JSON. It is nil where no
// document wants one: for broker.open and for unknown types the door's own receipt does.
//
// A webhook that was quarantined, or that brought a ticket that cannot be used, is answered as a failure whatever s says, with
// the document's message. An id that could not be read is "" in it.
//
// It returns [ErrNoStatus] where s lacks the status that the answer must bear. It fails in no other way. What HTTP status goes
// with a failure is nowhere said.
func Answer(d provider.Delivery, dec provider.Decoded, s Standing) (any, error) {
	typ := strings.ToLower(dec.Type)
	kind := types[typ]
	if s.Success && (dec.Disposition == provider.Quarantined || dec.Event != nil && dec.Event.Unusable != "") {
		s.Success, s.Message = false, ""
	}
	if (kind == eticket || kind == mobile || kind == update) && s.Status == "" {
		return nil, ErrNoStatus
	}
	texts, ok := messages[typ]
	if !ok {
		texts = [2]string{"Listing has been fulfilled for the order.", "Listing failed to be fulfilled for the order."}
	}
	text := cmp.Or(s.Message, texts[0])
	var faults []string
	if !s.Success {
		text = cmp.Or(s.Message, texts[1])
		faults = []string{text}
	}
	switch kind {
	case eticket, mobile:
		return fulfilled{dec.OrderID, s.Status, text, s.Success}, nil
	case update:
		return updated{s.Status, s.Success}, nil
	case event:
		if typ == "event.update" {
			return eventUpdated{dec.About.ID, s.Success, text, faults}, nil
		}
		if !s.Success {
			return eventCancelled{}, nil
		}
		return eventCancelled{EventFound: true, Listings: map[string]bool{}}, nil
	case listing, broker:
		if typ == brokerOpen {
			return nil, nil
		}
		m, _ := parse(d.Body) // what could not be read is answered as a failure already
		x := &m.Data.V
		switch typ {
		case "broker.closed":
			return brokerClosed{x.BrokerID.ID(), strconv.FormatBool(s.Success), text}, nil
		case "ticket.delete":
			return listed{x.ListingID.ID(), s.Success, text, faults}, nil
		}
		return listed{cmp.Or(x.ExternalID.ID(), x.ID.ID()), s.Success, text, faults}, nil // id: the partner API
	}
	return nil, nil
}

// Refusal is the body of an answer that refuses a webhook: one that is not proven "must" be answered with 401 and an error
// message (public: Webhooks, Overview). What the body looks like is nowhere said; Message and Success are as in the other
// answers.
func Refusal(status int, message string) any {
	return refusal{Success: false, Status: status, Message: message}
}
