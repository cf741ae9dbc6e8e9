package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// simulators are simulated vendors that listen on loopback.
type simulators struct {
	servers []*http.Server
	failed  chan error
}

func newSimulators() *simulators { return &simulators{failed: make(chan error, 8)} }

// listen serves a simulated vendor and gives the address, as host:port.
func (s *simulators) listen(ctx context.Context, addr string, vendor http.Handler) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: vendor, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	s.servers = append(s.servers, server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("simulated vendor on %s: %w", addr, err)
		}
	}()
	return listener.Addr().String(), nil
}

// stop ends them all at once: their state goes with them.
func (s *simulators) stop() {
	for _, server := range s.servers {
		server.Close()
	}
}

// wait is over when ctx ends or a simulated vendor fails.
func (s *simulators) wait(ctx context.Context) error {
	select {
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}
