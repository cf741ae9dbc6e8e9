package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/config"
)

func TestNear(t *testing.T) {
	known := []string{
		"GATEWAY_ADDR", "GATEWAY_AUTH", "GATEWAY_BALANCE_TTL", "GATEWAY_USERS_TTL", "GATEWAY_DATABASE_URL", "GATEWAY_DATABASE_URL_FILE", "GATEWAY_LOG_LEVEL",
		"SELZY_API_KEY", "SHOP_1_RATE", "SHOP_1_REFILL_MAX",
	}
	for name, want := range map[string]string{
		"GATEWAY_BALANCE_TLL":       "GATEWAY_BALANCE_TTL",
		"GATEWAY_BALANCETTL":        "GATEWAY_BALANCE_TTL",
		"GATEWAY_TTL_BALANCE":       "GATEWAY_BALANCE_TTL",
		"gateway_balance_ttl":       "GATEWAY_BALANCE_TTL",
		"GATEWAY_BALLANSE_TTL":      "GATEWAY_BALANCE_TTL",
		"GATEWAY_USER_TTL":          "GATEWAY_USERS_TTL",
		"GATWAY_ADDR":               "GATEWAY_ADDR",
		"GATEWAY_ADR":               "GATEWAY_ADDR",
		"GATEWAY_DATABASE_URL_FIEL": "GATEWAY_DATABASE_URL_FILE",
		"GATEWAY_LOGLEVEL":          "GATEWAY_LOG_LEVEL",
		"SELZY_APIKEY":              "SELZY_API_KEY",
		"SELZY-API-KEY":             "SELZY_API_KEY",
		"SHOP_1_REFIL_MAX":          "SHOP_1_REFILL_MAX",
		"SHOP_2_RATE":               "", // another account's
		"SHOP_1_NAME":               "",
		"GATEWAY_PATH":              "",
		"GATEWAY_HOME":              "",
		"GATEWAY_VERSION":           "",
		"GATEWAY":                   "",
		"PATH":                      "",
		"":                          "",
	} {
		if got := config.Near(name, known); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestServiceVariables(t *testing.T) {
	for line, want := range map[[2]string]bool{
		{"GATEWAY_PORT", "tcp://10.0.0.1:80"}:               true,
		{"GATEWAY_PORT", "udp://10.0.0.1:80"}:               true,
		{"GATEWAY_PORT", "8080"}:                            false, // somebody believes that it sets the port
		{"GATEWAY_SERVICE_HOST", "10.0.0.1"}:                true,
		{"GATEWAY_SERVICE_PORT", "80"}:                      true,
		{"GATEWAY_SERVICE_PORT_HTTP", "80"}:                 true,
		{"GATEWAY_PORT_8080_TCP", "tcp://10.0.0.1:8080"}:    true,
		{"GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.1"}:          true,
		{"GATEWAY_PORT_8080_TCP_PORT", "8080"}:              true,
		{"GATEWAY_PORT_8080_TCP_PROTO", "tcp"}:              true,
		{"GATEWAY_METRICS_PORT", "tcp://[fd00::1]:80"}:      true,
		{"REGRU_SERVICE_HOST", "10.0.0.1"}:                  true,
		{"MY_SHOP_PORT_53_UDP_ADDR", "10.0.0.1"}:            true,
		{"GATEWAY_ADDR", "10.0.0.1:80"}:                     false,
		{"GATEWAY_SERVICE", "10.0.0.1"}:                     false,
		{"GATEWAY_PORT_TCP", "tcp://10.0.0.1:80"}:           false,
		{"GATEWAY_BALANCE_TTL_SERVICE_HOSTS", "10.0.0.1"}:   false,
		{"GATEWAY_SERVICE_HOST_FILE", "/run/secrets/host"}:  false,
		{"GATEWAY_DATABASE_URL", "postgres://10.0.0.1/x"}:   false,
		{"GATEWAY_PORT_8080_TCP_ADDRESS", "10.0.0.1"}:       false,
		{"GATEWAY_PORT_8080_SCTP", "sctp://10.0.0.1:8080"}:  true,
		{"GATEWAY_PORT_http_TCP_ADDR", "not what it makes"}: false,
	} {
		if got := config.IsServiceVariable(line[0], line[1]); got != want {
			t.Errorf("%s=%s: got %t", line[0], line[1], got)
		}
	}
}

func TestNames(t *testing.T) {
	want := []string{"S_USER", "S_KEY", "S_BASE_URL", "S_RATE", "S_TIMEOUT", "S_COUNT", "S_FLAG", "S_LANG"}
	if diff := cmp.Diff(want, config.Names("S", sample{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
