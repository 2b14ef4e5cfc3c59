package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	ui "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// startUI serves the web UI and returns when it answers.
func startUI(ctx context.Context, o options, temporal, address *net.TCPAddr) (*ui.Server, error) {
	server := ui.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		TemporalGRPCAddress: temporal.String(),
		Host:                address.IP.String(),
		Port:                address.Port,
		EnableUI:            true,
		DefaultNamespace:    o.namespace,
		// Nothing here may need the internet.
		DisableNewsFetch: true,
		HideLogs:         true,
		CORS: uiconfig.CORS{
			// The UI's own pages are same-origin and need no entry; no other
			// site may press Cancel in an operator's browser.
			AllowOrigins: []string{},
			// Without TLS some browsers drop a Secure cookie, and every update,
			// signal and cancel is refused for want of the CSRF token.
			CookieInsecure: true,
		},
	}))
	// The library ends the process where it cannot listen; listenAddress has
	// checked the port.
	go func() { _ = server.Start() }()

	client := &http.Client{Timeout: time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address.String()+"/healthz", nil)
		if err != nil {
			return nil, err
		}
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return server, nil
			}
		}
		if wait(ctx, 10*time.Millisecond) != nil {
			server.Stop()
			return nil, fmt.Errorf("the UI does not answer on %s", address)
		}
	}
}
