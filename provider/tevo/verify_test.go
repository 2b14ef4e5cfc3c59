package tevo

import (
	"errors"
	"net/netip"
	"testing"

	"willcall/provider"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	nets := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	inside, outside := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.7")
	for _, c := range []struct {
		name   string
		v      Verifier
		token  string
		remote netip.Addr
		want   error
	}{
		{"TheToken", Verifier{Tokens: []string{"one"}}, "one", outside, nil},
		{"TheOldTokenDuringRotation", Verifier{Tokens: []string{"one", "two"}}, "one", outside, nil},
		{"TheNewTokenDuringRotation", Verifier{Tokens: []string{"one", "two"}}, "two", outside, nil},
		{"AnotherToken", Verifier{Tokens: []string{"one", "two"}}, "three", outside, provider.ErrSignature},
		{"APartOfTheToken", Verifier{Tokens: []string{"one"}}, "on", outside, provider.ErrSignature},
		{"TheTokenTwice", Verifier{Tokens: []string{"one", "one"}}, "one", outside, nil},
		{"NoToken", Verifier{Tokens: []string{"one"}}, "", outside, provider.ErrSignature},
		{"NoneConfigured", Verifier{}, "one", outside, provider.ErrNoSecret},
		{"NoneConfiguredNoneGiven", Verifier{}, "", outside, provider.ErrNoSecret},
		{"AnEmptyOneConfigured", Verifier{Tokens: []string{""}}, "", outside, provider.ErrNoSecret},
		{"AnEmptyOneBesideARealOne", Verifier{Tokens: []string{"", "one"}}, "", outside, provider.ErrSignature},
		{"Off", Verifier{Off: true}, "", outside, nil},
		{"InsideTheNets", Verifier{Tokens: []string{"one"}, AllowedNets: nets}, "one", inside, nil},
		{"InsideTheNetsMapped", Verifier{Tokens: []string{"one"}, AllowedNets: nets}, "one", netip.MustParseAddr("::ffff:192.0.2.7"), nil},
		{"InsideTheOtherNet", Verifier{Tokens: []string{"one"}, AllowedNets: nets}, "one", netip.MustParseAddr("2001:db8::1"), nil},
		{"OutsideTheNets", Verifier{Tokens: []string{"one"}, AllowedNets: nets}, "one", outside, provider.ErrSignature},
		{"AnUnknownAddress", Verifier{Tokens: []string{"one"}, AllowedNets: nets}, "one", netip.Addr{}, provider.ErrSignature},
		{"InsideTheNetsWithoutTheToken", Verifier{Tokens: []string{"one"}, AllowedNets: nets}, "two", inside, provider.ErrSignature},
		{"TheNetsAreNoSecret", Verifier{AllowedNets: nets}, "", inside, provider.ErrNoSecret},
		{"OffOutsideTheNets", Verifier{Off: true, AllowedNets: nets}, "", outside, provider.ErrSignature},
		{"OffInsideTheNets", Verifier{Off: true, AllowedNets: nets}, "", inside, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.v.Verify(provider.Delivery{Token: c.token}, c.remote)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("got %v; want %v", err, c.want)
			}
		})
	}
}
