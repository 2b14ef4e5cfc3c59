package ltd

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
)

// pingBody and its signatures are written by openssl:
//
//	printf '%s' '{"MessageType":"Ping","Payload":{}}' | openssl dgst -sha256 -hmac first-key -hex
//	printf '%s' '{"MessageType":"Ping","Payload":{}}' | openssl dgst -sha256 -hmac first-key -binary | base64
const (
	pingBody     = `{"MessageType":"Ping","Payload":{}}`
	firstHex     = "29605beb2f0776682014a88956b39efd784227f3d541af268d0cab83691de6bd"
	firstBase64  = "KWBb6y8HdmggFKiJVrOe/XhCJ/PVQa8mjQyrg2kd5r0="
	secondHex    = "2f26a57c5f172216feabfc524708fbf2e7203acc395c585e0e789ddc59e516c7"
	secondBase64 = "LyalfF8XIhb+q/xSRwj78ucgOsw5XFheDnid3FnlFsc="
)

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestVerify(t *testing.T) {
	t.Parallel()
	token := Verifier{Kind: KindToken, Secrets: []string{"one", "two"}}
	basic := Verifier{Kind: KindBasic, Secrets: []string{"shop:pass:word", "shop:new"}}
	bearer := Verifier{Kind: KindBearer, Secrets: []string{"one", "two"}}
	hexed := Verifier{Kind: KindHMAC, Secrets: []string{"first-key", "second-key"}, Header: "X-Ltd-Signature", Encoding: "hex"}
	prefixed, based := hexed, hexed
	prefixed.Prefix = "sha256="
	based.Encoding = "base64"
	without := func(v Verifier, change func(*Verifier)) Verifier { change(&v); return v }
	none := func(v *Verifier) { v.Secrets = nil }
	empty := func(v *Verifier) { v.Secrets = []string{""} }
	const sig = "X-Ltd-Signature"
	const good, missing = "Basic c2hvcDpwYXNzOndvcmQ=", ""

	for _, c := range []struct {
		name  string
		v     Verifier
		token string
		h     http.Header
		body  string
		want  error
	}{
		{"Token", token, "one", nil, pingBody, nil},
		{"TokenTheOther", token, "two", nil, pingBody, nil},
		{"TokenWrong", token, "three", nil, pingBody, provider.ErrSignature},
		{"TokenMissing", token, missing, nil, pingBody, provider.ErrSignature},
		{"TokenOfNoneConfigured", without(token, none), "one", nil, pingBody, provider.ErrNoSecret},
		{"TokenOfEmptyOneConfigured", without(token, empty), missing, nil, pingBody, provider.ErrNoSecret},
		{"TokenInAHeader", token, missing, headers("Authorization", "Bearer one"), pingBody, provider.ErrSignature},

		{"Basic", basic, missing, headers("Authorization", good), pingBody, nil},
		{"BasicTheOther", basic, missing, headers("Authorization", "basic c2hvcDpuZXc="), pingBody, nil},
		{"BasicWrong", basic, missing, headers("Authorization", "Basic c2hvcDpvbGQ="), pingBody, provider.ErrSignature},
		{"BasicNotBase64", basic, missing, headers("Authorization", "Basic shop:new"), pingBody, provider.ErrSignature},
		{"BasicWithoutPassword", basic, missing, headers("Authorization", "Basic c2hvcA=="), pingBody, provider.ErrSignature},
		{"BasicMissing", basic, missing, nil, pingBody, provider.ErrSignature},
		{"BasicAsBearer", basic, missing, headers("Authorization", "Bearer shop:new"), pingBody, provider.ErrSignature},
		{"BasicOfNoneConfigured", without(basic, none), missing, headers("Authorization", good), pingBody, provider.ErrNoSecret},
		{"BasicOfEmptyOneConfigured", without(basic, empty), missing, headers("Authorization", "Basic Og=="), pingBody, provider.ErrNoSecret},

		{"Bearer", bearer, missing, headers("Authorization", "Bearer one"), pingBody, nil},
		{"BearerTheOther", bearer, missing, headers("Authorization", "bearer  two"), pingBody, nil},
		{"BearerWrong", bearer, missing, headers("Authorization", "Bearer three"), pingBody, provider.ErrSignature},
		{"BearerOfAnotherScheme", bearer, missing, headers("Authorization", "Token one"), pingBody, provider.ErrSignature},
		{"BearerWithoutScheme", bearer, missing, headers("Authorization", "one"), pingBody, provider.ErrSignature},
		{"BearerMissing", bearer, missing, nil, pingBody, provider.ErrSignature},
		{"BearerOfNoneConfigured", without(bearer, none), missing, headers("Authorization", "Bearer one"), pingBody, provider.ErrNoSecret},

		{"HMAC", hexed, missing, headers(sig, firstHex), pingBody, nil},
		{"HMACTheOther", hexed, missing, headers(sig, secondHex), pingBody, nil},
		{"HMACInCapitals", hexed, missing, headers(sig, strings.ToUpper(firstHex)), pingBody, nil},
		{"HMACOfAnotherBody", hexed, missing, headers(sig, firstHex), pingBody + " ", provider.ErrSignature},
		{"HMACWrong", hexed, missing, headers(sig, strings.Repeat("00", 32)), pingBody, provider.ErrSignature},
		{"HMACCut", hexed, missing, headers(sig, firstHex[:32]), pingBody, provider.ErrSignature},
		{"HMACNotHex", hexed, missing, headers(sig, firstBase64), pingBody, provider.ErrSignature},
		{"HMACMissing", hexed, missing, nil, pingBody, provider.ErrSignature},
		{"HMACInAnotherHeader", hexed, missing, headers("X-Signature", firstHex), pingBody, provider.ErrSignature},
		{"HMACBase64", based, missing, headers(sig, firstBase64), pingBody, nil},
		{"HMACBase64TheOther", based, missing, headers(sig, secondBase64), pingBody, nil},
		{"HMACBase64Wrong", based, missing, headers(sig, firstHex), pingBody, provider.ErrSignature},
		{"HMACPrefixed", prefixed, missing, headers(sig, "sha256="+firstHex), pingBody, nil},
		{"HMACWithoutItsPrefix", prefixed, missing, headers(sig, firstHex), pingBody, provider.ErrSignature},
		{"HMACWithAnotherPrefix", prefixed, missing, headers(sig, "sha1="+firstHex), pingBody, provider.ErrSignature},
		{"HMACWithAPrefixTooMany", hexed, missing, headers(sig, "sha256="+firstHex), pingBody, provider.ErrSignature},
		{"HMACOfNoneConfigured", without(hexed, none), missing, headers(sig, firstHex), pingBody, provider.ErrNoSecret},
		{"HMACOfNoneConfiguredNoneGiven", without(hexed, empty), missing, nil, pingBody, provider.ErrNoSecret},
		{"HMACWithoutAHeader", without(hexed, func(v *Verifier) { v.Header = "" }), missing, headers(sig, firstHex), pingBody, provider.ErrNoSecret},
		{"HMACWithoutAnEncoding", without(hexed, func(v *Verifier) { v.Encoding = "" }), missing, headers(sig, firstHex), pingBody, provider.ErrNoSecret},
		{"HMACOfUnknownEncoding", without(hexed, func(v *Verifier) { v.Encoding = "base32" }), missing, headers(sig, firstHex), pingBody, provider.ErrNoSecret},

		{"NoKind", Verifier{Secrets: []string{"one"}}, "one", nil, pingBody, provider.ErrNoSecret},
		{"UnknownKind", Verifier{Kind: "oauth", Secrets: []string{"one"}}, "one", headers("Authorization", "Bearer one"), pingBody, provider.ErrNoSecret},
		{"Off", Verifier{Off: true}, missing, nil, pingBody, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.v.AffiliateID = affiliate
			err := c.v.Verify(provider.Delivery{Token: c.token, Header: c.h, Body: []byte(c.body)}, netip.MustParseAddr("192.0.2.7"))
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("got %v; want %v", err, c.want)
			}
			for _, secret := range []string{"first-key", "pass:word", firstHex} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("got %q; want no secret in it", err)
				}
			}
		})
	}
}

func TestVerifyAsksWhoseTicketsTheyAre(t *testing.T) {
	t.Parallel()
	ours, theirs := sample(t, "scheduled_eticket_delivery"), sample(t, "scheduled_not_ours")
	booking := sample(t, "transaction_changed")
	for _, c := range []struct {
		name, affiliate, token, body string
		off                          bool
		want                         error
	}{
		{"Ours", affiliate, "one", ours, false, nil},
		{"OursInCapitals", strings.ToUpper(affiliate), "one", ours, false, nil},
		{"Theirs", affiliate, "one", theirs, false, provider.ErrNotOurs},
		{"TheirsPolled", affiliate, "one", strings.Replace(theirs, scheduled, Polled, 1), false, provider.ErrNotOurs},
		{"TheirsInAnotherSpelling", affiliate, "one", strings.Replace(theirs, scheduled, "SCHEDULEDETICKETDELIVERY", 1), false, provider.ErrNotOurs},
		{"TheirsWithoutProof", affiliate, "three", theirs, false, provider.ErrSignature},
		{"TheirsWhereProofIsOff", affiliate, "", theirs, true, provider.ErrNotOurs},
		{"NobodysIsKeptForAPerson", affiliate, "one", providertest.Patch(t, ours, "Payload.AffiliateId = null"), false, nil},
		{"BrokenIsKeptForAPerson", affiliate, "one", ours[:200], false, nil},
		{"ABookingNamesNobody", affiliate, "one", booking, false, nil},
		{"WeDoNotKnowWhoWeAre", "", "one", ours, false, provider.ErrNoSecret},
		{"WeDoNotKnowWhoWeAreInABooking", "", "one", booking, false, provider.ErrNoSecret},
		{"WeDoNotKnowWhoWeAreInDevelopment", "", "", ours, true, nil},
	} {
		v := Verifier{Kind: KindToken, Secrets: []string{"one"}, AffiliateID: c.affiliate, Off: c.off}
		err := v.Verify(provider.Delivery{Token: c.token, Body: []byte(c.body)}, netip.Addr{})
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: got %v; want %v", c.name, err, c.want)
		}
	}
}

func TestVerifyNetworks(t *testing.T) {
	t.Parallel()
	nets := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct {
		remote, token string
		off           bool
		want          error
	}{
		{"192.0.2.7", "one", false, nil}, {"::ffff:192.0.2.7", "one", false, nil}, {"2001:db8::1", "one", false, nil},
		{"198.51.100.7", "one", false, provider.ErrSignature}, {"192.0.2.7", "two", false, provider.ErrSignature},
		{"192.0.2.7", "", true, nil}, {"198.51.100.7", "", true, provider.ErrSignature},
	} {
		v := Verifier{Kind: KindToken, Secrets: []string{"one"}, AffiliateID: affiliate, AllowedNets: nets, Off: c.off}
		err := v.Verify(provider.Delivery{Token: c.token, Body: []byte(pingBody)}, netip.MustParseAddr(c.remote))
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}
