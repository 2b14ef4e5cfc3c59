package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/netip"
)

// The proofs that several providers use. All of them look at every secret that is valid now, so that one can be replaced by
// another without a gap, and take equally long whichever fits.

// ProveToken returns nil if got is one of the secrets. Empty ones do not count. It returns [ErrNoSecret] where there is none,
// and [ErrSignature] where none fits.
func ProveToken(got string, secrets []string) error {
	configured, fits := false, 0
	sum := sha256.Sum256([]byte(got)) // equal lengths, so that the comparison does not tell the secret's
	for _, s := range secrets {
		if s == "" {
			continue
		}
		configured = true
		want := sha256.Sum256([]byte(s))
		fits |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	switch {
	case !configured:
		return ErrNoSecret
	case fits != 1:
		return fmt.Errorf("%w: wrong or missing token", ErrSignature)
	}
	return nil
}

// ProveHMAC returns nil if mac is the HMAC-SHA256 of the body under one of the keys. Empty keys do not count. Errors are those
// of [ProveToken].
func ProveHMAC(mac, body []byte, keys []string) error {
	configured, fits := false, false
	for _, k := range keys {
		if k == "" {
			continue
		}
		configured = true
		h := hmac.New(sha256.New, []byte(k))
		h.Write(body)
		if hmac.Equal(mac, h.Sum(nil)) {
			fits = true
		}
	}
	switch {
	case !configured:
		return ErrNoSecret
	case !fits:
		return fmt.Errorf("%w: the signature does not match the body", ErrSignature)
	}
	return nil
}

// ProveNetwork returns nil if remote lies in one of the networks, or none is named, and [ErrSignature] otherwise.
func ProveNetwork(remote netip.Addr, networks []netip.Prefix) error {
	if len(networks) == 0 {
		return nil
	}
	remote = remote.Unmap()
	for _, n := range networks {
		if n.Contains(remote) {
			return nil
		}
	}
	return fmt.Errorf("%w: the address is in no allowed network", ErrSignature)
}
