package sim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ServeOptions say what [Serve] serves and where.
type ServeOptions struct {
	POSAddr    string // address to listen on for the POS; empty serves none
	TEvoAddr   string // the same for Ticket Evolution's API
	VivenuAddr string // for vivenu's
	LTDAddr    string // for London Theatre Direct's
	POS        POSOptions
	TEvo       TEvoOptions
	Vivenu     VivenuOptions
	LTD        LTDOptions
	Sender     SenderOptions // of the whole mix, but its URL is Ticket Evolution's; its TEvo is set by Serve

	SupplyReference                         string // see [MixOptions]; it needs the POS to be served
	VivenuTarget, LTDTarget, TixstockTarget Target
	Weights                                 MixWeights

	Logger *slog.Logger // for all of them
}

// Flags defines the flags of a command that serves the simulators, with the secrets of the development set-up for defaults.
func (o *ServeOptions) Flags(fs *flag.FlagSet) {
	fs.StringVar(&o.POSAddr, "pos", "127.0.0.1:8090", "address of the point of sale")
	fs.StringVar(&o.TEvoAddr, "tevo", "127.0.0.1:8091", "address of Ticket Evolution's API")
	fs.StringVar(&o.VivenuAddr, "vivenu", "127.0.0.1:8092", "address of vivenu's API")
	fs.StringVar(&o.LTDAddr, "ltd", "127.0.0.1:8093", "address of London Theatre Direct's API")
	fs.StringVar(&o.POS.Token, "pos-token", "dev-pos-token", "bearer token of the point of sale")
	fs.StringVar(&o.POS.Events.URL, "pos-events", "", "`URL` that the point of sale posts its events to; empty posts none")
	fs.StringVar(&o.POS.Events.Secret, "pos-events-secret", "whsec_d2lsbGNhbGwtZGV2LXBvcy1ldmVudHMtc2VjcmV0ISE=", "what it signs them with: whsec_ and the rest")
	fs.StringVar(&o.SupplyReference, "supply", "", "external `REFERENCE` of Ticket Evolution's sales up to their order's group id, as order:tevo:, for the point of sale to get their tickets; empty: it gets none")
	fs.StringVar(&o.TEvo.Token, "tevo-token", "dev-tevo-api-token", "X-Token of Ticket Evolution's API")
	fs.StringVar(&o.TEvo.Secret, "tevo-secret", "dev-tevo-api-secret", "secret of Ticket Evolution's API")
	fs.StringVar(&o.Vivenu.APIKey, "vivenu-key", "dev-vivenu-api-key", "API key of vivenu's API")
	fs.StringVar(&o.Vivenu.Mode, "vivenu-mode", "dev", "mode of vivenu's webhooks, dev or prod")
	fs.StringVar(&o.LTD.APIKey, "ltd-key", "dev-ltd-api-key", "Api-Key of London Theatre Direct's API")
	fs.StringVar(&o.LTD.BasketPath, "ltd-basket-path", "/rest/v2/Baskets/{basket}", "where London Theatre Direct's submitted baskets are read")
	fs.StringVar(&o.LTD.AffiliateID, "ltd-affiliate", LTDAffiliateID, "affiliate id of London Theatre Direct's bookings")
	fs.StringVar(&o.Sender.URL, "webhooks", "", "where Ticket Evolution's webhooks go, path token included")
	fs.StringVar(&o.VivenuTarget.URL, "vivenu-webhooks", "", "where vivenu's webhooks go")
	fs.StringVar(&o.VivenuTarget.Secret, "vivenu-hmac-key", "dev-vivenu-key", "hmacKey of vivenu's webhooks")
	fs.StringVar(&o.LTDTarget.URL, "ltd-webhooks", "", "where London Theatre Direct's webhooks go, path token (dev-ltd-token) included")
	fs.StringVar(&o.TixstockTarget.URL, "tixstock-webhooks", "", "where Tixstock's webhooks go")
	fs.StringVar(&o.TixstockTarget.Secret, "tixstock-token", "dev-tixstock-token", "bearer token that signs Tixstock's webhooks")
	fs.Float64Var(&o.Sender.Rate, "rate", 0, "orders per minute, of all providers with webhooks; 0 is none")
	fs.Uint64Var(&o.Sender.Seed, "seed", uint64(time.Now().Unix()), "what chooses the orders; the same seed makes the same orders")
}

// Serve runs the simulators until ctx ends. It returns nil then, and an error if an address cannot be listened on or
// a server fails.
func Serve(ctx context.Context, o ServeOptions) error {
	o.POS.Logger, o.TEvo.Logger, o.Vivenu.Logger, o.LTD.Logger, o.Sender.Logger = o.Logger, o.Logger, o.Logger, o.Logger, o.Logger
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	pos, tevo, vivenu, ltd := NewPOS(o.POS), NewTEvo(o.TEvo), NewVivenu(o.Vivenu), NewLTD(o.LTD)
	o.Sender.TEvo = tevo
	mix := NewMix(MixOptions{
		Sender: o.Sender, VivenuTarget: o.VivenuTarget, LTDTarget: o.LTDTarget, TixstockTarget: o.TixstockTarget,
		Vivenu: vivenu, LTD: ltd, POS: pos, Weights: o.Weights, SupplyReference: o.SupplyReference,
		Tixstock: NewTixstock(TixstockOptions{Token: o.TixstockTarget.Secret, Logger: o.Logger}),
	})

	var group sync.WaitGroup
	failed := make(chan error, 4)
	for _, one := range []struct {
		addr    string
		handler http.Handler
	}{{o.POSAddr, pos}, {o.TEvoAddr, tevo}, {o.VivenuAddr, vivenu}, {o.LTDAddr, ltd}} {
		if one.addr == "" {
			continue
		}
		listener, err := net.Listen("tcp", one.addr)
		if err != nil {
			stop()
			group.Wait()
			return fmt.Errorf("simulator: %w", err)
		}
		group.Go(func() {
			if err := serveOn(ctx, listener, one.handler); err != nil {
				failed <- err
				stop()
			}
		})
	}
	group.Go(func() { mix.Run(ctx) })
	group.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("simulator: %w", err)
	default:
		return nil
	}
}

// serveOn serves until ctx ends. Calls that hang on purpose are cut off then.
func serveOn(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
