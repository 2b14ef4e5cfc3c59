package tixstock

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"willcall/provider"
)

// No document has a signature that could be computed again. This one was made with
//
//	printf '%s' "$body" | openssl dgst -sha256 -hmac "$token"
const (
	vectorToken     = "an-invented-bearer-token"
	vectorBody      = `{"data":{"order_id":"3100004401","id":"15000042","general_admission":1,"row":null,"seat":null,"file":"","proof_file_url":["https:\/\/tickets.example.com\/p\/1"]},"meta":{"type":"order.mobile_ticket_fulfilment"}}`
	vectorSignature = "fc5305b9edc3a59039511ec1fb94e93f8e58bea14d4aa156e0561ea4dea96d66"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	nets := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	inside, outside := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.7")
	one := []string{vectorToken}
	unescaped := strings.ReplaceAll(vectorBody, `\/`, "/")
	for _, c := range []struct {
		name            string
		v               Verifier
		signature, body string
		remote          netip.Addr
		want            error
	}{
		{"OpenSSLsVector", Verifier{Tokens: one}, vectorSignature, vectorBody, outside, nil},
		{"Capitals", Verifier{Tokens: one}, strings.ToUpper(vectorSignature), vectorBody, outside, nil},
		{"Blanks", Verifier{Tokens: one}, " " + vectorSignature + " ", vectorBody, outside, nil},
		{"TheOldTokenDuringRotation", Verifier{Tokens: []string{vectorToken, "new"}}, vectorSignature, vectorBody, outside, nil},
		{"TheNewTokenDuringRotation", Verifier{Tokens: []string{"old", vectorToken}}, vectorSignature, vectorBody, outside, nil},
		{"AnotherToken", Verifier{Tokens: []string{"other"}}, vectorSignature, vectorBody, outside, provider.ErrSignature},
		{"TheTokenWithABlank", Verifier{Tokens: []string{vectorToken + " "}}, vectorSignature, vectorBody, outside, provider.ErrSignature},
		{"EncodedAgain", Verifier{Tokens: one}, vectorSignature, unescaped, outside, provider.ErrSignature},
		{"OneByteMore", Verifier{Tokens: one}, vectorSignature, vectorBody + "\n", outside, provider.ErrSignature},
		{"NoBody", Verifier{Tokens: one}, vectorSignature, "", outside, provider.ErrSignature},
		{"Missing", Verifier{Tokens: one}, "", vectorBody, outside, provider.ErrSignature},
		{"NotHex", Verifier{Tokens: one}, "x" + vectorSignature[1:], vectorBody, outside, provider.ErrSignature},
		{"Base64", Verifier{Tokens: one}, "/FMFue3DpZA5URHsH7lOk/jli+oU1KoVbgVh6k3qltZg==", vectorBody, outside, provider.ErrSignature},
		{"Short", Verifier{Tokens: one}, vectorSignature[:62], vectorBody, outside, provider.ErrSignature},
		{"OddDigits", Verifier{Tokens: one}, vectorSignature[:63], vectorBody, outside, provider.ErrSignature},
		{"Long", Verifier{Tokens: one}, vectorSignature + "00", vectorBody, outside, provider.ErrSignature},
		{"NamedAlgorithm", Verifier{Tokens: one}, "sha256=" + vectorSignature, vectorBody, outside, provider.ErrSignature},
		{"NoneConfigured", Verifier{}, vectorSignature, vectorBody, outside, provider.ErrNoSecret},
		{"NoneConfiguredNoneGiven", Verifier{}, "", vectorBody, outside, provider.ErrNoSecret},
		{"AnEmptyOneConfigured", Verifier{Tokens: []string{""}}, vectorSignature, vectorBody, outside, provider.ErrNoSecret},
		{"AnEmptyOneBesideARealOne", Verifier{Tokens: []string{"", vectorToken}}, vectorSignature, vectorBody, outside, nil},
		{"SignedWithTheEmptyToken", Verifier{Tokens: []string{"", "other"}}, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", "", outside, provider.ErrSignature},
		{"Off", Verifier{Off: true}, "", vectorBody, outside, nil},
		{"InsideTheNets", Verifier{Tokens: one, AllowedNets: nets}, vectorSignature, vectorBody, inside, nil},
		{"InsideTheNetsMapped", Verifier{Tokens: one, AllowedNets: nets}, vectorSignature, vectorBody, netip.MustParseAddr("::ffff:192.0.2.7"), nil},
		{"OutsideTheNets", Verifier{Tokens: one, AllowedNets: nets}, vectorSignature, vectorBody, outside, provider.ErrSignature},
		{"AnUnknownAddress", Verifier{Tokens: one, AllowedNets: nets}, vectorSignature, vectorBody, netip.Addr{}, provider.ErrSignature},
		{"InsideTheNetsUnsigned", Verifier{Tokens: one, AllowedNets: nets}, "", vectorBody, inside, provider.ErrSignature},
		{"TheNetsAreNoSecret", Verifier{AllowedNets: nets}, vectorSignature, vectorBody, inside, provider.ErrNoSecret},
		{"OffOutsideTheNets", Verifier{Off: true, AllowedNets: nets}, vectorSignature, vectorBody, outside, provider.ErrSignature},
		{"OffInsideTheNets", Verifier{Off: true, AllowedNets: nets}, "", vectorBody, inside, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			if c.signature != "" {
				h.Set("X-TIXSTOCK-SIGNATURE", c.signature) // the pages have it in capitals, too
			}
			err := c.v.Verify(provider.Delivery{Header: h, Body: []byte(c.body)}, c.remote)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("got %v; want %v", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), vectorToken) || c.signature != "" && strings.Contains(err.Error(), c.signature)) {
				t.Errorf("got %q; want neither the token nor the signature", err)
			}
		})
	}
	if err := (Verifier{Tokens: one}).Verify(provider.Delivery{Body: []byte(vectorBody)}, outside); !errors.Is(err, provider.ErrSignature) {
		t.Errorf("without any header: got %v; want ErrSignature", err)
	}
}
