package webhook

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// Every way in which the door refuses. The names are the problem types' last parts and the metric's reasons.
const (
	refuseNotFound     = "unknown-source"
	refuseMethod       = "method-not-allowed"
	refuseMediaType    = "unsupported-media-type"
	refuseTooLarge     = "body-too-large"
	refuseTooSlow      = "body-timeout"
	refuseCutOff       = "body-incomplete"
	refuseTooBusy      = "too-busy"
	refuseNotAuthentic = "not-authentic"
	refuseNoSecret     = "not-verifiable"
	refuseNotOurs      = "not-for-this-source"
	refuseStorage      = "storage-unavailable"
	refuseInternal     = "internal"
)

// refusals is the one place where the door's errors become HTTP. Whatever is our own fault or may pass is 5xx, so that
// the provider tries again; a 4xx says that this very request will never be taken.
var refusals = map[string]Problem{
	refuseNotFound: {Title: "No such webhook endpoint", Status: http.StatusNotFound,
		Detail: "Nothing is received under this path. Compare the URL that is registered with the provider with the " +
			"one in the configuration: /webhooks/<source>, and /<token> behind it where the source has one."},
	refuseMethod: {Title: "Method not allowed", Status: http.StatusMethodNotAllowed,
		Detail: "Webhooks are sent with POST."},
	refuseMediaType: {Title: "Unsupported media type", Status: http.StatusUnsupportedMediaType},
	refuseTooLarge:  {Title: "Body too large", Status: http.StatusRequestEntityTooLarge},
	refuseTooSlow: {Title: "Body came too slowly", Status: http.StatusRequestTimeout,
		Detail: "The body was not complete in time. Send it again."},
	refuseCutOff: {Title: "Body incomplete", Status: http.StatusBadRequest,
		Detail: "The body ended before its announced length. Send it again."},
	refuseTooBusy: {Title: "Too busy", Status: http.StatusServiceUnavailable, RetryAfter: 2 * time.Second,
		Detail: "More webhooks are in flight than can be held. Send it again."},
	refuseNotAuthentic: {Title: "Not authentic", Status: http.StatusUnauthorized,
		Detail: "The request does not prove that it comes from the provider. Check that the secret, signing key or " +
			"path token registered with the provider is the one in the configuration, that no proxy changes the body, and, where a time is signed, that both clocks are right."},
	refuseNoSecret: {Title: "Not verifiable", Status: http.StatusServiceUnavailable, RetryAfter: time.Minute,
		Detail: "No secret is configured here to verify this source with. Set it and send the webhook again."},
	refuseNotOurs: {Title: "Not for this source", Status: http.StatusForbidden,
		Detail: "The webhook is authentic, and meant for another environment or account than the one configured here. Compare the " +
			"source's mode or affiliate id in the configuration with what is registered with the provider."},
	refuseStorage: {Title: "Storage unavailable", Status: http.StatusServiceUnavailable, RetryAfter: 5 * time.Second,
		Detail: "The webhook could not be stored safely, or its answer could not be made. Send it again; a repeat does no harm."},
	refuseInternal: {Title: "Internal error", Status: http.StatusInternalServerError, RetryAfter: 30 * time.Second,
		Detail: "This is a fault of the receiver. Send the webhook again."},
}

// refuse answers with the refusal and counts it. detail replaces the table's where it is not empty; why is for the log alone, and
// quotes nothing of the request.
func (d *door) refuse(c *gin.Context, s *Source, name, detail string, why ...any) {
	p := refusals[name]
	p.Name = name
	if detail != "" {
		p.Detail = detail
	}
	source := "none"
	if s != nil {
		source = s.Name
	}
	d.Metrics.refused.WithLabelValues(source, name).Inc()
	if d.said.now(source+" "+name, time.Minute) {
		d.Logger.Warn("webhook refused; further ones are only counted for a minute", append([]any{"source", source, "reason", name,
			"status", p.Status, "from", sender(c.Request, d.TrustedProxies).String()}, why...)...)
	}
	h := c.Writer.Header()
	switch name {
	case refuseNotAuthentic:
		h.Set("WWW-Authenticate", `Webhook realm="webhooks"`) // RFC 9110, 11.6.1: a 401 must have one
	case refuseTooLarge, refuseTooSlow, refuseCutOff, refuseTooBusy:
		h.Set("Connection", "close") // the rest of the body is not worth reading
	}
	c.Abort()
	if s != nil && s.Refusal != nil && name == refuseNotAuthentic {
		writeOwn(c.Writer, p, s.Refusal(p.Status, p.Detail))
		return
	}
	p.Write(c.Writer)
}

// writeOwn answers a refusal in the provider's own words.
func writeOwn(w http.ResponseWriter, p Problem, answer any) {
	out, err := json.Marshal(answer)
	if err != nil {
		p.Write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(out) // whoever asked is gone: nobody is left to tell
}

// survive turns a panic into a 500, so that the provider tries again.
func (d *door) survive(c *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			// Its value may quote the request, and so may the stack's arguments: the type must do.
			d.Logger.Error("the door panicked", "type", typeName(p))
			d.refuse(c, nil, refuseInternal, "")
		}
	}()
	c.Next()
}

// occasions limits how often the same thing is logged.
type occasions struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// now reports whether what has not been said for the given time, or, with 0, ever.
func (o *occasions) now(what string, every time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := time.Now()
	if last, ok := o.last[what]; ok && (every == 0 || t.Sub(last) < every) {
		return false
	}
	if o.last == nil {
		o.last = map[string]time.Time{}
	}
	o.last[what] = t
	return true
}
