package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"accountgateway/internal/config"
	"accountgateway/internal/provider/declared"
	simulated "accountgateway/internal/simulator/declared"
)

// simulators are simulated vendors that listen on loopback.
type simulators struct {
	servers []*http.Server
	failed  chan error
}

func newSimulators() *simulators { return &simulators{failed: make(chan error, 1)} }

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
			select {
			case s.failed <- fmt.Errorf("simulated vendor on %s: %w", addr, err):
			default: // another has failed already
			}
		}
	}()
	return listener.Addr().String(), nil
}

// listenDeclared serves the simulated vendor of a file, and gives the settings of
// an account of that name at it.
func (s *simulators) listenDeclared(ctx context.Context, addr, account string, v *declared.Vendor) (map[string]string, error) {
	vendor := simulated.New(v)
	at, err := s.listen(ctx, addr, vendor)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for name, value := range vendor.Settings(at) {
		settings[config.Prefix(account)+"_"+name] = value
	}
	return settings, nil
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
