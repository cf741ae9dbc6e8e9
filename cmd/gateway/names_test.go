package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMisspelt: a misspelt setting never passes for one that is in force.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	const nearly = "?"
	tests := []struct {
		name     string
		settings []string // laid over oneAccount's
		faults   []string
		ignored  []string // "name: why"
	}{
		{"the issue's", []string{"GATEWAY_BALANCE_TLL=5s"}, []string{"GATEWAY_BALANCE_TLL: unknown setting; did you mean GATEWAY_BALANCE_TTL" + nearly}, nil},
		{"file", []string{"SELZY_APIKEY_FILE=/run/secrets/hush"}, []string{"SELZY_APIKEY_FILE: unknown setting; did you mean SELZY_API_KEY_FILE" + nearly}, nil},
		{"an account's", []string{"GATEWAY_ACCOUNTS=selzy,my-shop=selzy", "MY_SHOP_API_KEY=hush", "MY_SHOP_REFIL_MAX=hush", "SELZY_LNAG=ru"},
			[]string{"MY_SHOP_REFIL_MAX: unknown setting; did you mean MY_SHOP_REFILL_MAX" + nearly, "SELZY_LNAG: unknown setting; did you mean SELZY_LANG" + nearly}, nil},
		{"an account's thresholds", []string{"SELZY_BALANCE_LOWE=5", "SELZY_DAY_LOW=5"}, []string{
			"SELZY_BALANCE_LOWE: unknown setting; did you mean SELZY_BALANCE_LOW" + nearly, "SELZY_DAY_LOW: unknown setting; did you mean SELZY_DAYS_LOW" + nearly,
		}, nil},
		{"the prefix", []string{"GATWAY_CALLER_RATE=5/1s", "SELZZY_REFILL_MAX=5"}, []string{"GATWAY_CALLER_RATE: unknown setting; did you mean GATEWAY_CALLER_RATE" + nearly},
			[]string{"SELZZY_REFILL_MAX: unknown setting; did you mean SELZY_REFILL_MAX?"}},
		{"a vendor without an account", []string{"UNISENDER_APIKEY=1"}, []string{"UNISENDER_APIKEY: unknown setting; did you mean UNISENDER_API_KEY" + nearly}, nil},
		{"a vendor without an account, nothing else", []string{"GATEWAY_ACCOUNTS=", "SELZY_API_KEY=", "SELZY_BASE_URL=", "UNISENDER_APIKEY=1"}, []string{
			"GATEWAY_ACCOUNTS: no account is configured: set REGRU_USERNAME and REGRU_PASSWORD, or SELZY_API_KEY, or what another vendor needs: gateway vendor list, gateway vendor show NAME (or try: gateway demo)",
			"UNISENDER_APIKEY: unknown setting; did you mean UNISENDER_API_KEY" + nearly,
		}, nil},
		{"half of the credentials", []string{"REGRU_PASSWORD=hush"}, []string{"REGRU_PASSWORD: is set, but REGRU_USERNAME is not; there is no account regru"}, nil},
		{"half of the credentials, by a file", []string{"REGRU_USERNAME_FILE=/hush"},
			[]string{"REGRU_USERNAME: is set, but REGRU_PASSWORD is not; there is no account regru"}, nil},
		{"half of the credentials, without a list", []string{"GATEWAY_ACCOUNTS=", "REGRU_PASSWORD=hush"}, []string{"REGRU_USERNAME: is not set"}, nil},
		{"whole credentials that are not listed", []string{"REGRU_USERNAME=u", "REGRU_PASSWORD=hush", "UNISENDER_LANG=ru"}, nil,
			[]string{"REGRU_USERNAME: there is no account regru", "REGRU_PASSWORD: there is no account regru", "UNISENDER_LANG: there is no account unisender"}},
		{"what all accounts of a vendor share", []string{
			"GATEWAY_ACCOUNTS=selzy,shop=regru", "SHOP_USERNAME=u", "SHOP_PASSWORD=hush", "REGRU_IP_RATE=5/1h", "UNISENDER_IP_RATE=5/1m",
		}, nil, []string{"UNISENDER_IP_RATE: there is no account unisender"}},
		{"far from all", []string{"GATEWAY_COLOUR=red", "SELZY_SENDER_NAME=hush", "REGRU_CONTRACT=hush", "PORT=80", "HOME=/hush"}, nil,
			[]string{"GATEWAY_COLOUR: unknown setting", "REGRU_CONTRACT: unknown setting", "SELZY_SENDER_NAME: unknown setting"}},
		{"beside a fault", []string{"GATEWAY_ACCOUNTS=regru", "REGRU_PASSWORD=hush", "REGRU_USER=u", "SELZY_API_KEY=", "SELZY_BASE_URL="},
			[]string{"REGRU_USERNAME: is not set"}, []string{"REGRU_USER: unknown setting"}},
		{"empty", []string{"GATEWAY_BALANCE_TLL=", "REGRU_PASSWORD="}, nil, nil},
		{"Kubernetes", []string{
			"GATEWAY_PORT=tcp://10.0.0.1:80", "GATEWAY_SERVICE_HOST=10.0.0.1", "GATEWAY_SERVICE_PORT=80", "GATEWAY_SERVICE_PORT_HTTP=80", "GATEWAY_PORT_8080_TCP=tcp://10.0.0.1:80",
			"GATEWAY_PORT_8080_TCP_PROTO=tcp", "GATEWAY_PORT_8080_TCP_ADDR=10.0.0.1", "GATEWAY_METRICS_PORT=tcp://10.0.0.1:80", "SELZY_SERVICE_HOST=10.0.0.1", "REGRU_SERVICE_HOST=10.0.0.1",
		}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings := with(oneAccount(), tt.settings...)
			for _, command := range []string{"serve", "check --settings"} {
				var status int
				var stderr string
				if command == "serve" && tt.faults == nil {
					p := serving(t, settings)
					status, stderr = p.stop(), p.stderr.String()
				} else {
					status, _, stderr = complete(t, settings, strings.Fields(command)...)
				}
				if want := map[bool]int{true: 0, false: 2}[tt.faults == nil]; status != want {
					t.Errorf("%s: exit status %d, want %d", command, status, want)
				}
				if diff := cmp.Diff(tt.faults, faultsSaid(stderr)); diff != "" {
					t.Errorf("%s: faults (-want +got):\n%s", command, diff)
				}
				if diff := cmp.Diff(tt.ignored, ignoredSaid(stderr)); diff != "" {
					t.Errorf("%s: ignored (-want +got):\n%s", command, diff)
				}
				if strings.Contains(stderr, "hush") {
					t.Errorf("%s: a value is in %s", command, stderr)
				}
			}
		})
	}
}

// faultsSaid are the faults that a command has written.
func faultsSaid(stderr string) (faults []string) {
	_, text, _ := strings.Cut(stderr, "invalid configuration:\n")
	for line := range strings.Lines(text) {
		if strings.Contains(line, "also ignored:") {
			break
		}
		faults = append(faults, strings.TrimSpace(line))
	}
	return faults
}

// ignoredSaid are the variables that a command has said it ignores: in the log,
// in lines of its own, or below the faults.
func ignoredSaid(stderr string) (all []string) {
	below := false
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		_, name, logged := strings.Cut(line, `"setting":"`)
		own, said := strings.CutPrefix(line, "gateway check: ")
		switch {
		case below:
			all = append(all, line)
		case strings.Contains(line, "also ignored:"):
			below = true
		case logged && strings.Contains(line, `"level":"warn"`):
			name, _, _ = strings.Cut(name, `"`)
			_, why, _ := strings.Cut(line, "setting ignored: ")
			all = append(all, name+": "+strings.TrimSuffix(why, `"}`))
		case said:
			all = append(all, strings.Replace(own, " is ignored: ", ": ", 1))
		}
	}
	return all
}

// TestMisspeltDatabase: a command does not go to the default database because
// the name of the setting is misspelt.
func TestMisspeltDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"GATEWAY_DATABASE_ULR", "GATEWAY_DATABSE_URL_FILE", "GATWAY_DATABASE_URL"} {
		settings := with(tokens(t), name+"=postgres://hush", "GATEWAY_BALANCE_TLL=5s")
		status, _, stderr := complete(t, settings, "token", "list")
		if faults := faultsSaid(stderr); status != 2 || len(faults) != 1 || !strings.HasPrefix(faults[0], name+": unknown setting; did you mean GATEWAY_DATABASE_URL") {
			t.Errorf("%s: exit status %d, wrote %q", name, status, stderr)
		}
	}
}
