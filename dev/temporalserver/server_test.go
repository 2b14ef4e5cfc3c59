package temporalserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"willcall/dev/temporalserver"
	"willcall/postgres/pgserver"
)

// orphanEnv makes this test binary start a server on the Postgres it names and
// then wait to be killed.
const orphanEnv = "TEMPORALSERVER_TEST_ORPHAN"

func TestMain(m *testing.M) {
	if postgres := os.Getenv(orphanEnv); postgres != "" {
		s, err := temporalserver.Start(context.Background(), temporalserver.Options{PostgresURL: postgres})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("address", s.Address())
		_, _ = io.Copy(io.Discard, os.Stdin) // for ever: the test kills us
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var stateKey = temporal.NewSearchAttributeKeyKeyword("OrderState")

// TestServer goes through one server's life, since each needs a Postgres.
func TestServer(t *testing.T) {
	t.Parallel()
	postgres := startPostgres(t)
	opts := temporalserver.Options{
		PostgresURL:      postgres.URL("postgres"),
		UI:               "127.0.0.1:0",
		SearchAttributes: map[string]string{"OrderState": "Keyword", "OrderEventDate": "Datetime"},
	}
	s := start(t, opts)
	c := dial(t, s)

	// First of all, and at once: READY promises that this works.
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: "order:test:1", TaskQueue: "nobody",
		TypedSearchAttributes: temporal.NewSearchAttributes(stateKey.ValueSet("received")),
	}, "Order")
	if err != nil {
		t.Fatal("start a workflow right after READY:", err)
	}

	t.Run("NamespaceKeepsClosedWorkflowsForAWeek", func(t *testing.T) {
		ns, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), 7*24*time.Hour; got != want {
			t.Errorf("retention: got %v; want %v", got, want)
		}
	})

	t.Run("WorkflowIsFoundBySearchAttribute", func(t *testing.T) {
		eventually(t, "workflow in the list", func() bool {
			list, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: `OrderState = "received"`})
			return err == nil && len(list.GetExecutions()) == 1
		})
	})

	t.Run("WorkflowsAndActivitiesRun", func(t *testing.T) {
		hops(t, c)
	})

	t.Run("UIRendersAndWritesForItsOwnPagesOnly", func(t *testing.T) {
		checkUI(t, s, c)
	})

	t.Run("SecondServerOnTheSameDatabasesIsRefused", func(t *testing.T) {
		second := opts
		second.UI = ""
		_, err := temporalserver.Start(t.Context(), second)
		if err == nil || !strings.Contains(err.Error(), `another Temporal server runs on database "temporal"`) {
			t.Errorf("error: got %v; want a refusal", err)
		}
	})

	t.Run("TakenPortIsNamed", func(t *testing.T) {
		second := opts
		second.Address, second.UI = s.Address(), ""
		_, err := temporalserver.Start(t.Context(), second)
		if want := "-address " + s.Address() + ": the port is taken"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error: got %v; want %q in it", err, want)
		}
	})

	t.Run("WorkflowsOutliveAKillOnTheSamePorts", func(t *testing.T) {
		address, ui := s.Address(), s.UI()
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		ended(t, s)
		begin := time.Now()
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("ready again after %v", time.Since(begin).Round(time.Millisecond))
		if s.Address() != address || s.UI() != ui {
			t.Errorf("addresses: got %s, %s; want %s, %s", s.Address(), s.UI(), address, ui)
		}
		stillRunning(t, dial(t, s), run)
	})

	t.Run("WorkflowsOutliveAKillOfPostgres", func(t *testing.T) {
		if err := postgres.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := postgres.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := dial(t, s)
		eventually(t, "answer after Postgres' restart", func() bool {
			_, err := c.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
			return err == nil
		})
		stillRunning(t, c, run)
	})

	t.Run("CleanStopEnds", func(t *testing.T) {
		begin := time.Now()
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		t.Logf("stopped in %v", time.Since(begin).Round(time.Millisecond))
		ended(t, s)
	})
}

func TestServerDiesWithItsParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere it stops when its standard input ends, at its leisure")
	}
	postgres := startPostgres(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), orphanEnv+"="+postgres.URL("postgres"))
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var address string
	_, err = fmt.Fscanf(stdout, "address %s\n", &address)
	if killed := parent.Process.Kill(); err != nil || killed != nil {
		t.Fatal(err, killed)
	}
	_ = parent.Wait()
	eventually(t, "end of the orphan", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
}

func TestServerSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	if _, ok := temporalserver.Lookup(); !ok {
		t.Skip("no Temporal server is built: make test builds it, and go run ./dev")
	}
	for name, test := range map[string]struct {
		opts temporalserver.Options
		want string
	}{
		"PostgresIsAway": {
			temporalserver.Options{PostgresURL: "postgres://postgres@127.0.0.1:1/"},
			"temporal: postgres at 127.0.0.1:1 is not reachable",
		},
		"AddressForTheWholeNetwork": {
			temporalserver.Options{PostgresURL: "postgres://postgres@127.0.0.1:1/", Address: "0.0.0.0:7233"},
			"this server has no authentication and listens on loopback addresses only",
		},
		"UnknownSearchAttributeType": {
			temporalserver.Options{PostgresURL: "postgres://postgres@127.0.0.1:1/", SearchAttributes: map[string]string{"OrderState": "Keywords"}},
			"want Name=Type",
		},
		"NoPostgresURL": {
			temporalserver.Options{},
			"the Postgres URL must be postgres://",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := temporalserver.Start(t.Context(), test.opts)
			if err == nil {
				_ = s.Stop()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error: got %v; want %q in it", err, test.want)
			}
		})
	}
}

// hops runs a workflow of many tasks and shows what one costs here.
func hops(t *testing.T, c client.Client) {
	const activities = 40
	w := worker.New(c, "hops", worker.Options{DisableEagerActivities: true})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		for range activities {
			if err := workflow.ExecuteActivity(ctx, "nothing").Get(ctx, nil); err != nil {
				return err
			}
		}
		return nil
	}, workflow.RegisterOptions{Name: "Hops"})
	w.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: "nothing"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	begin := time.Now()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "hops", TaskQueue: "hops"}, "Hops")
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("%v for each activity with its workflow task", (time.Since(begin) / activities).Round(100*time.Microsecond))
}

func checkUI(t *testing.T, s *temporalserver.Server, c client.Client) {
	base := "http://" + s.UI()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	_, page := do(t, browser, http.MethodGet, base+"/namespaces/default/workflows", "", nil)
	scripts := regexp.MustCompile(`href="(/_app/[^"]+\.js)"`).FindAllStringSubmatch(page, -1)
	if len(scripts) == 0 {
		t.Errorf("page: got %.300q; want one with the app's scripts", page)
	}
	for _, script := range scripts {
		if status, _ := do(t, browser, http.MethodGet, base+script[1], "", nil); status != http.StatusOK {
			t.Errorf("GET %s: got %d; want 200", script[1], status)
		}
	}
	for path, want := range map[string]string{
		"/api/v1/namespaces": `"name":"default"`,
		"/api/v1/settings":   `"DisableWriteActions":false`,
		"/api/v1/namespaces/default/workflows?query=OrderState%3D%22received%22": `"workflowId":"order:test:1"`,
	} {
		if _, body := do(t, browser, http.MethodGet, base+path, "", nil); !strings.Contains(strings.ReplaceAll(body, `": "`, `":"`), want) {
			t.Errorf("GET %s: got %.300q; want %q in it", path, body, want)
		}
	}

	// A page's script reads the cookie and sends it back as a header. A cookie
	// that is marked Secure would not come back in every browser.
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	var token string
	for _, cookie := range jar.Cookies(at) {
		if cookie.Name == "_csrf" {
			token = cookie.Value
		}
	}
	fresh, err := http.Get(base)
	if err != nil {
		t.Fatal(err)
	}
	_ = fresh.Body.Close()
	for _, cookie := range fresh.Cookies() {
		if cookie.Secure {
			t.Errorf("cookie %s: got Secure; want one that comes back over http", cookie.Name)
		}
	}
	signal := base + "/api/v1/namespaces/default/workflows/" + url.PathEscape("order:test:1") + "/signal/provider-event"
	for name, test := range map[string]struct {
		header map[string]string
		want   int
	}{
		"BrowserThatSaysSameOrigin": {map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": base}, http.StatusOK},
		"BrowserThatSendsTheToken":  {map[string]string{"X-CSRF-Token": token, "Origin": base}, http.StatusOK},
		"AnotherSite":               {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example.com"}, http.StatusForbidden},
		"NeitherTokenNorOrigin":     {nil, http.StatusBadRequest},
	} {
		status, body := do(t, browser, http.MethodPost, signal, `{"signalName":"provider-event"}`, test.header)
		if status != test.want {
			t.Errorf("signal by %s: got %d %.300q; want %d", name, status, body, test.want)
		}
	}
	history := c.GetWorkflowHistory(t.Context(), "order:test:1", "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	signals := 0
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			t.Fatal(err)
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED {
			signals++
		}
	}
	if want := 2; signals != want {
		t.Errorf("signals that reached the workflow: got %d; want %d", signals, want)
	}
}

func do(t *testing.T, browser *http.Client, method, address, body string, header map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func stillRunning(t *testing.T, c client.Client, run client.WorkflowRun) {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.GetWorkflowExecutionInfo().GetStatus(), enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING; got != want {
		t.Errorf("status: got %v; want %v", got, want)
	}
}

func startPostgres(t *testing.T) *pgserver.Server {
	t.Helper()
	if _, ok := temporalserver.Lookup(); !ok {
		t.Skip("no Temporal server is built: make test builds it, and go run ./dev")
	}
	s, err := pgserver.Start(t.Context(), pgserver.Options{Dir: filepath.Join(t.TempDir(), "postgres"), Settings: pgserver.Throwaway()})
	if errors.Is(err, pgserver.ErrNoServer) {
		t.Skip("make test installs it:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func start(t *testing.T, opts temporalserver.Options) *temporalserver.Server {
	t.Helper()
	begin := time.Now()
	s, err := temporalserver.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("ready after %v", time.Since(begin).Round(time.Millisecond))
	return s
}

func dial(t *testing.T, s *temporalserver.Server) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: s.Address(),
		Logger:   sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func ended(t *testing.T, s *temporalserver.Server) {
	t.Helper()
	select {
	case <-s.Done():
	default:
		t.Error("server: got running; want ended")
	}
}

// eventually asks until the answer is yes, for at most half a minute.
func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ask() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain for:", what)
		}
	}
}
