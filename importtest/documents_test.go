package importtest

import (
	"fmt"
	"go/ast"
	"go/build"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestDocumentsNameWhatExists(t *testing.T) {
	t.Parallel()
	report(t, checkDocuments(repository(t)))
}

// document is a Markdown file.
type document struct {
	name  string
	lines []string
	code  []span // in back-quotes and fences
}

type span struct {
	text   string
	line   int
	fenced bool
}

// required are the documents that the repository must have, and the commands that must stand in them.
var required = map[string][]string{
	"README.md":    {"go run ./dev", "make test"},
	"CHANGELOG.md": nil,
}

// checker holds documents against the tree.
type checker struct {
	tree
	makefile   string
	ignored    []string // by git: they come into being when something runs
	variables  string   // text in which environment variables are looked for
	complaints []string
}

func checkDocuments(r tree) []string {
	c := &checker{tree: r, makefile: text(r.fsys, "Makefile")}
	for line := range strings.Lines(text(r.fsys, ".gitignore")) {
		if line = strings.Trim(line, "/\n"); line != "" {
			c.ignored = append(c.ignored, line)
		}
	}
	var sources strings.Builder
	for _, p := range r.sorted() {
		for _, f := range slices.Concat(p.files, p.test) {
			sources.WriteString(f.text)
		}
	}
	more, _ := fs.Glob(r.fsys, "config/*.yaml")
	for _, name := range append(more, "docker-compose.yml", "Makefile") {
		sources.WriteString(text(r.fsys, name))
	}
	c.variables = sources.String()

	names, _ := fs.Glob(r.fsys, "docs/*.md")
	for name, commands := range required {
		doc := text(r.fsys, name)
		if doc == "" {
			c.complain("%s: is missing or empty", name)
		}
		for _, command := range commands {
			if doc != "" && !strings.Contains(doc, command) {
				c.complain("%s: does not name the command %s", name, command)
			}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c.document(parse(name, text(r.fsys, name)))
	}
	slices.Sort(c.complaints)
	return c.complaints
}

func (c *checker) complain(format string, args ...any) {
	c.complaints = append(c.complaints, fmt.Sprintf(format, args...))
}

var (
	inline = regexp.MustCompile("`([^`]+)`")
	fence  = regexp.MustCompile("^\\s*(```|~~~)")
)

func parse(name, text string) document {
	d := document{name: name, lines: strings.Split(text, "\n")}
	fenced := false
	for i, line := range d.lines {
		if fence.MatchString(line) {
			fenced = !fenced
			continue
		}
		if fenced {
			d.code = append(d.code, span{text: line, line: i + 1, fenced: true})
			d.lines[i] = ""
			continue
		}
		for _, m := range inline.FindAllStringSubmatch(line, -1) {
			d.code = append(d.code, span{text: m[1], line: i + 1})
		}
	}
	return d
}

var (
	makeCall = regexp.MustCompile(`(?:^|[;&|(]\s*|\s)make((?:\s+[a-zA-Z0-9_.=-]+)+)`)
	goCall   = regexp.MustCompile(`\bgo (?:run|test|build|vet|install)((?:\s+[^\s|&;#)]+)*)`)
	envName  = regexp.MustCompile(`\bWILLCALL_[A-Z0-9_]+\b`)
	// A file that a command in a fence is given, also as name@file of curl.
	fileArgument = regexp.MustCompile(`(?:^|[\s@='"])([A-Za-z_.][A-Za-z0-9_.-]*/[A-Za-z0-9_./-]+\.(?:go|md|yaml|yml|json|sql|env|txtar))\b`)
	link         = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

func (c *checker) document(d document) {
	for _, s := range d.code {
		at := fmt.Sprintf("%s:%d", d.name, s.line)
		command, _, _ := strings.Cut(s.text, " #")
		if s.fenced || strings.HasPrefix(strings.TrimSpace(command), "make ") {
			for _, m := range makeCall.FindAllStringSubmatch(command, -1) {
				c.targets(at, strings.Fields(m[1]))
			}
		}
		for _, m := range goCall.FindAllStringSubmatch(command, -1) {
			c.goCommand(at, strings.Fields(m[1]))
		}
		for _, name := range envName.FindAllString(s.text, -1) {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(c.variables) {
				c.complain("%s: nothing reads %s", at, name)
			}
		}
		if s.fenced {
			for _, m := range fileArgument.FindAllStringSubmatch(command, -1) {
				c.path(at, m[1])
			}
			continue
		}
		c.path(at, s.text)
		c.bareFlag(at, s.text)
		c.daemonFlags(at, strings.Fields(command))
	}
	for i, line := range d.lines {
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			c.link(fmt.Sprintf("%s:%d", d.name, i+1), d, m[1])
		}
	}
}

func (c *checker) targets(at string, words []string) {
	for _, word := range words {
		if strings.Contains(word, "=") {
			continue
		}
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(word) + `:`).MatchString(c.makefile) {
			c.complain("%s: make %s: the Makefile has no such target", at, word)
		}
	}
}

// goCommand checks the packages that a command names, and the flags after the one that go run runs.
func (c *checker) goCommand(at string, args []string) {
	for i, arg := range args {
		dir, ours := strings.CutPrefix(arg, "./")
		if !ours {
			continue
		}
		dir, below := strings.CutSuffix(dir, "...")
		dir = path.Clean(dir)
		found := c.packages[dir] != nil
		if below {
			found = slices.ContainsFunc(c.sorted(), func(p *pkg) bool { return dir == "." || strings.HasPrefix(p.path+"/", dir+"/") })
		}
		if !found {
			c.complain("%s: %s: no such package", at, arg)
		} else if c.packages[dir] != nil && c.packages[dir].name() == "main" {
			c.flags(at, dir, args[i+1:])
		}
	}
}

// daemonFlags checks the flags in a line such as "webhookd -migrate".
func (c *checker) daemonFlags(at string, words []string) {
	if len(words) < 2 || strings.Contains(words[0], "/") {
		return
	}
	for _, p := range c.sorted() {
		if path.Base(p.path) == words[0] && p.name() == "main" {
			c.flags(at, p.path, words[1:])
		}
	}
}

// bareFlag checks a flag that stands alone, such as -rate 0: one of our commands has it, or the go command.
func (c *checker) bareFlag(at, text string) {
	m := flagWord.FindStringSubmatch(text)
	if m == nil || slices.Contains([]string{"help", "race", "count", "run", "fuzz", "v", "args", "update"}, m[1]) {
		return
	}
	for _, p := range c.sorted() {
		if slices.Contains(flagsOf(p), m[1]) {
			return
		}
	}
	c.complain("%s: no command has the flag -%s", at, m[1])
}

var flagWord = regexp.MustCompile(`^--?([a-zA-Z][a-zA-Z0-9-]*)`)

func (c *checker) flags(at, dir string, args []string) {
	known := flagsOf(c.packages[dir])
	for _, arg := range args {
		if m := flagWord.FindStringSubmatch(arg); m != nil && !slices.Contains(known, m[1]) && m[1] != "help" && m[1] != "h" {
			c.complain("%s: ./%s has no flag -%s; it has %s", at, dir, m[1], strings.Join(known, ", "))
		}
	}
}

// flagsOf are the names that a command gives to its flags: the first string in each call such as f.StringVar(&x, "name", …).
func flagsOf(p *pkg) (names []string) {
	var calls []string
	for _, kind := range []string{"Bool", "Duration", "Float64", "Func", "BoolFunc", "Int", "Int64", "String", "Text", "Uint", "Uint64"} {
		calls = append(calls, "."+kind, "."+kind+"Var")
	}
	calls = append(calls, ".Var")
	for _, f := range slices.Concat(p.files, p.test) {
		f.calls(func(call *ast.CallExpr) {
			if len(call.Args) < 3 { // a flag has a name, a default or a function, and a usage
				return
			}
			for _, arg := range call.Args[:2] {
				if lit, ok := arg.(*ast.BasicLit); ok {
					if name, err := strconv.Unquote(lit.Value); err == nil {
						names = append(names, name)
					}
					return
				}
			}
		}, calls...)
	}
	slices.Sort(names)
	return names
}

var (
	pathLike  = regexp.MustCompile(`^[A-Za-z0-9_.{},*/-]+$`)
	fileLike  = regexp.MustCompile(`\.(go|md|yaml|yml|sql|json|mod|sum|txtar|txt|sh|env|svg|png)$`)
	mediaType = regexp.MustCompile(`^(application|text|multipart|image|audio|video)/`)
	numbered  = regexp.MustCompile(`/[0-9]+$`)
	eventType = regexp.MustCompile(`^(seller|buyer)/[a-z_-]+$`)
	braces    = regexp.MustCompile(`\{([^{}]*)\}`)
)

// path checks what looks like a path of the repository: something with a slash or the ending of a file. Paths of URLs begin
// with a slash, packages of others with a host name.
func (c *checker) path(at, text string) {
	name := strings.TrimPrefix(strings.TrimSuffix(text, "/"), "./")
	first, _, deep := strings.Cut(strings.TrimPrefix(text, "./"), "/")
	switch {
	case !pathLike.MatchString(text) || !deep && !fileLike.MatchString(text):
		return // not a path
	case strings.HasPrefix(text, "/") || strings.HasPrefix(text, "*") || mediaType.MatchString(text):
		return // of a URL, a pattern, a media type
	case numbered.MatchString(text):
		return // a step of an order, such as invoice/1
	case eventType.MatchString(text):
		return // of Ticket Evolution: a test in app compares them with the decoder
	case strings.LastIndexByte(first, '.') > 0 && !fileLike.MatchString(first):
		return // of a host
	}
	for _, i := range c.ignored {
		if name == i || strings.HasPrefix(name, i+"/") {
			return
		}
	}
	if p, err := build.Default.Import(name, "", build.FindOnly); err == nil && p.Goroot && standard(name) && deep {
		return
	}
	for _, pattern := range expand(name) {
		found, err := fs.Glob(c.fsys, pattern)
		if err != nil || len(found) == 0 {
			c.complain("%s: `%s`: there is no such file or directory", at, text)
			return
		}
	}
}

// expand writes a{b,c} as ab and ac.
func expand(name string) []string {
	at := braces.FindStringSubmatchIndex(name)
	if at == nil {
		return []string{name}
	}
	var out []string
	for one := range strings.SplitSeq(name[at[2]:at[3]], ",") {
		out = append(out, expand(name[:at[0]]+one+name[at[1]:])...)
	}
	return out
}

func (c *checker) link(at string, from document, target string) {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return
	}
	file, anchor, _ := strings.Cut(target, "#")
	name := from.name
	if file != "" {
		name = path.Join(path.Dir(from.name), file)
	}
	if _, err := fs.Stat(c.fsys, filepath.ToSlash(name)); err != nil {
		c.complain("%s: the link to %s leads nowhere", at, target)
		return
	}
	if anchor != "" && path.Ext(name) == ".md" && !slices.Contains(anchors(text(c.fsys, name)), anchor) {
		c.complain("%s: the link to %s: no such heading", at, target)
	}
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

// anchors are the names that a forge gives to the headings of a document.
func anchors(text string) (out []string) {
	for _, line := range parse("", text).lines {
		if title := strings.TrimLeft(line, "#"); title != line && strings.HasPrefix(title, " ") {
			title = notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			out = append(out, strings.ReplaceAll(title, " ", "-"))
		}
	}
	return out
}

// text is the content of a file, or nothing where it is missing.
func text(fsys fs.FS, name string) string {
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		return ""
	}
	return string(raw)
}
