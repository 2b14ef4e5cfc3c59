package pgserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// How long each way of ending may take before the next, harder one.
const (
	fastTimeout      = 30 * time.Second // SIGINT: disconnect, checkpoint, end
	immediateTimeout = 5 * time.Second  // SIGQUIT: end now, recover later
	killTimeout      = 20 * time.Second // children notice that their parent is gone
)

// process is one run of the server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the server and all its children are gone
	err  error         // of Wait; to be read after done
	tail *tail
}

// startProcess starts cmd. inherit is passed on to it.
func startProcess(cmd *exec.Cmd, log io.Writer, inherit *os.File) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{}), tail: &tail{log: log}}
	// One pipe for both, held by every child: Wait returns when the last one
	// has closed it, so that nobody is left who uses the data directory.
	cmd.Stdout, cmd.Stderr = p.tail, p.tail
	cmd.ExtraFiles = []*os.File{inherit}

	started := make(chan error)
	go func() {
		// Linux sends the parent-death signal when the *thread* ends that
		// started the child: this one must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) stop() error {
	for _, way := range []struct {
		signal  syscall.Signal
		timeout time.Duration
	}{
		{syscall.SIGINT, fastTimeout},
		{syscall.SIGQUIT, immediateTimeout},
	} {
		if ended, err := p.end(way.signal, way.timeout); ended || err != nil {
			return err
		}
	}
	if err := p.kill(); err != nil {
		return err
	}
	return errors.New("pgserver: postgres did not stop and was killed; the next start recovers")
}

func (p *process) kill() error {
	ended, err := p.end(syscall.SIGKILL, killTimeout)
	if err == nil && !ended {
		err = fmt.Errorf("pgserver: processes of the killed postgres (pid %d) are still running", p.cmd.Process.Pid)
	}
	return err
}

// end sends the signal and says whether everything ended within the timeout.
func (p *process) end(signal syscall.Signal, timeout time.Duration) (bool, error) {
	select {
	case <-p.done:
		return true, nil
	default:
	}
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return false, fmt.Errorf("pgserver: send %v to postgres: %w", signal, err)
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return true, nil
	case <-timer.C:
		return false, nil
	}
}

// exitError is why the process ended; it has ended.
func (p *process) exitError() error {
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// tail passes a log on and keeps its end, for error messages. It never fails: a
// full disk behind log must not stop the server.
type tail struct {
	log  io.Writer
	mu   sync.Mutex
	text []byte
}

const tailSize = 2000

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if n := len(t.text) - tailSize; n > 0 {
		t.text = append(t.text[:0], t.text[n:]...)
	}
	_, _ = t.log.Write(b)
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
