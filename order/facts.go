package order

import (
	"maps"
	"slices"
	"time"
)

// Facts is all that documents have said, merged. Two orders that heard the same events, in whatever order and however
// often, have equal facts.
type Facts struct {
	// Described is the stamp of the snapshot in force; its event's document holds the buyer. Zero: none came yet.
	Described Stamp      `json:"described,omitzero"`
	APIID     string     `json:"api_id,omitempty"`
	Buyer     BuyerClass `json:"buyer,omitempty"`
	Show      Show       `json:"event,omitzero"`

	Lines map[string]Line `json:"lines,omitempty"`

	Fraud      Fraud `json:"fraud,omitempty"`
	FraudStamp Stamp `json:"fraud_stamp,omitzero"`

	Status map[Status]time.Time `json:"status,omitempty"` // the earliest version that said so

	// UnknownStatus is the newest status word that no decoder knows, with its stamp.
	UnknownStatus string `json:"unknown_status,omitempty"`
	UnknownStamp  Stamp  `json:"unknown_stamp,omitzero"`
	StatusStamp   Stamp  `json:"status_stamp,omitzero"` // newest document with a status that is known

	Shipments map[string]Shipment `json:"shipments,omitempty"`

	FirstReceived time.Time `json:"first_received,omitzero"`
}

// Shipment is what is known of one parcel or transfer.
type Shipment struct {
	AirbillReady bool  `json:"airbill_ready,omitempty"`
	Changed      Stamp `json:"changed,omitzero"` // newest document that changed its recipient
}

// Has reports whether any document gave the status s.
func (f Facts) Has(s Status) bool {
	_, ok := f.Status[s]
	return ok
}

// Apply merges what e says. It is idempotent and commutative; see the package comment.
func (o *Order) Apply(e Event) {
	f := &o.Facts
	stamp := Stamp{At: e.At.UTC(), By: e.ID}
	if f.FirstReceived.IsZero() || e.Received.Before(f.FirstReceived) {
		f.FirstReceived = e.Received.UTC()
	}
	o.Revision++
	o.note(e.Received, "webhook "+e.Type, e.ID, "")
	if e.Received.After(o.LastNews) {
		o.LastNews = e.Received.UTC()
	}
	if e.Snapshot != nil && f.Described.before(stamp) {
		f.describe(*e.Snapshot, stamp)
	}
	if e.Fraud != "" && f.fraudYields(e.Fraud, stamp) {
		f.Fraud, f.FraudStamp = e.Fraud, stamp
	}
	if e.Status != "" {
		f.addStatus(e.Status, stamp)
	}
	if e.Unknown != "" && f.UnknownStamp.before(stamp) {
		f.UnknownStatus, f.UnknownStamp = e.Unknown, stamp
	}
	for _, lf := range e.Lines {
		f.addLine(lf, stamp)
	}
	for _, sf := range e.Shipment {
		f.addShipment(sf, stamp)
	}
}

// describe puts the snapshot in force. Lines that it does not name are no longer part of the order, but what was
// learnt of them beside the snapshot is kept.
func (f *Facts) describe(s Snapshot, stamp Stamp) {
	f.Described, f.APIID, f.Buyer, f.Show = stamp, s.APIID, s.Buyer, s.Show
	f.Show.StartsAt = s.Show.StartsAt.UTC()
	for _, id := range slices.Sorted(maps.Keys(f.Lines)) {
		l := f.Lines[id]
		f.setLine(Line{ID: id, InHand: l.InHand, Delivered: l.Delivered, Tickets: l.Tickets, Cancelled: l.Cancelled})
	}
	for _, l := range s.Lines {
		old := f.Lines[l.ID]
		l.InHand, l.Delivered, l.Tickets, l.Cancelled = old.InHand, old.Delivered, old.Tickets, old.Cancelled
		f.setLine(l)
	}
}

// setLine stores l, or removes it where nothing is known of it: a line that only an outdated snapshot had named must
// leave no trace, or the facts would depend on which snapshot came first.
func (f *Facts) setLine(l Line) {
	if !l.Known() && !l.Cancelled && l.InHand == (Day{}) && l.Delivered.IsZero() && len(l.Tickets) == 0 {
		delete(f.Lines, l.ID)
		return
	}
	if f.Lines == nil {
		f.Lines = map[string]Line{}
	}
	f.Lines[l.ID] = l
}

func (f *Facts) fraudYields(to Fraud, stamp Stamp) bool {
	if !f.FraudStamp.At.Equal(stamp.At) {
		return f.FraudStamp.At.Before(stamp.At)
	}
	if f.Fraud.caution() != to.caution() {
		return f.Fraud.caution() < to.caution()
	}
	return f.FraudStamp.By < stamp.By
}

func (f *Facts) addStatus(s Status, stamp Stamp) {
	if f.StatusStamp.before(stamp) {
		f.StatusStamp = stamp
	}
	if s == StatusPending {
		return
	}
	if f.Status == nil {
		f.Status = map[Status]time.Time{}
	}
	if at, ok := f.Status[s]; !ok || stamp.At.Before(at) {
		f.Status[s] = stamp.At
	}
}

func (f *Facts) addLine(lf LineFact, stamp Stamp) {
	l := f.Lines[lf.LineID]
	l.ID = lf.LineID
	if d := lf.Delivered.UTC(); !lf.Delivered.IsZero() && (l.Delivered.IsZero() || d.Before(l.Delivered)) {
		l.Delivered = d
	}
	l.Cancelled = l.Cancelled || lf.Cancelled
	if !lf.InHandOn.IsZero() && l.InHand.before(stamp) {
		l.InHand = Day{On: lf.InHandOn.UTC(), Stamp: stamp}
	}
	for _, t := range lf.Tickets {
		if i, found := slices.BinarySearch(l.Tickets, t); !found {
			l.Tickets = slices.Insert(slices.Clone(l.Tickets), i, t)
		}
	}
	f.setLine(l)
}

func (f *Facts) addShipment(sf ShipmentFact, stamp Stamp) {
	if f.Shipments == nil {
		f.Shipments = map[string]Shipment{}
	}
	s := f.Shipments[sf.ID]
	s.AirbillReady = s.AirbillReady || sf.AirbillReady
	if sf.Changed && s.Changed.before(stamp) {
		s.Changed = stamp
	}
	f.Shipments[sf.ID] = s
}
