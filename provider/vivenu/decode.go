package vivenu

import (
	"slices"
	"strings"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// Settings are what no webhook says.
type Settings struct {
	// Inventory maps the id of a ticket type to the ticket group in our POS. A type that is not named is its own group.
	Inventory map[string]string
}

func (s Settings) group(ticketType wire.Scalar) string {
	id := wire.Cut(ticketType.Text)
	if group, ok := s.Inventory[id]; ok {
		return group
	}
	return id
}

// The types of documents that we fetched ourselves; see [Client.Show]. vivenu sends neither.
const (
	PolledTransaction = "transaction.polled"
	PolledIntent      = "purchaseIntent.polled"
)

// rule is what a type means to us.
type rule struct {
	typ    string
	read   func(*message) error // nil: known, but moves no order
	status order.Status         // that the type itself asserts
}

// rules has every type that a public text names: those of the document's map of subscriptions, ticket.checkin, which has a
// heading there and nothing below it, and the newer ones of the OpenAPI description, whose payloads are not all shown.
var rules = []rule{
	{"transaction.complete", (*message).transaction, order.StatusAccepted},
	{"transaction.reservedBySystem", (*message).transaction, order.StatusPending},
	{"transaction.canceled", (*message).transaction, order.StatusCancelled},
	{"transaction.partiallyCanceled", (*message).partlyCancelled, ""},
	{"checkout.completed", (*message).checkout, ""},
	{"checkout.aborted", (*message).checkout, ""},
	{"checkout.detailsSubmitted", (*message).checkout, ""},
	{"ticket.created", (*message).ticket, ""},
	{"ticket.updated", (*message).ticket, ""},
	{"purchaseIntent.created", (*message).intent, ""},
	{"purchaseIntent.approved", (*message).intent, order.StatusAccepted},
	{"purchaseIntent.rejected", (*message).intent, order.StatusRejected},
	{"purchaseIntent.updated", (*message).intent, ""},
	{"purchaseIntent.expired", (*message).intent, order.StatusExpired},
	{"purchaseIntent.completed", (*message).intent, order.StatusCompleted},
	{"purchaseIntent.cancelled", (*message).intent, order.StatusCancelled},
	{"customer.created", (*message).customer, ""},
	{"customer.updated", (*message).customer, ""},
	{"event.created", (*message).show, ""},
	{"event.updated", (*message).show, ""},
	{eventDeleted, (*message).show, ""},
	{"job.started", nil, ""},
	{"job.failed", nil, ""},
	{"job.completed", nil, ""},
	{"support.assignedToSeller", (*message).support, ""},
	{"ticketTransfer.created", (*message).transfer, ""},
	{"ticketTransfer.rejected", (*message).transfer, ""},
	{transferred, (*message).transfer, ""},
	{"ticketTransfer.expired", (*message).transfer, ""},
	{"scan.created", (*message).scan, ""},
	{"bundle.created", nil, ""},
	{"bundle.updated", nil, ""},
	{"product.created", nil, ""},
	{"product.updated", nil, ""},
	{"product.deleted", nil, ""},

	{"ticket.checkin", (*message).checkin, ""},
	{"subscription.created", nil, ""},
	{"subscription.updated", nil, ""},
	{"subscription.payment.succeeded", nil, ""},
	{"subscription.payment.failed", nil, ""},
	{"fund.created", nil, ""},
	{"fund.updated", nil, ""},
	{"campaign.created", nil, ""},
	{"campaign.updated", nil, ""},
	{"donation.created", nil, ""},
	{"pledge.created", nil, ""},
}

// documented is how many of the rules, from the first, are in the document's map of subscriptions.
const documented = 35

// polls are the rules of our own types.
var polls = []rule{
	{PolledTransaction, (*message).transaction, ""},
	{PolledIntent, (*message).intent, ""},
}

// families have types that move no order, whatever comes behind the dot.
var families = []string{"job", "product", "bundle", "subscription", "fund", "campaign", "donation", "pledge"}

const (
	eventDeleted = "event.deleted"
	transferred  = "ticketTransfer.transferred"
)

// Types lists every type that vivenu is known to send, whether it moves orders or not.
func Types() []string {
	var all []string
	for _, r := range rules {
		all = append(all, r.typ)
	}
	return all
}

func ruleFor(typ string) (rule, bool) {
	for _, list := range [][]rule{rules, polls} {
		if i := slices.IndexFunc(list, func(r rule) bool { return r.typ == typ }); i >= 0 {
			return list[i], true
		}
	}
	return rule{typ: typ}, slices.Contains(families, familyOf(typ))
}

// familyOf is the first word of a type, which is also the name under which data has the object.
func familyOf(typ string) string {
	family, _, _ := strings.Cut(typ, ".")
	return family
}

// message is a delivery that is being read.
type message struct {
	rule     rule
	settings Settings
	data     members
	out      provider.Decoded
	event    order.Event
	over     bool // it says that the order is at an end, which gets through whatever else is wrong
}

// Decode reads a webhook or what [Client.Show] and [Client.Poll] made of an answer. It is a pure function of its arguments.
// The event's version is updatedAt of the object, or d.Received where it has none. DedupeKey is the type, the object's id
// and updatedAt, for the id of the transmission may be another when vivenu repeats it; where the object lacks one of them, it is
// that id. Our own types have no key: they may differ though updatedAt is the same, for tickets change without their
// transaction.
//
// A transaction or purchase intent that has come to its end is forwarded even where its lines cannot be read: of all news it
// is the one that must not be lost. Unknown types are no error.
//
// Every error is a [provider.ErrMalformed] that names the field and never its value; Decoded then still has the type, and
// what is known of the order.
func Decode(d provider.Delivery, s Settings) (provider.Decoded, error) {
	m := message{settings: s, out: provider.Decoded{Disposition: provider.Quarantined}}
	err := m.decode(d)
	return m.out, err
}

func (m *message) decode(d provider.Delivery) error {
	var env envelope
	if err := parse(d.Body, &env); err != nil {
		return err
	}
	m.out.Type = wire.Cut(env.Type.Text)
	if m.out.Type == "" {
		return provider.Malformed("type", "it is missing")
	}
	m.out.Content = env.digest(m.out.Type)
	data, err := env.members()
	version, versionErr := m.version(data, env.ID.ID())
	r, known := ruleFor(m.out.Type)
	switch {
	case !known:
		m.out.Disposition = provider.Unknown
		return nil
	case r.read == nil:
		m.out.Disposition = provider.Recorded
		return nil
	case err != nil:
		return err
	}
	m.rule, m.data = r, data
	m.event = order.Event{ID: d.ID, Type: m.out.Type, At: d.Received.UTC(), Received: d.Received.UTC()}
	if !version.IsZero() {
		m.event.At = version
	}
	m.out.Disposition = provider.Forward
	err = r.read(m)
	if err == nil && !m.over && m.out.Disposition == provider.Forward {
		err = versionErr
	}
	switch {
	case err != nil:
		m.out.Disposition = provider.Quarantined
	case m.out.Disposition == provider.Forward:
		m.out.Event = &m.event
	}
	return err
}

// version reads when the object was last changed, and sets the key under which it is repeated.
func (m *message) version(data members, transmission string) (time.Time, error) {
	family := familyOf(m.out.Type)
	var o identified
	data.object(family, &o)
	at, ok := o.UpdatedAt.Moment()
	switch id := o.ID.ID(); {
	case m.out.Type == PolledTransaction, m.out.Type == PolledIntent:
	case ok && id != "":
		m.out.DedupeKey = m.out.Type + "/" + id + "/" + at.Format(time.RFC3339Nano)
	default:
		m.out.DedupeKey = transmission
	}
	if !ok && o.UpdatedAt.Given() {
		return time.Time{}, provider.Malformed("data."+family+".updatedAt", "want a time")
	}
	return at, nil
}

// sale marks the delivery as one of an order. All that vivenu knows of are sales: its customers are the organisers.
func (m *message) sale() { m.out.Kind = order.Sale }

// unknown notes the first status word that no document has.
func (m *message) unknown(s wire.Scalar) {
	if m.event.Unknown == "" {
		m.event.Unknown = wire.Cut(s.Word())
	}
}
