package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/alert"
	"accountgateway/internal/config"
	"accountgateway/internal/notify"
	"accountgateway/internal/page"
)

const notifyUsage = `Usage: gateway notify test [--json]

test sends a message to every destination of GATEWAY_NOTIFY_URL and prints how
that went; exit status 1 if one failed.
`

// notifyCommand tries where alerts are sent.
func notifyCommand(ctx context.Context, args []string, env environment) error {
	switch {
	case len(args) > 0 && slices.Contains([]string{"-h", "--help", "help"}, args[0]):
		fmt.Fprint(env.stdout, notifyUsage)
		return errHelp
	case len(args) > 0 && args[0] == "test":
		return testNotifications(ctx, args[1:], env)
	}
	return &usageError{fmt.Errorf("notify: missing or unknown subcommand: must be test\n\n%s", notifyUsage)}
}

// destinations reads where alerts are sent. Faults are left in r.
func (s settings) destinations(r *config.Reader) []*notify.Destination {
	to, faults := notify.Parse(string(s.NotifyURL))
	for _, fault := range faults {
		r.Fault("GATEWAY_NOTIFY_URL", "%v", fault)
	}
	return to
}

// links are the pages that notifications link to; nil if people can't reach any.
func (s settings) links() *notify.Links {
	base := s.PublicURL.String()
	if base == "" {
		return nil
	}
	return &notify.Links{
		Account: func(account string) string {
			return base + strings.ReplaceAll(page.AccountPath, "{account}", url.PathEscape(account))
		},
		Runbook: func(code alert.Code) string { return base + page.RunbookPath + "#" + string(code) },
		Alerts:  base + page.FleetPath,
	}
}

// notifier delivers alerts to the destinations.
func (g *gateway) notifier(to []*notify.Destination, s settings, log zerolog.Logger) *notify.Notifier {
	if len(to) > 0 && s.PublicURL.String() == "" {
		log.Info().Msg("GATEWAY_PUBLIC_URL is not set: notifications have no links")
	}
	return notify.New(to, g.durable, notify.Options{Repeat: s.NotifyRepeat, Links: s.links(), Registry: g.registry, Log: log, Lease: g.accounts.Lease})
}

// testResult is how a test message to one destination went.
type testResult struct {
	URL     int     `json:"url"` // its number in the setting
	Service string  `json:"service"`
	State   string  `json:"state"` // ok or failed
	Detail  *string `json:"detail"`
}

func testNotifications(ctx context.Context, args []string, env environment) error {
	flags := newFlags("notify test")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := parse(flags, args, env); err != nil {
		return err
	}
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s, "NOTIFY_URL", "PUBLIC_URL")
	to := s.destinations(r)
	checkSlips(r, env)
	if err := r.Err(); err != nil {
		return &settingsError{err}
	}
	if len(to) == 0 {
		return errors.New("GATEWAY_NOTIFY_URL is not set: alerts are sent nowhere")
	}
	text := "Test message of the account gateway\nAlerts will be sent here."
	if links := s.links(); links != nil {
		text += "\n" + links.Alerts
	}
	results := make([]testResult, len(to))
	var wg sync.WaitGroup
	for i, d := range to {
		wg.Go(func() {
			results[i] = testResult{URL: d.Number, Service: d.Service, State: "ok"}
			if err := d.Send(ctx, notify.Message{Text: text, At: time.Now()}); err != nil {
				detail := err.Error()
				results[i].State, results[i].Detail = "failed", &detail
			}
		})
	}
	wg.Wait()
	if err := printTests(env, results, *asJSON); err != nil {
		return err
	}
	if slices.ContainsFunc(results, func(r testResult) bool { return r.State != "ok" }) {
		return errSaid
	}
	return nil
}

func printTests(env environment, results []testResult, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(env.stdout).Encode(map[string]any{"destinations": results})
	}
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "URL\tSERVICE\tSTATE\tDETAIL")
	for _, r := range results {
		detail := "the message was sent"
		if r.Detail != nil {
			detail = *r.Detail
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", r.URL, r.Service, r.State, detail)
	}
	return table.Flush()
}
