//go:build !race

// The commands run in processes of their own, which the race detector does not
// see: one run is enough.

package doctest

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"accountgateway/internal/simulator"
)

// TestCommands runs the commands of every document.
func TestCommands(t *testing.T) {
	t.Parallel()
	for _, path := range documents(t) {
		var commands []command
		for _, b := range blocksOf(read(t, path)) {
			if b.language == "sh" || b.language == "console" {
				commands = append(commands, commandsOf(b)...)
			}
		}
		if len(commands) == 0 {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			s := newSession(t, program(t))
			if prepare, ok := prepared[filepath.Base(path)]; ok {
				prepare(s)
			}
			for _, c := range commands {
				s.obey(path, c)
			}
		})
	}
}

// prepared is what must be there before the commands of a document make sense.
var prepared = map[string]func(*session){"runbook.md": prepareRunbook}

// prepareRunbook begins a gateway with a token that may do all that the runbook
// does, and with two refills with an unknown outcome.
func prepareRunbook(s *session) {
	s.t.Helper()
	must := func(text string) string {
		status, printed := s.run(text)
		if status != "0" {
			s.t.Fatalf("%s: exit status %s: %s", text, status, printed)
		}
		return printed
	}
	must("export REGRU_USERNAME=YOUR_LOGIN REGRU_PASSWORD=YOUR_PASSWORD SELZY_API_KEY=YOUR_KEY")
	must("gateway serve")
	token := random.FindString(must("gateway token create --name runbook --scopes read,operations:read,refills:write --accounts '*'"))
	s.names["gw_…"] = token
	if err := s.regru.Control.Inject(simulator.Fault{Kind: simulator.KindResetAfter, Operation: "user/refill_balance", Times: 2}); err != nil {
		s.t.Fatal(err)
	}
	for key, amount := range map[string]string{"first": "100.00", "second": "200.00"} {
		made := s.until("curl -s -H 'Authorization: Bearer "+token+"' -H 'Idempotency-Key: "+key+"' -H 'Content-Type: application/json' "+
			`-d '{"method":"yandex_money","amount":"`+amount+`","currency":"RUB"}' http://127.0.0.1:8080/accounts/regru/refills`, `"state":"unknown"`)
		s.unknown = append(s.unknown, random.FindString(made))
	}
}

// until runs a command until it prints a text: a new token takes a second to be
// known.
func (s *session) until(text, want string) string {
	s.t.Helper()
	var printed string
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if until(ctx, func() bool { _, printed = s.run(text); return strings.Contains(printed, want) }) != nil {
		s.t.Fatalf("%s\nprints\n%s\nand not %s", text, printed, want)
	}
	return printed
}
