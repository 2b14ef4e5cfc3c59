package pgserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"
)

// Free ports are drawn from below the range that Linux and macOS use for
// outgoing connections: nobody's connection can take the port while the server
// is down for a restart.
const (
	firstFreePort = 20000
	lastFreePort  = 31999
)

// choosePort returns a port of 127.0.0.1 that nobody listens on: the wanted
// one, or any for 0.
func choosePort(want int) (int, error) {
	if want != 0 {
		err := probe(want)
		// Who has just stopped there, such as a server of ours, may take a moment to let go of it.
		for range 20 {
			if !errors.Is(err, syscall.EADDRINUSE) {
				break
			}
			time.Sleep(100 * time.Millisecond)
			err = probe(want)
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return 0, fmt.Errorf("pgserver: port %d is taken by another program (%w): stop that one, or choose another port", want, syscall.EADDRINUSE)
		}
		return want, err
	}
	var err error
	for range 100 {
		port := firstFreePort + rand.IntN(lastFreePort-firstFreePort+1)
		if err = probe(port); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("pgserver: no free port between %d and %d: %w", firstFreePort, lastFreePort, err)
}

func probe(port int) error {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		return err
	}
	return l.Close()
}
