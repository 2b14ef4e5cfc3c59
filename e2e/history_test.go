package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"willcall/sim"
)

// release names the generation of histories that -record writes. Raise it with the first release that changes workflow
// code; recorded files are only ever added to.
const release = "v3"

func (s *site) history(ctx context.Context, id, run string) (*historypb.History, error) {
	var out historypb.History
	events := s.temporal.GetWorkflowHistory(ctx, id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, e)
	}
	return &out, nil
}

func (s *site) historyLength(t *testing.T, id string) int {
	t.Helper()
	h, err := s.history(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	return len(h.Events)
}

// keep writes the history of the order's newest run for the replay tests, where -record asks for it.
func (s *site) keep(t *testing.T, name, id string) {
	t.Helper()
	if *record == "" {
		return
	}
	h, err := s.history(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, filepath.Join("order", release+"-"+name+".json"), h)
}

// keepNews does the same for the newest run of a workflow that spreads news.
func (s *site) keepNews(t *testing.T, name, id string) {
	t.Helper()
	if *record == "" {
		return
	}
	s.awaitClosed(t, id)
	h, err := s.history(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, filepath.Join("notice", release+"-"+name+".json"), h)
}

// keepNewest does the same for the newest completed workflow of a type, such as a sweep.
func (s *site) keepNewest(t *testing.T, workflow, name string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	list, err := s.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: "WorkflowType='" + workflow + "' AND ExecutionStatus='Completed'"})
	if err != nil {
		return err
	}
	if len(list.Executions) == 0 {
		return errors.New("no " + workflow + " has completed")
	}
	if *record == "" {
		return nil
	}
	var run *commonpb.WorkflowExecution = list.Executions[0].Execution
	h, err := s.history(ctx, run.WorkflowId, run.RunId)
	if err != nil {
		return err
	}
	s.write(t, filepath.Join(strings.ToLower(workflow), release+"-"+name+".json"), h)
	return nil
}

var identity = regexp.MustCompile(`"identity":\s*"[^"]*"`)

// write adds a file; one that is there already is history itself and stays.
func (s *site) write(t *testing.T, name string, h *historypb.History) {
	t.Helper()
	raw, err := protojson.MarshalOptions{Multiline: true, Indent: " "}.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	raw = identity.ReplaceAll(raw, []byte(`"identity": "recorded"`)) // a process id and the name of a machine
	path := filepath.Join(*record, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		t.Logf("%s is recorded already", name)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(raw, '\n')); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// tell delivers a webhook about the order's state without changing what the provider's API says.
func (s *site) tell(t *testing.T, source string, o sim.TEvoOrder, recipient, eventType string) {
	t.Helper()
	contentType, body := o.Webhook(recipient, eventType)
	s.postRaw(t, source, contentType, body)
}

func (s *site) faults(t *testing.T, f sim.Faults) {
	t.Helper()
	if err := s.POS.SetFaults(f); err != nil {
		t.Fatal(err)
	}
}
