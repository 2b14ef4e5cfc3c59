package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"willcall/operator"
	"willcall/postgres"
	"willcall/provider"
	"willcall/webhook"
)

// Webhookd takes webhooks, forwards them and serves the operators' API until ctx ends. Requests under way are answered
// then; what could not be forwarded lies in the inbox.
func Webhookd(ctx context.Context, o Options) error {
	cfg, log := o.Config, o.Logger.With("daemon", "webhookd")
	reg := newRegistry()
	db, err := postgres.Open(ctx, postgres.Options{URL: cfg.Database, MaxConns: int32(cfg.Webhookd.MaxConns)})
	if err != nil {
		return err
	}
	defer db.Close()
	o.Logger = log
	c, hangUp, err := dial(o, reg)
	if err != nil {
		return err
	}
	defer hangUp()
	sources, err := webhookSources(cfg, doorParts{ask: webhook.Ask(c), state: db.OrderState, log: log})
	if err != nil {
		return err
	}
	for _, s := range sources {
		if s.VerifyOff {
			log.Warn("this source takes what anybody posts: verification is off", "source", s.Name)
		}
	}

	owner := ownerName()
	inbox := postgres.NewInbox(db, postgres.InboxOptions{Owner: owner, Flushers: cfg.Webhookd.Flushers, Timeout: cfg.Webhookd.AckTimeout,
		Lease: 10 * time.Second}) // what a crash left is forwarded by another process after that
	defer closeInbox(inbox, log)
	metrics := webhook.NewMetrics(reg)
	webhook.WatchInbox(reg, db.InboxLag)
	reg.MustRegister(&orderGauges{db: db}, &duplicateGauges{db: db, sources: slices.Sorted(maps.Keys(cfg.Sources))})
	forwarder := webhook.NewForwarder(webhook.ForwarderOptions{
		DB: db, Owner: owner, Sources: sources, Metrics: metrics, Logger: log, Lanes: cfg.Webhookd.Lanes,
		Signal: webhook.SignalWithStart(c), KeepFile: keepFile(db),
	})
	door := webhook.Handler(webhook.Options{
		Sources: sources, Put: inbox.Put, Forward: forwarder.Forward, Uncertain: forwarder.Uncertain, Find: db.FindOrder, KeepFile: keepFile(db), Metrics: metrics, Registry: reg,
		Logger: log, MaxLargeBodies: cfg.Webhookd.MaxLargeBodies, MaxInFlightBytes: int64(cfg.Webhookd.MaxInFlightBytes), AckTimeout: cfg.Webhookd.AckTimeout,
		TrustedProxies: prefixes(cfg.Webhookd.TrustedProxies),
	})
	// Temporal is no part of being ready: webhooks are taken while it is away, so nobody may be kept from the door then.
	operators := operator.Handler(operator.Options{
		DB: db, Token: string(cfg.Operator.Token), Registry: reg, Ready: ready(db, nil, ""), Sources: sources,
		Wake: forwarder.Wake, Logger: log,
	})
	api, err := listen(cfg.Operator.Listen, operators)
	if err != nil {
		return fmt.Errorf("operator.listen: %w", err)
	}
	defer api.stop(2 * time.Second)
	front, err := serve(webhook.Server(cfg.Webhookd.Listen, door))
	if err != nil {
		return fmt.Errorf("webhookd.listen: %w", err)
	}

	// The forwarder outlives the door, so that what the last requests committed is handed over, too.
	forwarding, stopForwarding := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { forwarder.Run(forwarding) })
	log.Info("webhookd is running", "webhooks", cfg.Webhookd.Listen, "operators", cfg.Operator.Listen, "sources", len(cfg.Sources), "pos", len(cfg.POS))

	select {
	case <-ctx.Done():
	case err = <-front.done:
	case err = <-api.done:
	}
	log.Info("webhookd stops: requests under way are answered", "within", cfg.Webhookd.StopWithin)
	front.stop(cfg.Webhookd.StopWithin)
	stopForwarding()
	running.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// keepFile stores what came with a webhook as a document of its order.
func keepFile(db *postgres.DB) func(context.Context, string, provider.File) error {
	return func(ctx context.Context, orderID string, f provider.File) error {
		_, err := db.PutDocument(ctx, postgres.Document{MediaType: f.MediaType, Body: f.Body}, orderID, f.Name)
		return err
	}
}

// ownerName tells this process from all others in the inbox's claims.
func ownerName() string {
	host, _ := os.Hostname()
	return host + "/" + strconv.Itoa(os.Getpid()) + "/" + postgres.NewID()
}
