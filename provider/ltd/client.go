package ltd

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"willcall/provider"
	"willcall/provider/wire"
)

// Client calls London Theatre Direct's REST API, version 2. Every method makes one HTTP request and retries nothing: that is for
// the caller, who can read from the error's class whether it helps. It is safe for concurrent use as long as nobody changes its
// fields.
//
// It is for scheduled e-tickets whose webhook did not come: from ScheduledOn on they stand in the summary of the submitted
// basket (public: Special delivery types). Nothing in this API that is public cancels or accepts a booking.
type Client struct {
	BaseURL string // "https://api.londontheatredirect.com/rest/v2" (public: Booking API)
	APIKey  string // Api-Key (public: Booking API)
	// BasketPath is the path of "Get submitted basket summary", with "{basket}" where the basket's id goes, such as
	// "/Baskets/{basket}". The page that has it is not public, and a guess might hit another call, so that it has no default.
	BasketPath  string
	AffiliateID string       // ours: what Show makes is decoded as a webhook is, and must name us
	HTTP        *http.Client // nil: one that gives up after 30 seconds
}

// maxAnswer is how many bytes an answer may have: a ticket has less than a thousand.
const maxAnswer = 8 << 20

const opBasket = "show basket"

// Basket returns the JSON of the submitted basket's summary. Errors are of type [*provider.CallError]; its class is
// [provider.Unsupported] as long as BasketPath is not configured.
func (c *Client) Basket(ctx context.Context, basketID string) ([]byte, error) {
	fail := func(class, why string) ([]byte, error) {
		return nil, &provider.CallError{Class: class, Op: opBasket, Detail: why}
	}
	switch {
	case c.BasketPath == "":
		return fail(provider.Unsupported, "BasketPath is not configured: ask London Theatre Direct for the path of a submitted basket's summary and set it, with {basket} for the id")
	case !strings.HasPrefix(c.BasketPath, "/") || !strings.Contains(c.BasketPath, "{basket}"):
		return fail(provider.Invalid, "the configured BasketPath must begin with / and hold {basket}")
	case c.APIKey == "":
		return fail(provider.Unauthorized, "no API key is configured")
	case !wire.IsID(basketID):
		return fail(provider.Invalid, "the basket's id is no id")
	}
	path := strings.ReplaceAll(c.BasketPath, "{basket}", basketID)
	req, _, err := provider.NewRequest(ctx, opBasket, http.MethodGet, c.BaseURL, path, nil, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Api-Key", c.APIKey)
	req.Header.Set("Accept", "application/json")
	answer, err := provider.Do(c.HTTP, req, opBasket, maxAnswer)
	if err != nil {
		return nil, err
	}
	if !json.Valid(answer.Body) {
		return nil, provider.Odd(opBasket, false, answer.Status, "the answer is not JSON")
	}
	return answer.Body, nil
}

// Show asks for a basket and puts its tickets that have a barcode into the form of a webhook with the message type [Polled], so
// that they enter by the same inbox and are decoded, deduplicated and audited as webhooks are. Tickets that are not available
// yet are left out; a basket without any is a message without tickets.
//
// Equal tickets give equal bytes, for there is no Timestamp in them: the event's version is then when it was received.
//
// Errors are of type [*provider.CallError]: those of [Client.Basket], [provider.Conflict] where the answer is about another
// basket, and [provider.Unsupported] where no ticket can be found in it, available or not.
func (c *Client) Show(ctx context.Context, basketID, bookingReference string) ([]byte, error) {
	if c.AffiliateID == "" {
		return nil, &provider.CallError{Class: provider.Invalid, Op: opBasket, Detail: "no affiliate id is configured"}
	}
	raw, err := c.Basket(ctx, basketID)
	if err != nil {
		return nil, err
	}
	b := read(raw)
	switch {
	case b.id != "" && !strings.EqualFold(b.id, basketID):
		return nil, &provider.CallError{Class: provider.Conflict, Op: opBasket, Detail: "the answer is about another basket"}
	case len(b.tickets) == 0:
		return nil, &provider.CallError{Class: provider.Unsupported, Op: opBasket, Detail: "the answer has no tickets where the public data types have them"}
	}
	var out polled
	out.MessageType, out.Payload.AffiliateID, out.Payload.BookingReference = Polled, c.AffiliateID, bookingReference
	out.Payload.Tickets = []polledTicket{}
	for _, t := range b.tickets {
		if t.Barcode != "" {
			out.Payload.Tickets = append(out.Payload.Tickets, t.polledTicket)
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, provider.Odd(opBasket, false, http.StatusOK, "the answer cannot be written as a message")
	}
	return body, nil
}

// polled is the message of [Client.Show]: the fields of a ScheduledEticketDelivery, in the order of their names, without the
// customer's e-mail address.
type polled struct {
	MessageType string
	Payload     struct {
		AffiliateID      string `json:"AffiliateId"`
		BookingReference string
		Tickets          []polledTicket
	}
}

type polledTicket struct {
	AreaName        string
	Barcode         string
	BarcodeType     string
	EventName       string
	PerformanceDate string
	TicketName1     string
	TicketName2     string
	VenueName       string
}

// ScheduledOn is when the first of the basket's tickets that have no barcode yet is due, for who wants to ask again then. Zero:
// none is, or the basket does not say, or raw is no basket. Like all times without a zone it is taken for London's. (public:
// TicketInfoBooking, ScheduledOn)
func ScheduledOn(raw []byte) time.Time {
	var first time.Time
	for _, t := range read(raw).tickets {
		p, ok := performanceOf(t.scheduledOn)
		if t.Barcode == "" && ok && !p.at.IsZero() && (first.IsZero() || p.at.Before(first)) {
			first = p.at
		}
	}
	return first
}

// basket is what an answer says of a basket.
type basket struct {
	id      string
	tickets []basketTicket
}

type basketTicket struct {
	polledTicket
	scheduledOn wire.Scalar
}

// read finds the tickets of a basket wherever they are: its items and their tickets are public data types (BasketItem with
// EventName, PerformanceDate, AreaName, VenueName and Tickets; TicketInfoBooking), but what stands around the items in a
// submitted basket's summary is not.
func read(raw []byte) basket {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var doc any
	var b basket
	if dec.Decode(&doc) == nil {
		b.walk(doc, polledTicket{})
	}
	return b
}

func (b *basket) walk(v any, of polledTicket) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			b.walk(x, of)
		}
	case map[string]any:
		if id := scalar(v["BasketId"]).Text; id != "" {
			b.id = id
		}
		for name, to := range map[string]*string{
			"EventName": &of.EventName, "PerformanceDate": &of.PerformanceDate, "AreaName": &of.AreaName, "VenueName": &of.VenueName,
		} {
			if text := scalar(v[name]).Text; text != "" {
				*to = text
			}
		}
		_, row := v["TicketName1"]
		_, seat := v["TicketName2"]
		if row || seat {
			t := basketTicket{polledTicket: of, scheduledOn: scalar(v["ScheduledOn"])}
			t.TicketName1, t.TicketName2 = plain(scalar(v["TicketName1"])), plain(scalar(v["TicketName2"]))
			t.Barcode, t.BarcodeType = barcode(scalar(v["Barcode"])), scalar(v["BarcodeType"]).Text
			b.tickets = append(b.tickets, t)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b.walk(v[key], of)
		}
	}
}

// scalar is a value of a decoded document as package wire has it.
func scalar(v any) wire.Scalar {
	switch v := v.(type) {
	case string:
		return wire.Scalar{Text: wire.Clean(v), Kind: 's'}
	case json.Number:
		return wire.Scalar{Text: v.String(), Kind: 'n'}
	}
	return wire.Scalar{}
}
