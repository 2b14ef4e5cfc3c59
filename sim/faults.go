package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The kinds of [Fault]. "Write" means the effect of the call; faults on calls that only read behave alike.
const (
	// FaultLostAnswer does the write and closes the connection without an answer.
	FaultLostAnswer = "lost_answer"
	// FaultRefuseBefore closes the connection before the write.
	FaultRefuseBefore = "refuse_before"
	// FaultStatus answers with Status (and RetryAfter) before the write.
	FaultStatus = "status"
	// FaultHang does not write and does not answer: it ends when the client goes away or, with Delay set, by
	// closing the connection after Delay.
	FaultHang = "hang"
	// FaultDelay waits for Delay and then serves the call as usual.
	FaultDelay = "delay"
	// FaultSeatsGone refuses a sale because the seats are sold. POS only.
	FaultSeatsGone = "seats_gone"
	// FaultDouble writes twice, as a POS does whose own retry went wrong. POS only.
	FaultDouble = "double"
	// FaultPartial does the first of several parts of the write, such as one line of several to be voided, and closes the connection
	// without an answer. POS only.
	FaultPartial = "partial"
)

// A Fault makes calls go wrong on purpose.
type Fault struct {
	Method     string        // of the request; empty or "*" is any
	Path       string        // of the request; a trailing "*" stands for any rest, empty is any
	Kind       string        // one of the Fault… constants
	Status     int           // HTTP status, for FaultStatus
	RetryAfter string        // Retry-After header as given, for FaultStatus
	Count      int           // how many calls it hits; 0 is every call until the faults are replaced
	Delay      time.Duration // for FaultDelay and FaultHang
}

// Faults is everything that can be wrong with a simulator at one time.
type Faults struct {
	// Faults are tried in order; the first that matches a call and is not used up hits it.
	Faults []Fault
	// SearchLag is how long a record stays invisible to searches after it was written. Reading it by id works
	// at once: that is how search indexes behind a POS behave.
	SearchLag time.Duration
	// Down closes every connection without an answer, except those to /admin.
	Down bool
}

// faultsWire is the body of PUT /admin/faults.
type faultsWire struct {
	Faults []struct {
		Method     string `json:"method"`
		Path       string `json:"path"`
		Kind       string `json:"kind"`
		Status     int    `json:"status"`
		RetryAfter string `json:"retry_after"`
		Count      int    `json:"count"`
		Delay      string `json:"delay"`
	} `json:"faults"`
	SearchLag string `json:"search_lag"`
	Down      bool   `json:"down"`
}

// parseFaults reads the body of PUT /admin/faults. Unknown fields are refused: a misspelt fault that silently
// does nothing makes a test pass for the wrong reason.
func parseFaults(r io.Reader) (Faults, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var w faultsWire
	if err := dec.Decode(&w); err != nil {
		return Faults{}, fmt.Errorf("faults: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Faults{}, errors.New("faults: more than one JSON value")
	}
	f := Faults{Down: w.Down}
	var errs []error
	if w.SearchLag != "" {
		var err error
		if f.SearchLag, err = time.ParseDuration(w.SearchLag); err != nil {
			errs = append(errs, fmt.Errorf("search_lag: %w", err))
		}
	}
	for i, x := range w.Faults {
		one := Fault{Method: x.Method, Path: x.Path, Kind: x.Kind, Status: x.Status, RetryAfter: x.RetryAfter, Count: x.Count}
		if x.Delay != "" {
			var err error
			if one.Delay, err = time.ParseDuration(x.Delay); err != nil {
				errs = append(errs, fmt.Errorf("faults[%d].delay: %w", i, err))
			}
		}
		f.Faults = append(f.Faults, one)
	}
	return f, errors.Join(errs...)
}

// faultBox holds the faults in force.
type faultBox struct {
	kinds []string // that this simulator knows

	mu   sync.Mutex
	now  Faults
	left []int // calls left per fault; -1 is no limit

	struck int
}

// Struck returns how many calls were hit by faults so far.
func (p *POS) Struck() int { return p.faults.count() }

// Struck returns how many calls were hit by faults so far.
func (s *SkyBox) Struck() int { return s.faults.count() }

// Struck returns how many calls were hit by faults so far.
func (t *TEvoCore) Struck() int { return t.faults.count() }

func (b *faultBox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.struck
}

// set replaces the faults in force. It changes nothing and reports every mistake if f has one.
func (b *faultBox) set(f Faults) error {
	var errs []error
	if f.SearchLag < 0 {
		errs = append(errs, errors.New("search_lag is negative"))
	}
	left := make([]int, len(f.Faults))
	for i, x := range f.Faults {
		if !slices.Contains(b.kinds, x.Kind) {
			errs = append(errs, fmt.Errorf("faults[%d].kind: %q is unknown here; want one of %s", i, x.Kind, strings.Join(b.kinds, ", ")))
		}
		if x.Kind == FaultStatus && (x.Status < 400 || x.Status > 599) {
			errs = append(errs, fmt.Errorf("faults[%d].status: %d; kind status needs 400 to 599", i, x.Status))
		}
		if x.Kind == FaultDelay && x.Delay <= 0 {
			errs = append(errs, fmt.Errorf("faults[%d].delay: kind delay needs a positive duration", i))
		}
		if x.Count < 0 {
			errs = append(errs, fmt.Errorf("faults[%d].count is negative", i))
		}
		left[i] = x.Count
		if x.Count == 0 {
			left[i] = -1
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	f.Faults = slices.Clone(f.Faults)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now, b.left = f, left
	return nil
}

// take returns the fault that hits this call, if any, and uses it up by one.
func (b *faultBox) take(method, path string) (Fault, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now.Down {
		return Fault{Kind: FaultRefuseBefore}, true
	}
	for i, f := range b.now.Faults {
		if b.left[i] == 0 || !f.matches(method, path) {
			continue
		}
		if b.left[i] > 0 {
			b.left[i]--
		}
		b.struck++
		return f, true
	}
	return Fault{}, false
}

func (b *faultBox) searchLag() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now.SearchLag
}

func (f Fault) matches(method, path string) bool {
	if f.Method != "" && f.Method != "*" && !strings.EqualFold(f.Method, method) {
		return false
	}
	if prefix, ok := strings.CutSuffix(f.Path, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return f.Path == "" || f.Path == path
}

// strike carries out what can be done before the handler runs. It returns true if the call ends here; it does
// not return at all for faults that close the connection.
func (f Fault) strike(w http.ResponseWriter, r *http.Request, refuse func(status int)) (done bool) {
	switch f.Kind {
	case FaultRefuseBefore:
		panic(http.ErrAbortHandler)
	case FaultHang:
		var timeout <-chan time.Time
		if f.Delay > 0 {
			timeout = time.After(f.Delay)
		}
		select {
		case <-r.Context().Done():
		case <-timeout:
		}
		panic(http.ErrAbortHandler)
	case FaultDelay:
		// To the end even if the client has left: a slow POS finishes its write all the same.
		<-time.After(f.Delay)
	case FaultStatus:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		refuse(f.Status)
		return true
	}
	return false
}

// serveFaults answers PUT /admin/faults for every simulator.
func (b *faultBox) serveFaults(w http.ResponseWriter, r *http.Request) {
	f, err := parseFaults(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = b.set(f)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// writeJSON answers with v. It fails only for values that cannot be JSON, which is a defect of the simulator.
func writeJSON(w http.ResponseWriter, status int, v any) {
	writeJSONAs(w, status, "application/json", v)
}

func writeJSONAs(w http.ResponseWriter, status int, contentType string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sim: answer is not JSON: %v", err))
	}
	writeBytes(w, status, contentType, b)
}

func writeBytes(w http.ResponseWriter, status int, contentType string, b []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client left: nobody to tell
}
