package workflows

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

// The corpus: histories of real orders on a real server, written by `make histories`, and only ever added to.
const corpus = "testdata/histories"

func histories(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories at %s: %v", pattern, err)
	}
	return files
}

// TestOldHistoriesReplay replays each history whole and up to each workflow task, as a worker would that takes the order
// over at that moment with the code of today.
func TestOldHistoriesReplay(t *testing.T) {
	t.Parallel()
	for _, file := range histories(t, "*/*.json") {
		if strings.HasPrefix(filepath.Base(file), "bad-") {
			continue
		}
		t.Run(strings.TrimPrefix(file, corpus+"/"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := client.HistoryFromJSON(bytes.NewReader(raw), client.HistoryJSONOptions{})
			if err != nil {
				t.Fatal(err)
			}
			ends := []int64{0}
			for _, e := range whole.Events {
				if e.EventType == enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED {
					ends = append(ends, e.EventId)
				}
			}
			for _, end := range ends {
				if err := replay(raw, end); err != nil {
					t.Errorf("up to event %d (0: whole): %v\nThe code of today decides differently than the code that ran. Usual cause: a step, timer, "+
						"local activity or search attribute more or less than then. Cure: workflow.GetVersion around the change.", end, err)
				}
			}
		})
	}
}

// TestABrokenHistoryIsNoticed shows that the replay tests can fail: in the bad history an invoice was voided where the
// code accepts the order.
func TestABrokenHistoryIsNoticed(t *testing.T) {
	t.Parallel()
	for _, file := range histories(t, "order/bad-*.json") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := replay(raw, 0); err == nil || !strings.Contains(err.Error(), "TMPRL1100") {
			t.Errorf("%s: got %v; want a non-determinism error", file, err)
		}
	}
}

func replay(raw []byte, last int64) error {
	h, err := client.HistoryFromJSON(bytes.NewReader(raw), client.HistoryJSONOptions{LastEventID: last})
	if err != nil {
		return err
	}
	r := worker.NewWorkflowReplayer()
	Register(r)
	return r.ReplayWorkflowHistory(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)), h)
}

// personal matches what buyers of the simulator would leave behind: an e-mail address, a telephone number, or a way to their tickets.
var personal = regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.]+|\b\d{3}-555-\d{4}\b|claims\.example|%PDF`)

func TestHistoriesHoldNoBuyerData(t *testing.T) {
	t.Parallel()
	for _, file := range histories(t, "*/*.json") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h, err := client.HistoryFromJSON(bytes.NewReader(raw), client.HistoryJSONOptions{})
		if err != nil {
			t.Fatal(err)
		}
		// Payloads are base64 in the file and plain text in the history.
		if found := personal.FindString(h.String()); found != "" {
			t.Errorf("%s holds %q", file, found)
		}
	}
}
