package tevo

import (
	"cmp"

	"willcall/provider"
	"willcall/provider/wire"
)

// Seller reads from whom we bought, for the vendor of a purchase order: the seller of an O body, documented as an Office by
// the order_created sample. Its own name tells little ("Main Office"), so the brokerage's is taken where there is one.
//
// It returns [provider.ErrMalformed], without a value, if raw is no order or its seller has no name.
func Seller(raw []byte) (provider.Seller, error) {
	f, err := parseForm(raw)
	if err != nil {
		return provider.Seller{}, err
	}
	var o struct {
		Seller wire.Object[contact] `json:"seller"`
	}
	if err := parseBody(f.body, &o); err != nil {
		return provider.Seller{}, err
	}
	s := o.Seller.V
	name := cmp.Or(s.Brokerage.Name.Text, s.Company.Name.Text, s.Name.Text)
	if name == "" {
		return provider.Seller{}, provider.Malformed("body.seller", "it has no name")
	}
	return provider.Seller{ID: s.ID.ID(), Name: name}, nil
}

// ReasonFor is the reason of the API that an operator's words mean: they are its own words, or Other.
func ReasonFor(words string) Reason {
	if r := Reason(words); r.Valid() {
		return r
	}
	return OtherReason
}
