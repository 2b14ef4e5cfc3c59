package operator

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"willcall/order"
	"willcall/postgres"
)

// orderItem is an order in a list.
type orderItem struct {
	ID              string          `json:"id"` // workflow id
	Source          string          `json:"source"`
	Provider        string          `json:"provider"`
	ProviderOrderID string          `json:"provider_order_id"`
	Kind            order.Kind      `json:"kind"`
	State           order.State     `json:"state"`
	StateSince      *time.Time      `json:"state_since"`
	Attention       *attention      `json:"attention"`
	Awaits          *string         `json:"awaits"` // what happens next, and whose move it is
	Deadline        *time.Time      `json:"deadline"`
	AmountMinor     int64           `json:"amount_minor"`
	Currency        string          `json:"currency"`
	Event           show            `json:"event"`
	Lines           json.RawMessage `json:"lines"`
	POS             posRefs         `json:"pos"`
	FirstReceivedAt *time.Time      `json:"first_received_at"`
	InvoicedAt      *time.Time      `json:"invoiced_at"`
	ClosedAt        *time.Time      `json:"closed_at"`
}

// orderDetail is one order with its story.
type orderDetail struct {
	orderItem
	Timeline []timelineEntry `json:"timeline"` // oldest first
	Steps    []step          `json:"steps"`
}

type attention struct {
	Reason string     `json:"reason"`
	Since  *time.Time `json:"since"`
	Detail string     `json:"detail"`
	Advice string     `json:"advice"`
}

type show struct {
	ID       *string    `json:"id"`
	Name     *string    `json:"name"`
	StartsAt *time.Time `json:"starts_at"`
}

type posRefs struct {
	CustomerID      *string `json:"customer_id"`
	InvoiceID       *string `json:"invoice_id"`
	PurchaseOrderID *string `json:"purchase_order_id"`
}

type timelineEntry struct {
	At        time.Time `json:"at"`
	What      string    `json:"what"`
	WebhookID *string   `json:"webhook_id"`
	Detail    string    `json:"detail"`
}

type step struct {
	ID      order.StepID  `json:"id"`
	Do      order.Do      `json:"do"`
	Outcome order.Outcome `json:"outcome"`
	Class   *string       `json:"class"` // of a failure
	Detail  *string       `json:"detail"`
	Ref     *string       `json:"ref"` // what was made
	At      time.Time     `json:"at"`
}

func itemOf(o postgres.OrderRow) orderItem {
	item := orderItem{
		ID: o.ID, Source: o.Source, Provider: o.Provider, ProviderOrderID: o.ProviderOrderID, Kind: o.Kind,
		State: o.State, StateSince: moment(o.StateSince), Awaits: text(o.Awaits), Deadline: moment(o.Deadline),
		AmountMinor: o.AmountMinor, Currency: o.Currency, Lines: o.Lines,
		Event:           show{ID: text(o.EventID), Name: text(o.EventName), StartsAt: moment(o.EventStartsAt)},
		POS:             posRefs{text(o.CustomerID), text(o.InvoiceID), text(o.PurchaseOrderID)},
		FirstReceivedAt: moment(o.FirstReceivedAt), InvoicedAt: moment(o.InvoicedAt), ClosedAt: moment(o.ClosedAt),
	}
	if o.AttentionReason != "" {
		item.Attention = &attention{o.AttentionReason, moment(o.AttentionSince), o.AttentionDetail, o.AttentionAdvice}
	}
	if len(item.Lines) == 0 {
		item.Lines = json.RawMessage("[]")
	}
	return item
}

func detailOf(o postgres.OrderRow, entries []postgres.TimelineEntry, steps []postgres.StepRow) orderDetail {
	d := orderDetail{orderItem: itemOf(o), Timeline: []timelineEntry{}, Steps: []step{}}
	for _, e := range entries {
		d.Timeline = append(d.Timeline, timelineEntry{e.At.UTC(), e.What, text(e.WebhookID), e.Detail})
	}
	for _, s := range steps {
		d.Steps = append(d.Steps, step{s.StepID, s.Do, s.Outcome, text(s.Class), text(s.Detail), text(s.Ref), s.At.UTC()})
	}
	return d
}

func (a *api) orders(c *gin.Context) {
	q := queryOf(c)
	var states []string
	for _, s := range order.States() {
		states = append(states, string(s))
	}
	filter := postgres.OrderFilter{
		Source: q.text("source"), State: order.State(q.oneOf("state", states)),
		Attention: q.text("attention"), EventID: q.text("event"),
	}
	limit, cursor := q.limit(), q.text("cursor")
	if !q.ok(c) {
		return
	}
	rows, next, err := a.DB.Orders(c.Request.Context(), filter, cursor, limit)
	if err != nil {
		a.failed(c, "order", err)
		return
	}
	items := make([]orderItem, 0, len(rows))
	for _, o := range rows {
		items = append(items, itemOf(o))
	}
	c.JSON(http.StatusOK, pageOf(items, next))
}

func (a *api) order(c *gin.Context) {
	if q := queryOf(c); !q.ok(c) {
		return
	}
	id := c.Param("id")
	if !strings.HasPrefix(id, "order:") || strings.ContainsRune(id, 0) {
		badRequest(c, "An order's id is that of its workflow: order:<source>:<provider's order id>, and :buyer behind it for a purchase.")
		return
	}
	row, entries, steps, err := a.DB.Order(c.Request.Context(), id)
	if err != nil {
		a.failed(c, "order", err)
		return
	}
	c.JSON(http.StatusOK, detailOf(row, entries, steps))
}
