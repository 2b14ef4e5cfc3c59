package vivenu

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"willcall/provider"
	"willcall/provider/wire"
)

// SignatureHeader bears the proof of a webhook. ("Webhooks", Verify signature)
const SignatureHeader = "X-Vivenu-Signature"

// Verifier proves that a webhook comes from vivenu and is of the environment that we serve. The signature has no time in it,
// so a webhook that somebody has recorded can be sent again; the inbox takes it for a repeat.
type Verifier struct {
	// Keys are the subscription's hmacKeys that are valid now; several during a rotation. Empty ones do not count.
	Keys []string
	// AllowedNets are the networks that may call, if any are named; no document names vivenu's. They are asked even where
	// Off is set.
	AllowedNets []netip.Prefix
	// Off takes webhooks without a signature. It is for development, and for a network that is closed otherwise.
	Off bool
	// Mode is the environment whose webhooks are taken: "prod" or "dev". Empty takes none that names one.
	Mode string
}

// Format prints everything but the keys, with any verb: a verifier in a log line must not give them away.
func (v Verifier) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "Verifier{%d keys, %d networks, off %t, mode %q}", len(v.Keys), len(v.AllowedNets), v.Off, v.Mode)
}

// Verify returns nil if d may be believed and is for us. In this order: remote lies in one of the allowed networks, if any
// are named; unless Off is set, [SignatureHeader] is the HMAC-SHA256 of the raw body in hex, in whatever case, under one of the
// keys; and the field mode at the top of the body is v.Mode. A body that is no JSON, or has no mode, passes: what is authentic
// and cannot be read is for [Decode] to quarantine.
//
// It returns [provider.ErrSignature] where the caller is wrong, [provider.ErrNoSecret] where no key is configured and the
// signature is not off, and [provider.ErrNotOurs] for an authentic webhook of another environment.
func (v Verifier) Verify(d provider.Delivery, remote netip.Addr) error {
	if err := provider.ProveNetwork(remote, v.AllowedNets); err != nil {
		return err
	}
	if !v.Off {
		mac, err := hex.DecodeString(d.Header.Get(SignatureHeader))
		if err != nil {
			mac = nil // what is no hex fits no key; ProveHMAC must still say that there is none
		}
		if err := provider.ProveHMAC(mac, d.Body, v.Keys); err != nil {
			return err
		}
	}
	if mode, ok := modeOf(d.Body); ok && !strings.EqualFold(mode, v.Mode) {
		return fmt.Errorf("%w: it is of another mode", provider.ErrNotOurs)
	}
	return nil
}

// modeOf finds the field mode at the top of a body and reads no further than that.
func modeOf(body []byte) (string, bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return "", false
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return "", false
		}
		if name.String() != "mode" {
			if dec.SkipValue() != nil {
				return "", false
			}
			continue
		}
		var s wire.Scalar
		if s.UnmarshalJSONFrom(dec) != nil {
			return "", false
		}
		return s.Text, s.Given()
	}
	return "", false
}
