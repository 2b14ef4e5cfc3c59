package tixstock

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"willcall/provider"
)

// SignatureHeader bears the proof of a webhook (public: Webhooks, Overview).
const SignatureHeader = "X-Tixstock-Signature"

// Verifier proves that a webhook comes from Tixstock: it is signed with HMAC-SHA256 under our Bearer token. The page says that
// the JSON-encoded payload is signed, in a notation that it does not name; the header in its example and programs in the open
// agree on the hex digest of the body as it was sent.
type Verifier struct {
	// Tokens are the Bearer tokens that are valid now; several during a rotation, for to change the token changes the
	// signatures. Empty ones do not count.
	Tokens []string
	// AllowedNets are the networks that may call, if any are named: no page names Tixstock's. They are asked even where Off is
	// set.
	AllowedNets []netip.Prefix
	// Off takes webhooks without a signature. It is for development, and for a network that is closed otherwise.
	Off bool
}

// Verify returns nil if d may be believed: remote lies in one of the allowed networks, if any are named, and
// X-Tixstock-Signature is the hex HMAC-SHA256, in either case, of the very bytes of the body under one of the tokens. PHP
// escapes slashes, so what is signed must never be encoded again.
//
// It returns [provider.ErrSignature] where the caller is wrong, which must be answered with 401 and [Refusal] (public: Webhooks,
// Overview), and [provider.ErrNoSecret] where no token is configured and verification is not off: the fault is ours then.
func (v Verifier) Verify(d provider.Delivery, remote netip.Addr) error {
	if err := provider.ProveNetwork(remote, v.AllowedNets); err != nil || v.Off {
		return err
	}
	if !slices.ContainsFunc(v.Tokens, func(t string) bool { return t != "" }) {
		return provider.ErrNoSecret
	}
	text := strings.TrimSpace(d.Header.Get(SignatureHeader))
	if text == "" {
		return fmt.Errorf("%w: %s is missing", provider.ErrSignature, SignatureHeader)
	}
	mac, err := hex.DecodeString(text)
	if err != nil {
		return fmt.Errorf("%w: %s is not hex", provider.ErrSignature, SignatureHeader)
	}
	return provider.ProveHMAC(mac, d.Body, v.Tokens)
}
