package tixstock

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// Settings are what no webhook says.
type Settings struct {
	// Words maps status words of order.update, in lower case, to what they mean; "" means that they are no news. It adds to, and
	// wins over, the fixed list of the partner API: a reseller's statuses are named in Tixstock's admin area, and no document
	// can list them. ("Order Ticket Fulfilment Webhooks", introduction)
	Words map[string]order.Status
	// MaxTicket bounds one decoded ticket in bytes; 0: 24 MB.
	MaxTicket int
}

// maxTicket is what a ticket may measure where the settings say nothing.
const maxTicket = 24 << 20

func (s Settings) limit() int {
	if s.MaxTicket > 0 {
		return s.MaxTicket
	}
	return maxTicket
}

// about is what a webhook is about, and so the meaning of data.id.
type about byte

const (
	eticket about = iota + 1 // a ticket that must be a file
	mobile                   // a ticket that may be a file, or links, or both
	update                   // an order
	listing                  // tickets that are for sale
	event                    // a performance, match or concert
	broker                   // an account at Tixstock
)

// types are the values of meta.type that any public text names. Sold Ticket, Add Ticket and Update Ticket exist, too, but the
// pages that would spell their types are cut: they are unknown until one arrives.
//
// For order.mobile_link_ticket_fulfilment nothing but the name is known, and that only from a program in the open: that its
// fields are those of order.mobile_ticket_fulfilment is an assumption. Where it does not hold the ticket is found unusable, and
// a person sees it.
var types = map[string]about{
	"order.eticket_fulfilment":            eticket,
	"order.mobile_ticket_fulfilment":      mobile,
	"order.mobile_link_ticket_fulfilment": mobile,
	"order.update":                        update,
	"ticket.hold":                         listing,
	"ticket.release":                      listing,
	"ticket.delete":                       listing,
	"event.update":                        event,
	"event.cancel":                        event,
	brokerOpen:                            broker,
	"broker.closed":                       broker,
}

// brokerOpen alone of all known types wants no answer (public: Broker Open Webhook).
const brokerOpen = "broker.open"

// Types are the values of meta.type that [Decode] knows by name, sorted.
func Types() []string { return slices.Sorted(maps.Keys(types)) }

// Decode reads a webhook. It is a pure function of its arguments. Nothing that Tixstock sends bears a time or an id of its own:
// the event's version is d.Received, and DedupeKey is always empty. The door's digest of the body is the right key, for the
// ticket is part of the body, and two tickets without a seat differ in nothing else.
//
// A fulfilment is one ticket ("Order Ticket Fulfilment Webhooks", introduction) and adds it to the line of the listing. A
// ticket that cannot be used is no error: it is forwarded with its Unusable set and adds nothing, so that the order can ask
// for another. The ticket itself, its links and its additional file are in Files, never in the event.
//
// Whether data.id of order.update is our order's id or Tixstock's is nowhere said. It is given as OrderID and, as
// "tixstock-order:<id>", as Concern. That wins only if some order has it among its Refs, which an order gets when a webhook
// bears both ids; until then it is our id. Where data.external_id is there it is ours, and no Concern is needed.
//
// News of an event has no order but an About. Of an event.update the document gives the whole event and not what has changed,
// so its News is Unsaid, too. An event.cancel is off whatever status it bears: the page's text has "Cancelled" there and its
// sample "Active". The text is the same for event.update, and so a status says nothing in that either.
//
// Unknown types are no error. Every error is a [provider.ErrMalformed] that names the field and never its value; Decoded then
// still has the type, the order as far as it is known, and Ask, for Tixstock waits for an answer all the same: see [Answer].
func Decode(d provider.Delivery, s Settings) (provider.Decoded, error) {
	m, err := parse(d.Body)
	out := provider.Decoded{Type: m.typ(), Disposition: provider.Quarantined}
	kind, known := types[strings.ToLower(out.Type)]
	out.Ask = known && strings.ToLower(out.Type) != brokerOpen
	switch {
	case err != nil:
		return out, err
	case out.Type == "":
		return out, provider.Malformed("meta.type", "it is missing")
	case !known:
		out.Disposition = provider.Unknown
		return out, nil
	}
	e := order.Event{ID: d.ID, Type: out.Type, At: d.Received.UTC(), Received: d.Received.UTC()}
	switch kind {
	case eticket, mobile:
		err = decodeTicket(&m.Data.V, d.Body, kind, s, &out, &e)
	case update:
		err = decodeUpdate(&m.Data.V, s, &out, &e)
	case event:
		err = decodeEvent(&m.Data.V, &out, &e)
	default:
		out.Disposition = provider.Recorded
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Disposition, out.Event = provider.Forward, &e
	return out, nil
}

// decodeTicket reads one uploaded ticket. ("Order Ticket Fulfilment Webhooks", Post Data)
func decodeTicket(x *data, body []byte, kind about, s Settings, out *provider.Decoded, e *order.Event) error {
	out.Kind, out.OrderID = order.Sale, x.OrderID.ID()
	if out.OrderID == "" {
		return provider.Malformed("data.order_id", "want an id")
	}
	line := x.ID.ID()
	if line == "" {
		return provider.Malformed("data.id", "want an id")
	}
	var pdf []byte
	text, given := x.File.text(body)
	if given {
		if x.File.kind != '"' {
			e.Unusable = notBase64
			return nil
		}
		if pdf, e.Unusable = unpack(text, s.limit()); e.Unusable == "" {
			e.Unusable = faultOfPDF(pdf)
		}
	}
	proofs := x.Proofs.valid()
	switch {
	case e.Unusable != "":
		return nil
	case !given && kind == eticket:
		e.Unusable = noFile
		return nil
	case !given && len(proofs) == 0:
		e.Unusable = noTicket
		return nil
	}
	var list []byte
	if len(proofs) > 0 {
		var err error
		if list, err = json.Marshal(proofs); err != nil {
			return provider.Malformed("data.proof_file_url", "want URLs")
		}
	}
	key, name := x.ticket(pdf, list)
	e.Lines = []order.LineFact{{LineID: line, Tickets: []string{key}}}
	if given {
		out.Files = append(out.Files, provider.File{Name: "ticket " + name, MediaType: "application/pdf", Body: pdf})
	}
	if list != nil {
		out.Files = append(out.Files, provider.File{Name: "proofs " + name, MediaType: "application/json", Body: list})
	}
	// The ticket is good without it, so one that cannot be read is passed over.
	if text, _ := x.AdditionalFile.text(body); text != nil {
		if b, fault := unpack(text, s.limit()); fault == "" {
			if media := pictureOrPDF(b); media != "" {
				out.Files = append(out.Files, provider.File{Name: "additional " + name, MediaType: media, Body: b})
			}
		}
	}
	return nil
}

// Tickets is the ticket that a webhook brings, with its proofs as links; none where it brings no usable one. Errors: those of [Decode].
func Tickets(d provider.Delivery, s Settings) ([]provider.Ticket, error) {
	dec, err := Decode(d, s)
	if err != nil || dec.Event == nil || len(dec.Event.Lines) == 0 {
		return nil, err
	}
	l := dec.Event.Lines[0]
	out := provider.Ticket{Line: l.LineID, Key: l.Tickets[0]}
	for _, f := range dec.Files {
		if f.MediaType != "application/json" {
			out.Files = append(out.Files, f)
			continue
		}
		var proofs []string
		if err := json.Unmarshal(f.Body, &proofs); err != nil { // our own writing: it cannot be
			return nil, provider.Malformed("data.proof_file_url", "want URLs")
		}
		for i, at := range proofs {
			out.Links = append(out.Links, provider.Link{Name: strings.Replace(f.Name, "proofs", "proof "+strconv.Itoa(i+1)+" of", 1), URL: at})
		}
	}
	return []provider.Ticket{out}, nil
}

// ticket is the key of the ticket within its line and its name for people. The key is of the ticket and not of the upload: of a
// seat it is the same when the broker corrects the file. Without a seat there is nothing but the content to tell two tickets
// apart, so a corrected file counts as one more.
func (x *data) ticket(pdf, proofs []byte) (key, name string) {
	row, seat := squeezed(x.Row), squeezed(x.Seat)
	if truth(x.GeneralAdmission) || row == "" || seat == "" {
		content := pdf
		if content == nil {
			content = proofs
		}
		return digested(content)
	}
	key = slashes.Replace(row) + "/" + slashes.Replace(seat)
	long := len(key) > wire.MaxText
	hashed, name := digested([]byte(key))
	if long {
		key = hashed
	} else if plain(row) && plain(seat) {
		name = row + " " + seat
	}
	return key, name
}

// slashes keeps row "A", seat "B/1" apart from row "A/B", seat "1".
var slashes = strings.NewReplacer("%", "%25", "/", "%2F")

// digested makes a key and a short name of what has neither.
func digested(b []byte) (key, name string) {
	sum := sha256.Sum256(b)
	text := hex.EncodeToString(sum[:])
	return "sha256:" + text, text[:12]
}

// plain reports whether s may stand in the name of a file anywhere.
func plain(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.") == "" && !strings.HasPrefix(s, ".")
}

// statuses are the words of the partner API and of the samples of the reseller API (public: Order Update Webhook, Add
// Order Endpoint). Accepted and the like say that the broker's side goes on; the order is ours, and was taken long before.
// Commissionable, delivered and completed are only ever set by our own answers, and so are no news.
var statuses = map[string]order.Status{
	"approved":         order.StatusPending,
	"accepted":         order.StatusPending,
	"pending review":   order.StatusPending, // the broker's move
	"pending approval": order.StatusPending,
	"sale on hold":     order.StatusPending, // our move, at Tixstock; we answer with what we have decided
	"commissionable":   "",
	"delivered":        "",
	"completed":        "",
	"rejected":         order.StatusRejected,
	"cancelled":        order.StatusCancelled,
	"canceled":         order.StatusCancelled,
	"refunded":         order.StatusCancelled,
}

// decodeUpdate reads an order.update. A tracking number that it may bring is of a shipment that no other webhook describes,
// and is left to whoever reads the document.
func decodeUpdate(x *data, s Settings, out *provider.Decoded, e *order.Event) error {
	out.Kind = order.Sale
	id, ours := x.ID.ID(), x.ExternalID.ID()
	if x.ExternalID.Given() && ours == "" {
		return provider.Malformed("data.external_id", "want an id") // the other id may be another order's
	}
	switch {
	case ours != "":
		out.OrderID = ours
		if id != "" && id != ours {
			e.Refs = []string{ref(id)}
		}
	case id != "":
		out.OrderID, out.Concern = id, ref(id)
	default:
		return provider.Malformed("data.id", "want an id")
	}
	path, status := "data.status", x.Status
	if !status.Given() {
		path, status = "data.order_status", x.OrderStatus
	}
	if status.Kind == 'x' {
		return provider.Malformed(path, "want a word")
	}
	word := strings.Join(strings.Fields(status.Word()), " ")
	if word == "" {
		return nil
	}
	for _, words := range []map[string]order.Status{s.Words, statuses} {
		if means, ok := words[word]; ok {
			e.Status = means
			return nil
		}
	}
	e.Unknown = wire.Cut(word)
	return nil
}

// ref is how an order that has a name at Tixstock is found by it.
func ref(id string) string { return "tixstock-order:" + id }

// decodeEvent reads an event.update or event.cancel (public: Update Event Webhook, Cancel Event Webhook).
func decodeEvent(x *data, out *provider.Decoded, e *order.Event) error {
	id := x.ID.ID()
	if id == "" {
		return provider.Malformed("data.id", "want an id")
	}
	off := strings.ToLower(out.Type) == "event.cancel"
	out.About = provider.About{Kind: provider.AboutEvent, ID: id}
	e.News = &order.News{ShowID: id, Name: wire.Cut(x.Name.Text), Off: off, Unsaid: !off}
	e.News.StartsAt, _ = x.Datetime.Moment()
	return nil
}
