package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"accountgateway/internal/config"
)

func healthcheckCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Check whether a running gateway is up", Args: arguments(),
		Long: "Checks whether the gateway that runs with the same settings is up: for containers, whose image has no shell.",
		RunE: func(c *cobra.Command, _ []string) error { return healthcheck(c.Context(), env) },
	}
}

// healthcheck asks the gateway that runs with the same settings whether
// it is up. It is the container's health check: the image has no shell.
//
// GATEWAY_METRICS_ADDR is asked if there is one: it speaks plain http. Else
// GATEWAY_ADDR is, by https where that is served. Where callers must show a
// certificate, which this command has not, a finished handshake has to do.
func healthcheck(ctx context.Context, env environment) error {
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s)
	if err := r.Err(); err != nil {
		return &settingsError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	switch {
	case s.MetricsAddr != "":
		return askHealth(ctx, "http", s.MetricsAddr)
	case s.TLSCert == "":
		return askHealth(ctx, "http", s.Addr)
	case s.TLSClientCA == "":
		return askHealth(ctx, "https", s.Addr)
	}
	return shakeHands(ctx, s.Addr)
}

// ownServer takes any certificate. The server is on this machine, nothing
// secret is said, and no name in the certificate need be that of loopback. A
// comparison with the file would fail a gateway in good health that keeps the
// old certificate because the new one is damaged.
//
//nolint:gosec // for the reason above
var ownServer = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}

func askHealth(ctx context.Context, scheme, addr string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+reachable(addr)+"/healthz", nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: ownServer.Clone(), DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", addr, resp.Status)
	}
	return nil
}

// shakeHands is done when the server has shown its certificate. In TLS 1.3 it
// asks for ours, and refuses us, only after that.
func shakeHands(ctx context.Context, addr string) error {
	config := ownServer.Clone()
	config.MinVersion = tls.VersionTLS13
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", reachable(addr))
	if err != nil {
		return err
	}
	return conn.Close()
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
