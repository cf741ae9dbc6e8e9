package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"accountgateway/internal/config"
)

// healthcheckCommand asks the gateway that runs with the same settings whether
// it is up. It is the container's health check: the image has no shell.
func healthcheckCommand(ctx context.Context, args []string, env environment) error {
	if err := parse(newFlags("healthcheck"), args, env); err != nil {
		return err
	}
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s)
	if err := r.Err(); err != nil {
		return &settingsError{err}
	}
	addr := s.Addr
	if s.MetricsAddr != "" {
		addr = s.MetricsAddr
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(addr)+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", addr, resp.Status)
	}
	return nil
}

// reachable turns a listen address into one to connect to: a wildcard is
// reached through loopback.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}
