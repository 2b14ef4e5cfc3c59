package webhook

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// problemPrefix begins the type of every problem of this program. The types are stable: alerts and clients match them.
const problemPrefix = "urn:willcall:problem:"

// Problem is an error answer as RFC 9457 defines it (application/problem+json). Detail says what is wrong and what to do
// about it, in words that reveal neither secrets nor buyer data nor which sources exist.
type Problem struct {
	Name       string        // the last part of the type: "body-too-large"
	Title      string        // the same for every occurrence
	Status     int           // HTTP
	Detail     string        // of this occurrence
	RetryAfter time.Duration // sent as whole seconds, at least one; zero: no such header
}

// Write answers with the problem. Headers that belong to it (Allow, WWW-Authenticate) are set by the caller before.
func (p Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		seconds := max(1, int(p.RetryAfter.Round(time.Second)/time.Second))
		h.Set("Retry-After", strconv.Itoa(seconds))
	}
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}{problemPrefix + p.Name, p.Title, p.Status, p.Detail})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // whoever asked is gone: nobody is left to tell
}
