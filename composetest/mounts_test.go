package composetest_test

import (
	"bytes"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"willcall/composetest"
	"willcall/config"
	"willcall/order"
)

// source is the file of this checkout that a service finds under the path.
func source(t testing.TB, s types.ServiceConfig, target string) string {
	t.Helper()
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind && v.Target == target {
			return v.Source // from here, since the file is loaded with root as its directory
		}
	}
	t.Fatalf("%s: nothing is mounted at %s", s.Name, target)
	return ""
}

// loads is how a mounted file is read, by the name it has in the checkout.
var loads = map[string]func(*testing.T, *types.Project, types.ServiceConfig, string){
	"config/compose.yaml":                loadConfig,
	"config/all-providers.yaml":          loadConfig,
	"deploy/prometheus/prometheus.yml":   loadPrometheus,
	"deploy/temporal/dynamicconfig.yaml": loadDynamicConfig,
	"deploy/temporal/schema.sh":          loadScript,
	"deploy/temporal/namespace.sh":       loadScript,
}

func TestMountedFilesLoad(t *testing.T) {
	t.Parallel()
	mounted := map[string]bool{}
	for way, p := range projects(t) {
		for _, name := range p.ServiceNames() {
			s := p.Services[name]
			for _, v := range s.Volumes {
				if v.Type != types.VolumeTypeBind {
					continue
				}
				file := strings.TrimPrefix(filepath.ToSlash(v.Source), root+"/")
				mounted[file] = true
				t.Run(way+"/"+name+"/"+file, func(t *testing.T) {
					t.Parallel()
					if loads[file] == nil {
						t.Fatalf("nothing in this test reads %s", file)
					}
					loads[file](t, p, s, v.Source)
				})
			}
		}
	}
	for file := range loads {
		if !mounted[file] {
			t.Errorf("%s: got no service that mounts it; want one", file)
		}
	}
}

func loadConfig(t *testing.T, p *types.Project, s types.ServiceConfig, file string) {
	c := configuration(t, s, file)
	if u, err := url.Parse(c.Database); err != nil || p.Services[u.Hostname()].Name == "" {
		t.Errorf("database: got %s; want a service of the file", u.Redacted())
	}
	within := map[string]time.Duration{"webhookd": c.Webhookd.StopWithin, "worker": c.Worker.StopWithin}[s.Name]
	if !once(s) && time.Duration(*s.StopGracePeriod) <= within {
		t.Errorf("stop_grace_period: got %v; want more than %v, in which the daemon stops by itself", s.StopGracePeriod, within)
	}
	if host, _, err := net.SplitHostPort(environment(s)["TEMPORAL_ADDRESS"]); err != nil || p.Services[host].Name == "" {
		t.Errorf("TEMPORAL_ADDRESS: got %s; want a service of the file", host)
	}
}

// configuration is what the service reads with the environment that it gets, and no other.
func configuration(t *testing.T, s types.ServiceConfig, file string) config.Config {
	t.Helper()
	env := environment(s)
	if got := source(t, s, env["WILLCALL_CONFIG"]); got != file {
		t.Errorf("WILLCALL_CONFIG: got %s; want %s", got, file)
	}
	c, err := config.Parse([]byte(readFile(t, file)), func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The times of a policy have their defaults in package order, where the tests of package config do not look.
func TestTimesInTheExampleAreTheDefaults(t *testing.T) {
	t.Parallel()
	s := projects(t)["AllProviders"].Services["worker"]
	text := regexp.MustCompile(`(?m)^( +)#([a-z_]+: )`).ReplaceAllString(readFile(t, root+"/config/all-providers.yaml"), "$1$2")
	env := environment(s)
	c, err := config.Parse([]byte(text), func(name string) (string, bool) { return env[name], env[name] != "" })
	if err != nil {
		t.Fatal(err)
	}
	got, want := c.Sources["tevo"].Policy, order.DefaultPolicy()
	for key, d := range map[string][2]time.Duration{
		"details_wait": {got.DetailsWait, want.DetailsWait}, "fraud_wait": {got.FraudWait, want.FraudWait}, "payment_wait": {got.PaymentWait, want.PaymentWait},
		"approval_wait": {got.ApprovalWait, want.ApprovalWait}, "step_patience": {got.StepPatience, want.StepPatience},
		"fulfil_within": {got.FulfilWithin, want.FulfilWithin}, "event_lead": {got.EventLead, want.EventLead},
		"grace": {got.Grace, want.Grace}, "quiet": {got.Quiet, want.Quiet},
	} {
		if d[0] != d[1] {
			t.Errorf("%s: got %v; want %v", key, d[0], d[1])
		}
	}
}

// Prometheus' own type is in a module of a thousand files; these are the keys that we use.
type prometheus struct {
	Global struct {
		ScrapeInterval time.Duration `yaml:"scrape_interval"`
		ScrapeTimeout  time.Duration `yaml:"scrape_timeout"`
	} `yaml:"global"`
	ScrapeConfigs []struct {
		JobName       string `yaml:"job_name"`
		Authorization struct {
			CredentialsFile string `yaml:"credentials_file"`
		} `yaml:"authorization"`
		StaticConfigs []struct {
			Targets []string `yaml:"targets"`
		} `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

func loadPrometheus(t *testing.T, p *types.Project, s types.ServiceConfig, file string) {
	var c prometheus
	d := yaml.NewDecoder(bytes.NewReader([]byte(readFile(t, file))))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if c.Global.ScrapeTimeout > c.Global.ScrapeInterval {
		t.Errorf("scrape_timeout %v is longer than scrape_interval %v: Prometheus refuses that", c.Global.ScrapeTimeout, c.Global.ScrapeInterval)
	}
	if want := "--config.file="; !strings.HasPrefix(s.Command[0], want) || source(t, s, strings.TrimPrefix(s.Command[0], want)) != file {
		t.Errorf("command: got %s; want the file that is mounted", s.Command[0])
	}
	webhookd := p.Services["webhookd"]
	ours := configuration(t, webhookd, source(t, webhookd, environment(webhookd)["WILLCALL_CONFIG"]))
	want := map[string]string{ // where each of them serves its metrics
		"webhookd": ours.Operator.Listen, "worker": ours.Worker.Listen, "temporal": environment(p.Services["temporal"])["PROMETHEUS_ENDPOINT"],
	}
	for _, job := range c.ScrapeConfigs {
		target := job.StaticConfigs[0].Targets[0]
		host, port, err := net.SplitHostPort(target)
		if err != nil {
			t.Fatal(err)
		}
		listen, served, err := net.SplitHostPort(want[host])
		if err != nil || port != served || listen != "0.0.0.0" {
			t.Errorf("%s: got target %s; want the port of %q, open to other containers", job.JobName, target, want[host])
		}
		if got := secret(p, s, job.Authorization.CredentialsFile); host == "webhookd" && got != string(ours.Operator.Token) {
			t.Errorf("webhookd: the file %q of the token holds something else than webhookd wants", job.Authorization.CredentialsFile)
		}
		delete(want, host)
	}
	if len(want) != 0 {
		t.Errorf("targets: got none for %v; want one for each", want)
	}
}

// secret is what a service finds in a file of secrets.
func secret(p *types.Project, s types.ServiceConfig, file string) string {
	for _, ref := range s.Secrets {
		if file == "/run/secrets/"+ref.Source {
			return p.Environment[p.Secrets[ref.Source].Environment]
		}
	}
	return ""
}

func loadDynamicConfig(t *testing.T, _ *types.Project, s types.ServiceConfig, file string) {
	if got := source(t, s, environment(s)["DYNAMIC_CONFIG_FILE_PATH"]); got != file {
		t.Errorf("DYNAMIC_CONFIG_FILE_PATH: got %s; want %s", got, file)
	}
	programs, err := composetest.Lookup()
	if err != nil {
		t.Skip("make test builds what is missing:", err)
	}
	out, err := exec.CommandContext(t.Context(), programs.Server, "validate-dynamic-config", file).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("warning")) {
		t.Errorf("the server says: %s (%v); want neither errors nor warnings", out, err)
	}
}

func loadScript(t *testing.T, _ *types.Project, s types.ServiceConfig, file string) {
	if len(s.Entrypoint) != 2 || s.Entrypoint[0] != "/bin/sh" || source(t, s, s.Entrypoint[1]) != file {
		t.Errorf("entrypoint: got %v; want /bin/sh and the script that is mounted", s.Entrypoint)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-n", file).CombinedOutput(); err != nil {
		t.Errorf("sh -n: %s (%v)", out, err)
	}
}
