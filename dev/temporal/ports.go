package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Internal ports are drawn from below the range that Linux and macOS use for
// outgoing connections, so that nobody else's connection can sit on them
// between the test here and the server's own bind.
const (
	firstFreePort = 20000
	lastFreePort  = 31999
)

// listenAddress turns HOST:PORT into a loopback address that is free now.
// name is the flag, for the message.
func listenAddress(name, hostPort string) (*net.TCPAddr, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, fmt.Errorf("%s %q: want HOST:PORT, such as 127.0.0.1:7233", name, hostPort)
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s %q: this server has no authentication and listens on loopback addresses only, such as 127.0.0.1", name, hostPort)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %q is not a port", name, hostPort, port)
	}
	addr := &net.TCPAddr{IP: ip, Port: int(n)}
	if addr.Port == 0 {
		addr.Port, err = freePort(ip)
		return addr, err
	}
	switch err := probe(addr); {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s %s: the port is taken by another program: stop that one, or choose another port with %s", name, addr, name)
	case err != nil:
		return nil, fmt.Errorf("%s %s: cannot listen: %w", name, addr, err)
	}
	return addr, nil
}

// freePort returns a port that nobody listens on. It draws at random, so that
// several servers that start at once do not all try the same one.
func freePort(ip net.IP) (int, error) {
	var err error
	for range 100 {
		port := firstFreePort + rand.IntN(lastFreePort-firstFreePort+1)
		if err = probe(&net.TCPAddr{IP: ip, Port: port}); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port on %s between %d and %d: %w", ip, firstFreePort, lastFreePort, err)
}

func probe(addr *net.TCPAddr) error {
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return err
	}
	return l.Close()
}
