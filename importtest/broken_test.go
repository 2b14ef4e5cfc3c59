package importtest

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// sound is a small repository that keeps every rule.
var sound = map[string]string{
	"order/order.go":       "// Package order decides.\npackage order\n\nimport \"time\"\n\nvar _ time.Time\n",
	"order/order_test.go":  "package order_test\n\nimport (\n\t\"os\"\n\t\"testing\"\n\n\t\"willcall/order\"\n)\n\nvar _, _ = os.Args, order.X\n\nfunc Test(t *testing.T) { t.Skip(\"needs a thing: run make test\") }\n",
	"sim/sim.go":           "// Package sim plays the others.\npackage sim\n",
	"postgres/postgres.go": "// Package postgres keeps.\npackage postgres\n\nimport _ \"willcall/order\"\n",
	"workflows/run.go":     "// Package workflows runs.\npackage workflows\n\nimport _ \"willcall/order\"\n",
	"app/app.go":           "// Package app puts together.\npackage app\n\nimport _ \"willcall/postgres\"\n",
	"worker/main.go":       "// Command worker works.\npackage main\n\nimport (\n\t\"flag\"\n\n\t\"willcall/app\"\n)\n\nvar _ = app.X\n\nfunc main() { flag.Bool(\"setup\", false, \"set up\") }\n",
	"dev/dev.go":           "// Command dev runs all.\npackage main\n\nfunc flags(f flagSet) { f.StringVar(&o.data, \"data\", \".data\", \"directory\") }\n",
	"other/go.mod":         "module other\n",
	"other/util.go":        "package util\n\nimport _ \"willcall/nowhere\"\n",
	"config/dev.yaml":      "token: ${WILLCALL_TOKEN}\n",
	"Makefile":             "help:\n\ntest: ## all of it\n",
	".gitignore":           "/.data/\n",
	"CHANGELOG.md":         "# Changes\n",
	"README.md": "# A name\n\nRun `go run ./dev -data .data`, then `make test`; see [more](docs/more.md#in-short-x) and [that](#a-name).\n" +
		"`order/order.go`, `order/`, `{order,sim}/*.go`, `.data/logs`, `net/http`, `invoice/1`, `application/json`, `github.com/a/b`, `/livez`, `WILLCALL_TOKEN`, `worker -setup`, `-data`, `-race`.\n" +
		"\n```\nmake test && go test ./order ./...\ngo run ./worker -setup # mind ./nothing\n```\n",
	"docs/more.md": "## In short: x\n\nBack to the [start](../README.md), or [elsewhere](https://example.com/x#y).\n",
}

var soundTable = map[string]row{
	"order": {}, "sim": {}, "postgres": {may: []string{"order"}}, "workflows": {may: []string{"order"}},
	"app": {may: []string{"postgres"}}, "worker": {may: []string{"app"}}, "dev": {may: everything},
}

func checkAll(t *testing.T, files map[string]string) []string {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: fs.FileMode(0o644)}
	}
	r, err := read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(checkImports(r, soundTable), checkReach(r, []string{"worker"}, notForProduction), checkBans(r), checkMaps(r), checkMains(r),
		checkDocs(r), checkNames(r), checkSleep(r), checkSkips(r, nil), checkDocuments(r))
}

func TestSoundRepositoryPasses(t *testing.T) {
	t.Parallel()
	report(t, checkAll(t, sound))
}

func TestEachRuleCatches(t *testing.T) {
	t.Parallel()
	appended := func(name, text string) map[string]string { return map[string]string{name: sound[name] + text} }
	replaced := func(name, old, text string) map[string]string {
		out := strings.ReplaceAll(sound[name], old, text)
		if out == sound[name] {
			t.Fatalf("%s: %q is not in it", name, old)
		}
		return map[string]string{name: out}
	}
	for name, test := range map[string]struct {
		change map[string]string // files; an empty one is removed
		want   string            // the only complaint, or how it begins
	}{
		"ImportOutsideTheRow":       {map[string]string{"postgres/more.go": "package postgres\n\nimport _ \"willcall/workflows\"\n"}, "postgres/more.go imports workflows: the table lets it import order"},
		"ImportOutsideTheRowInTest": {replaced("order/order_test.go", "willcall/order", "willcall/app"), "order/order_test.go imports app"},
		"PackageWithoutRow":         {map[string]string{"extra/x.go": "// Package extra is new.\npackage extra\n"}, "extra: a package without a row"},
		"RowWithoutPackage":         {map[string]string{"workflows/run.go": ""}, "workflows: a row in the table without a package"},
		"ForbiddenImport":           {map[string]string{"order/x.go": "package order\n\nimport _ \"net/http\"\n"}, "order/x.go imports net/http"},
		"ForbiddenPostgres":         {map[string]string{"workflows/x.go": "package workflows\n\nimport _ \"github.com/jackc/pgx/v5\"\n"}, "workflows/x.go imports github.com/jackc/pgx/v5"},
		"NotStandardLibrary":        {map[string]string{"sim/x.go": "package sim\n\nimport _ \"github.com/google/uuid\"\n"}, "sim/x.go imports github.com/google/uuid, which is not of the standard library"},
		"Clock":                     {replaced("order/order.go", "var _ time.Time", "var now = time.Now"), "order/order.go:6 uses time.Now"},
		"UnsortedKeys":              {map[string]string{"workflows/x.go": "package workflows\n\nimport (\n\t\"maps\"\n\t\"slices\"\n)\n\nvar a = slices.Sorted(maps.Keys(m))\nvar b = slices.Collect(maps.Keys(m))\n"}, "workflows/x.go:9 takes the keys"},
		"LongMain":                  {appended("worker/main.go", strings.Repeat("// on and on\n", 40)), "worker/main.go: got 52 lines; want 40 at most"},
		"NoPackageComment":          {replaced("sim/sim.go", "// Package sim plays the others.\n", ""), "sim: got package comments in []; want exactly one"},
		"TwoPackageComments":        {map[string]string{"sim/x.go": "// Package sim says it twice.\npackage sim\n"}, "sim: got package comments in [sim/sim.go sim/x.go]; want exactly one"},
		"LicenceAsPackageComment":   {replaced("sim/sim.go", "Package sim plays the others.", "Copyright 2025 the authors"), "sim/sim.go: the package comment is a licence"},
		"CommentOnAnotherPackage":   {replaced("sim/sim.go", "Package sim", "Package simulator"), "sim/sim.go: the package comment begins"},
		"CommentOnAnotherCommand":   {replaced("worker/main.go", "Command worker", "Package main"), "worker/main.go: the package comment begins"},
		"EmptyName":                 {map[string]string{"sim/sim.go": "// Package util does.\npackage util\n"}, "sim: util says nothing"},
		"Sleep":                     {appended("order/order_test.go", "\nvar _ = time.Sleep\n"), "order/order_test.go:14 sleeps"},
		"SkipWithoutAWay":           {replaced("order/order_test.go", "run make test", "good luck"), "order/order_test.go:12 skips with \"needs a thing: good luck\""},
		"SkipWithoutAWord":          {replaced("order/order_test.go", "t.Skip(\"needs a thing: run make test\")", "t.SkipNow()"), "order/order_test.go:12 skips with \"\""},

		"NoReadme":           {map[string]string{"README.md": "", "docs/more.md": ""}, "README.md: is missing or empty"},
		"ReadmeWithoutTests": {map[string]string{"README.md": "# A name\n\n`go run ./dev`\n"}, "README.md: does not name the command make test"},
		"PathThatIsNotThere": {appended("docs/more.md", "`mute/`"), "docs/more.md:4: `mute/`: there is no such file"},
		"FileThatIsNotThere": {appended("docs/more.md", "`order/gone.go`"), "docs/more.md:4: `order/gone.go`: there is no such file"},
		"PatternOfNothing":   {appended("docs/more.md", "`order/*.txtar`"), "docs/more.md:4: `order/*.txtar`: there is no such file"},
		"OneOfTheBraces":     {appended("docs/more.md", "`{order,gone}/*.go`"), "docs/more.md:4: `{order,gone}/*.go`: there is no such file"},
		"Target":             {appended("docs/more.md", "`make chekc`"), "docs/more.md:4: make chekc: the Makefile has no such target"},
		"SecondTarget":       {appended("docs/more.md", "```\nmake test fuzz\n```\n"), "docs/more.md:5: make fuzz: the Makefile has no such target"},
		"PackageToRun":       {appended("docs/more.md", "```\ngo run ./cmd\n```\n"), "docs/more.md:5: ./cmd: no such package"},
		"PackageToTest":      {appended("docs/more.md", "`go test -count=1 ./gone/...`"), "docs/more.md:4: ./gone/...: no such package"},
		"Flag":               {appended("docs/more.md", "`go run ./dev -data x -speed 3`"), "docs/more.md:4: ./dev has no flag -speed; it has data"},
		"FlagOfADaemon":      {appended("docs/more.md", "`worker -migrate`"), "docs/more.md:4: ./worker has no flag -migrate; it has setup"},
		"Variable":           {appended("docs/more.md", "`WILLCALL_TOKE`"), "docs/more.md:4: nothing reads WILLCALL_TOKE"},
		"BareFlag":           {appended("docs/more.md", "`-speed 3`"), "docs/more.md:4: no command has the flag -speed"},
		"FileInAFence":       {appended("docs/more.md", "```\ncurl http://a.example/b/c.json -d body@dev/gone.json\n```\n"), "docs/more.md:5: `dev/gone.json`: there is no such file"},
		"Link":               {appended("docs/more.md", "[x](README.md)"), "docs/more.md:4: the link to README.md leads nowhere"},
		"Anchor":             {appended("docs/more.md", "[x](../README.md#another-name)"), "docs/more.md:4: the link to ../README.md#another-name: no such heading"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := maps.Clone(sound)
			for file, text := range test.change {
				if files[file] = text; text == "" {
					delete(files, file)
				}
			}
			got := checkAll(t, files)
			if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
				t.Errorf("complaints: got %q; want one that begins %q", got, test.want)
			}
		})
	}
	t.Run("SimulatorInProduction", func(t *testing.T) {
		t.Parallel()
		files := maps.Clone(sound)
		files["postgres/postgres.go"] = "// Package postgres keeps.\npackage postgres\n\nimport _ \"willcall/sim\"\n"
		want := "sim is in the worker that goes into production: worker → app → postgres → sim"
		if got := checkAll(t, files); !slices.Contains(got, want) {
			t.Errorf("complaints: got %q; want %q among them", got, want)
		}
	})
}
