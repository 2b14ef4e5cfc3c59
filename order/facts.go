package order

import (
	"bytes"
	"encoding/json"
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
	Show      Show       `json:"event,omitzero"` // as the snapshot has it; see [Order.Show]
	Free      bool       `json:"free,omitempty"`

	Lines map[string]Line `json:"lines,omitempty"`

	// Brought says which document brought a ticket last, by line and ticket: another one is another ticket, or a correction.
	Brought map[string]map[string]Stamp `json:"brought,omitempty"`

	Fraud      Fraud `json:"fraud,omitempty"`
	FraudStamp Stamp `json:"fraud_stamp,omitzero"`

	Payment      Payment `json:"payment,omitempty"`
	PaymentStamp Stamp   `json:"payment_stamp,omitzero"`

	Intent *IntentFacts `json:"intent,omitempty"` // nil: a sale or a purchase

	Status map[Status]time.Time `json:"status,omitempty"` // the earliest version that said so

	// UnknownStatus is the newest status word that no decoder knows, with its stamp.
	UnknownStatus string `json:"unknown_status,omitempty"`
	UnknownStamp  Stamp  `json:"unknown_stamp,omitzero"`
	StatusStamp   Stamp  `json:"status_stamp,omitzero"` // newest document with a status that is known

	Shipments map[string]Shipment `json:"shipments,omitempty"`

	Times   Times             `json:"times,omitzero"`
	Part    bool              `json:"part,omitempty"`    // a part was cancelled: invalid tickets are no longer owed
	Revoked bool              `json:"revoked,omitempty"` // the tickets of the cancelled order are invalid
	Reread  Stamp             `json:"reread,omitzero"`   // newest document that does not tell all
	Spoilt  map[string]string `json:"spoilt,omitempty"`  // events whose ticket cannot be used, and why
	Cases   []string          `json:"cases,omitempty"`   // support cases that were assigned to us, sorted
	Refs    []string          `json:"refs,omitempty"`    // other names of the order, sorted

	Hint   Stamp        `json:"hint,omitzero"`    // newest news that something may have changed in our POS
	Supply *SupplyFacts `json:"supply,omitempty"` // what our POS holds for the buyer; nil: it was not read yet

	FirstReceived time.Time `json:"first_received,omitzero"`
}

// Shipment is what is known of one parcel or transfer.
type Shipment struct {
	AirbillReady bool  `json:"airbill_ready,omitempty"`
	Changed      Stamp `json:"changed,omitzero"` // newest document that changed its recipient
	AirbillAsked bool  `json:"airbill_asked,omitempty"`
	Shipped      bool  `json:"shipped,omitempty"`
	Reclassified Stamp `json:"reclassified,omitzero"` // newest document that changed the way it travels

	Lines []string `json:"lines,omitempty"` // of one of ours that is on its way, sorted
}

// IntentFacts are two registers: when the buyer's time is over, and what order the intent became.
type IntentFacts struct {
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	ExpiresStamp Stamp     `json:"expires_stamp,omitzero"`
	Becomes      string    `json:"becomes,omitempty"`
	BecomesStamp Stamp     `json:"becomes_stamp,omitzero"`
}

// Times is what documents said of the performance itself, snapshots and news alike.
type Times struct {
	First  Moment `json:"first,omitzero"` // by the oldest document that named a time
	Now    Moment `json:"now,omitzero"`   // by the newest
	Name   string `json:"name,omitempty"` // by the newest news that named it
	Named  Stamp  `json:"named,omitzero"`
	Off    bool   `json:"off,omitempty"` // by the newest news
	News   Stamp  `json:"news,omitzero"`
	Unsaid Stamp  `json:"unsaid,omitzero"` // newest news that did not say what has changed
}

// Moment is a time and the document that named it.
type Moment struct {
	At time.Time `json:"at,omitzero"`
	By Stamp     `json:"by,omitzero"`
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
	// News of the performance may be much older than the order.
	if e.News == nil && (f.FirstReceived.IsZero() || e.Received.Before(f.FirstReceived)) {
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
	if e.Payment != "" && f.paymentYields(e.Payment, stamp) {
		f.Payment, f.PaymentStamp = e.Payment, stamp
	}
	if e.Intent != nil {
		f.addIntent(*e.Intent, stamp)
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
	if e.Snapshot != nil {
		f.addTime(e.Snapshot.Show.StartsAt, stamp)
	}
	if e.News != nil {
		f.addNews(*e.News, stamp)
	}
	f.Part, f.Revoked = f.Part || e.Part, f.Revoked || e.Revoked
	if e.Reread && f.Reread.before(stamp) {
		f.Reread = stamp
	}
	if e.Hint && f.Hint.before(stamp) {
		f.Hint = stamp
	}
	if e.Supply != nil {
		f.addSupply(*e.Supply, stamp)
	}
	if e.Unusable != "" {
		if f.Spoilt == nil {
			f.Spoilt = map[string]string{}
		}
		f.Spoilt[e.ID] = max(f.Spoilt[e.ID], e.Unusable)
	}
	if e.Case != "" {
		f.Cases = with(f.Cases, e.Case)
	}
	for _, ref := range e.Refs {
		f.Refs = with(f.Refs, ref)
	}
}

// Knows reports whether e would add no fact: it was heard before, or says nothing new.
func (o *Order) Knows(e Event) bool {
	before, err := json.Marshal(o.Facts)
	if err != nil {
		return false
	}
	var copied Order
	if json.Unmarshal(before, &copied.Facts) != nil {
		return false
	}
	copied.Apply(e)
	if !o.Policy.Attach { // then it does not matter who brought a ticket, and histories are of before anybody asked
		copied.Facts.Brought = o.Facts.Brought
	}
	after, err := json.Marshal(copied.Facts)
	return err == nil && bytes.Equal(before, after)
}

// with is the sorted set with one more element. The set that it is given stays as it is: orders share it.
func with(set []string, s string) []string {
	if i, found := slices.BinarySearch(set, s); !found {
		return slices.Insert(slices.Clone(set), i, s)
	}
	return set
}

func (f *Facts) paymentYields(to Payment, stamp Stamp) bool {
	if !f.PaymentStamp.At.Equal(stamp.At) {
		return f.PaymentStamp.At.Before(stamp.At)
	}
	if f.Payment.caution() != to.caution() {
		return f.Payment.caution() < to.caution()
	}
	return f.PaymentStamp.By < stamp.By
}

func (f *Facts) addIntent(i Intent, stamp Stamp) {
	var known IntentFacts
	if f.Intent != nil {
		known = *f.Intent
	}
	if !i.ExpiresAt.IsZero() && known.ExpiresStamp.before(stamp) {
		known.ExpiresAt, known.ExpiresStamp = i.ExpiresAt.UTC(), stamp
	}
	if i.Becomes != "" && known.BecomesStamp.before(stamp) {
		known.Becomes, known.BecomesStamp = i.Becomes, stamp
	}
	f.Intent = &known
}

func (f *Facts) addTime(at time.Time, stamp Stamp) {
	if at.IsZero() {
		return
	}
	t, m := &f.Times, Moment{At: at.UTC(), By: stamp}
	if t.First.At.IsZero() || stamp.before(t.First.By) {
		t.First = m
	}
	if t.Now.By.before(stamp) {
		t.Now = m
	}
}

func (f *Facts) addNews(n News, stamp Stamp) {
	f.addTime(n.StartsAt, stamp)
	t := &f.Times
	if n.Name != "" && t.Named.before(stamp) {
		t.Name, t.Named = n.Name, stamp
	}
	if n.Unsaid && t.Unsaid.before(stamp) {
		t.Unsaid = stamp
	}
	if !n.Unsaid && t.News.before(stamp) { // news that does not say what has changed does not say that the event is on again
		t.Off, t.News = n.Off, stamp
	}
}

// describe puts the snapshot in force. Lines that it does not name are no longer part of the order, but what was
// learnt of them beside the snapshot is kept.
func (f *Facts) describe(s Snapshot, stamp Stamp) {
	f.Described, f.APIID, f.Buyer, f.Show, f.Free = stamp, s.APIID, s.Buyer, s.Show, s.Free
	f.Show.StartsAt = s.Show.StartsAt.UTC()
	for _, id := range slices.Sorted(maps.Keys(f.Lines)) {
		l := f.Lines[id]
		f.setLine(l.beside(Line{ID: id}))
	}
	for _, l := range s.Lines {
		f.setLine(f.Lines[l.ID].beside(l))
	}
}

// beside gives what is known of l beside any snapshot to described.
func (l Line) beside(described Line) Line {
	described.InHand, described.Delivered, described.Tickets, described.Cancelled = l.InHand, l.Delivered, l.Tickets, l.Cancelled
	described.Used, described.Ticket, described.Became = l.Used, l.Ticket, l.Became
	return described
}

// setLine stores l, or removes it where nothing is known of it: a line that only an outdated snapshot had named must
// leave no trace, or the facts would depend on which snapshot came first.
func (f *Facts) setLine(l Line) {
	if !l.Known() && !l.Cancelled && l.InHand == (Day{}) && l.Delivered.IsZero() && len(l.Tickets) == 0 &&
		!l.Used && l.Ticket == (Validity{}) && l.Became == "" {
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
		l.Tickets = with(l.Tickets, t)
		f.addBrought(lf.LineID, t, stamp)
	}
	l.Used = l.Used || lf.Used
	l.Became = max(l.Became, lf.Became) // a ticket is replaced once; should two documents differ, both orders of arrival agree
	if lf.Ticket != "" {
		if !lf.TicketAt.IsZero() {
			stamp.At = lf.TicketAt.UTC()
		}
		if l.Ticket.yields(lf.Ticket, stamp) {
			l.Ticket = Validity{State: lf.Ticket, Stamp: stamp}
		}
	}
	f.setLine(l)
}

// lineIDs are the ids of all lines that anything is known of, sorted.
func (o *Order) lineIDs() []string { return slices.Sorted(maps.Keys(o.Facts.Lines)) }

func (f *Facts) addBrought(line, ticket string, stamp Stamp) {
	if f.Brought == nil {
		f.Brought = map[string]map[string]Stamp{}
	}
	if f.Brought[line] == nil {
		f.Brought[line] = map[string]Stamp{}
	}
	if f.Brought[line][ticket].before(stamp) {
		f.Brought[line][ticket] = stamp
	}
}

func (f *Facts) addShipment(sf ShipmentFact, stamp Stamp) {
	if f.Shipments == nil {
		f.Shipments = map[string]Shipment{}
	}
	s := f.Shipments[sf.ID]
	s.AirbillReady = s.AirbillReady || sf.AirbillReady
	s.AirbillAsked, s.Shipped = s.AirbillAsked || sf.AirbillAsked, s.Shipped || sf.Shipped
	for _, l := range sf.Lines {
		s.Lines = with(s.Lines, l)
	}
	if sf.Changed && s.Changed.before(stamp) {
		s.Changed = stamp
	}
	if sf.Reclassified && s.Reclassified.before(stamp) {
		s.Reclassified = stamp
	}
	f.Shipments[sf.ID] = s
}
