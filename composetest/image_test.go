package composetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// stage is a part of the Dockerfile.
type stage struct {
	name, from string
	copies     []string // arguments of COPY
	runs       []string
	entrypoint string
	user       string
}

var continued = regexp.MustCompile(`\\\n\s*`)

// stages reads the instructions that our Dockerfile uses, and refuses others.
func stages(text string) (out []stage, err error) {
	for line := range strings.SplitSeq(continued.ReplaceAllString(text, " "), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		instruction, rest, _ := strings.Cut(line, " ")
		if instruction == "FROM" {
			words := strings.Fields(rest)
			if len(words) != 3 || words[1] != "AS" {
				return nil, fmt.Errorf("got %q; want FROM image AS name", line)
			}
			out = append(out, stage{from: words[0], name: words[2]})
			continue
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%s before FROM", instruction)
		}
		s := &out[len(out)-1]
		switch instruction {
		case "COPY":
			s.copies = append(s.copies, rest)
		case "RUN":
			s.runs = append(s.runs, rest)
		case "ENTRYPOINT":
			s.entrypoint = strings.Trim(rest, `[]" `)
		case "USER":
			s.user = rest
		case "WORKDIR", "EXPOSE":
		default:
			return nil, fmt.Errorf("this test does not know %s", instruction)
		}
	}
	return out, nil
}

// images are what the Dockerfile makes, built once without an engine: what .dockerignore lets through is copied, and what
// the build stage runs is run on the copy.
var images = sync.OnceValues(func() (images built, err error) {
	images.dir, err = os.MkdirTemp("", "willcall-image-")
	if err != nil {
		return images, err
	}
	text, err := os.ReadFile(root + "/Dockerfile")
	if err != nil {
		return images, err
	}
	if images.stages, err = stages(string(text)); err != nil {
		return images, err
	}
	rules, err := os.ReadFile(root + "/.dockerignore")
	if err != nil {
		return images, err
	}
	if err := copyContext(filepath.Join(images.dir, "src"), ignoring(string(rules))); err != nil {
		return images, err
	}
	for _, run := range images.stages[0].runs {
		if run == "go mod download" {
			continue // what is needed is there, or the build gets it
		}
		// -p 1 and nice: other tests run beside this one.
		cmd := exec.Command("nice", "sh", "-ec", strings.ReplaceAll(run, " /out/", " "+images.dir+"/out/"))
		cmd.Dir = filepath.Join(images.dir, "src")
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return images, fmt.Errorf("%s: %w\n%s", run, err, out)
		}
	}
	return images, nil
})

type built struct {
	dir    string
	stages []stage
}

// program is what an image starts, as a file of this machine.
func (b built) program(target string) (string, error) {
	for _, s := range b.stages {
		if s.name != target {
			continue
		}
		from, to, _ := strings.Cut(strings.TrimPrefix(s.copies[0], "--from=build "), " ")
		if to != s.entrypoint {
			return "", fmt.Errorf("stage %s starts %s and contains %s", target, s.entrypoint, to)
		}
		return filepath.Join(b.dir, from), nil
	}
	return "", fmt.Errorf("the Dockerfile has no stage %q", target)
}

func program(t testing.TB, s types.ServiceConfig) string {
	t.Helper()
	b, err := images()
	if err != nil {
		t.Fatal(err)
	}
	file, err := b.program(s.Build.Target)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// ignoring tells by the rules of .dockerignore whether a path stays out: the last pattern that matches it, or a directory
// that it is in, decides.
func ignoring(text string) func(string) bool {
	type rule struct {
		pattern *regexp.Regexp
		out     bool
	}
	var rules []rule
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		pattern, in := strings.CutPrefix(line, "!")
		expression := strings.NewReplacer(`\*\*/`, `(.*/)?`, `\*`, `[^/]*`).Replace(regexp.QuoteMeta(pattern))
		rules = append(rules, rule{pattern: regexp.MustCompile("^" + expression + "(/.*)?$"), out: !in})
	}
	return func(name string) (out bool) {
		for _, r := range rules {
			if r.pattern.MatchString(name) {
				out = r.out
			}
		}
		return out
	}
}

func copyContext(to string, ignored func(string) bool) error {
	return fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && slices.Contains([]string{".git", ".data", ".cache"}, name) {
				return fs.SkipDir
			}
			return err
		}
		if ignored(name) {
			return nil
		}
		raw, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		file := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, raw, 0o644)
	})
}

func TestMain(m *testing.M) {
	if path.Base(os.Args[0]) == "temporal" {
		os.Exit(cli(os.Args[1:]))
	}
	code := m.Run()
	if b, err := images(); err == nil || b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
	os.Exit(code)
}

func TestDockerignore(t *testing.T) {
	t.Parallel()
	ignored := ignoring(readFile(t, root+"/.dockerignore"))
	for name, want := range map[string]bool{
		"go.mod": false, "order/plan.go": false, "sim/simd/main.go": false, "postgres/migrations/00001_inbox.sql": false,
		"pos/httpapi/openapi.yaml": false, "config/load.go": false,
		".env": true, ".git/config": true, ".data/postgres/PG_VERSION": true, "dev/dev.go": true, "README.md": true,
		"order/plan_test.go": true, "order/testdata/purchase.txtar": true, "config/compose.yaml": true, "orders.txt": true,
	} {
		if got := ignored(name); got != want {
			t.Errorf("%s: ignored: got %v; want %v", name, got, want)
		}
	}
}

func TestBaseImagesArePinned(t *testing.T) {
	t.Parallel()
	all, err := stages(readFile(t, root+"/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	digest := regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	for _, s := range all {
		if !version.MatchString(s.from) && !digest.MatchString(s.from) {
			t.Errorf("FROM %s: want a version or a digest", s.from)
		}
		if s.entrypoint != "" && s.user == "" {
			t.Errorf("stage %s: runs as root", s.name)
		}
	}
}

var flagLine = regexp.MustCompile(`(?m)^  -([a-zA-Z-]+)`)

// Every image builds, and every flag in the file is one that its program knows.
func TestCommandsExist(t *testing.T) {
	t.Parallel()
	p := projects(t)["AllProviders"] // it has more flags
	for _, name := range p.ServiceNames() {
		s := p.Services[name]
		if s.Build == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := program(t, s)
			var help bytes.Buffer
			cmd := exec.CommandContext(t.Context(), file, "-help")
			cmd.Stdout, cmd.Stderr = &help, &help
			if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
				t.Fatal(err)
			}
			known := []string{}
			for _, m := range flagLine.FindAllStringSubmatch(help.String(), -1) {
				known = append(known, m[1])
			}
			args := slices.Clone([]string(s.Command))
			if s.HealthCheck != nil && strings.HasPrefix(s.HealthCheck.Test[1], "/usr/local/bin/") {
				b, err := images()
				if err != nil {
					t.Fatal(err)
				}
				for _, stage := range b.stages {
					if stage.name == s.Build.Target && stage.entrypoint != s.HealthCheck.Test[1] {
						t.Errorf("health check: got %s; want %s", s.HealthCheck.Test[1], stage.entrypoint)
					}
				}
				args = append(args, s.HealthCheck.Test[2:]...)
			}
			for _, arg := range args {
				flag, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
				if !strings.HasPrefix(arg, "-") || !slices.Contains(known, flag) {
					t.Errorf("%s: got the argument %s; want a flag among %v", name, arg, known)
				}
			}
		})
	}
}

// run is a program of the file that ends by itself.
func run(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}
