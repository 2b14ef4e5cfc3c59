// Package importtest holds the rules that the whole repository keeps: who imports whom, what each package says about itself,
// what tests may not do, and that documents name only what exists.
//
// It owns the table of imports, which is the architecture. It reads the files itself, since a test that asks the go command
// is answered from go's cache after a change. It must import nothing of ours. Every rule is broken on purpose in
// broken_test.go, so that a rule that cannot fail is found.
package importtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "willcall"

// tree is a checkout.
type tree struct {
	fsys     fs.FS
	packages map[string]*pkg // by path below the module
}

// pkg is the directory of a package.
type pkg struct {
	path        string
	files, test []*file // test includes the external test package
}

type file struct {
	name    string // from the root
	text    string
	ast     *ast.File
	lines   *token.FileSet
	imports []string
}

// at is where a node stands, for messages.
func (f *file) at(n ast.Node) string {
	return f.name + ":" + strconv.Itoa(f.lines.Position(n.Pos()).Line)
}

func (p *pkg) name() string {
	for _, f := range slices.Concat(p.files, p.test) {
		return strings.TrimSuffix(f.ast.Name.Name, "_test")
	}
	return ""
}

// repository is this checkout, read once per test.
func repository(t *testing.T) tree {
	t.Helper()
	r, err := read(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read parses every Go file of the module; modules inside of it are not part of it.
func read(fsys fs.FS) (tree, error) {
	r := tree{fsys: fsys, packages: map[string]*pkg{}}
	return r, fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := fs.Stat(fsys, path.Join(name, "go.mod"))
			if name != "." && (err == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		return r.add(name)
	})
}

func (r tree) add(name string) error {
	text, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		return err
	}
	f := &file{name: name, text: string(text), lines: token.NewFileSet()}
	if f.ast, err = parser.ParseFile(f.lines, name, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return err
	}
	for _, i := range f.ast.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		f.imports = append(f.imports, imported)
	}
	dir := path.Dir(name)
	p := r.packages[dir]
	if p == nil {
		p = &pkg{path: dir}
		r.packages[dir] = p
	}
	if strings.HasSuffix(name, "_test.go") {
		p.test = append(p.test, f)
	} else {
		p.files = append(p.files, f)
	}
	return nil
}

// sorted are the packages in the order of their paths.
func (r tree) sorted() []*pkg {
	var out []*pkg
	for _, name := range slices.Sorted(maps.Keys(r.packages)) {
		out = append(out, r.packages[name])
	}
	return out
}

// ours is the path of an import below the module, if it is of it.
func ours(imported string) (string, bool) {
	return strings.CutPrefix(imported, module+"/")
}

// standard reports whether an import is of the standard library: no dot in its first element, and not ours.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") && first != module
}

// calls visits every call of a function or method with one of the names, such as "time.Sleep" or ".Skip".
func (f *file) calls(visit func(call *ast.CallExpr), names ...string) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok {
			full := "." + s.Sel.Name
			if slices.Contains(names, full) {
				visit(call)
			} else if x, ok := s.X.(*ast.Ident); ok && slices.Contains(names, x.Name+full) {
				visit(call)
			}
		}
		return true
	})
}

// mentions visits every use of a package's name, such as time.Now, called or not.
func (f *file) mentions(pkg, name string, visit func(ast.Node)) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
				visit(n)
			}
		}
		return true
	})
}

// report fails the test with every complaint.
func report(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}
