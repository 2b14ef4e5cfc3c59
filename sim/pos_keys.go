package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// Forms of an Idempotency-Key as the contract gives them: a structured-field string, or the bare value.
var (
	quotedKey = regexp.MustCompile(`^"([ !#-\[\]-~]|\\["\\])+"$`)
	bareKey   = regexp.MustCompile(`^[!#-~]+$`)
)

// parseKey returns the value of the one Idempotency-Key header; quoted and bare are the same key. ok is false if it is
// missing or malformed.
func parseKey(h http.Header) (key string, ok bool) {
	values := h.Values("Idempotency-Key")
	if len(values) != 1 || len(values[0]) > 512 {
		return "", false
	}
	s := values[0]
	switch {
	case quotedKey.MatchString(s):
		return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s[1 : len(s)-1]), true
	case bareKey.MatchString(s):
		return s, true
	}
	return "", false
}

// A keyRecord is what is known of one key. done is false while the first request still runs.
type keyRecord struct {
	fingerprint [sha256.Size]byte
	done        bool
	answer      posAnswer
}

// fingerprint identifies a request. Bodies are compared as JSON values, so members may come in any order.
func fingerprint(method, path string, body []byte) [sha256.Size]byte {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err == nil {
		if plain, err := json.Marshal(v); err == nil {
			body = plain
		}
	}
	return sha256.Sum256([]byte(method + " " + path + "\n" + string(body)))
}

// claim takes the key for this request. The request may go on if replay and p are both nil; then settle must follow.
func (p *POS) claim(key string, print [sha256.Size]byte) (replay *posAnswer, refused *problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rec, known := p.keys[key]
	switch {
	case !known:
		p.keys[key] = &keyRecord{fingerprint: print}
		return nil, nil
	case rec.fingerprint != print:
		return nil, newProblem(problemKeyReused, http.StatusUnprocessableEntity, "The key was used for another request", "")
	case !rec.done:
		return nil, newProblem(problemKeyRunning, http.StatusConflict, "The first request with this key still runs", "")
	}
	a := rec.answer
	return &a, nil
}

// settle ends a claim. Only successes are kept: after a refusal the same key may be sent again.
func (p *POS) settle(key string, a posAnswer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.problem != nil || a.status == 0 {
		delete(p.keys, key)
		return
	}
	rec := p.keys[key]
	rec.done, rec.answer = true, a
}
