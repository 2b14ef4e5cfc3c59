package temporalserver

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

func TestEnsure(t *testing.T) {
	t.Parallel()

	t.Run("BuildsOnceForSeveralAtATime", func(t *testing.T) {
		t.Parallel()
		source, path := module(t, "package main\n\nfunc main() { println(\"built\") }\n")
		var progress [3]bytes.Buffer
		var errs [3]error
		var wg sync.WaitGroup
		for i := range progress {
			wg.Go(func() { errs[i] = ensure(t.Context(), source, path, &progress[i]) })
		}
		wg.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		builds := 0
		for i := range progress {
			builds += strings.Count(progress[i].String(), "built the Temporal server")
		}
		if builds != 1 {
			t.Errorf("builds: got %d; want 1", builds)
		}
		out, err := exec.Command(path).CombinedOutput()
		if got, want := string(out), "built\n"; err != nil || got != want {
			t.Errorf("program: got %q, %v; want %q", got, err, want)
		}
	})

	t.Run("SaysWhatTheCompilerSaid", func(t *testing.T) {
		t.Parallel()
		source, path := module(t, "package main\n\nfunc main() { missing() }\n")
		err := ensure(t.Context(), source, path, &bytes.Buffer{})
		if !errors.Is(err, ErrNotBuilt) {
			t.Fatalf("error: got %v; want %v", err, ErrNotBuilt)
		}
		if want := "undefined: missing"; !strings.Contains(err.Error(), want) {
			t.Errorf("error: got %q; want %q in it", err, want)
		}
		if isProgram(path) {
			t.Error("a failed build left a program")
		}
	})

	t.Run("StopsWaitingForAnothersBuild", func(t *testing.T) {
		t.Parallel()
		source, path := module(t, "package main\n\nfunc main() {}\n")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		unlock, err := lock(t.Context(), filepath.Join(filepath.Dir(path), "temporal-server.lock"), &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := ensure(ctx, source, path, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error: got %v; want %v", err, context.Canceled)
		}
	})
}

func TestSourceHash(t *testing.T) {
	t.Parallel()
	files := func(changes ...string) fstest.MapFS {
		dir := fstest.MapFS{"main.go": {Data: []byte("a")}, "main_test.go": {Data: []byte("b")}, "go.mod": {Data: []byte("c")}, "go.sum": {Data: []byte("d")}}
		for _, name := range changes {
			dir[name] = &fstest.MapFile{Data: []byte("changed")}
		}
		return dir
	}
	before, err := sourceHash(files())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"main.go": true, "new.go": true, "go.mod": true, "go.sum": true, "main_test.go": false, "README.md": false} {
		after, err := sourceHash(files(name))
		if err != nil {
			t.Fatal(err)
		}
		if got := before != after; got != want {
			t.Errorf("hash changed with %s: got %v; want %v", name, got, want)
		}
	}
}

func TestReadyLineIsFoundInPieces(t *testing.T) {
	t.Parallel()
	found := make(chan addresses, 1)
	r := &readyLine{found: found}
	for _, piece := range []string{"READY temporal=127.0.0.1:7233 ui=127.", "0.0.1:8233", "\nREADY temporal=a ui=b\n"} {
		if _, err := r.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	want := addresses{address: "127.0.0.1:7233", ui: "127.0.0.1:8233"}
	select {
	case got := <-found:
		if got != want {
			t.Errorf("addresses: got %+v; want %+v", got, want)
		}
	default:
		t.Errorf("addresses: got none; want %+v", want)
	}
}

// module makes a tiny module in place of the server's, and a place for its
// binary.
func module(t *testing.T, main string) (source, path string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the Go tool, as make test does:", err)
	}
	dir := t.TempDir()
	source = filepath.Join(dir, "source")
	if err := os.Mkdir(source, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module tiny\n\ngo 1.26.0\n", "main.go": main} {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return source, filepath.Join(dir, "cache", "tiny")
}
