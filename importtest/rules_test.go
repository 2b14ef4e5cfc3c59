package importtest

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ban keeps an import out of a package, test files aside.
type ban struct {
	pkg     string
	imports []string
	why     string
}

var bans = []ban{
	{"order", []string{"net/http", "os", "database/sql", "math/rand", "math/rand/v2", "crypto/rand"},
		"workflows call it, so it is replayed: it must do the same each time, and nothing to the outside"},
	{"workflows", []string{"net/http", "os", "math/rand", "math/rand/v2", "crypto/rand", "database/sql", "github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgxpool"},
		"workflow code is replayed; what touches the world is an activity"},
	{"webhook", []string{"go.temporal.io/sdk/worker"}, "webhooks are acknowledged without a worker"},
}

// standardOnly are the packages that import nothing but the standard library.
var standardOnly = map[string]string{
	"order": "the rules of the trade depend on nobody's API",
	"sim":   "a simulator that shares code with us cannot find an error in it",
}

// noClock are the packages that may not ask for the time: it comes in as data.
var noClock = []string{"order"}

// replayed are the packages whose code runs again when a workflow is replayed.
var replayed = []string{"order", "workflows"}

// mainLines is how long a main.go may be: the rest is code that tests and go run ./dev start, too.
const mainLines = 40

func TestBans(t *testing.T) {
	t.Parallel()
	report(t, checkBans(repository(t)))
}

func TestMapsAreSorted(t *testing.T) {
	t.Parallel()
	report(t, checkMaps(repository(t)))
}

func TestMainsAreShort(t *testing.T) {
	t.Parallel()
	report(t, checkMains(repository(t)))
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	report(t, checkDocs(repository(t)))
}

func TestPackageNames(t *testing.T) {
	t.Parallel()
	report(t, checkNames(repository(t)))
}

func TestTestsDoNotSleep(t *testing.T) {
	t.Parallel()
	report(t, checkSleep(repository(t)))
}

func TestSkipsSayHowToRun(t *testing.T) {
	t.Parallel()
	report(t, checkSkips(repository(t), allowedSkips))
}

func checkBans(r tree) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	for _, p := range r.sorted() {
		for _, f := range p.files {
			for _, imported := range f.imports {
				for _, b := range bans {
					if b.pkg == p.path && slices.Contains(b.imports, imported) {
						complain("%s imports %s: %s", f.name, imported, b.why)
					}
				}
				if why, ok := standardOnly[p.path]; ok && !standard(imported) {
					complain("%s imports %s, which is not of the standard library: %s", f.name, imported, why)
				}
			}
			if slices.Contains(noClock, p.path) {
				for _, name := range []string{"Now", "Since", "Until", "After", "Tick", "NewTimer", "NewTicker"} {
					f.mentions("time", name, func(n ast.Node) {
						complain("%s uses time.%s: the time comes in as data", f.at(n), name)
					})
				}
			}
		}
	}
	return complaints
}

// checkMaps finds what the exception in workflowcheck.config.yaml would let pass: keys of a map in the order of the day.
func checkMaps(r tree) (complaints []string) {
	for _, name := range replayed {
		p := r.packages[name]
		if p == nil {
			continue
		}
		for _, f := range p.files {
			sorted := map[ast.Node]bool{}
			f.calls(func(call *ast.CallExpr) {
				if inner, ok := call.Args[0].(*ast.CallExpr); ok {
					sorted[inner.Fun] = true
				}
			}, "slices.Sorted", "slices.SortedFunc")
			f.mentions("maps", "Keys", func(n ast.Node) {
				if !sorted[n] {
					complaints = append(complaints, f.at(n)+" takes the keys of a map as they come: replay sees another order; slices.Sorted(maps.Keys(…))")
				}
			})
		}
	}
	return complaints
}

func checkMains(r tree) (complaints []string) {
	for _, p := range r.sorted() {
		for _, f := range p.files {
			if lines := strings.Count(f.text, "\n"); strings.HasSuffix(f.name, "/main.go") && lines > mainLines {
				complaints = append(complaints, fmt.Sprintf("%s: got %d lines; want %d at most", f.name, lines, mainLines))
			}
		}
	}
	return complaints
}

var licence = regexp.MustCompile(`(?i)copyright|licen[cs]e|SPDX`)

func checkDocs(r tree) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	for _, p := range r.sorted() {
		files := p.files
		if len(files) == 0 {
			files = p.test // a package of tests alone
		}
		var with []string
		for _, f := range files {
			if f.ast.Doc == nil {
				continue
			}
			with = append(with, f.name)
			text := f.ast.Doc.Text()
			begin := "Package " + p.name() + " "
			if f.ast.Name.Name == "main" {
				begin = "Command " + p.path[strings.LastIndexByte(p.path, '/')+1:] + " "
			}
			if licence.MatchString(text) {
				complain("%s: the package comment is a licence", f.name)
			} else if !strings.HasPrefix(text, begin) {
				complain("%s: the package comment begins %.30q; want %q", f.name, text, begin)
			}
		}
		if len(with) != 1 {
			complain("%s: got package comments in %v; want exactly one", p.path, with)
		}
	}
	return complaints
}

func checkNames(r tree) (complaints []string) {
	for _, p := range r.sorted() {
		switch name := p.name(); name {
		case "util", "utils", "common", "helper", "helpers", "types", "models", "misc", "shared", "base":
			complaints = append(complaints, fmt.Sprintf("%s: %s says nothing about what is in it", p.path, name))
		}
	}
	return complaints
}

func checkSleep(r tree) (complaints []string) {
	for _, p := range r.sorted() {
		for _, f := range p.test {
			f.mentions("time", "Sleep", func(n ast.Node) {
				complaints = append(complaints, f.at(n)+" sleeps: wait for what the test needs, or skip the time")
			})
		}
	}
	return complaints
}

// allowedSkips are the messages of skips that no command can turn into a run, and why. All others must say that make test
// runs them: make test fails if one of those is skipped under it.
var allowedSkips = map[string]string{
	"only Linux tells a child that its parent died": "the operating system decides",
	"needs /proc":                         "the operating system decides",
	"only root can give a directory away": "the user decides; CI is root",
	"the lines of Linux distributions":    "the operating system decides",
	"elsewhere it stops when its standard input ends, at its leisure": "the operating system decides",
}

func checkSkips(r tree, allowed map[string]string) (complaints []string) {
	used := map[string]bool{}
	for _, p := range r.sorted() {
		for _, f := range slices.Concat(p.files, p.test) {
			f.calls(func(call *ast.CallExpr) {
				text := literals(call)
				if allowed[text] != "" {
					used[text] = true
				} else if !strings.Contains(text, "make test") {
					complaints = append(complaints, fmt.Sprintf("%s skips with %q: say that make test runs it (or allow it in rules_test.go, with the reason)", f.at(call), text))
				}
			}, "t.Skip", "t.Skipf", "t.SkipNow", "b.Skip", "b.Skipf", "b.SkipNow", "tb.Skip", "tb.Skipf", "tb.SkipNow")
		}
	}
	for text := range allowed {
		if !used[text] {
			complaints = append(complaints, fmt.Sprintf("rules_test.go allows a skip that nobody makes: %q", text))
		}
	}
	slices.Sort(complaints)
	return complaints
}

// literals are the strings that stand in a call.
func literals(call *ast.CallExpr) string {
	var out []string
	for _, arg := range call.Args {
		ast.Inspect(arg, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					out = append(out, text)
				}
			}
			return true
		})
	}
	return strings.Join(out, " ")
}
