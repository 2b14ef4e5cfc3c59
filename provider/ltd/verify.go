package ltd

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"willcall/provider"
)

// The kinds of proof that a [Verifier] knows.
const (
	KindToken  = "token"  // a secret segment in the path that we registered
	KindBasic  = "basic"  // Authorization: Basic, of "user:password"
	KindBearer = "bearer" // Authorization: Bearer
	KindHMAC   = "hmac"   // HMAC-SHA256 of the body, in a header
)

// Verifier proves that a webhook comes from London Theatre Direct. Its page "Webhook Authentication" is not public, so that
// the proof is a matter of configuration: whoever sets up the source fills in what London Theatre Direct has agreed to. What
// is not filled in lets nothing pass.
type Verifier struct {
	Kind string // one of the kinds above
	// Secrets are valid now; several during a rotation. Tokens, or "user:password" for basic, or keys for hmac. Empty ones do
	// not count.
	Secrets  []string
	Header   string // hmac: the header that holds the signature
	Encoding string // hmac: "hex", in either letter case, or "base64"
	Prefix   string // hmac: what stands before the signature in the header, such as "sha256="
	// AffiliateID is ours, as London Theatre Direct gave it. It is no secret, but without it we could not tell our tickets
	// from another affiliate's.
	AffiliateID string
	// AllowedNets are the networks that may call, if any are named. They are asked even where Off is set.
	AllowedNets []netip.Prefix
	// Off takes webhooks without a proof. It is for development, and for a network that is closed otherwise.
	Off bool
}

// Verify returns nil if d may be believed and is for us: remote lies in one of the allowed networks, if any are named; the
// delivery bears the proof of the verifier's kind under one of the secrets; and where it is a ScheduledEticketDelivery that
// names an affiliate, that is ours ("Scheduled E-tickets Available", AffiliateId). One that names none is left to [Decode],
// which keeps it for a person.
//
// It returns [provider.ErrSignature] where the caller is wrong, [provider.ErrNotOurs] where an authentic delivery is for another
// affiliate, and [provider.ErrNoSecret] where we cannot tell because kind, secrets, header, encoding or affiliate id are not
// configured or not known: the fault is ours then.
func (v Verifier) Verify(d provider.Delivery, remote netip.Addr) error {
	if err := provider.ProveNetwork(remote, v.AllowedNets); err != nil {
		return err
	}
	if !v.Off {
		if v.AffiliateID == "" {
			return fmt.Errorf("%w: the affiliate id is missing", provider.ErrNoSecret)
		}
		if err := v.prove(d); err != nil {
			return err
		}
	}
	var m message
	if v.AffiliateID == "" || parse(d.Body, &m) != nil || !m.is(scheduled) && !m.is(Polled) {
		return nil
	}
	if id := m.Payload.V.AffiliateID.Text; id != "" && !sameAffiliate(id, v.AffiliateID) {
		return provider.ErrNotOurs
	}
	return nil
}

func (v Verifier) prove(d provider.Delivery) error {
	switch v.Kind {
	case KindToken:
		return provider.ProveToken(d.Token, v.Secrets)
	case KindBasic:
		user, password, _ := (&http.Request{Header: d.Header}).BasicAuth()
		return provider.ProveToken(user+":"+password, v.Secrets)
	case KindBearer:
		scheme, token, _ := strings.Cut(d.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			token = ""
		}
		return provider.ProveToken(strings.TrimSpace(token), v.Secrets)
	case KindHMAC:
		return v.proveHMAC(d)
	}
	return fmt.Errorf("%w: the kind of proof is none that we know", provider.ErrNoSecret)
}

// proveHMAC leaves a signature that cannot be read empty: it fits nothing, and a missing secret still comes first.
func (v Verifier) proveHMAC(d provider.Delivery) error {
	var decode func(string) ([]byte, error)
	switch v.Encoding {
	case "hex":
		decode = hex.DecodeString
	case "base64":
		decode = base64.StdEncoding.DecodeString
	default:
		return fmt.Errorf("%w: the encoding of signatures is none that we know", provider.ErrNoSecret)
	}
	if v.Header == "" {
		return fmt.Errorf("%w: the header of signatures is missing", provider.ErrNoSecret)
	}
	var mac []byte
	if text, ok := strings.CutPrefix(strings.TrimSpace(d.Header.Get(v.Header)), v.Prefix); ok {
		if b, err := decode(text); err == nil {
			mac = b
		}
	}
	return provider.ProveHMAC(mac, d.Body, v.Secrets)
}

// sameAffiliate compares two guids: .NET writes them in either letter case.
func sameAffiliate(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
