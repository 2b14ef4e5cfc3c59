package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
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

// The kinds of [Proof].
const (
	ProofToken  = "token"  // a secret segment in the path that we registered
	ProofBasic  = "basic"  // Authorization: Basic, of "user:password"
	ProofBearer = "bearer" // Authorization: Bearer
	ProofHMAC   = "hmac"   // HMAC-SHA256 of the body, in a header
)

// Proof is for senders whose own way to prove a delivery is not public, so that it is a matter of configuration: whoever sets up
// the source fills in what the sender has agreed to, or what can be registered there. What is not filled in lets nothing pass.
type Proof struct {
	Kind string // one of the kinds above
	// Secrets are valid now; several during a rotation. Tokens, or "user:password" for basic, or keys for hmac. Empty ones do
	// not count.
	Secrets  []string
	Header   string // hmac: the header that holds the signature
	Encoding string // hmac: "hex", in either letter case, or "base64"
	Prefix   string // hmac: what stands before the signature in the header, such as "sha256="
}

// Prove returns nil if d bears the proof under one of the secrets, [ErrSignature] where the caller is wrong, and [ErrNoSecret]
// where we cannot tell because kind, secrets, header or encoding are not configured or not known.
func (p Proof) Prove(d Delivery) error {
	switch p.Kind {
	case ProofToken:
		return ProveToken(d.Token, p.Secrets)
	case ProofBasic:
		user, password, _ := (&http.Request{Header: d.Header}).BasicAuth()
		return ProveToken(user+":"+password, p.Secrets)
	case ProofBearer:
		scheme, token, _ := strings.Cut(d.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			token = ""
		}
		return ProveToken(strings.TrimSpace(token), p.Secrets)
	case ProofHMAC:
		return p.proveHMAC(d)
	}
	return fmt.Errorf("%w: the kind of proof is none that we know", ErrNoSecret)
}

// proveHMAC leaves a signature that cannot be read empty: it fits nothing, and a missing secret still comes first.
func (p Proof) proveHMAC(d Delivery) error {
	var decode func(string) ([]byte, error)
	switch p.Encoding {
	case "hex":
		decode = hex.DecodeString
	case "base64":
		decode = base64.StdEncoding.DecodeString
	default:
		return fmt.Errorf("%w: the encoding of signatures is none that we know", ErrNoSecret)
	}
	if p.Header == "" {
		return fmt.Errorf("%w: the header of signatures is missing", ErrNoSecret)
	}
	var mac []byte
	if text, ok := strings.CutPrefix(strings.TrimSpace(d.Header.Get(p.Header)), p.Prefix); ok {
		if b, err := decode(text); err == nil {
			mac = b
		}
	}
	return ProveHMAC(mac, d.Body, p.Secrets)
}
