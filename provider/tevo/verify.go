package tevo

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/netip"

	"willcall/provider"
)

// Verifier proves that a webhook comes from Ticket Evolution as well as that can be done: no document names a signature
// or the addresses it sends from. What can be had is a secret in the URL that we register with its support, and a list
// of networks once support has named them. Neither proves the content, so before anything irreversible the order is
// to be read again by the signed API.
type Verifier struct {
	// Tokens are the secret path segments that are valid now; several during a rotation. Empty ones do not count.
	Tokens []string
	// AllowedNets are the networks that may call, if any are named. They are asked even where Off is set.
	AllowedNets []netip.Prefix
	// Off takes webhooks without a token. It is for development, and for a network that is closed otherwise.
	Off bool
}

// Verify returns nil if d may be believed: remote lies in one of the allowed networks, if any are named, and d.Token is
// one of the tokens. It compares with every token and takes equally long whichever fits.
//
// It returns [provider.ErrSignature] where the caller is wrong, and [provider.ErrNoSecret] where no token is configured and
// verification is not off: the fault is ours then.
func (v Verifier) Verify(d provider.Delivery, remote netip.Addr) error {
	if len(v.AllowedNets) > 0 && !v.allows(remote) {
		return fmt.Errorf("%w: the address is in no allowed network", provider.ErrSignature)
	}
	if v.Off {
		return nil
	}
	configured, fits := false, 0
	got := sha256.Sum256([]byte(d.Token)) // equal lengths, so that the comparison does not tell the token's
	for _, t := range v.Tokens {
		if t == "" {
			continue
		}
		configured = true
		want := sha256.Sum256([]byte(t))
		fits |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	switch {
	case !configured:
		return provider.ErrNoSecret
	case fits != 1:
		return fmt.Errorf("%w: wrong or missing token", provider.ErrSignature)
	}
	return nil
}

func (v Verifier) allows(remote netip.Addr) bool {
	remote = remote.Unmap()
	for _, n := range v.AllowedNets {
		if n.Contains(remote) {
			return true
		}
	}
	return false
}
