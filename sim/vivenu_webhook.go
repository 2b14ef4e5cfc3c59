package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// vivenuTypes are the 36 types of the document's "Webhooks": those that can be subscribed to, and ticket.checkin.
var vivenuTypes = []string{
	"transaction.complete", "transaction.reservedBySystem", "transaction.canceled", "transaction.partiallyCanceled",
	"checkout.completed", "checkout.aborted", "checkout.detailsSubmitted",
	"ticket.created", "ticket.updated", "ticket.checkin",
	"purchaseIntent.created", "purchaseIntent.updated", "purchaseIntent.completed", "purchaseIntent.approved",
	"purchaseIntent.rejected", "purchaseIntent.expired", "purchaseIntent.cancelled",
	"customer.created", "customer.updated", "event.created", "event.updated", "event.deleted",
	"job.started", "job.failed", "job.completed", "support.assignedToSeller",
	"ticketTransfer.created", "ticketTransfer.rejected", "ticketTransfer.transferred", "ticketTransfer.expired",
	"scan.created", "bundle.created", "bundle.updated", "product.created", "product.updated", "product.deleted",
}

// VivenuTypes returns the types of webhooks that vivenu's document names.
func VivenuTypes() []string { return slices.Clone(vivenuTypes) }

// SignVivenu is the value of the header x-vivenu-signature for a body: the lower-case hexadecimal HMAC-SHA256 of its bytes
// under the webhook's hmacKey ("Webhooks").
func SignVivenu(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// VivenuWebhook is the bytes of a webhook: id, type, mode and data. Without an id one is derived from the rest, so that the
// same webhook is the same bytes; give one to send the same news in another transmission.
func VivenuWebhook(typ, mode, id string, data map[string]any) []byte {
	b := mustMarshal(data)
	if id == "" {
		sum := sha256.Sum256([]byte(typ + "\x00" + mode + "\x00" + string(b)))
		id = uuidOf(sum)
	}
	return mustMarshal(struct {
		ID   string          `json:"id"`
		Type string          `json:"type"`
		Mode string          `json:"mode"`
		Data json.RawMessage `json:"data"`
	}{id, typ, mode, b})
}

// uuidOf is 36 characters in the form of a random UUID.
func uuidOf(sum [sha256.Size]byte) string {
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sim: webhook is not JSON: %v", err))
	}
	return b
}

// Webhook is what one webhook of vivenu's says of the transaction as it is: of itself, its checkout, its first ticket, its
// customer, its event, or of what else the type is about. Use [VivenuTransaction.TicketWebhook] for another ticket.
func (t VivenuTransaction) Webhook(typ string) []byte { return t.TicketWebhook(0, typ) }

// TicketWebhook is Webhook about ticket i. For types that are not about a ticket it is the same. A type that the document
// does not name has empty data.
func (t VivenuTransaction) TicketWebhook(i int, typ string) []byte {
	t = t.filled()
	return VivenuWebhook(typ, t.Mode, "", t.data(i, typ))
}

func (t VivenuTransaction) data(i int, typ string) object {
	family, what, _ := strings.Cut(typ, ".")
	switch family {
	case "transaction":
		if what == "partiallyCanceled" { // without tickets, by vivenu's OpenAPI document; this one has no example
			return object{"transaction": t.Body()}
		}
		return object{"transaction": t.Body(), "tickets": t.TicketBodies()}
	case "checkout":
		status := map[string]string{"completed": "COMPLETE", "aborted": "ABORTED"}[what]
		if status == "" {
			status = "NEW"
		}
		return object{"checkout": t.checkout(status)}
	case "ticket": // for checkin that is an assumption: the document gives it no data
		return object{"ticket": t.TicketBody(i)}
	case "ticketTransfer":
		return object{"ticketTransfer": t.transferBody(i, strings.ToUpper(what))}
	case "scan":
		return object{"scan": t.scanBody(i)}
	case "customer":
		return object{"customer": t.CustomerBody()}
	case "event":
		return object{"event": t.Event.Body()}
	case "support":
		return object{"support": t.supportBody()}
	case "job":
		return object{"job": t.jobBody(map[string]string{"started": "RUNNING", "failed": "FAILED", "completed": "COMPLETED"}[what])}
	case "bundle", "product":
		return object{family: t.catalogueBody(family)}
	case "purchaseIntent":
		return object{"purchaseIntent": t.request().Body()}
	}
	return object{}
}

// request is the intent that the transaction may have come from.
func (t VivenuTransaction) request() VivenuIntent {
	p := VivenuIntent{
		ID: t.IntentID, SellerID: t.SellerID, Mode: t.Mode, Buyer: t.Buyer, Event: t.Event, Tickets: t.unsold(), CreatedAt: t.CreatedAt,
		UpdatedAt: t.UpdatedAt, Variant: t.Variant,
	}.filled()
	if t.IntentID != "" {
		p = p.Completed(t.ID, t.UpdatedAt)
	}
	return p
}

// Webhook is the bytes of a purchaseIntent webhook about the intent as it is.
func (p VivenuIntent) Webhook(typ string) []byte {
	p = p.filled()
	return VivenuWebhook(typ, p.Mode, "", object{"purchaseIntent": p.Body()})
}

// Webhook is the bytes of an event webhook about the event as it is.
func (e VivenuEvent) Webhook(typ, mode string) []byte {
	return VivenuWebhook(typ, mode, "", object{"event": e.Body()})
}
