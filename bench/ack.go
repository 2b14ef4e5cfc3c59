package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"willcall/postgres"
	"willcall/postgres/pgserver"
	"willcall/provider"
	"willcall/provider/tevo"
	"willcall/sim"
	"willcall/webhook"
)

// acknowledgements compares the door (verify, decode, commit, answer, and the forwarder's marks behind it) with the limit:
// the same Gin that puts the same bytes into one table, in the same groups, and answers.
func acknowledgements(ctx context.Context, o options, out io.Writer) error {
	dir, err := os.MkdirTemp("", "willcall-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	urls := map[string]string{}
	for name, open := range map[string]func(context.Context, string) (string, func(), error){
		ackOnly:    func(ctx context.Context, url string) (string, func(), error) { return openDoor(ctx, url, false) },
		ackForward: func(ctx context.Context, url string) (string, func(), error) { return openDoor(ctx, url, true) },
		ackLimit:   openBare,
	} {
		database := map[string]string{ackOnly: "door", ackForward: "forwarding", ackLimit: "bare"}[name]
		if err := server.CreateDatabase(ctx, database); err != nil {
			return err
		}
		url, stop, err := open(ctx, server.URL(database))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer stop()
		urls[name] = url
	}

	fmt.Fprintf(out, "Acknowledged webhooks: %d connections, %d bytes each, %d a round, committed before the answer (fsync on)\n", o.connections, o.body, o.requests)
	round := 0
	for _, name := range []string{ackOnly, ackForward} { // one after the other: marking leaves work behind for Postgres
		if err := pair(ctx, o, out, name, urls[name], urls[ackLimit], &round); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "  ratio: median of %d rounds, each beside one of the limit; goal of the door: at least 0.80\n\n", o.rounds)
	return nil
}

// pair measures one server and the limit in turn and prints both.
func pair(ctx context.Context, o options, out io.Writer, name, url, limit string, round *int) error {
	rates, waits, ratios := map[string][]float64{}, map[string][]time.Duration{}, []float64{}
	for n := range o.rounds + 1 {
		rate := map[string]float64{}
		for _, m := range []struct{ name, url string }{{name, url}, {ackLimit, limit}} {
			*round++
			r, w, err := load(ctx, o, m.url, *round)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			if rate[m.name] = r; n > 0 { // the first warms up
				rates[m.name], waits[m.name] = append(rates[m.name], r), append(waits[m.name], w...)
			}
		}
		if n > 0 {
			ratios = append(ratios, rate[name]/rate[ackLimit])
		}
	}
	for _, m := range []string{ackLimit, name} {
		fmt.Fprintf(out, "  %-48s %6.0f/s   p50 %5.1f ms   p99 %5.1f ms\n", m, median(rates[m]), ms(quantile(waits[m], .5)), ms(quantile(waits[m], .99)))
	}
	_, err := fmt.Fprintf(out, "  %-48s %6.2f\n", "  ratio", median(ratios))
	return err
}

const (
	ackOnly    = "webhookd's door: verify, decode, commit, answer"
	ackForward = "the same with the forwarder marking each row"
	ackLimit   = "limit: bare group-commit insert behind Gin"
)

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// openDoor serves the real door over a real inbox. With forwarding, the real forwarder hands each webhook to nobody and marks
// it as forwarded: a second write of each row, in batches, which shares the machine with the acknowledgements.
func openDoor(ctx context.Context, url string, forwarding bool) (addr string, stop func(), err error) {
	db, err := postgres.Open(ctx, postgres.Options{URL: url, MaxConns: 16})
	if err != nil {
		return "", nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return "", nil, err
	}
	log := slog.New(slog.DiscardHandler)
	inbox := postgres.NewInbox(db, postgres.InboxOptions{Owner: "bench", Lease: time.Hour})
	verifier := tevo.Verifier{Tokens: []string{"bench-tevo-token"}}
	sources := []webhook.Source{{Peek: tevo.Peek, Name: "tevo", Kind: "tevo", ContentTypes: []string{sim.FormContentType}, Verify: verifier.Verify,
		Decode: func(d provider.Delivery) (provider.Decoded, error) {
			return tevo.Decode(d, tevo.Settings{Currency: "USD"})
		}}}
	metrics := webhook.NewMetrics(prometheus.NewRegistry())
	forwarder := webhook.NewForwarder(webhook.ForwarderOptions{DB: db, Owner: "bench", Sources: sources, Metrics: metrics, Logger: log,
		Signal: func(context.Context, webhook.Signal) error { return nil }})
	running, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	if forwarding {
		group.Go(func() { forwarder.Run(running) })
	}
	forward := func(webhook.Signal) {}
	if forwarding {
		forward = forwarder.Forward
	}
	addr, stopHTTP, err := serve(webhook.Handler(webhook.Options{Sources: sources, Put: inbox.Put, Forward: forward, Metrics: metrics, Logger: log}))
	return addr + "/webhooks/tevo/bench-tevo-token", func() {
		stopHTTP()
		cancel()
		group.Wait()
		_ = inbox.Close(context.Background())
		db.Close()
	}, err
}

// openBare serves the limit: read the body, put it with others into one INSERT under its hash, answer when that is
// committed. It is the least that takes a webhook once.
func openBare(ctx context.Context, url string) (addr string, stop func(), err error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return "", nil, err
	}
	if _, err := pool.Exec(ctx, "CREATE TABLE bare (key bytea PRIMARY KEY, body bytea COMPRESSION lz4 NOT NULL)"); err != nil {
		return "", nil, err
	}
	type item struct {
		body []byte
		done chan error
	}
	queue := make(chan item, 1024)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for first := range queue {
				batch := []item{first}
				for len(batch) < 64 && len(queue) > 0 {
					next, ok := <-queue
					if !ok {
						break
					}
					batch = append(batch, next)
				}
				keys, bodies := make([][]byte, len(batch)), make([][]byte, len(batch))
				for i := range batch {
					key := sha256.Sum256(batch[i].body)
					keys[i], bodies[i] = key[:], batch[i].body
				}
				_, err := pool.Exec(context.WithoutCancel(ctx),
					"INSERT INTO bare (key, body) SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING", keys, bodies)
				for _, it := range batch {
					it.done <- err
				}
			}
		})
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.POST("/", func(c *gin.Context) {
		body := make([]byte, c.Request.ContentLength)
		if _, err := io.ReadFull(c.Request.Body, body); err != nil {
			c.Status(http.StatusBadRequest)
			return
		}
		it := item{body, make(chan error, 1)}
		queue <- it
		if err := <-it.done; err != nil {
			c.Status(http.StatusServiceUnavailable)
			return
		}
		c.JSON(http.StatusOK, gin.H{"status": "accepted"})
	})
	addr, stopHTTP, err := serve(e)
	return addr + "/", func() { stopHTTP(); close(queue); group.Wait(); pool.Close() }, err
}

func serve(h http.Handler) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = s.Close() }, nil
}

// load posts a round of different webhooks over a fixed number of connections and returns the rate and every wait.
func load(ctx context.Context, o options, url string, round int) (perSecond float64, waits []time.Duration, err error) {
	bodies := make([][]byte, o.requests)
	for i := range bodies {
		bodies[i] = padded(round*o.requests+i, o.body)
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: o.connections, MaxConnsPerHost: o.connections}}
	defer client.CloseIdleConnections()
	waits = make([]time.Duration, o.requests)
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	begun := time.Now()
	for range o.connections {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(bodies) || ctx.Err() != nil || failed.Load() != nil {
					return
				}
				sent := time.Now()
				if err := post(ctx, client, url, bodies[i]); err != nil {
					failed.Store(&err)
					return
				}
				waits[i] = time.Since(sent)
			}
		})
	}
	group.Wait()
	if e := failed.Load(); e != nil {
		return 0, nil, *e
	}
	return float64(o.requests) / time.Since(begun).Seconds(), waits, ctx.Err()
}

func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", sim.FormContentType)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// padded is the webhook of order n, with a free-text field that fills it up to the size.
func padded(n, size int) []byte {
	o := sim.OfficeSale(n)
	_, body := o.Webhook("seller", "order_created")
	for i := 0; len(body) < size && i < 3; i++ {
		o.Instructions += filler(size - len(body))
		_, body = o.Webhook("seller", "order_created")
	}
	return body
}

// filler is text that compresses about as well as a JSON document does.
func filler(n int) string {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "line%dsection%drow%dseat%dprice%d", i, i*7919%997, i*104729%89, i*1299709%31, i*15485863%9973)
	}
	return b.String()[:n]
}
