package order

import "slices"

// Supply is what our POS held for the buyer of an invoice when it was read. It stands or falls whole: of two, the newer counts.
type Supply struct {
	Invoice string     `json:"invoice"`        // the POS's id
	Void    bool       `json:"void,omitempty"` // somebody has voided it
	Lines   []Supplied `json:"lines,omitempty"`
}

// Supplied is what is there for one line. It names tickets by digests: it lies in histories.
type Supplied struct {
	LineID string `json:"line_id"`
	Form   Form   `json:"form"`
	// Digest is of everything that would be delivered: another digest is another delivery.
	Digest string `json:"digest"`
	// Tickets says how many of the line's tickets are there for certain.
	Tickets int `json:"tickets"`
	// Pages are those of the files, one after the other and counted from 1, that are the tickets, in the order of the seats; none
	// where they are no files.
	Pages []int `json:"pages,omitempty"`
	// Unclear says why a person must look before it is delivered; "" if none needs to. It never quotes a ticket.
	Unclear string `json:"unclear,omitempty"`
	// Ordered says that the pages are as many as the tickets and only which is whose is unclear: an operator may approve them as
	// they are.
	Ordered bool `json:"ordered,omitempty"`
}

// Form is how tickets come to their buyer, as the POS has them.
type Form string

const (
	FormFile     Form = "file"
	FormLink     Form = "link"      // an address where the buyer claims them
	FormTransfer Form = "transfer"  // they were transferred to the buyer already
	FormParcel   Form = "parcel"    // a carrier has them
	FormWillCall Form = "will_call" // they lie at the box office
	FormMixed    Form = "mixed"     // some in one way, some in another: a person must look
)

// SupplyFacts is the supply in force.
type SupplyFacts struct {
	Supply
	Stamp
}

// addSupply puts s in force unless a newer one is.
func (f *Facts) addSupply(s Supply, stamp Stamp) {
	if f.Supply != nil && !f.Supply.before(stamp) {
		return
	}
	s.Lines = slices.Clone(s.Lines)
	f.Supply = &SupplyFacts{Supply: s, Stamp: stamp}
}
