package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// A Story is the life of one order: how it comes into being, and what happens to it when.
type Story struct {
	Kind  string // for logs, such as "client approved"
	Order TEvoOrder
	Steps []StoryStep
}

// A StoryStep is one thing that happens to an order.
type StoryStep struct {
	// After is when it happens, counted from the order's beginning.
	After time.Duration
	// Late is how much later than that its webhook leaves. It is told as the order was at After.
	Late time.Duration
	// If has to hold for the step to happen; until it does the step is tried again, and it is dropped in the end.
	// nil always holds.
	If func(TEvoOrder) bool
	// Change is what happens; nil is nothing.
	Change func(o TEvoOrder, at time.Time) TEvoOrder
	// Recipient and EventType are the webhook's. Without an EventType nobody is told: only polling sees it.
	Recipient, EventType string
	Item                 int // which item the webhook is about, where it is about one
	// Supply has the tickets come into our point of sale; see SenderOptions.Supply.
	Supply  bool
	Repeats int // how often the same bytes are sent again
}

// Told renders the step's webhook of the order as it is now.
func (s StoryStep) Told(o TEvoOrder) (contentType string, body []byte) {
	return o.ItemWebhook(s.Item, s.Recipient, s.EventType)
}

// A storyKind is one kind of story and how common it is.
type storyKind struct {
	name   string
	weight int
	tell   func(*Story, *rand.Rand)
}

// storyKinds is the mix, weighted so that the dull case is the most common one, as in real traffic.
var storyKinds = []storyKind{
	{"office sale to TEvo", 30, officeStory},
	{"office sale, airbill", 6, airbillStory},
	{"office sale, other office", 8, otherOfficeStory},
	{"office sale, in-hand date moves", 5, inHandStory},
	{"office sale, webhooks repeated", 6, repeatedStory},
	{"client approved", 14, approvedStory},
	{"client approved, out of order", 5, outOfOrderStory},
	{"client declined", 4, declinedStory},
	{"client without fraud check", 6, uncheckedStory},
	{"canceled silently", 4, silentCancelStory},
	{"canceled, told in a later webhook", 3, toldCancelStory},
	{"purchase", 7, purchaseStory},
	{"purchase canceled", 2, canceledPurchaseStory},
}

// suppliedKinds are the stories in which nobody but us gives the tickets to the buyer. They need a point of sale that gets
// them, so they are in no mix without one; see SenderOptions.Supply.
var suppliedKinds = []storyKind{
	{"our e-tickets", 40, ourETicketsStory},
	{"our mobile transfer", 24, ourTransferStory},
	{"our will call", 8, ourWillCallStory},
}

// NewStory makes the n-th order of a seed, beginning at a time. The same arguments make the same story, whatever was
// made before it. Ids do not repeat within a seed, nor between seeds that lie further apart than n/1000: with the
// Unix time for a seed, a restart makes new orders.
func NewStory(seed uint64, n int, at time.Time) Story { return newStory(storyKinds, seed, n, at) }

func newStory(kinds []storyKind, seed uint64, n int, at time.Time) Story {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	sum := 0
	for _, k := range kinds {
		sum += k.weight
	}
	pick := r.IntN(sum)
	for _, k := range kinds {
		if pick -= k.weight; pick < 0 {
			s := Story{Kind: k.name, Order: storyOrder(seed, n, at, r)}
			k.tell(&s, r)
			s.Order = s.Order.At(at)
			return s
		}
	}
	panic("unreachable: pick is less than the sum of weights")
}

// storyNumber is what the ids of the n-th order of a seed are made of.
func storyNumber(seed uint64, n int) int { return 1_000_000_000 + int(seed%9_000_000)*1000 + n }

func storyOrder(seed uint64, n int, at time.Time, r *rand.Rand) TEvoOrder {
	number := storyNumber(seed, n)
	e := tevoEvents[r.IntN(len(tevoEvents))]
	o := TEvoOrder{
		GroupID: strconv.Itoa(number), ID: strconv.Itoa(number + 10_000_000_000),
		BuyerType: "Office", BuyerID: tevoOfficeID,
		EventID: e.id, EventName: e.name, VenueID: e.venueID, VenueName: e.venue, Locality: e.locality, Region: e.region,
		Variant: r.IntN(16), CreatedAt: at,
	}
	for range 1 + r.IntN(8)/6 {
		it := TEvoItem{
			Quantity: 1 + r.IntN(4), PriceMinor: 1500 + 25*r.Int64N(1200),
			Section: sections[r.IntN(len(sections))], Row: rows[r.IntN(len(rows))],
		}
		if r.IntN(2) == 0 {
			first := 1 + r.IntN(20)
			for i := range it.Quantity {
				it.Seats = append(it.Seats, strconv.Itoa(first+i))
			}
		}
		o.Items = append(o.Items, it)
	}
	return o
}

// seconds is a whole number of seconds between from and to.
func seconds(r *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+r.IntN(to-from+1)) * time.Second
}

func isPending(o TEvoOrder) bool  { return o.State == tevoPending }
func isAccepted(o TEvoOrder) bool { return o.State == tevoAccepted }

// sold is the step that begins every sale.
func sold() StoryStep { return StoryStep{Recipient: "seller", EventType: "order_created"} }

func officeStory(s *Story, r *rand.Rand) {
	s.Steps = append(s.Steps, sold())
	s.finalizeItems(r, "seller")
}

// finalizeItems has somebody upload the tickets of every item once the order is accepted.
func (s *Story) finalizeItems(r *rand.Rand, recipient string) {
	after := seconds(r, 20, 90)
	for i := range s.Order.Items {
		s.Steps = append(s.Steps, StoryStep{
			After: after, If: isAccepted, Recipient: recipient, EventType: "etickets_finalized", Item: i,
			Change: func(o TEvoOrder, at time.Time) TEvoOrder { return o.EticketsFinalized(i, at) },
		})
		after += seconds(r, 3, 15)
	}
}

func airbillStory(s *Story, r *rand.Rand) {
	s.Order.Delivery = "ProvidedAirbill"
	s.Steps = append(s.Steps, sold(),
		StoryStep{After: seconds(r, 8, 20), Recipient: "seller", EventType: "delivery_updated",
			Change: func(o TEvoOrder, at time.Time) TEvoOrder { return o.DeliverTo("desk"+o.ID+"@example.com", at) }},
		StoryStep{After: seconds(r, 25, 60), If: isAccepted, Recipient: "seller", EventType: "airbill_uploaded",
			Change: func(o TEvoOrder, at time.Time) TEvoOrder { return o.AirbillUploaded(at) }})
}

// otherOfficeStory has a fraud check that says no: for an office it does not matter.
func otherOfficeStory(s *Story, r *rand.Rand) {
	s.Order.BuyerID = strconv.Itoa(3100 + r.IntN(400))
	if r.IntN(3) == 0 {
		s.Order.Fraud = "declined"
	}
	officeStory(s, r)
}

func inHandStory(s *Story, r *rand.Rand) {
	s.Steps = append(s.Steps, sold(), StoryStep{
		After: seconds(r, 10, 30), Recipient: "seller", EventType: "in-hand_updated",
		Change: func(o TEvoOrder, at time.Time) TEvoOrder { return o.InHand(0, at.AddDate(0, 0, 10), at) },
	})
	s.finalizeItems(r, "seller")
}

func repeatedStory(s *Story, r *rand.Rand) {
	officeStory(s, r)
	for i := range s.Steps {
		s.Steps[i].Repeats = 1 + r.IntN(3)
	}
}

func (s *Story) client(r *rand.Rand, fraud string) {
	s.Order.BuyerType, s.Order.BuyerID, s.Order.Fraud = "Client", strconv.Itoa(30000+r.IntN(5000)), fraud
	// Some customers come back: the same person buys under several orders.
	s.Order.BuyerName = fullName(r.IntN(200))
}

func (s *Story) fraudResponse(after time.Duration, status string) {
	s.Steps = append(s.Steps, StoryStep{
		After: after, If: isPending, Recipient: "seller", EventType: "fraud_response_received",
		Change: func(o TEvoOrder, at time.Time) TEvoOrder { return o.FraudResponse(status, at) },
	})
}

func approvedStory(s *Story, r *rand.Rand) {
	s.client(r, "pending")
	s.Steps = append(s.Steps, sold())
	if r.IntN(2) == 0 {
		s.fraudResponse(seconds(r, 2, 4), "pending")
	}
	s.fraudResponse(seconds(r, 6, 20), "approved")
	s.finalizeItems(r, "seller")
}

// outOfOrderStory lets the approval overtake the order itself.
func outOfOrderStory(s *Story, r *rand.Rand) {
	approvedStory(s, r)
	s.Steps[0].Late = 25 * time.Second
}

func declinedStory(s *Story, r *rand.Rand) {
	s.client(r, "pending")
	s.Steps = append(s.Steps, sold())
	s.fraudResponse(seconds(r, 6, 20), "declined")
}

func uncheckedStory(s *Story, r *rand.Rand) {
	s.client(r, "")
	officeStory(s, r)
}

// silentCancelStory: Ticket Evolution sends no webhook for an order that is canceled before it was accepted.
func silentCancelStory(s *Story, r *rand.Rand) {
	s.client(r, "pending")
	s.Steps = append(s.Steps, sold(), StoryStep{
		After:  seconds(r, 8, 25),
		Change: func(o TEvoOrder, at time.Time) TEvoOrder { return o.Canceled(at) },
	})
}

// toldCancelStory: the event type does not say that the order is canceled, its state does.
func toldCancelStory(s *Story, r *rand.Rand) {
	s.client(r, "pending")
	s.Steps = append(s.Steps, sold(), StoryStep{
		After: seconds(r, 8, 25), Recipient: "seller", EventType: "fraud_response_received",
		Change: func(o TEvoOrder, at time.Time) TEvoOrder { return o.FraudResponse("declined", at).Canceled(at) },
	})
}

// purchaseStory tells the acceptance under either of its two documented names, or under both.
func purchaseStory(s *Story, r *rand.Rand) {
	s.Order.Purchase = true
	s.Order.BuyerID = ourOfficeID
	names := [][]string{{"order_accepted"}, {"seller_accepted"}, {"order_accepted", "seller_accepted"}}[r.IntN(3)]
	after := seconds(r, 1, 5)
	for i, name := range names {
		step := StoryStep{After: after + time.Duration(i)*time.Second, Recipient: "buyer", EventType: name}
		if i == 0 {
			step.Change = func(o TEvoOrder, at time.Time) TEvoOrder { return o.Accepted(at) }
		}
		s.Steps = append(s.Steps, step)
	}
	s.finalizeItems(r, "buyer")
}

// canceledPurchaseStory: that its event is called order_canceled is an assumption, the name is not public.
func canceledPurchaseStory(s *Story, r *rand.Rand) {
	purchaseStory(s, r)
	s.Steps = slices.DeleteFunc(s.Steps, func(st StoryStep) bool { return st.EventType == "etickets_finalized" })
	s.Steps = append(s.Steps, StoryStep{
		After: seconds(r, 20, 60), Recipient: "buyer", EventType: "order_canceled",
		Change: func(o TEvoOrder, at time.Time) TEvoOrder { return o.Canceled(at) },
	})
}

// supplied has our point of sale get the tickets once the order is accepted; what follows is for us to do.
func (s *Story) supplied(r *rand.Rand, delivery, format string) {
	s.Order.Delivery, s.Order.Format = delivery, format
	s.Steps = append(s.Steps, sold(), StoryStep{After: seconds(r, 15, 60), If: isAccepted, Supply: true})
}

// ourETicketsStory has numbered seats, so that pages can tell whose they are.
func ourETicketsStory(s *Story, r *rand.Rand) {
	for i := range s.Order.Items {
		it := &s.Order.Items[i]
		for n := len(it.Seats); n < it.Quantity; n++ {
			it.Seats = append(it.Seats, strconv.Itoa(20*(i+1)+n))
		}
	}
	s.supplied(r, "Eticket", "Eticket")
}

// ourTransferStory: how the tickets travel is left to the seller.
func ourTransferStory(s *Story, r *rand.Rand) { s.supplied(r, "TBD", "TM_mobile") }

func ourWillCallStory(s *Story, r *rand.Rand) { s.supplied(r, "WillCall", "Physical") }

func (s Story) String() string { return fmt.Sprintf("%s (%s)", s.Kind, s.Order.OID()) }
