package composetest_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = ".."

func readFile(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// exampleEnv is deploy/example.env: as it is, and filled in.
func exampleEnv(t testing.TB) (empty, filled map[string]string) {
	t.Helper()
	return fill(t, readFile(t, root+"/deploy/example.env"))
}

func fill(t testing.TB, example string) (empty, filled map[string]string) {
	t.Helper()
	empty, err := dotenv.Parse(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	filled = maps.Clone(empty)
	for name := range filled {
		switch {
		case strings.HasSuffix(name, "_URL"):
			filled[name] = "http://simulators:8090"
		case strings.HasSuffix(name, "_EVENTS_SECRET"):
			filled[name] = "whsec_YW4gaW52ZW50ZWQgc2VjcmV0IG9mIHRoaXJ0eS10d28="
		case strings.HasSuffix(name, "_ID"):
			filled[name] = "7"
		case strings.HasSuffix(name, "_PATH"):
			filled[name] = "/Baskets/{basket}"
		default:
			filled[name] = "InventedFor" + strings.ReplaceAll(name, "_", "")
		}
	}
	return empty, filled
}

// load parses the text as docker compose does, with the profile of the simulators.
func load(t testing.TB, text string, env map[string]string) (*types.Project, error) {
	t.Helper()
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: root, Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: []byte(text)}},
	}, func(o *loader.Options) { o.Profiles = []string{"sim"} })
}

func project(t testing.TB) *types.Project {
	t.Helper()
	_, env := exampleEnv(t)
	p, err := load(t, readFile(t, root+"/docker-compose.yml"), env)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// commented are the lines that an operator of all providers takes the # from, in docker-compose.yml and deploy/example.env.
var commented = regexp.MustCompile(`(?m)^( *)#(WILLCALL_(?:TIXSTOCK|VIVENU|LTD)_[A-Z_]+(?:: .*|=)|- -.*)$`)

// withAllProviders is docker-compose.yml after an operator did what stands at its head, with the environment for it.
func withAllProviders(t testing.TB) (text string, empty, filled map[string]string) {
	t.Helper()
	uncomment := func(file string) string { return commented.ReplaceAllString(readFile(t, root+"/"+file), "$1$2") }
	text = strings.Replace(uncomment("docker-compose.yml"), "./config/compose.yaml", "./config/all-providers.yaml", 1)
	empty, filled = fill(t, uncomment("deploy/example.env"))
	return text, empty, filled
}

// projects are the ways in which the file is used.
func projects(t testing.TB) map[string]*types.Project {
	t.Helper()
	text, _, env := withAllProviders(t)
	all, err := load(t, text, env)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*types.Project{"AsItIs": project(t), "AllProviders": all}
}

func environment(s types.ServiceConfig) map[string]string {
	out := map[string]string{}
	for name, value := range s.Environment {
		if value != nil {
			out[name] = *value
		}
	}
	return out
}

func TestRules(t *testing.T) {
	t.Parallel()
	for name, p := range projects(t) {
		for _, c := range check(p) {
			t.Errorf("%s: %s", name, c)
		}
	}
}

var (
	version = regexp.MustCompile(`:v?\d+(\.\d+)*$`)
	// open is what the outside may reach.
	open = "webhookd:8080"
	// writable are the images that cannot run without writing to themselves.
	writable = regexp.MustCompile(`^(postgres|prom/prometheus):`)
)

// once reports whether the service does its work and ends.
func once(s types.ServiceConfig) bool {
	return strings.HasPrefix(s.Restart, types.RestartPolicyOnFailure)
}

// check says in which services the file breaks the rules of this house.
func check(p *types.Project) (complaints []string) {
	awaited := map[string]bool{}
	for _, name := range p.ServiceNames() {
		s := p.Services[name]
		complain := func(format string, args ...any) {
			complaints = append(complaints, name+": "+fmt.Sprintf(format, args...))
		}
		if s.Build == nil && !version.MatchString(s.Image) {
			complain("image %s is not pinned to a version", s.Image)
		}
		if s.Restart != types.RestartPolicyUnlessStopped && !once(s) {
			complain("restart is %q: want unless-stopped, or on-failure with a limit for what runs once", s.Restart)
		}
		if once(s) == (s.HealthCheck != nil) {
			complain("want a health check on what stays, and none on what runs once")
		}
		for on, d := range s.DependsOn {
			want := types.ServiceConditionHealthy
			if once(p.Services[on]) {
				want = types.ServiceConditionCompletedSuccessfully
			}
			if d.Condition != want {
				complain("awaits %s by %s; want %s", on, d.Condition, want)
			}
			awaited[on] = true
		}
		for _, port := range s.Ports {
			if at := fmt.Sprintf("%s:%d", name, port.Target); port.HostIP != "127.0.0.1" && at != open {
				complain("port %d is bound to %q; want 127.0.0.1", port.Target, port.HostIP)
			}
		}
		if s.MemLimit == 0 {
			complain("has no mem_limit")
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			complain("may gain privileges")
		}
		if !s.ReadOnly && !writable.MatchString(s.Image) {
			complain("can write to its own image")
		}
		if s.Logging == nil || s.Logging.Options["max-size"] == "" {
			complain("fills the disk with its log")
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind && !v.ReadOnly {
				complain("can write to %s", v.Source)
			}
		}
	}
	for _, name := range p.ServiceNames() {
		if once(p.Services[name]) && !awaited[name] {
			complaints = append(complaints, name+": runs once, and nobody awaits it")
		}
	}
	slices.Sort(complaints)
	return complaints
}

func TestEachRuleCatches(t *testing.T) {
	t.Parallel()
	text := readFile(t, root+"/docker-compose.yml")
	_, env := exampleEnv(t)
	for name, test := range map[string]struct{ old, new, want string }{
		"Latest":         {"prom/prometheus:v3.13.1", "prom/prometheus:latest", "prometheus: image prom/prometheus:latest is not pinned"},
		"NoTag":          {"temporalio/ui:2.54.1", "temporalio/ui", "temporal-ui: image temporalio/ui is not pinned"},
		"NoHealthCheck":  {"healthcheck:\n      test: [CMD, nc, ", "x-gone:\n      test: [CMD, nc, ", "temporal: want a health check"},
		"DoesNotRestart": {"<<: *ours\n    image: temporalio/ui", "<<: *ours\n    restart: \"no\"\n    image: temporalio/ui", "temporal-ui: restart is \"no\""},
		"WrongCondition": {"temporal-schema: {condition: service_completed_successfully}", "temporal-schema: {condition: service_started}", "temporal: awaits temporal-schema by service_started"},
		"NobodyAwaits":   {"\n      setup: {condition: service_completed_successfully}", "", "setup: runs once, and nobody awaits it"},
		"OpenPort":       {"127.0.0.1:9090:9090", "9090:9090", "prometheus: port 9090 is bound to \"\""},
		"NoMemoryLimit":  {"stop_grace_period: 30s\n    mem_limit: 1g", "stop_grace_period: 30s", "webhookd: has no mem_limit"},
		"Privileges":     {"postgres:17\n    restart: unless-stopped\n    security_opt: [\"no-new-privileges:true\"]\n    logging: *logging\n    environment:\n      POSTGRES_USER: willcall", "postgres:17\n    restart: unless-stopped\n    logging: *logging\n    environment:\n      POSTGRES_USER: willcall", "postgres: may gain privileges"},
		"WritableImage":  {"image: temporalio/ui", "read_only: false\n    image: temporalio/ui", "temporal-ui: can write to its own image"},
		"WritableMount":  {"target: /etc/prometheus/prometheus.yml, read_only: true", "target: /etc/prometheus/prometheus.yml", "prometheus: can write to "},
		"EndlessLog":     {"image: prom/prometheus", "logging: {driver: json-file}\n    image: prom/prometheus", "prometheus: fills the disk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := strings.Replace(text, test.old, test.new, 1)
			if broken == text {
				t.Fatalf("%q is not in the file", test.old)
			}
			p, err := load(t, broken, env)
			if err != nil {
				t.Fatal(err)
			}
			if got := check(p); len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
				t.Errorf("complaints: got %q; want one that begins %q", got, test.want)
			}
		})
	}
}

// optional are the variables that have a default in the file: none of them is a secret.
var optional = []string{"WILLCALL_TEVO_URL", "WILLCALL_VIVENU_URL", "WILLCALL_LTD_URL", "WILLCALL_WEBHOOK_PORT", "WILLCALL_SIM_RATE"}

func TestNoSecretHasADefault(t *testing.T) {
	t.Parallel()
	t.Run("AsItIs", func(t *testing.T) {
		t.Parallel()
		empty, filled := exampleEnv(t)
		noSecretHasADefault(t, withoutComments(readFile(t, root+"/docker-compose.yml")), empty, filled)
	})
	t.Run("AllProviders", func(t *testing.T) {
		t.Parallel()
		text, empty, filled := withAllProviders(t)
		noSecretHasADefault(t, withoutComments(text), empty, filled)
	})
}

func withoutComments(text string) string {
	return regexp.MustCompile(`(?m)^ *#.*$`).ReplaceAllString(text, "")
}

func noSecretHasADefault(t *testing.T, text string, empty, filled map[string]string) {
	example := readFile(t, root+"/deploy/example.env")
	for name, value := range empty {
		if value != "" {
			t.Errorf("deploy/example.env: %s has a value; want it empty or commented out", name)
		}
		env := maps.Clone(filled)
		env[name] = ""
		if _, err := load(t, text, env); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v; want an error that names it", name, err)
		}
	}
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)([^}]*)\}`).FindAllStringSubmatch(text, -1) {
		if _, required := empty[m[1]]; required != strings.HasPrefix(m[2], ":?") || required == slices.Contains(optional, m[1]) {
			t.Errorf("docker-compose.yml: %s: want it required and in deploy/example.env, or with a default and in the list of this test", m[0])
		}
		if !strings.Contains(example, m[1]+"=") {
			t.Errorf("deploy/example.env: %s is missing", m[1])
		}
	}
}

// Simulators are for trying out: without their profile they are not there.
func TestSimulatorsAreAProfile(t *testing.T) {
	t.Parallel()
	_, env := exampleEnv(t)
	p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: root, Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: []byte(readFile(t, root+"/docker-compose.yml"))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, there := p.Services["simulators"]; there {
		t.Error("services: got simulators among them; want them in the profile sim only")
	}
}
