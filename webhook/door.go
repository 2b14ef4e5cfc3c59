package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"willcall/postgres"
	"willcall/provider"
)

// door takes webhooks in. Each check costs more than the one before it, and nothing is kept, not even a row that says
// "refused", before the signature is proven.
type door struct {
	Options
	sources map[string]*Source
	budget  budget
	said    occasions
}

// receipt is the answer to a webhook that is safe. A repeat gets the status code of the first.
type receipt struct {
	ID     string `json:"id,omitempty"` // of the row in the inbox
	Status string `json:"status"`       // accepted, recorded, unknown, quarantined; duplicate for a repeat of any
}

func (d *door) receive(c *gin.Context) {
	start := time.Now()
	src := d.sources[c.Param("source")]
	if src == nil {
		d.refuse(c, nil, refuseNotFound, "")
		return
	}
	if detail := src.unsupported(c.Request.Header); detail != "" {
		if len(src.ContentTypes) > 0 {
			c.Header("Accept-Post", strings.Join(src.ContentTypes, ", "))
		}
		d.refuse(c, src, refuseMediaType, detail)
		return
	}

	// Deadlines are not supported where there is no connection, as in a test with a recorder: then there is no slow
	// sender either.
	conn := http.NewResponseController(c.Writer)
	_ = conn.SetReadDeadline(start.Add(d.BodyTimeout))
	reading, stopReading := context.WithTimeout(c.Request.Context(), d.BodyTimeout)
	defer stopReading()
	body, taken, err := d.budget.read(reading, c.Writer, c.Request, src.MaxBody)
	defer taken.giveBack()
	if err != nil {
		d.refuseBody(c, src, err)
		return
	}
	_ = conn.SetReadDeadline(time.Time{})

	delivery := provider.Delivery{
		ID:       postgres.NewID(),
		Header:   c.Request.Header,
		Token:    c.Param("token"),
		Body:     body,
		Received: start.UTC().Truncate(time.Microsecond), // as Postgres gives it back
	}
	if err := src.Verify(delivery, sender(c.Request, d.TrustedProxies)); err != nil {
		name := refuseNotAuthentic
		switch {
		case errors.Is(err, provider.ErrNoSecret):
			name = refuseNoSecret
		case errors.Is(err, provider.ErrNotOurs):
			name = refuseNotOurs
		}
		d.refuse(c, src, name, "", "error", err)
		return
	}
	d.keep(c, src, delivery, start)
}

// keep commits an authentic delivery and answers.
func (d *door) keep(c *gin.Context, src *Source, delivery provider.Delivery, start time.Time) {
	kept := keep(c.Request.Header)
	delivery.Header, delivery.Token = restore(kept), "" // no more than a later reader of the row will have
	row, signal, dec := src.glance(delivery)
	row.BodySHA256 = sha256.Sum256(delivery.Body)
	row.DedupeKey, row.KeyTells = src.key(dec, row.BodySHA256)
	row.Headers, row.Body, row.Via = kept, delivery.Body, postgres.ViaWebhook

	// A sender that hangs up must not stop the commit half way: the row would wait for the sweep.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), d.AckTimeout)
	defer cancel()
	if dec.Concern != "" && d.Find != nil {
		// Where Postgres is away nothing is stored either; an order that is missed here releases the row when it is saved.
		if id, found, err := d.Find(ctx, src.Name, dec.Concern); err == nil && found {
			row, signal = src.redirect(row, dec, id)
		}
	}
	stored, err := d.Put(ctx, row)
	if err != nil {
		d.refusePut(c, src, row, err)
		return
	}
	d.count(src, row, stored)
	if signal != nil && !stored.Duplicate {
		if signal.unread != nil {
			*signal.unread = row
		}
		if d.keepFiles(ctx, signal.Order.ID, dec.Files) {
			d.Forward(*signal)
		} else if d.Uncertain != nil {
			d.Uncertain(row.OrderID) // the inbox has the files: whoever forwards the row from there keeps them first
		}
	}

	code := http.StatusOK
	answer := any(receipt{ID: stored.ID, Status: word(row.Disposition, stored.Duplicate)})
	if row.Disposition == provider.Unknown || row.Disposition == provider.Quarantined {
		code = http.StatusAccepted
	}
	if src.Answer != nil {
		if delivery.ID = stored.ID; delivery.ID == "" {
			delivery.ID = row.ID
		}
		if signal != nil {
			signal.Event.ID = delivery.ID // of a repeat: the first one's
		}
		special, err := src.Answer(context.WithoutCancel(ctx), delivery, dec, signal)
		if err != nil {
			d.refuse(c, src, refuseStorage, "")
			return
		}
		if special != nil {
			answer, code = special, http.StatusOK
		}
	}
	out, err := json.Marshal(answer)
	if err != nil {
		d.Logger.Error("a webhook's answer cannot be written as JSON", "source", src.Name, "webhook", row.ID)
		d.refuse(c, src, refuseInternal, "")
		return
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(out)))
	c.Writer.WriteHeader(code)
	_, _ = c.Writer.Write(out) // a sender that does not wait for the answer asks again
	d.Metrics.ack.WithLabelValues(src.Name).Observe(time.Since(start).Seconds())
}

// keepFiles stores what came with a delivery, and reports whether all of it is stored.
func (d *door) keepFiles(ctx context.Context, orderID string, files []provider.File) bool {
	for _, f := range files {
		if err := d.KeepFile(ctx, orderID, f); err != nil {
			return false
		}
	}
	return true
}

func word(dis provider.Disposition, duplicate bool) string {
	switch {
	case duplicate:
		return "duplicate"
	case dis == provider.Forward:
		return "accepted"
	default:
		return string(dis)
	}
}

func (d *door) count(src *Source, row postgres.Webhook, stored postgres.Stored) {
	typ := "unknown"
	if row.Disposition == provider.Forward || row.Disposition == provider.Recorded {
		typ = d.Metrics.types.label(src.Name, row.Type)
	}
	d.Metrics.lastSeen.WithLabelValues(src.Name).SetToCurrentTime()
	if stored.Duplicate {
		d.Metrics.duplicates.WithLabelValues(src.Name, typ).Inc()
		return
	}
	d.Metrics.received.WithLabelValues(src.Name, typ).Inc()
	if stored.Conflict {
		d.Metrics.conflicts.WithLabelValues(src.Name, typ).Inc()
		d.Logger.Warn("a webhook came under the id of an earlier one but with another body; both are kept",
			"source", src.Name, "webhook", stored.ID)
	}
	if row.Disposition == provider.Quarantined {
		d.Metrics.quarantined.WithLabelValues(src.Name).Inc()
		d.Logger.Warn("a webhook cannot be decoded; read it in the inbox, mend the decoder and replay it",
			"source", src.Name, "webhook", row.ID)
	}
}

func (d *door) refusePut(c *gin.Context, src *Source, row postgres.Webhook, err error) {
	if errors.Is(err, postgres.ErrBusy) {
		d.refuse(c, src, refuseTooBusy, "")
		return
	}
	// It may be committed all the same; then the sweep takes it, and what comes after it must wait for that.
	if row.Disposition == provider.Forward && d.Uncertain != nil {
		d.Uncertain(row.OrderID)
	}
	if !errors.Is(err, postgres.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) && d.said.now("put", time.Minute) {
		d.Logger.Error("the inbox refuses a webhook", "source", src.Name, "err", err)
	}
	d.refuse(c, src, refuseStorage, "")
}

func (d *door) refuseBody(c *gin.Context, src *Source, err error) {
	switch {
	case errors.Is(err, errTooLarge):
		most := fmt.Sprintf("At most %d bytes are taken from this source.", src.MaxBody)
		if !src.POS { // whose limit is fixed
			most += " If the provider really sends more, raise its limit in the configuration."
		}
		d.refuse(c, src, refuseTooLarge, most)
	case errors.Is(err, errTooBusy):
		d.refuse(c, src, refuseTooBusy, "")
	case errors.Is(err, errTooSlow):
		d.refuse(c, src, refuseTooSlow, "")
	default:
		d.refuse(c, src, refuseCutOff, "")
	}
}

// unsupported says what is wrong with the declared form of the body, or "". A body that a proxy or sender compressed
// is refused: its signature is over other bytes than those that we would store.
func (s *Source) unsupported(h http.Header) string {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return "Send the body without a Content-Encoding."
	}
	if len(s.ContentTypes) == 0 {
		return ""
	}
	got, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && slices.Contains(s.ContentTypes, got) {
		return ""
	}
	return "This source sends " + strings.Join(s.ContentTypes, " or ") + " (Content-Type)."
}

// typeName is the type of a recovered panic.
func typeName(p any) string { return fmt.Sprintf("%T", p) }
