package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"accountgateway/api"
	"accountgateway/internal/config"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/token"
)

// drainTime is how long requests under way may go on after SIGTERM. It is
// longer than any vendor call and shorter than the 30 s that Kubernetes and
// systemd grant at least.
const drainTime = 20 * time.Second

// storePatience is how long the start waits for the database. After that the
// gateway answers from vendors, not ready, and goes on trying.
const storePatience = 5 * time.Second

func serveCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Serve requests (the default)", Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error { return serve(c.Context(), env, serveOptions{}) },
	}
}

// serveOptions are what demo needs beyond settings.
type serveOptions struct {
	started func(addr net.Addr) // if set, is told the address once requests are answered
	demo    *demo               // nil: the accounts are real
}

// The heap may grow by gcPercent over what is in use before garbage is
// collected, unless GOGC says otherwise. What is in use is small, so time is
// worth more here than memory; that of a large fleet, of manyAccounts and more,
// is not, and it has Go's own value. GOMEMLIMIT bounds both.
const (
	gcPercent       = 200
	gcPercentOfMany = 100
	manyAccounts    = 2000
)

// serve runs the gateway as its settings say until ctx ends, then drains.
func serve(ctx context.Context, env environment, o serveOptions) error {
	r := config.NewReader(env.lookup)
	s, known, list := readSettings(r)
	if o.demo == nil { // else nothing is worth guarding: no token is needed on any address
		s.checkAuth(r)
	}
	logs := newLogs(env.stderr, s)
	log := logs.all
	certificates := openCertificates(r, s, log)
	tracer, stopTracing := tracing(ctx, r, env, log)
	g := open(r, s, list, tracer, log)
	to := s.destinations(r)
	strange := checkNames(r, env, known, list)
	if err := faults(r, strange); err != nil {
		return err
	}
	for _, s := range strange {
		log.Warn().Str("setting", s.name).Msg("setting ignored: " + s.why)
	}
	if s.VendorsDir != "" {
		debug.FreeOSMemory() // reading a hundred files leaves ten times the memory that they keep
	}
	if gogc, _ := env.lookup("GOGC"); gogc == "" { // not before: the same would be left of what was read with
		percent := gcPercent
		if len(list) >= manyAccounts {
			percent = gcPercentOfMany
		}
		debug.SetGCPercent(percent)
	}
	defer flush(ctx, stopTracing)

	// Before anything is opened or asked: an address that is taken should not
	// cost a vendor call. Whoever connects now waits until requests are served.
	servers := []*server{{addr: s.Addr, setting: "GATEWAY_ADDR", certificates: certificates}}
	if s.MetricsAddr != "" {
		servers = append(servers, &server{addr: s.MetricsAddr, setting: "GATEWAY_METRICS_ADDR"})
	}
	for _, server := range servers {
		err := server.listen(ctx)
		if errors.Is(err, syscall.EADDRINUSE) && o.demo == nil { // demo has a flag, and tells of it
			err = fmt.Errorf("%w (to use another address: %s=127.0.0.1:8090)", err, server.setting)
		}
		if err != nil {
			return err
		}
		defer func() { _ = server.listener.Close() }() // serving closes it too
	}

	// Requests end first, then what runs by itself, then the store.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	tried, stopped := make(chan struct{}), make(chan struct{})
	var running sync.WaitGroup
	defer running.Wait()
	defer stopBackground()
	if o.demo != nil {
		g.fill = o.demo.fill
	}
	running.Go(func() { logs.out.run(background) })
	notifier := g.notifier(to, s, log)
	running.Go(func() { g.keepStore(background, string(s.DatabaseURL), log, tried, stopped) })
	// The first request already finds what earlier runs have read, unless the
	// database is slow to come.
	select {
	case <-tried:
	case <-time.After(storePatience):
	case <-ctx.Done():
	}
	if o.demo != nil {
		readAll(ctx, g.accounts)
	}
	running.Go(func() {
		defer close(stopped)
		var users sync.WaitGroup // of the store
		// The accounts give leases back when they end: not before a message that is
		// under way is known to be delivered.
		accounts, stopAccounts := context.WithCancel(context.WithoutCancel(background))
		defer stopAccounts()
		users.Go(func() {
			defer stopAccounts()
			notifier.Run(background)
			<-background.Done()
		})
		users.Go(func() { g.accounts.Run(accounts) })
		users.Go(func() { g.tokens.Run(background) })
		users.Wait()
	})

	var draining atomic.Bool
	ready := func(context.Context) error {
		if draining.Load() {
			return httpapi.NotReady("shutting down")
		}
		if err := g.durable.Err(); err != nil {
			return fmt.Errorf("%w: %w", httpapi.NotReady("the database is unavailable; reads continue from memory and from vendors"), err)
		}
		if _, err := g.tokens.Check("", time.Now()); s.Auth == "token" && errors.Is(err, token.ErrNotLoaded) {
			return httpapi.NotReady("tokens are not loaded yet")
		}
		return nil
	}
	options := httpapi.Options{
		Accounts: g.accounts, Log: log, AccessLog: logs.access, Registry: g.registry, Ready: ready, Spec: api.Spec, ServiceApart: s.MetricsAddr != "",
		CallerRate: s.CallerRate, Secure: certificates != nil, Tracer: tracer, AnyName: o.demo != nil,
	}
	if s.Auth == "token" {
		options.Tokens = g.tokens
		if inMemory(string(s.DatabaseURL)) {
			log.Warn().Msg("tokens can't be created for an in-memory database: every caller will be refused")
		}
	}
	var err error
	if options.Page, err = g.page(s.PublicURL.String(), certificates != nil, o.demo != nil, log); err != nil {
		return err
	}
	servers[0].handler = httpapi.New(options)
	if s.MetricsAddr != "" {
		servers[1].handler = httpapi.NewService(options)
	}
	failed := make(chan error, len(servers))
	for _, server := range servers {
		server.start(failed, log)
		defer server.http.Close()
	}
	log.Info().Str("addr", servers[0].listener.Addr().String()).Bool("tls", certificates != nil).Str("auth", s.Auth).Int("accounts", len(list)).Str("version", api.Version).Msg("serving")
	if o.started != nil {
		o.started(servers[0].listener.Addr())
	}

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info().Msg("draining: finishing requests in flight, accepting no new ones")
	draining.Store(true)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	g.accounts.DrainUntil(time.Now().Add(drainTime))
	for _, server := range servers {
		if err := server.http.Shutdown(drain); err != nil {
			return fmt.Errorf("draining took longer than %s: %w", drainTime, err)
		}
	}
	log.Info().Msg("stopped")
	return nil
}

// flush gives what is left over to send some time to go.
func flush(ctx context.Context, stop func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	stop(ctx)
}

// server is one address that the gateway listens on.
type server struct {
	addr, setting string
	handler       http.Handler
	certificates  *certificates // nil: plain http
	listener      net.Listener
	http          *http.Server
}

// newHTTPServer bounds how long a caller may take: for the header, for the whole
// request with its body, for the answer, and between two requests.
func newHTTPServer(h http.Handler, log zerolog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          newServerLog(log),
		// OPTIONS * goes the way of all requests, with the same bounds.
		DisableGeneralOptionsHandler: true,
	}
}

// listen takes the address.
func (s *server) listen(ctx context.Context) error {
	var err error
	if s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", s.addr); err != nil {
		return fmt.Errorf("%s: %w", s.setting, err)
	}
	return nil
}

// start serves; a later failure goes to failed.
func (s *server) start(failed chan<- error, log zerolog.Logger) {
	s.http = newHTTPServer(s.handler, log)
	serve := s.http.Serve
	if s.certificates != nil {
		s.http.TLSConfig = s.certificates.server()
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	go func() {
		if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
}
