// Package webhook is the door and the road behind it. The door is an HTTP handler that proves each webhook on its raw
// bytes, commits it to the inbox and only then answers. The forwarder hands what was committed to the order's workflow:
// from memory at once, and from the inbox whatever a crash, an outage or an overload left there.
//
// It decides nothing about orders, never waits for Temporal before it answers, and reads no database on the way in.
// Nothing that a sender wrote (header, body, token) reaches a log line, a metric or an error answer.
package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
)

// Options wire the door. Sources, Put, Forward, Metrics and Logger must be set.
type Options struct {
	Sources []Source

	// Put commits one webhook: (*postgres.Inbox).Put.
	Put func(context.Context, postgres.Webhook) (postgres.Stored, error)

	// Forward takes over a webhook that is committed and is for a workflow; it must not block: (*Forwarder).Forward.
	Forward func(Signal)

	// Find returns the order that has a name at a source, for deliveries that do not bear its id: (*postgres.DB).FindOrder. May
	// be nil where no source has such.
	Find func(ctx context.Context, source, ref string) (id order.Identity, found bool, err error)
	// KeepFile stores what came with a delivery: see [ForwarderOptions]. May be nil where no source has such.
	KeepFile func(ctx context.Context, orderID string, f provider.File) error

	// Uncertain is told the workflow id of a webhook whose commit gave no answer: (*Forwarder).Uncertain. May be nil.
	Uncertain func(orderID string)

	Metrics  *Metrics
	Registry prometheus.Registerer // for the gauge of bytes in flight; may be nil
	Logger   *slog.Logger

	// MaxInFlightBytes bounds the bodies that are read and not yet committed; 0: 256 MB.
	MaxInFlightBytes int64
	// MaxLargeBodies bounds how many bodies above one megabyte are in memory at once; 0: 4. Others wait for a place while their
	// sender is held up.
	MaxLargeBodies int
	// AckTimeout bounds the wait for the commit; 0: 5 s. vivenu gives up after 10 s.
	AckTimeout time.Duration
	// BodyTimeout bounds the reading of one body; 0: [BodyTimeout].
	BodyTimeout time.Duration
	// TrustedProxies are the networks of our own proxies, whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
}

// Handler returns the door: POST /webhooks/<source> and POST /webhooks/<source>/<token>. It panics where Options are
// incomplete or name a source twice, which is a mistake in the program and not in a configuration.
func Handler(o Options) http.Handler {
	if o.MaxInFlightBytes == 0 {
		o.MaxInFlightBytes = 256 << 20
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 5 * time.Second
	}
	if o.MaxLargeBodies == 0 {
		o.MaxLargeBodies = 4
	}
	if o.BodyTimeout == 0 {
		o.BodyTimeout = BodyTimeout
	}
	d := &door{
		Options: o,
		sources: make(map[string]*Source, len(o.Sources)),
		budget:  budget{max: o.MaxInFlightBytes, places: make(chan struct{}, o.MaxLargeBodies)},
	}
	var doors []Source
	for i := range o.Sources {
		s := o.Sources[i]
		if s.POS && s.Verify == nil {
			continue
		}
		if s.MaxBody == 0 {
			s.MaxBody = DefaultMaxBody
		}
		if d.sources[s.Name] != nil || s.Name == "" || s.Verify == nil || s.Decode == nil {
			panic(fmt.Sprintf("webhook: source %q is incomplete or there twice", s.Name))
		}
		d.sources[s.Name] = &s
		doors = append(doors, s)
	}
	if o.Put == nil || o.Forward == nil || o.Metrics == nil || o.Logger == nil {
		panic("webhook: incomplete options")
	}
	if o.Registry != nil {
		o.Metrics.watch(o.Registry, &d.budget, doors)
	}

	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	// A redirect would make senders repeat a POST elsewhere, and they often repeat it as a GET.
	e.RedirectTrailingSlash, e.RedirectFixedPath = false, false
	e.HandleMethodNotAllowed = true
	e.Use(d.survive)
	e.NoRoute(func(c *gin.Context) { d.refuse(c, nil, refuseNotFound, "") })
	e.NoMethod(func(c *gin.Context) { d.refuse(c, nil, refuseMethod, "") })
	e.POST("/webhooks/:source", d.receive)
	e.POST("/webhooks/:source/:token", d.receive)
	return e
}
