package temporalserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one run of the server.
type process struct {
	cmd   *exec.Cmd
	out   *output
	ready chan addresses // gets one value, or none
	done  chan struct{}  // closed when the process is gone
}

// addresses are those of the READY line.
type addresses struct{ address, ui string }

func startProcess(cmd *exec.Cmd, log io.Writer) (*process, error) {
	p := &process{cmd: cmd, out: &output{log: log}, ready: make(chan addresses, 1), done: make(chan struct{})}
	// The server stops when this pipe ends, which it does with this process.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	cmd.Stdout = &readyLine{found: p.ready}
	cmd.Stderr = p.out
	// A group of its own: Ctrl-C is for us, who stop the server in its turn.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)

	started := make(chan error)
	go func() {
		// Linux sends the parent-death signal when the *thread* ends that
		// started the child: this one must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(p.done)
		}
	}()
	return p, <-started
}

// end sends the signal and waits until the process is gone.
func (p *process) end(signal syscall.Signal, timeout time.Duration) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("temporalserver: send %v: %w", signal, err)
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return fmt.Errorf("temporalserver: process %d goes on %v after %v", p.cmd.Process.Pid, timeout, signal)
	}
}

func (p *process) stop(timeout time.Duration) error {
	err := p.end(syscall.SIGTERM, timeout)
	if err == nil {
		return nil
	}
	return errors.Join(err, p.end(syscall.SIGKILL, timeout))
}

var readyText = regexp.MustCompile(`^READY temporal=(\S+) ui=(\S*)\n`)

// readyLine waits for the server's first line.
type readyLine struct {
	found chan<- addresses
	text  []byte
}

func (r *readyLine) Write(b []byte) (int, error) {
	if r.found != nil {
		r.text = append(r.text, b...)
		if bytes.IndexByte(r.text, '\n') >= 0 {
			if m := readyText.FindSubmatch(r.text); m != nil {
				r.found <- addresses{address: string(m[1]), ui: string(m[2])}
			}
			r.found = nil
		}
	}
	return len(b), nil
}

// output passes a log on and keeps its end, for error messages. It never fails:
// a full disk behind log must not stop the server.
type output struct {
	log   io.Writer
	mu    sync.Mutex
	lines int
	text  []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines += bytes.Count(b, []byte("\n"))
	o.text = append(o.text, b...)
	if n := len(o.text) - 2000; n > 0 {
		o.text = append(o.text[:0], o.text[n:]...)
	}
	_, _ = o.log.Write(b)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(string(o.text))
}

// end is the last line: there a program says why it ended.
func (o *output) end() string {
	text := o.String()
	return text[strings.LastIndexByte(text, '\n')+1:]
}

func (o *output) lineCount() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lines
}
