package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// promise is what stands in the message of a skip that make test turns into a run.
const promise = "make test"

// event is a line of go test -json; see go doc test2json.
type event struct {
	Action, Package, Test, Output string
}

// run is what a test, or a package outside of its tests, has printed so far.
type run struct {
	out []string
}

// show writes what go test without -v would: the output of what fails, and a line for each package. It also names each test
// that was skipped, and returns those that must not be.
func show(events io.Reader, w io.Writer) (missing []string) {
	runs := map[string]*run{}
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(w, lines.Text()) // go itself says something
			continue
		}
		key := e.Package + "\n" + e.Test
		r := runs[key]
		if r == nil {
			r = &run{}
			runs[key] = r
		}
		switch e.Action {
		case "build-output":
			fmt.Fprint(w, e.Output)
		case "output":
			r.out = append(r.out, e.Output)
		case "pass", "fail", "skip":
			delete(runs, key)
			if e.Test == "" {
				r.end(w, e.Action == "fail")
				continue
			}
			switch e.Action {
			case "fail":
				r.print(w)
			case "skip":
				reason := r.reason()
				fmt.Fprintf(w, "    --- SKIP: %s %s: %s\n", e.Package, e.Test, reason)
				if strings.Contains(reason, promise) {
					missing = append(missing, e.Package+" "+e.Test+": "+reason)
				}
			}
		}
	}
	for key, r := range runs { // cut off in the middle: all there is may help
		fmt.Fprintf(w, "--- %s did not end\n", strings.ReplaceAll(key, "\n", " "))
		r.print(w)
	}
	return missing
}

// noise are lines of go test -v.
func noise(line string) bool {
	for _, prefix := range []string{"=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "PASS\n"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

func (r *run) print(w io.Writer) {
	for _, line := range r.out {
		if !noise(line) {
			fmt.Fprint(w, line)
		}
	}
}

// end closes a package: with everything that it said where it failed, else with go's last line for it.
func (r *run) end(w io.Writer, failed bool) {
	if failed {
		r.print(w)
		return
	}
	for _, line := range r.out {
		if strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t") {
			fmt.Fprint(w, line)
		}
	}
}

// reason is the message of a skip, in one line.
func (r *run) reason() string {
	var words []string
	for _, line := range r.out {
		if line = strings.TrimSpace(line); !noise(line+"\n") && !strings.HasPrefix(line, "--- SKIP") {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}
