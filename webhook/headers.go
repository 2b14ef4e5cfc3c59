package webhook

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// storedHeaders are kept with a delivery. The list is short on purpose: signatures, authorization, cookies and the URL
// (its last segment may be a token) must not lie in the database. Webhook-Id is the key of what a POS repeats.
var storedHeaders = []string{"Content-Type", "User-Agent", "X-Request-Id", "Tixstock-Version", "Webhook-Id", "Webhook-Timestamp"}

const maxHeader = 256 // bytes of one stored value

// keep returns what is stored of the header, nil if nothing is.
func keep(h http.Header) map[string]string {
	var kept map[string]string
	for _, name := range storedHeaders {
		if v := h.Get(name); v != "" {
			if kept == nil {
				kept = make(map[string]string, len(storedHeaders))
			}
			kept[name] = clip(v, maxHeader)
		}
	}
	return kept
}

// restore is the header that a decoder sees of a stored delivery.
func restore(kept map[string]string) http.Header {
	h := make(http.Header, len(kept))
	for name, v := range kept {
		h.Set(name, v)
	}
	return h
}

// sender is the address that sent r. Behind proxies of ours it is the last one in X-Forwarded-For that is none of
// them: what stands further left is the sender's own claim. The zero Addr means that it is not known.
func sender(r *http.Request, proxies []netip.Prefix) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := at.Addr().Unmap()
	if len(proxies) == 0 || !within(proxies, addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if hop = strings.TrimSpace(hop); hop == "" {
			continue
		}
		said, err := netip.ParseAddr(hop)
		if err != nil {
			return netip.Addr{}
		}
		if addr = said.Unmap(); !within(proxies, addr) {
			return addr
		}
	}
	return addr
}

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}
