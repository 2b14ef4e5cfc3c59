package ltd

import (
	"fmt"
	"net/netip"
	"strings"

	"willcall/provider"
)

// The kinds of proof that a [Verifier] knows.
const (
	KindToken  = provider.ProofToken
	KindBasic  = provider.ProofBasic
	KindBearer = provider.ProofBearer
	KindHMAC   = provider.ProofHMAC
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
	return provider.Proof{Kind: v.Kind, Secrets: v.Secrets, Header: v.Header, Encoding: v.Encoding, Prefix: v.Prefix}.Prove(d)
}

// sameAffiliate compares two guids: .NET writes them in either letter case.
func sameAffiliate(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
