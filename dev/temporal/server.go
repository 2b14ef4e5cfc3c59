package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// startTimeout bounds the way from the server's start to READY.
const startTimeout = 60 * time.Second

// run serves until ctx ends. It writes one line to ready when clients can come.
func run(ctx context.Context, o options, ready io.Writer) error {
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Level: o.logLevel, Format: "json"}))

	address, err := listenAddress("-address", o.address)
	if err != nil {
		return err
	}
	var uiAddress *net.TCPAddr
	if o.ui != "" {
		if uiAddress, err = listenAddress("-ui", o.ui); err != nil {
			return err
		}
	}
	guarded, err := prepareDatabases(ctx, o, logger)
	if err != nil {
		return err
	}
	defer func() { _ = guarded.Close(context.Background()) }()

	server, err := newServer(o, address, logger)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "temporal: stop:", err)
		}
	}()

	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := prepareNamespace(starting, o, address.String()); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop meanwhile
		}
		return err
	}
	uiText := ""
	if uiAddress != nil {
		ui, err := startUI(starting, o, address, uiAddress)
		if err != nil {
			return err
		}
		defer ui.Stop()
		uiText = uiAddress.String()
	}
	if _, err := fmt.Fprintf(ready, "READY temporal=%s ui=%s\n", address, uiText); err != nil {
		return fmt.Errorf("say READY: %w", err)
	}
	<-ctx.Done()
	return nil
}

func newServer(o options, address *net.TCPAddr, logger log.Logger) (temporal.Server, error) {
	ip := address.IP
	services := map[string]config.Service{}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for _, role := range temporal.DefaultServices {
		port := address.Port
		if role != string(primitives.FrontendService) {
			var err error
			if port, err = freePort(ip); err != nil {
				return nil, err
			}
		}
		services[role] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: ip.String()}}
		hosts[primitives.ServiceName(role)] = static.SingleLocalHost((&net.TCPAddr{IP: ip, Port: port}).String())
	}
	// Without a port for HTTP the frontend warns at each start that Nexus is off.
	httpPort, err := freePort(ip)
	if err != nil {
		return nil, err
	}
	frontend := services[string(primitives.FrontendService)]
	frontend.RPC.HTTPPort = httpPort
	services[string(primitives.FrontendService)] = frontend
	httpAddress := (&net.TCPAddr{IP: ip, Port: httpPort}).String()

	visibility := o.sql(o.visibility)
	visibility.MaxConns, visibility.MaxIdleConns = 6, 6

	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     "default",
			VisibilityStore:  "visibility",
			NumHistoryShards: int32(o.shards),
			DataStores: map[string]config.DataStore{
				"default":    {SQL: o.sql(o.database)},
				"visibility": {SQL: visibility},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        "active",
			CurrentClusterName:       "active",
			ClusterInformation: map[string]cluster.ClusterInformation{
				"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address.String(), HTTPAddress: httpAddress},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		Archival: config.Archival{
			History:    config.HistoryArchival{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
		},
		PublicClient: config.PublicClient{HostPort: address.String()},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
		}},
	}
	server, err := temporal.NewServer(
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithConfig(cfg),
		temporal.WithLogger(logger),
		temporal.WithDynamicConfigClient(dynamicConfig()),
		// Known hosts instead of gossip: no membership ports, and a start right
		// after a kill -9 does not wait for its predecessor to be declared dead.
		temporal.WithStaticHosts(hosts),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)
	if err != nil {
		return nil, fmt.Errorf("assemble the server: %w", err)
	}
	return server, nil
}

// dynamicConfig is for one machine: limits that protect a shared cluster from
// its tenants would only make a laptop's latency look like Temporal's.
func dynamicConfig() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// A queue that may be read 20 times a second adds up to 50 ms to each
		// hop of a workflow. Raising it is safe from server 1.32 on; 1.29 stalled.
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   1000,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      1000,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): 1000,
		dynamicconfig.OutboundProcessorMaxPollRPS.Key():   1000,

		// One process serves all partitions: more of them only add hops, and
		// would split a task queue's rate limit in four.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,

		dynamicconfig.FrontendRPS.Key():                                  20000,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           20000,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 200,
		dynamicconfig.HistoryRPS.Key():                                   50000,
		dynamicconfig.MatchingRPS.Key():                                  50000,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                    20000,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                     50000,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                    20000,

		// A new namespace or search attribute is usable after this long.
		dynamicconfig.NamespaceCacheRefreshInterval.Key(): namespaceRefresh,

		// Nothing here may need the internet.
		dynamicconfig.EnableServerVersionCheck.Key(): false,
	}
}
