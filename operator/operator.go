// Package operator is the operators' API: orders and webhooks as they lie in Postgres, replay of webhooks, what
// a point of sale has twice, metrics and health. It reads nothing from Temporal, so it answers while Temporal is away, and it decides nothing: commands on orders
// are updates of their workflows.
//
// Answers are JSON; times are RFC 3339 in UTC, amounts are in minor units, what is not known is null, lists are
// {"items": [...], "next": cursor} with null after the last page. Errors are RFC 9457 problems. Buyer data leaves
// by one door only: the body of a single webhook, on request, with a line in the audit.
package operator

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"willcall/postgres"
	"willcall/webhook"
)

// Options wire the API. DB, Registry, Ready and Logger must be set.
type Options struct {
	DB *postgres.DB

	// Token is what callers send as "Authorization: Bearer <token>". Empty, the API answers programs on this machine
	// only, whatever address it listens on.
	Token string

	Registry prometheus.Gatherer
	Ready    func(context.Context) error // its error says which part is not ready; shown to whoever asks
	Sources  []webhook.Source            // decode what is replayed
	Wake     func()                      // makes the forwarder look into the inbox: (*webhook.Forwarder).Wake; may be nil
	Logger   *slog.Logger
}

const (
	readTimeout  = 10 * time.Second // of one request's queries
	readyTimeout = 3 * time.Second
)

type api struct {
	Options
	sources map[string]*webhook.Source
	token   [sha256.Size]byte
	origins *http.CrossOriginProtection
}

// Handler returns the API.
func Handler(o Options) http.Handler {
	if o.Wake == nil {
		o.Wake = func() {}
	}
	a := &api{
		Options: o,
		sources: make(map[string]*webhook.Source, len(o.Sources)),
		token:   sha256.Sum256([]byte(o.Token)),
		origins: http.NewCrossOriginProtection(),
	}
	for i := range o.Sources {
		a.sources[o.Sources[i].Name] = &o.Sources[i]
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.RedirectTrailingSlash, e.RedirectFixedPath = false, false
	e.HandleMethodNotAllowed = true
	e.Use(a.survive)
	e.NoRoute(func(c *gin.Context) {
		fail(c, "not-found", "Not found", http.StatusNotFound,
			"There is no such path. The API has /v1/orders, /v1/webhooks, /v1/duplicates, /metrics, /livez and /readyz.")
	})
	e.NoMethod(func(c *gin.Context) {
		fail(c, "method-not-allowed", "Method not allowed", http.StatusMethodNotAllowed,
			"The header Allow lists what this path takes.")
	})

	// Probes of an orchestrator have no token, and learn no more than what is not ready.
	e.GET("/livez", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", a.readyz)

	guarded := e.Group("/", a.authenticate, bounded)
	guarded.GET("/metrics", gin.WrapH(promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{})))
	guarded.GET("/v1/orders", a.orders)
	guarded.GET("/v1/orders/:id", a.order)
	guarded.GET("/v1/duplicates", a.duplicates)
	guarded.GET("/v1/webhooks", a.webhooks)
	guarded.GET("/v1/webhooks/:id", a.webhook)
	guarded.POST("/v1/webhooks/:id/replay", a.replay)
	guarded.POST("/v1/webhooks/replay", a.replayMany)
	return e
}

func (a *api) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	if err := a.Ready(ctx); err != nil {
		webhook.Problem{Name: "not-ready", Title: "Not ready", Status: http.StatusServiceUnavailable, Detail: err.Error(),
			RetryAfter: 5 * time.Second}.Write(c.Writer)
		return
	}
	c.String(http.StatusOK, "ok\n")
}

// authenticate lets callers with the token pass; where none is configured, programs on this machine. Those are checked
// for more than their address: a web page in an operator's browser can reach 127.0.0.1, too, by a foreign host name that
// resolves to it, or by posting across origins.
func (a *api) authenticate(c *gin.Context) {
	if a.Token != "" {
		given, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		sum := sha256.Sum256([]byte(given)) // of equal length, so that the comparison tells nothing about it
		if subtle.ConstantTimeCompare(sum[:], a.token[:]) == 1 && ok {
			return
		}
		c.Header("WWW-Authenticate", `Bearer realm="willcall"`)
		fail(c, "not-authorized", "Not authorized", http.StatusUnauthorized,
			"Send the token of the configuration (operator.token) as Authorization: Bearer <token>.")
		return
	}
	switch {
	case !onLoopback(c.Request):
		fail(c, "loopback-only", "Only from this machine", http.StatusForbidden, "Without operator.token in the "+
			"configuration, the API answers only requests that are made on this machine, to localhost or a loopback address.")
	case a.origins.Check(c.Request) != nil:
		fail(c, "cross-origin", "Not from other web pages", http.StatusForbidden,
			"This request was made by a page of another origin. Make it from a program.")
	}
}

func onLoopback(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !remote.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if at, err := netip.ParseAddrPort(host); err == nil {
		return at.Addr().Unmap().IsLoopback()
	}
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return addr.Unmap().IsLoopback()
	}
	name, _, _ := strings.Cut(host, ":")
	return strings.EqualFold(name, "localhost")
}

// bounded gives the request a deadline, and keeps its answer out of caches.
func bounded(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readTimeout)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Header("Cache-Control", "no-store")
	c.Next()
}

func (a *api) survive(c *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			a.Logger.Error("the operators' API panicked", "path", c.FullPath())
			if !c.Writer.Written() {
				fail(c, "internal", "Internal error", http.StatusInternalServerError, "This is a fault of the program; see its log.")
			}
		}
	}()
	c.Next()
}
