package importtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// row says what a package may import of ours. A name ending in /... stands for everything below it, too.
type row struct {
	may   []string
	tests []string // its test files may import this in addition, and the package itself
}

// everything is for packages that drive the whole.
var everything = []string{"..."}

// table is the architecture: a package imports only from the rows above its own. To add a package, add a row, and say in
// docs/architecture.md what it is for.
var table = map[string]row{
	"order":  {},
	"config": {},
	"sim":    {},

	"provider":              {may: []string{"order"}},
	"provider/wire":         {},
	"provider/providertest": {may: []string{"order", "provider"}},
	"provider/tevo":         {may: []string{"order", "provider", "provider/wire"}, tests: []string{"provider/providertest", "sim"}},
	"provider/tixstock":     {may: []string{"order", "provider", "provider/wire"}, tests: []string{"provider/providertest", "sim"}},
	"provider/vivenu":       {may: []string{"order", "provider", "provider/wire"}, tests: []string{"provider/providertest", "sim"}},
	"provider/ltd":          {may: []string{"order", "provider", "provider/wire"}, tests: []string{"provider/providertest", "sim"}},

	"pos":            {tests: []string{"pos/fake"}},
	"pos/unanswered": {},
	"pos/postest":    {may: []string{"pos"}},
	"pos/fake":       {may: []string{"pos"}, tests: []string{"pos/postest"}},
	"pos/httpapi":    {may: []string{"pos", "pos/unanswered"}, tests: []string{"pos/postest", "sim"}},
	"pos/tevocore":   {may: []string{"pos", "pos/unanswered"}, tests: []string{"pos/postest", "sim"}},
	"pos/skybox":     {may: []string{"pos", "pos/unanswered"}, tests: []string{"pos/postest", "sim"}},

	"postgres":              {may: []string{"order", "provider"}, tests: []string{"postgres/postgrestest", "postgres/pgserver"}},
	"postgres/pgserver":     {},
	"postgres/postgrestest": {may: []string{"postgres", "postgres/pgserver"}},

	"activities": {may: []string{"order", "provider", "pos", "postgres"}, tests: []string{"pos/fake", "postgres/postgrestest", "sim"}},
	"workflows":  {may: []string{"order", "provider", "activities"}, tests: []string{"dev/stack", "dev/temporalserver", "postgres", "postgres/postgrestest", "provider", "pos", "pos/fake"}},
	"webhook":    {may: []string{"order", "provider", "postgres", "workflows"}, tests: []string{"provider/tevo", "postgres/postgrestest", "postgres/pgserver", "dev/stack", "dev/temporalserver"}},
	"operator":   {may: []string{"order", "provider", "postgres", "webhook"}, tests: []string{"postgres/postgrestest", "workflows"}},

	"app": {
		may:   []string{"activities", "config", "operator", "order", "pos", "pos/httpapi", "pos/skybox", "pos/tevocore", "postgres", "provider/...", "webhook", "workflows"},
		tests: everything,
	},
	"worker":   {may: []string{"app", "config"}},
	"webhookd": {may: []string{"app", "config"}},
	"willcall": {may: []string{"app"}, tests: []string{"sim"}},

	"sim/simd":           {may: []string{"sim"}},
	"dev/temporalserver": {tests: []string{"postgres/pgserver"}},
	"dev/stack":          {may: []string{"dev/temporalserver", "postgres/pgserver", "sim"}, tests: everything},
	"dev":                {may: []string{"app", "config", "dev/stack", "sim", "workflows"}, tests: everything},

	"bench":               {may: everything, tests: everything},
	"e2e":                 {may: everything, tests: everything},
	"composetest":         {may: everything, tests: everything},
	"composetest/prepare": {may: []string{"composetest", "dev/temporalserver", "postgres/pgserver"}},
	"importtest":          {},
	"importtest/gotest":   {},
}

// packages that tests and go run ./dev are made of; nothing that runs in production reaches them, however indirectly.
var notForProduction = []string{
	"sim", "sim/simd", "pos/fake", "pos/postest", "provider/providertest", "postgres/pgserver", "postgres/postgrestest",
	"dev", "dev/stack", "dev/temporalserver", "bench", "e2e", "composetest",
}

func TestImports(t *testing.T) {
	t.Parallel()
	report(t, checkImports(repository(t), table))
}

func TestProductionReachesNoSimulator(t *testing.T) {
	t.Parallel()
	report(t, checkReach(repository(t), []string{"worker", "webhookd", "willcall"}, notForProduction))
}

// checkImports holds the packages against the table.
func checkImports(r tree, table map[string]row) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	for _, p := range r.sorted() {
		rule, ok := table[p.path]
		if !ok {
			complain("%s: a package without a row in the table of imports_test.go", p.path)
			continue
		}
		check := func(f *file, may []string) {
			for _, imported := range f.imports {
				if name, ok := ours(imported); ok && !covers(may, name) {
					complain("%s imports %s: the table lets it import %s", f.name, name, list(may))
				}
			}
		}
		for _, f := range p.files {
			check(f, rule.may)
		}
		for _, f := range p.test {
			check(f, slices.Concat(rule.may, rule.tests, []string{p.path}))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if r.packages[name] == nil {
			complain("%s: a row in the table without a package", name)
		}
	}
	return complaints
}

// checkReach follows imports, test files aside.
func checkReach(r tree, from, barred []string) (complaints []string) {
	for _, start := range from {
		way := map[string]string{start: start}
		queue := []string{start}
		for len(queue) > 0 {
			p := r.packages[queue[0]]
			queue = queue[1:]
			if p == nil {
				continue
			}
			for _, f := range p.files {
				for _, imported := range f.imports {
					name, ok := ours(imported)
					if !ok || way[name] != "" {
						continue
					}
					way[name] = way[p.path] + " → " + name
					queue = append(queue, name)
				}
			}
		}
		for _, name := range barred {
			if way[name] != "" {
				complaints = append(complaints, fmt.Sprintf("%s is in the %s that goes into production: %s", name, start, way[name]))
			}
		}
	}
	return complaints
}

// covers reports whether the list names the package.
func covers(list []string, name string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		prefix, below := strings.CutSuffix(entry, "...")
		return entry == name || below && strings.HasPrefix(name+"/", prefix)
	})
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing of ours"
	}
	return strings.Join(names, ", ")
}
