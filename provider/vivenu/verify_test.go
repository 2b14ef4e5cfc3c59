package vivenu

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
)

// The vector was computed with openssl dgst -sha256 -hmac.
const (
	vectorKey  = "4f1f83b5-b47c-4e0e-9d55-7c1b52a0e9d1"
	vectorBody = `{"id":"3b9f0c52-6d1e-4a70-8f00-0000000000aa","type":"ticket.updated","mode":"prod","data":{"ticket":{"_id":"65f0a1b2c3d4e5f60000000b","status":"VALID"}}}`
	vectorSig  = "593421df604620564d4f6b9c9d98596f82c32528108ade39b9a7a8479e875316"
	secondKey  = "second-key-second-key"
	secondSig  = "0f3c24a57efdaba04dee70a57b5e092db308b9ef6e7fc4af4d44c9511dad2f3e"
	emptySig   = "7daaef98208e5ce4a9334f6c25553b5b1885214630289c849c567787fc40add5"
)

// signed is the header of a body, in lower case.
func signed(key, body string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	nets := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	inside, outside := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.7")
	prod := func(keys ...string) Verifier { return Verifier{Keys: keys, Mode: "prod"} }
	for _, c := range []struct {
		name   string
		v      Verifier
		sig    string
		body   string
		remote netip.Addr
		want   error
	}{
		{"TheVector", prod(vectorKey), vectorSig, vectorBody, outside, nil},
		{"UpperCase", prod(vectorKey), strings.ToUpper(vectorSig), vectorBody, outside, nil},
		{"TheOldKeyDuringRotation", prod(vectorKey, secondKey), vectorSig, vectorBody, outside, nil},
		{"TheNewKeyDuringRotation", prod(vectorKey, secondKey), secondSig, vectorBody, outside, nil},
		{"AnEmptyKeyBesideARealOne", prod("", vectorKey), vectorSig, vectorBody, outside, nil},
		{"AnotherKey", prod(vectorKey), secondSig, vectorBody, outside, provider.ErrSignature},
		{"SignedWithTheEmptyKey", prod("", vectorKey), signed("", vectorBody), vectorBody, outside, provider.ErrSignature},
		{"APartOfTheSignature", prod(vectorKey), vectorSig[:62], vectorBody, outside, provider.ErrSignature},
		{"NoHex", prod(vectorKey), vectorSig[:63] + "g", vectorBody, outside, provider.ErrSignature},
		{"MoreThanHex", prod(vectorKey), vectorSig + "zz", vectorBody, outside, provider.ErrSignature},
		{"WithAPrefix", prod(vectorKey), "sha256=" + vectorSig, vectorBody, outside, provider.ErrSignature},
		{"NoHeader", prod(vectorKey), "", vectorBody, outside, provider.ErrSignature},
		{"AChangedBody", prod(vectorKey), vectorSig, strings.Replace(vectorBody, "VALID", "INVALID", 1), outside, provider.ErrSignature},
		{"AChangedBlank", prod(vectorKey), vectorSig, vectorBody + "\n", outside, provider.ErrSignature},
		{"AnEmptyBody", prod(vectorKey), emptySig, "", outside, nil},
		{"AnEmptyBodyWithAnotherSignature", prod(vectorKey), vectorSig, "", outside, provider.ErrSignature},
		{"NoKey", prod(), vectorSig, vectorBody, outside, provider.ErrNoSecret},
		{"AnEmptyKey", prod(""), signed("", vectorBody), vectorBody, outside, provider.ErrNoSecret},
		{"NoKeyNoHeader", prod(), "", vectorBody, outside, provider.ErrNoSecret},
		{"NoKeyNoHex", prod(), "?", vectorBody, outside, provider.ErrNoSecret},
		{"ProdAtADevSource", Verifier{Keys: []string{vectorKey}, Mode: "dev"}, vectorSig, vectorBody, outside, provider.ErrNotOurs},
		{"NoModeConfigured", Verifier{Keys: []string{vectorKey}}, vectorSig, vectorBody, outside, provider.ErrNotOurs},
		{"Off", Verifier{Off: true, Mode: "prod"}, "", vectorBody, outside, nil},
		{"OffProdAtADevSource", Verifier{Off: true, Mode: "dev"}, "", vectorBody, outside, provider.ErrNotOurs},
		{"InsideTheNets", Verifier{Keys: []string{vectorKey}, AllowedNets: nets, Mode: "prod"}, vectorSig, vectorBody, inside, nil},
		{"OutsideTheNets", Verifier{Keys: []string{vectorKey}, AllowedNets: nets, Mode: "prod"}, vectorSig, vectorBody, outside, provider.ErrSignature},
		{"InsideTheNetsUnsigned", Verifier{Keys: []string{vectorKey}, AllowedNets: nets, Mode: "prod"}, "", vectorBody, inside, provider.ErrSignature},
		{"OffOutsideTheNets", Verifier{Off: true, AllowedNets: nets, Mode: "prod"}, "", vectorBody, outside, provider.ErrSignature},
		{"OffInsideTheNets", Verifier{Off: true, AllowedNets: nets, Mode: "prod"}, "", vectorBody, inside, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			if c.sig != "" {
				h.Set("x-vivenu-signature", c.sig)
			}
			err := c.v.Verify(provider.Delivery{Header: h, Body: []byte(c.body)}, c.remote)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("got %v; want %v", err, c.want)
			}
		})
	}
}

func TestVerifyMode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body string
		want map[string]error // by the mode of the source
	}{
		{`{"mode": "prod"}`, map[string]error{"prod": nil, "dev": provider.ErrNotOurs}},
		{`{"mode": "dev"}`, map[string]error{"prod": provider.ErrNotOurs, "dev": nil}},
		{`{"mode": "Prod"}`, map[string]error{"prod": nil, "dev": provider.ErrNotOurs}},
		{`{"data": {"mode": "dev", "x": ["mode", "dev"]}, "id": "mode", "mode": "prod"}`, map[string]error{"prod": nil, "dev": provider.ErrNotOurs}},
		{`{"m\u006fde": "dev"}`, map[string]error{"prod": provider.ErrNotOurs, "dev": nil}},
		{`{"mode": "test"}`, map[string]error{"prod": provider.ErrNotOurs, "dev": provider.ErrNotOurs}},
		{`{"mode": 7}`, map[string]error{"prod": provider.ErrNotOurs, "dev": provider.ErrNotOurs}},
		{`{"mode": ["prod"]}`, map[string]error{"prod": provider.ErrNotOurs, "dev": provider.ErrNotOurs}},
		{`{"mode": null}`, map[string]error{"prod": nil, "dev": nil}},
		{`{"data": {"mode": "dev"}}`, map[string]error{"prod": nil, "dev": nil}},
		{`{"data": {"mode": "dev"`, map[string]error{"prod": nil, "dev": nil}},
		{`[{"mode": "dev"}]`, map[string]error{"prod": nil, "dev": nil}},
		{`hello`, map[string]error{"prod": nil, "dev": nil}},
		{``, map[string]error{"prod": nil, "dev": nil}},
	} {
		for mode, want := range c.want {
			h := http.Header{SignatureHeader: {signed("a-key", c.body)}}
			err := Verifier{Keys: []string{"a-key"}, Mode: mode}.Verify(provider.Delivery{Header: h, Body: []byte(c.body)}, netip.Addr{})
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s at a %s source: got %v; want %v", c.body, mode, err, want)
			}
		}
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	s := Subscription{Name: "willcall-prod", URL: "https://example.com/" + secret, HMACKey: secret, Events: DefaultEvents()}
	old := s
	old.HMACKey = secret + "-old"
	for _, v := range []any{
		Verifier{Keys: []string{secret}}, &Verifier{Keys: []string{secret}}, Client{Key: secret}, &Client{Key: secret},
		s, &s, []Subscription{s}, struct{ S Subscription }{s}, Plan(nil, s, false), Plan([]Subscription{old, s}, s, true), Plan([]Subscription{old}, s, false),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, secret) || strings.Contains(got, hex.EncodeToString([]byte(secret))) || got == "" {
				t.Errorf("%T with %s: got %s; want it without secrets", v, verb, got)
			}
		}
	}
	if got := providertest.Marshal(t, []any{s, Change{Want: s}}); strings.Contains(strings.ReplaceAll(got, s.URL, ""), secret) {
		t.Errorf("got JSON %s; want it without the key", got)
	}
}
