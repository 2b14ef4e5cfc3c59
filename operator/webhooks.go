package operator

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
)

// webhookItem is a webhook without its body.
type webhookItem struct {
	ID              string               `json:"id"`
	Source          string               `json:"source"`
	Provider        string               `json:"provider"`
	Type            string               `json:"type"`
	Disposition     provider.Disposition `json:"disposition"`
	Reason          *string              `json:"reason"` // why it was quarantined
	OrderID         *string              `json:"order_id"`
	ProviderOrderID *string              `json:"provider_order_id"`
	Concern         *string              `json:"concern"` // the name under which its order is looked for, where it does not bear the order's id
	Kind            order.Kind           `json:"kind,omitempty"`
	Via             postgres.Via         `json:"via"`
	Conflict        bool                 `json:"conflict"` // it came under the id of an earlier one, with another body
	DedupeKey       string               `json:"dedupe_key"`
	BodySHA256      string               `json:"body_sha256"`
	ReceivedAt      time.Time            `json:"received_at"`
	ForwardedAt     *time.Time           `json:"forwarded_at"`
	Attempt         int                  `json:"attempt"`
	LastError       *string              `json:"last_error"`
	NextTry         *time.Time           `json:"next_try"`
}

type webhookDetail struct {
	webhookItem
	Headers      map[string]string `json:"headers"`
	BodyBytes    int               `json:"body_bytes"`
	Body         *string           `json:"body,omitempty"`
	BodyEncoding string            `json:"body_encoding,omitempty"` // "utf-8", or "base64" where it is no text
}

func webhookOf(w postgres.Webhook) webhookItem {
	return webhookItem{
		ID: w.ID, Source: w.Source, Provider: w.Provider, Type: w.Type, Disposition: w.Disposition, Reason: text(w.Reason),
		OrderID: text(w.OrderID), ProviderOrderID: text(w.ProviderOrderID), Concern: text(w.Concern), Kind: w.Kind, Via: w.Via, Conflict: w.Conflict,
		DedupeKey: w.DedupeKey, BodySHA256: hex.EncodeToString(w.BodySHA256[:]), ReceivedAt: w.ReceivedAt.UTC(),
		ForwardedAt: moment(w.ForwardedAt), Attempt: w.Attempt, LastError: text(w.LastError), NextTry: moment(w.NextTry),
	}
}

// dispositions are the words that the filter takes.
var dispositions = []string{string(provider.Forward), string(provider.Recorded), string(provider.Parked), string(provider.Unknown), string(provider.Quarantined)}

func (a *api) webhooks(c *gin.Context) {
	q := queryOf(c)
	filter := postgres.WebhookFilter{
		Source: q.text("source"), Type: q.text("type"), Disposition: provider.Disposition(q.oneOf("disposition", dispositions)),
		OrderID: q.text("order_id"), From: q.moment("from"), To: q.moment("to"), NotForwarded: q.flag("not_forwarded"),
	}
	limit, cursor := q.limit(), q.text("cursor")
	if !q.ok(c) {
		return
	}
	rows, next, err := a.DB.Webhooks(c.Request.Context(), filter, cursor, limit)
	if err != nil {
		a.failed(c, "webhook", err)
		return
	}
	items := make([]webhookItem, 0, len(rows))
	for _, w := range rows {
		items = append(items, webhookOf(w))
	}
	c.JSON(http.StatusOK, pageOf(items, next))
}

func (a *api) webhook(c *gin.Context) {
	q := queryOf(c)
	withBody := q.flag("body")
	id, ok := webhookID(c)
	if !ok || !q.ok(c) {
		return
	}
	ctx := c.Request.Context()
	w, err := a.DB.Webhook(ctx, id)
	if err != nil {
		a.failed(c, "webhook", err)
		return
	}
	d := webhookDetail{webhookItem: webhookOf(w), Headers: w.Headers, BodyBytes: len(w.Body)}
	if withBody {
		// Buyer data is shown only once it is written down that it was.
		if err := a.note(ctx, who(c, ""), "read webhook body", id, ""); err != nil {
			a.failed(c, "webhook", err)
			return
		}
		body := string(w.Body)
		d.BodyEncoding = "utf-8"
		if !utf8.Valid(w.Body) {
			body, d.BodyEncoding = base64.StdEncoding.EncodeToString(w.Body), "base64"
		}
		d.Body = &body
	}
	c.JSON(http.StatusOK, d)
}

// webhookID is the id in the path; where it cannot be one, the request is answered.
func webhookID(c *gin.Context) (id string, ok bool) {
	u, err := uuid.Parse(c.Param("id"))
	if err != nil || len(c.Param("id")) != 36 {
		badRequest(c, "A webhook's id is a UUID, as in the answer to the webhook, in /v1/webhooks and in an order's timeline.")
		return "", false
	}
	return u.String(), true
}

// who names the caller in the audit. The token is shared, so it is what they say of themselves: in the request's body,
// else in the header X-Operator.
func who(c *gin.Context, said string) string {
	for _, name := range []string{said, c.GetHeader("X-Operator")} {
		name = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == utf8.RuneError {
				return -1
			}
			return r
		}, name))
		if runes := []rune(name); len(runes) > 100 {
			name = string(runes[:100])
		}
		if name != "" {
			return name
		}
	}
	return "operators' API, nobody named"
}

// note writes a line of the audit.
func (a *api) note(ctx context.Context, by, what, subject, detail string) error {
	_, err := a.DB.Pool.Exec(ctx, "INSERT INTO audit (by, what, subject, detail) VALUES ($1, $2, $3, $4)", by, what, subject, detail)
	if err != nil {
		return fmt.Errorf("%w: the audit was not written", postgres.ErrUnavailable)
	}
	return nil
}
