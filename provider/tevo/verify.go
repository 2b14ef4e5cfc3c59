package tevo

import (
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
	if err := provider.ProveNetwork(remote, v.AllowedNets); err != nil || v.Off {
		return err
	}
	return provider.ProveToken(d.Token, v.Tokens)
}
