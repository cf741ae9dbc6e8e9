package main

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"accountgateway/internal/alert"
	"accountgateway/internal/config"
	"accountgateway/internal/notify"
	"accountgateway/internal/page"
)

func notifyCommand(env environment) *cobra.Command {
	test := &cobra.Command{
		Use: "test", Short: "Send a test message to every destination", Args: arguments(),
		Long: "Sends a message to every destination of GATEWAY_NOTIFY_URL and prints how that\nwent; exit status 1 if one failed.",
	}
	asJSON := jsonFlag(test)
	test.RunE = func(c *cobra.Command, _ []string) error { return testNotifications(c.Context(), env, *asJSON) }
	return group("notify", "Try where alerts are sent", "", test)
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

func testNotifications(ctx context.Context, env environment, asJSON bool) error {
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
	if err := printTests(env, results, asJSON); err != nil {
		return err
	}
	if slices.ContainsFunc(results, func(r testResult) bool { return r.State != "ok" }) {
		return errSaid
	}
	return nil
}

func printTests(env environment, results []testResult, asJSON bool) error {
	if asJSON {
		return printJSON(env, map[string]any{"destinations": results})
	}
	var rows [][]string
	for _, r := range results {
		detail := "the message was sent"
		if r.Detail != nil {
			detail = *r.Detail
		}
		rows = append(rows, []string{strconv.Itoa(r.URL), r.Service, r.State, detail})
	}
	return printTable(env, "URL\tSERVICE\tSTATE\tDETAIL", rows)
}
