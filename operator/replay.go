package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"willcall/postgres"
	"willcall/provider"
	"willcall/webhook"
)

// replayed says what became of one webhook.
type replayed struct {
	ID      string  `json:"id"`
	Type    string  `json:"type"`
	OrderID *string `json:"order_id"`

	// Status is "replayed": its order hears it again, under a new attempt; "recorded" or "unknown": it was decoded again and
	// moves no order; "quarantined": it still cannot be decoded; "unconfigured": its source is not in the configuration;
	// "would_replay" or "would_decode": nothing was done, it was a dry run.
	Status string `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// replayOne is the body of POST /v1/webhooks/<id>/replay; it may be left out.
type replayOne struct {
	By string `json:"by"`
}

// replayFilter is the body of POST /v1/webhooks/replay. It replays one page of what matches, the newest first; the
// next one is got by sending the same filter with the cursor.
type replayFilter struct {
	Source       string               `json:"source"`
	Type         string               `json:"type"`
	Disposition  provider.Disposition `json:"disposition"` // "" is forward; all others are decoded again first
	OrderID      string               `json:"order_id"`
	From         time.Time            `json:"from"` // received in [from, to)
	To           time.Time            `json:"to"`
	NotForwarded bool                 `json:"not_forwarded"`
	Limit        int                  `json:"limit"` // at most 500; 0: 100
	Cursor       string               `json:"cursor"`
	DryRun       bool                 `json:"dry_run"`
	By           string               `json:"by"`
}

func (a *api) replay(c *gin.Context) {
	var in replayOne
	id, ok := webhookID(c)
	if !ok || !body(c, &in, true) {
		return
	}
	ctx, by := c.Request.Context(), who(c, in.By)
	w, err := a.DB.Webhook(ctx, id)
	if err != nil {
		a.failed(c, "webhook", err)
		return
	}
	out := resultOf(w)
	if w.Disposition == provider.Forward {
		err = a.again(ctx, []string{id}, by)
		out.Status = "replayed"
	} else {
		out, err = a.decodeAgain(ctx, w, by)
	}
	if err != nil {
		a.failed(c, "webhook", err)
		return
	}
	a.Wake()
	switch out.Status {
	case "quarantined":
		fail(c, "still-undecodable", "Still cannot be decoded", http.StatusConflict,
			"The present decoder cannot read it either ("+out.Detail+"). Mend the decoder, deploy it, and replay again.")
	case "unconfigured":
		fail(c, "source-not-configured", "Source not configured", http.StatusConflict, out.Detail)
	case "replayed":
		c.JSON(http.StatusAccepted, out)
	default:
		c.JSON(http.StatusOK, out)
	}
}

func (a *api) replayMany(c *gin.Context) {
	var in replayFilter
	if q := queryOf(c); !q.ok(c) || !body(c, &in, false) {
		return
	}
	filter := postgres.WebhookFilter{
		Source: in.Source, Type: in.Type, Disposition: in.Disposition, OrderID: in.OrderID, From: in.From, To: in.To,
		NotForwarded: in.NotForwarded,
	}
	switch {
	case filter == (postgres.WebhookFilter{}):
		badRequest(c, "Name at least one of source, type, disposition, order_id, from, to, not_forwarded: the whole inbox is never replayed at once.")
		return
	case in.Limit < 0 || in.Limit > maxLimit:
		badRequest(c, fmt.Sprintf("limit must be from 1 to %d.", maxLimit))
		return
	case in.Disposition != "" && !slices.Contains(dispositions, string(in.Disposition)):
		badRequest(c, "disposition must be one of "+strings.Join(dispositions, ", ")+".")
		return
	}
	if filter.Disposition == "" {
		filter.Disposition = provider.Forward
	}
	if in.Limit == 0 {
		in.Limit = 100
	}
	ctx, by := c.Request.Context(), who(c, in.By)
	rows, next, err := a.DB.Webhooks(ctx, filter, in.Cursor, in.Limit)
	if err != nil {
		a.failed(c, "webhook", err)
		return
	}
	var items []replayed
	switch {
	case in.DryRun:
		items = would(rows)
	case filter.Disposition == provider.Forward:
		items, err = a.replayRows(ctx, rows, by)
	default:
		items, err = a.decodeRows(ctx, rows, by)
	}
	if err != nil {
		a.failed(c, "webhook", err)
		return
	}
	if !in.DryRun {
		a.Wake()
	}
	c.JSON(http.StatusOK, struct {
		DryRun bool `json:"dry_run"`
		page[replayed]
	}{in.DryRun, pageOf(items, next)})
}

func resultOf(w postgres.Webhook) replayed {
	return replayed{ID: w.ID, Type: w.Type, OrderID: text(w.OrderID)}
}

func would(rows []postgres.Webhook) (items []replayed) {
	for _, w := range rows {
		r := resultOf(w)
		r.Status = "would_replay"
		if w.Disposition != provider.Forward {
			r.Status = "would_decode"
		}
		items = append(items, r)
	}
	return items
}

func (a *api) replayRows(ctx context.Context, rows []postgres.Webhook, by string) (items []replayed, err error) {
	var ids []string
	for _, w := range rows {
		ids = append(ids, w.ID)
		r := resultOf(w)
		r.Status = "replayed"
		items = append(items, r)
	}
	return items, a.again(ctx, ids, by)
}

func (a *api) decodeRows(ctx context.Context, rows []postgres.Webhook, by string) (items []replayed, err error) {
	for _, row := range rows {
		w, err := a.DB.Webhook(ctx, row.ID) // lists have no bodies
		if err != nil {
			return nil, err
		}
		r, err := a.decodeAgain(ctx, w, by)
		if err != nil {
			return nil, err
		}
		items = append(items, r)
	}
	return items, nil
}

// again begins a new attempt on rows that are for an order.
func (a *api) again(ctx context.Context, ids []string, by string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := a.DB.Replay(ctx, ids, by)
	return err
}

// decodeAgain asks the present decoder what a row means that was not for an order so far, and replays it if it is now.
func (a *api) decodeAgain(ctx context.Context, w postgres.Webhook, by string) (replayed, error) {
	out := resultOf(w)
	src := a.sources[w.Source]
	if src == nil {
		out.Status, out.Detail = "unconfigured", "The source of this webhook is not in the configuration: nobody can decode it."
		return out, nil
	}
	now, signal, _ := src.Classify(webhook.DeliveryOf(w))
	if src.POS && now.Disposition == provider.Recorded { // what we read ourselves is of an order that its decoder cannot know
		now.OrderID, now.ProviderOrderID, now.Kind = w.OrderID, w.ProviderOrderID, w.Kind
	}
	err := a.DB.Reclassify(ctx, w.ID, now)
	if err != nil && !errors.Is(err, postgres.ErrConflict) { // forwarded meanwhile: replay it then
		return out, err
	}
	out.Type, out.OrderID, out.Status = now.Type, text(now.OrderID), string(now.Disposition)
	if signal != nil {
		out.Status = "replayed"
		return out, a.again(ctx, []string{w.ID}, by)
	}
	if now.Disposition == provider.Parked {
		out.Detail = "It waits until the order of " + now.Concern + " is known."
	} else if out.Detail = now.Reason; out.Detail == "" {
		out.Detail = "It moves no order: nothing was forwarded."
	}
	return out, a.note(ctx, by, "decode webhook again", w.ID, string(now.Disposition))
}

// body reads the request's JSON into v; where that fails, the request is answered. A word that v does not have is a
// fault: a filter that is misspelt would replay too much.
func body(c *gin.Context, v any, optional bool) bool {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, 64<<10))
	if err != nil {
		badRequest(c, "The body cannot be read, or is larger than 64 KB.")
		return false
	}
	if len(raw) == 0 && optional {
		return true
	}
	if media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || media != "application/json" {
		c.Header("Accept-Post", "application/json")
		fail(c, "unsupported-media-type", "Unsupported media type", http.StatusUnsupportedMediaType,
			"Send JSON, with Content-Type: application/json.")
		return false
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		badRequest(c, "The body is not the JSON that is wanted: "+err.Error())
		return false
	}
	if d.More() {
		badRequest(c, "There is something behind the JSON of the body.")
		return false
	}
	return true
}
