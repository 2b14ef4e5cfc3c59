package composetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"willcall/composetest"
	"willcall/postgres/pgserver"
)

// host is this machine in the place of an engine: it runs the services of the file as processes, with their environment,
// their scripts and their configuration. What it changes is where they find each other.
type host struct {
	t       *testing.T
	project *types.Project
	moved   *strings.Replacer // from names of services to addresses of this machine
	bin     string            // what the images of Temporal have on their PATH
	config  string            // config/compose.yaml with the addresses of this machine
	ports   map[string]string
}

// TestServicesRun goes through the file in the order in which docker compose starts it.
func TestServicesRun(t *testing.T) {
	t.Parallel()
	h := newHost(t)

	// As often as the stack is started: the second time there is nothing to do.
	for range 2 {
		h.once(t, "temporal-schema")
	}
	h.start(t, "temporal")
	c, err := client.NewLazyClient(client.Options{HostPort: h.moved.Replace("temporal:7233"), Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	h.await(t, "temporal", "health", func(ctx context.Context) error {
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	})
	for range 2 {
		h.once(t, "temporal-namespace")
	}

	t.Run("NamespaceIsThere", func(t *testing.T) {
		env := environment(h.project.Services["temporal-namespace"])
		retention, err := time.ParseDuration(env["TEMPORAL_RETENTION"])
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: env["TEMPORAL_NAMESPACE"]})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(); got != retention {
			t.Errorf("retention: got %v; want %v", got, retention)
		}
	})
	t.Run("TemporalServesMetrics", func(t *testing.T) {
		h.await(t, "temporal", "metrics", func(ctx context.Context) error {
			return get(ctx, "http://"+h.ports["metrics"]+"/metrics", "", "service_requests")
		})
	})
	t.Run("DaemonsGetReady", func(t *testing.T) {
		for range 2 {
			h.once(t, "migrate")
			h.once(t, "setup")
		}
		attributes, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "default"})
		if err != nil {
			t.Fatal(err)
		}
		if _, there := attributes.GetCustomAttributes()["OrderState"]; !there {
			t.Errorf("search attributes: got %v; want OrderState among them", attributes.GetCustomAttributes())
		}
		for _, name := range []string{"worker", "webhookd"} {
			h.start(t, name)
		}
		for _, name := range []string{"worker", "webhookd"} {
			s := h.project.Services[name]
			h.await(t, name, "health check", func(ctx context.Context) error {
				return run(ctx, h.env(s), program(h.t, s), s.HealthCheck.Test[2:]...)
			})
			h.await(t, name, "metrics", func(ctx context.Context) error {
				return get(ctx, "http://"+h.ports[name]+"/metrics", environment(s)["WILLCALL_OPERATOR_TOKEN"], "go_goroutines")
			})
		}
	})
}

func newHost(t *testing.T) *host {
	programs, err := composetest.Lookup()
	if errors.Is(err, composetest.ErrNotBuilt) {
		t.Skip("make test builds what is missing:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	postgres, err := pgserver.Start(t.Context(), pgserver.Options{Dir: filepath.Join(t.TempDir(), "postgres"), Settings: pgserver.Throwaway()})
	if errors.Is(err, pgserver.ErrNoServer) {
		t.Skip("make test installs what is missing:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := postgres.Stop(); err != nil {
			t.Error(err)
		}
	})
	h := &host{t: t, project: project(t), bin: t.TempDir(), ports: map[string]string{}}
	for _, name := range []string{"postgres", "temporal-postgres"} {
		h.image(name, postgres)
	}
	for _, name := range []string{"temporal", "metrics", "webhooks", "webhookd", "worker"} {
		h.ports[name] = freePort(t)
	}
	at := fmt.Sprintf("127.0.0.1:%d", postgres.Port())
	h.moved = strings.NewReplacer("@postgres:5432", "@"+at, "temporal:7233", h.ports["temporal"])
	h.config = filepath.Join(t.TempDir(), "config.yaml")
	config := strings.NewReplacer("0.0.0.0:8081", h.ports["webhookd"], "0.0.0.0:8082", h.ports["worker"]).
		Replace(readFile(t, root+"/config/compose.yaml")) + "\nwebhookd: {listen: \"" + h.ports["webhooks"] + "\"}\n"
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(h.config, []byte(config), 0o600),
		os.Symlink(programs.Server, filepath.Join(h.bin, "temporal-server")),
		os.Symlink(programs.SQLTool, filepath.Join(h.bin, "temporal-sql-tool")),
		os.Symlink(self, filepath.Join(h.bin, "temporal"))); err != nil {
		t.Fatal(err)
	}
	return h
}

// image does what Postgres' image does at its first start: it creates the user, who may do anything, and the database.
func (h *host) image(service string, server *pgserver.Server) {
	h.t.Helper()
	env := environment(h.project.Services[service])
	conn, err := pgx.Connect(h.t.Context(), server.URL("postgres"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	user, database := pgx.Identifier{env["POSTGRES_USER"]}.Sanitize(), pgx.Identifier{env["POSTGRES_DB"]}.Sanitize()
	for _, sql := range []string{
		"CREATE ROLE " + user + " LOGIN SUPERUSER PASSWORD '" + env["POSTGRES_PASSWORD"] + "'",
		"CREATE DATABASE " + database + " OWNER " + user,
	} {
		if _, err := conn.Exec(h.t.Context(), sql); err != nil {
			h.t.Fatal(err)
		}
	}
	h.ports[service] = fmt.Sprint(server.Port())
}

// env is the environment of a service, with the addresses of this machine, and what an image brings.
func (h *host) env(s types.ServiceConfig) []string {
	env := environment(s)
	for name, value := range env {
		env[name] = h.moved.Replace(value)
	}
	for _, names := range [][2]string{{"SQL_HOST", "SQL_PORT"}, {"POSTGRES_SEEDS", "DB_PORT"}} {
		if name := env[names[0]]; name != "" {
			env[names[0]], env[names[1]] = "127.0.0.1", h.ports[name]
		}
	}
	if env["WILLCALL_CONFIG"] != "" {
		env["WILLCALL_CONFIG"] = h.config
	}
	if env["BIND_ON_IP"] != "" {
		env["BIND_ON_IP"] = "127.0.0.1"
		env["DYNAMIC_CONFIG_FILE_PATH"] = source(h.t, s, env["DYNAMIC_CONFIG_FILE_PATH"])
		env["PROMETHEUS_ENDPOINT"] = h.ports["metrics"]
		_, env["FRONTEND_GRPC_PORT"], _ = net.SplitHostPort(h.ports["temporal"])
		for _, role := range []string{"FRONTEND_HTTP", "FRONTEND_MEMBERSHIP", "HISTORY_GRPC", "HISTORY_MEMBERSHIP", "MATCHING_GRPC", "MATCHING_MEMBERSHIP", "WORKER_GRPC", "WORKER_MEMBERSHIP"} {
			_, env[role+"_PORT"], _ = net.SplitHostPort(freePort(h.t))
		}
	}
	env["PATH"] = h.bin + string(os.PathListSeparator) + os.Getenv("PATH")
	var out []string
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	return out
}

// command is what the service runs.
func (h *host) command(s types.ServiceConfig) []string {
	switch {
	case s.Build != nil:
		return append([]string{program(h.t, s)}, s.Command...)
	case len(s.Entrypoint) > 0: // a script that is mounted
		return append([]string{s.Entrypoint[0]}, source(h.t, s, s.Entrypoint[1]))
	default: // how the entrypoint of Temporal's image ends
		return []string{filepath.Join(h.bin, "temporal-server"), "start"}
	}
}

// once runs a service that ends.
func (h *host) once(t *testing.T, name string) {
	t.Helper()
	s := h.project.Services[name]
	command := h.command(s)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := run(ctx, h.env(s), command[0], command[1:]...); err != nil {
		t.Fatal(err)
	}
}

// start starts a service that stays, and ends it with the test. A shell in between ends it also where the test process is
// killed: it notices that its input ends.
func (h *host) start(t *testing.T, name string) {
	t.Helper()
	s := h.project.Services[name]
	cmd := exec.Command("sh", append([]string{"-c", `"$@" </dev/null & pid=$!; cat >/dev/null; kill $pid; wait $pid`, "sh"}, h.command(s)...)...)
	cmd.Env = h.env(s)
	log := &logged{}
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		if h.t.Failed() {
			h.t.Logf("%s: its log ends with:\n%s", name, log.tail())
		}
	})
}

// await asks until the answer is good, for at most a minute.
func (h *host) await(t *testing.T, service, what string, ask func(context.Context) error) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: waited in vain for its %s: %v", service, what, last)
		}
	}
}

// logged keeps what a service says.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	return text[max(0, len(text)-4000):]
}

func get(ctx context.Context, address, token, want string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(want)) {
		u, _ := url.Parse(address)
		return fmt.Errorf("GET %s: got %s, %d bytes; want 200 and %s in it", u.Path, res.Status, len(body), want)
	}
	return nil
}

// freePort is below those that the system hands out: Temporal keeps the ports of its members in 16 bits with a sign.
func freePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err == nil {
			defer func() { _ = l.Close() }()
			return l.Addr().String()
		}
	}
	t.Fatal("got no free port between 20000 and 32000")
	return ""
}
