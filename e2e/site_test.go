package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"willcall/dev/stack"
	"willcall/dev/temporalserver"
	"willcall/postgres/pgserver"
	"willcall/sim"
	"willcall/workflows"
)

var record = flag.String("record", "", "directory that the histories of the tests' orders are written to, as release-case.json")

// here is the one installation that all tests share; they run one after the other, because a fault of the POS is
// everybody's.
var here *site

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if why := missing(); why != "" {
		fmt.Println("end-to-end tests are skipped:", why)
		return m.Run() // each test says so, too
	}
	dir, err := os.MkdirTemp("", "willcall-e2e-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	s, err := open(dir)
	if err != nil {
		fmt.Println("the installation did not start:", err)
		return 1
	}
	defer s.close()
	here = s
	code := m.Run()
	if code != 0 {
		for _, name := range []string{"webhookd.log", "worker.log"} {
			raw, _ := os.ReadFile(filepath.Join(dir, "logs", name))
			fmt.Printf("--- the end of %s\n%s\n", name, raw[max(0, len(raw)-8000):])
		}
	}
	return code
}

func missing() string {
	if _, err := pgserver.Find(); err != nil {
		return err.Error()
	}
	if _, ok := temporalserver.Lookup(); !ok {
		return "the Temporal server is not built; make test builds it once, in about six minutes"
	}
	return ""
}

// site is one installation of Willcall.
type site struct {
	*stack.Stack
	dir                string
	temporal           client.Client
	webhookd, worker   *daemon
	webhooks, operator string
	orders             atomic.Int64
	vendors            map[string]vendorPOS // the points of sale that brokers buy, by their names in the configuration
}

// vendorPOS is a simulated account of a vendor's point of sale.
type vendorPOS struct {
	*httptest.Server
	api interface {
		http.Handler
		SetFaults(sim.Faults) error
		State() sim.POSState
	}
	config string // of the POS, but for its URL
}

// posEventSecret signs the events of the point of sale behind the published contract.
const posEventSecret = "whsec_ZTJlLXBvcy1ldmVudHMtYXJlLXNpZ25lZC13aXRoLXRoaXM="

// vendorType is the ticket type of sales that are invoiced in vendorGroup at such a point of sale.
const vendorType, vendorGroup = "64b6c3a1f0a1b2c3d4e5f607", 5001

// skyMethods are points of sale at the SkyBox of "sky" whose invoices have another delivery method, by their names.
var skyMethods = map[string]string{"sky-will-call": "WILLCALL", "sky-parcel": "UPS"}

func vendorPOSes() map[string]vendorPOS {
	var seats []int
	for n := range 500 {
		seats = append(seats, n+1)
	}
	out := map[string]vendorPOS{
		"sky": {
			api: sim.NewSkyBox(sim.SkyBoxOptions{APIToken: "e2e-sky-token", ApplicationToken: "e2e-sky-application", Account: "12", Rows: true,
				Matching: "prefix", Inventory: []sim.SkyBoxGroup{{ID: vendorGroup, EventID: 1, EventName: "The Sample Play", Section: "A", Row: "1", Seats: seats}}}),
			config: `kind: skybox, token: e2e-sky-token, currency: EUR,
    skybox: {application_token: e2e-sky-application, account: "12", address: {city: Berlin, state: OTHER, postal_code: "10115", country: DE},
      read_deliveries: true, delivery_method: MOBILE_DELIVERY, vendor_email: purchases@example.com, venue: Unknown},
    events: {proof: {kind: token}, secrets: [e2e-sky-events]}`,
		},
		"core": {
			api: sim.NewTEvoCore(sim.TEvoCoreOptions{Token: "e2e-core-token", Secret: "e2e-core-secret", OfficeID: "7", OnDemand: 500}),
			config: `kind: tevocore, token: e2e-core-token, currency: EUR,
    tevocore: {secret: e2e-core-secret, office_id: "7", reviewer_id: "1", scan_clients: true, payment_type: offline, attach_files: true}`,
		},
	}
	for name, v := range out {
		v.Server = httptest.NewServer(v.api)
		out[name] = v
	}
	return out
}

// open starts everything. Sources: "tevo" as a broker has it; "quick" with waits of seconds, so that orders end within a
// test; "careful" reads every order again before it writes; and the other kinds likewise, each with and without haste.
func open(dir string) (s *site, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	s = &site{dir: dir, vendors: vendorPOSes()}
	var workerAddr string
	for _, addr := range []*string{&s.webhooks, &s.operator, &workerAddr} {
		if *addr, err = stack.FreeAddr(); err != nil {
			return nil, err
		}
	}
	s.Stack, err = stack.Start(ctx, stack.Options{Dir: dir, NoUI: true, Attributes: workflows.AttributeTypes(), Progress: io.Discard,
		Throwaway: true, POS: sim.POSOptions{IgnoreKeys: true, DuplicateReferences: true}})
	if err != nil {
		return nil, err
	}
	// The simulators' own webhooks are sent by the tests, at moments of their choice.
	s.TEvo.OnChange(func(sim.TEvoChange) {})
	s.Vivenu.OnChange(func(sim.VivenuChange) {})
	if s.temporal, err = s.Client(); err != nil {
		return nil, err
	}
	if err := s.writeConfig(); err != nil {
		return nil, err
	}
	for _, name := range []string{"webhookd", "worker"} {
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, name), "willcall/"+name).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s: %w\n%s", name, err, out)
		}
	}
	s.webhookd, s.worker = s.daemon("webhookd", s.operator), s.daemon("worker", workerAddr)
	if out, err := s.command("webhookd", "-migrate").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("webhookd -migrate: %w\n%s", err, out)
	}
	return s, errors.Join(s.webhookd.start(), s.worker.start())
}

func (s *site) close() {
	_ = s.worker.stop()
	_ = s.webhookd.stop()
	s.temporal.Close()
	s.Stop()
	for _, v := range s.vendors {
		v.Close()
	}
}

func (s *site) writeConfig() error {
	source := func(policy, api string) string {
		return fmt.Sprintf(`
    kind: tevo
    secrets: [e2e-tevo-token, dev-tevo-token]
    pos: simulator
    policy: {%s}
    api: {url: %q, token: %s, secret: %s, reviewer_id: "1", per_second: 1000, %s}
`, policy, s.TEvoURL, stack.TEvoAPIToken, stack.TEvoAPISecret, api)
	}
	var poses string
	for _, name := range slices.Sorted(maps.Keys(s.vendors)) {
		poses += fmt.Sprintf("  %s: {%s, url: %q, timeout: 2s}\n", name, s.vendors[name].config, s.vendors[name].URL)
	}
	for name, method := range skyMethods { // another account's settings at the same SkyBox
		config, _, _ := strings.Cut(s.vendors["sky"].config, "events:")
		poses += fmt.Sprintf("  %s: {%s url: %q, timeout: 2s}\n", name, strings.Replace(config, "MOBILE_DELIVERY", method, 1), s.vendors["sky"].URL)
	}
	text := "worker: {listen: \"${WORKER_LISTEN}\", look_every: 2s}\nwebhookd: {listen: " + s.webhooks + "}\noperator: {listen: " + s.operator + "}\n" +
		fmt.Sprintf("pos:\n  simulator: {kind: http, url: %q, token: %s, timeout: 2s, events: {secrets: [%s]}}\n", s.POSURL, stack.POSToken, posEventSecret) + poses + "sources:" +
		"\n  tevo:" + source("step_patience: 15m", "confirm: false, sweep: false") +
		"\n  quick:" + source("step_patience: 3s, quiet: 1s, grace: 1s, fraud_wait: 2s, details_wait: 2s, event_lead: 1s, fulfil_within: 1s", "confirm: false, sweep: false") +
		"\n  holding:" + source("step_patience: 15m, hold: true", "confirm: false, sweep: false") +
		"\n  careful:" + source("step_patience: 15m", "confirm: true, sweep: true")
	const haste = "step_patience: 3s, quiet: 1s, grace: 1s, payment_wait: 2s, details_wait: 2s, event_lead: 1s, fulfil_within: 1s"
	for name, policy := range map[string]string{"": "step_patience: 15m", "-quick": haste} {
		text += fmt.Sprintf(`
  vivenu%[1]s: {kind: vivenu, mode: dev, secrets: [e2e-vivenu-key-1, e2e-vivenu-key-2, dev-vivenu-key], pos: simulator, policy: {%[2]s},
    api: {url: %[3]q, token: %[4]s, per_second: 1000}}
  tixstock%[1]s: {kind: tixstock, secrets: [e2e-tixstock-token, dev-tixstock-token], pos: simulator, policy: {%[2]s}, max_body: 25MB,
    statuses: {awaiting_fulfilment: Approved, fulfilled: Delivered, cancelled: Cancelled, rejected: Rejected}}
  ltd%[1]s: {kind: ltd, secrets: [e2e-ltd-token, dev-ltd-token], proof: {kind: token}, affiliate_id: %[5]s, pos: simulator, policy: {%[2]s},
    api: {url: %[6]q, token: %[7]s, basket_path: "/rest/v2/Baskets/{basket}", per_second: 1000}}`,
			name, policy, s.VivenuURL, stack.VivenuAPIKey, sim.LTDAffiliateID, s.LTDURL, stack.LTDAPIKey)
	}
	for _, name := range append(slices.Sorted(maps.Keys(skyMethods)), "sky") {
		text += "\n  tevo-" + name + ":" + strings.Replace(source("step_patience: 15m, deliver: true, attach: true", "confirm: false, sweep: false"), "pos: simulator", "pos: "+name, 1)
	}
	text += `
  tixstock-core: {kind: tixstock, secrets: [e2e-tixstock-token], pos: core, policy: {step_patience: 15m, attach: true}, max_body: 25MB,
    statuses: {awaiting_fulfilment: Approved, fulfilled: Delivered, cancelled: Cancelled, rejected: Rejected}}`
	for name := range s.vendors {
		text += fmt.Sprintf(`
  vivenu-%s: {kind: vivenu, mode: dev, secrets: [e2e-vivenu-key-1, e2e-vivenu-key-2], pos: %s, policy: {%s}, inventory: {%s: "%d"},
    api: {url: %q, token: %s, per_second: 1000}}`, name, name, haste, vendorType, vendorGroup, s.VivenuURL, stack.VivenuAPIKey)
	}
	return os.WriteFile(filepath.Join(s.dir, "config.yaml"), []byte(text), 0o600)
}

// daemon is one of our processes.
type daemon struct {
	site   *site
	name   string
	health string
	cmd    *exec.Cmd
}

func (s *site) daemon(name, health string) *daemon {
	return &daemon{site: s, name: name, health: health}
}

func (s *site) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.dir, name), args...)
	worker := ""
	if s.worker != nil {
		worker = s.worker.health
	}
	cmd.Env = append(os.Environ(), "WILLCALL_CONFIG="+filepath.Join(s.dir, "config.yaml"), "DATABASE_URL="+s.DatabaseURL,
		"TEMPORAL_ADDRESS="+s.TemporalAddress, "WORKER_LISTEN="+worker)
	return cmd
}

func (d *daemon) start() error {
	d.cmd = d.site.command(d.name)
	log, err := os.OpenFile(filepath.Join(d.site.dir, "logs", d.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	d.cmd.Stdout, d.cmd.Stderr = log, log
	if err := d.cmd.Start(); err != nil {
		return err
	}
	return until(30*time.Second, func() error {
		resp, err := http.Get("http://" + d.health + "/livez")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}

func (d *daemon) stop() error { return d.end(syscall.SIGTERM) }
func (d *daemon) kill() error { return d.end(syscall.SIGKILL) }

func (d *daemon) end(sig syscall.Signal) error {
	if d == nil || d.cmd == nil || d.cmd.ProcessState != nil {
		return nil
	}
	if err := d.cmd.Process.Signal(sig); err != nil {
		return err
	}
	if err := d.cmd.Wait(); err != nil && sig == syscall.SIGTERM {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	return nil
}

// until tries f until it succeeds, and returns its last error when the time is over.
func until(within time.Duration, f func() error) error {
	deadline := time.Now().Add(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-tick.C
	}
}

// setup gives a test the installation in good order, and puts it back into it.
func setup(t *testing.T) *site {
	t.Helper()
	if here == nil {
		t.Skip(missing() + " (make test gets it)")
	}
	t.Cleanup(func() {
		for _, err := range []error{here.POS.SetFaults(sim.Faults{}), here.TEvo.SetFaults(sim.Faults{}), here.Vivenu.SetFaults(sim.Faults{}), here.LTD.SetFaults(sim.Faults{})} {
			if err != nil {
				t.Error(err)
			}
		}
		for _, v := range here.vendors {
			if err := v.api.SetFaults(sim.Faults{}); err != nil {
				t.Error(err)
			}
		}
	})
	return here
}

// fresh numbers an order that no test has used; its times are near now.
func (s *site) fresh() int { return int(s.orders.Add(1)) + 1000 }

// post delivers one webhook to the source and wants it taken.
func (s *site) post(t *testing.T, source string, o sim.TEvoOrder, recipient, eventType string) {
	t.Helper()
	s.TEvo.Put(o)
	contentType, body := o.Webhook(recipient, eventType)
	s.postRaw(t, source, contentType, body)
}

func (s *site) postRaw(t *testing.T, source, contentType string, body []byte) (id string) {
	t.Helper()
	resp, err := http.Post("http://"+s.webhooks+"/webhooks/"+source+"/e2e-tevo-token", contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("webhook: got %s %v; want it taken", resp.Status, err)
	}
	return answer.ID
}

// send posts bytes to a path below /webhooks with the headers given, and returns status and answer.
func (s *site) send(t *testing.T, path string, header http.Header, body []byte) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.webhooks+"/webhooks/"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// taken is send, and wants the webhook taken.
func (s *site) taken(t *testing.T, path string, header http.Header, body []byte) (id, status string) {
	t.Helper()
	code, raw := s.send(t, path, header, body)
	var answer struct{ ID, Status string }
	if err := json.Unmarshal(raw, &answer); err != nil || code/100 != 2 {
		t.Fatalf("webhook to %s: got %d %s %v; want it taken", path, code, raw, err)
	}
	return answer.ID, answer.Status
}

// view is an order as the operators' API shows it.
type view struct {
	ID        string
	State     string
	Attention *struct{ Reason, Detail, Advice string }
	Amount    int64 `json:"amount_minor"`
	POS       struct {
		Customer      string `json:"customer_id"`
		Invoice       string `json:"invoice_id"`
		PurchaseOrder string `json:"purchase_order_id"`
	}
	Timeline []struct {
		What      string
		WebhookID string `json:"webhook_id"`
	}
	Event struct {
		ID, Name string
		StartsAt time.Time `json:"starts_at"`
	}
}

func (v view) reason() string {
	if v.Attention == nil {
		return ""
	}
	return v.Attention.Reason
}

func (s *site) get(path string, into any) error {
	resp, err := http.Get("http://" + s.operator + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// await waits until the order is as wanted, and returns it.
func (s *site) await(t *testing.T, id, what string, want func(view) bool) (v view) {
	t.Helper()
	err := until(60*time.Second, func() error {
		v = view{}
		if err := s.get("/v1/orders/"+id, &v); err != nil {
			return err
		}
		if !want(v) {
			return fmt.Errorf("it is %s, attention %q, invoice %q, event at %s, told of %v", v.State, v.reason(), v.POS.Invoice, v.Event.StartsAt, v.Timeline)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("order %s does not become %s: %v", id, what, err)
	}
	return v
}

func (s *site) awaitState(t *testing.T, id, state string) view {
	t.Helper()
	return s.await(t, id, state, func(v view) bool { return v.State == state && v.Attention == nil })
}

func (s *site) awaitAttention(t *testing.T, id, reason string) view {
	t.Helper()
	return s.await(t, id, "in need of attention: "+reason, func(v view) bool { return v.reason() == reason })
}

// invoices returns the order's invoices in the POS, live and voided.
func (s *site) invoices(id string) (live, voided []sim.POSInvoice) {
	for _, inv := range s.POS.State().Invoices {
		switch {
		case inv.ExternalReference != id:
		case inv.Voided:
			voided = append(voided, inv)
		default:
			live = append(live, inv)
		}
	}
	return live, voided
}

// command sends an operator's update and returns its refusal.
func (s *site) order(t *testing.T, id, name, reference string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	h, err := s.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: id, UpdateName: name, WaitForStage: client.WorkflowUpdateStageCompleted,
		Args: []any{workflows.OperatorInput{By: "ann", Reason: "end-to-end test", Reference: reference}}})
	if err != nil {
		return err
	}
	return h.Get(ctx, nil)
}

// awaitClosed waits until the order's run has ended.
func (s *site) awaitClosed(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := s.temporal.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		t.Fatalf("order %s does not end: %v", id, err)
	}
}
