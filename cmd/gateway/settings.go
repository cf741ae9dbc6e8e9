package main

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/config"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider/registry"
	"accountgateway/internal/store"
)

// settings are the gateway's own; each vendor account has more, read by its
// adapter's Config (internal/provider/registry).
type settings struct {
	Addr             string           `envconfig:"ADDR" default:"127.0.0.1:8080" desc:"listen address"`
	MetricsAddr      string           `envconfig:"METRICS_ADDR" desc:"separate listen address for /metrics and health checks"`
	Accounts         string           `envconfig:"ACCOUNTS" desc:"accounts, comma-separated, each name or name=provider"`
	VendorsDir       config.Path      `envconfig:"VENDORS_DIR" desc:"directory with your own vendor files"`
	Auth             string           `envconfig:"AUTH" default:"token" oneof:"token|none" desc:"token, or none; none is allowed only on a loopback address"`
	DatabaseURL      config.Secret    `envconfig:"DATABASE_URL" default:"sqlite:gateway.db" desc:"sqlite:FILE, sqlite::memory:, or postgres://… for several replicas" shown:"url"`
	BalanceTTL       time.Duration    `envconfig:"BALANCE_TTL" default:"60s" desc:"how long a balance is fresh"`
	StatisticsTTL    time.Duration    `envconfig:"STATISTICS_TTL" default:"5m" desc:"how long statistics are fresh"`
	UsersTTL         time.Duration    `envconfig:"USERS_TTL" default:"5m" desc:"how long users are fresh"`
	StaleIfError     time.Duration    `envconfig:"STALE_IF_ERROR" default:"24h" desc:"maximum age of a reading served when the vendor fails"`
	CallerRate       config.Rate      `envconfig:"CALLER_RATE" default:"600/1m" desc:"requests allowed per token; 0 = no limit"`
	RefreshInterval  time.Duration    `envconfig:"REFRESH_INTERVAL" default:"5m" desc:"interval of background readings for metrics and history; 0 = off"`
	HistoryRetention time.Duration    `envconfig:"HISTORY_RETENTION" default:"9600h" desc:"how long the balance history is kept"`
	StoreUsers       bool             `envconfig:"STORE_USERS" default:"false" desc:"also store readings of users, which are personal data, in the database"`
	ProviderTimeout  time.Duration    `envconfig:"PROVIDER_TIMEOUT" default:"10s" desc:"timeout of one vendor call, including retries"`
	NotifyURL        config.Secret    `envconfig:"NOTIFY_URL" desc:"where alerts are sent: service URLs of shoutrrr, with spaces or line ends between them"`
	NotifyRepeat     time.Duration    `envconfig:"NOTIFY_REPEAT" default:"24h" desc:"how often an open alert is sent again, at least 1m; 0 = once"`
	PublicURL        config.PublicURL `envconfig:"PUBLIC_URL" desc:"address where people reach the operator's page, for links in notifications and commands on the page"`
	LogLevel         string           `envconfig:"LOG_LEVEL" default:"info" oneof:"debug|info|warn|error" desc:"debug, info, warn or error"`
	LogFormat        string           `envconfig:"LOG_FORMAT" default:"json" oneof:"json|console" desc:"json or console"`
	TLSCert          config.Path      `envconfig:"TLS_CERT" desc:"file with the TLS certificate chain, the server's own certificate first; reloaded when it changes"`
	TLSKey           config.Path      `envconfig:"TLS_KEY" desc:"file with the private key of TLS_CERT"`
	TLSClientCA      config.Path      `envconfig:"TLS_CLIENT_CA" desc:"file with CA certificates; callers must then present a certificate signed by one of them"`
}

// spendingSettings guard an account's refills; every vendor's accounts have
// them.
type spendingSettings struct {
	Max      operation.SpendingLimit `envconfig:"REFILL_MAX" desc:"maximum amount of one refill, e.g. 500 USD, 20000 RUB"`
	DailyMax operation.SpendingLimit `envconfig:"REFILL_DAILY_MAX" desc:"maximum total amount of all refills in 24 hours"`
}

// alertSettings say when an account's money is low; every vendor's accounts have
// them.
type alertSettings struct {
	BalanceLow alert.Threshold `envconfig:"BALANCE_LOW" desc:"balance at or below which balance_low is raised, e.g. 500 (in the balance's currency) or 500 RUB"`
	DaysLow    int             `envconfig:"DAYS_LOW" default:"7" desc:"days that the money must last, or runs_out_soon is raised; 0 = off"`
}

// maxDaysLow is ten years: nobody looks further ahead.
const maxDaysLow = 3650

// readLimits reads an account's thresholds. Faults are left in r.
func readLimits(r *config.Reader, prefix string) alert.Limits {
	var s alertSettings
	r.Into(prefix, &s)
	if name := prefix + "_DAYS_LOW"; (s.DaysLow < 0 || s.DaysLow > maxDaysLow) && !r.Faulty(name) {
		r.Fault(name, "must be between 0 and %d, not %d", maxDaysLow, s.DaysLow)
	}
	return alert.Limits{BalanceLow: s.BalanceLow, DaysLow: time.Duration(s.DaysLow) * 24 * time.Hour}
}

// accountSetting is one entry of GATEWAY_ACCOUNTS.
type accountSetting struct {
	name, vendor string
	of           registry.Vendor // what the name of the vendor means
}

// prefix is what the account's own settings begin with.
func (a accountSetting) prefix() string {
	return config.Prefix(a.name)
}

// readSettings reads the gateway's own settings, the vendors that there are, and
// the list of accounts. Faults are left in r.
func readSettings(r *config.Reader) (settings, registry.Set, []accountSetting) {
	var s settings
	r.Into("GATEWAY", &s)
	atLeast(r, "GATEWAY_PROVIDER_TIMEOUT", s.ProviderTimeout, time.Millisecond)
	atLeast(r, "GATEWAY_BALANCE_TTL", s.BalanceTTL, 0)
	atLeast(r, "GATEWAY_STATISTICS_TTL", s.StatisticsTTL, 0)
	atLeast(r, "GATEWAY_USERS_TTL", s.UsersTTL, 0)
	atLeast(r, "GATEWAY_STALE_IF_ERROR", s.StaleIfError, 0)
	atLeast(r, "GATEWAY_HISTORY_RETENTION", s.HistoryRetention, time.Hour)
	if s.RefreshInterval != 0 {
		atLeast(r, "GATEWAY_REFRESH_INTERVAL", s.RefreshInterval, time.Second)
	}
	if s.NotifyRepeat != 0 {
		atLeast(r, "GATEWAY_NOTIFY_REPEAT", s.NotifyRepeat, time.Minute)
	}
	checkDatabaseURL(r, string(s.DatabaseURL))
	checkAddr(r, "GATEWAY_ADDR", s.Addr)
	if s.MetricsAddr != "" {
		checkAddr(r, "GATEWAY_METRICS_ADDR", s.MetricsAddr)
		if _, port, _ := net.SplitHostPort(s.Addr); s.MetricsAddr == s.Addr && port != "0" {
			r.Fault("GATEWAY_METRICS_ADDR", "must differ from GATEWAY_ADDR; unset it to serve both on one address")
		}
	}
	known := readVendors(r, s.VendorsDir)
	return s, known, readAccounts(r, known, s.Accounts)
}

// checkAuth refuses to serve unguarded where others could reach it.
func (s settings) checkAuth(r *config.Reader) {
	host, _, _ := net.SplitHostPort(s.Addr)
	if s.Auth == "none" && !config.IsLoopback(host) && !r.Faulty("GATEWAY_ADDR") {
		r.Fault("GATEWAY_AUTH", "none is allowed only on a loopback address; GATEWAY_ADDR is %s", s.Addr)
	}
}

var accountName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// readVendors finds all vendors that there are. Faults of their files are left
// in r.
func readVendors(r *config.Reader, folder config.Path) registry.Set {
	known, err := registry.All(string(folder))
	if err != nil {
		r.Fault("GATEWAY_VENDORS_DIR", "there are files that can't be used:\n%v", err)
	}
	return known
}

// readAccounts reads "regru,shop=selzy"; from an empty list, the vendors that
// the gateway brings along and whose credentials are set.
func readAccounts(r *config.Reader, known registry.Set, list string) []accountSetting {
	const name = "GATEWAY_ACCOUNTS"
	var accounts []accountSetting
	if list == "" {
		var names, own []string
		for _, vendor := range known.Names() {
			if !slices.ContainsFunc(known[vendor].Credentials, func(c string) bool {
				return r.Set(config.Prefix(vendor) + "_" + c)
			}) {
				continue
			}
			if known[vendor].Own {
				own = append(own, vendor)
				continue
			}
			accounts = append(accounts, accountSetting{name: vendor, vendor: vendor, of: known[vendor]})
			names = append(names, vendor)
		}
		switch {
		case len(accounts) > 0 || r.Faulty("GATEWAY_VENDORS_DIR"): // the account may be of a file that can't be used
		case len(own) > 0:
			all := strings.Join(own, ",")
			r.Fault(name, "no account is configured: your vendor files (%s) open no account by themselves; set GATEWAY_ACCOUNTS=%s", all, all)
		default:
			r.Fault(name, "no account is configured: set REGRU_USERNAME and REGRU_PASSWORD, or SELZY_API_KEY, "+
				"or what another vendor needs: gateway vendor list, gateway vendor show NAME (or try: gateway demo)")
		}
		r.Derived(name, strings.Join(names, ","), "configured credentials")
		return accounts
	}
	listed := map[string]bool{}
	for entry := range strings.SplitSeq(list, ",") {
		a := accountSetting{}
		var named bool
		a.name, a.vendor, named = strings.Cut(strings.TrimSpace(entry), "=")
		if !named {
			a.vendor = a.name
		}
		a.of = known[a.vendor]
		switch {
		case !accountName.MatchString(a.name):
			r.Fault(name, "invalid account name %q: must be at most 63 lower-case letters, digits and inner hyphens", a.name)
		case reserved(a.name):
			r.Fault(name, "account name %q is reserved: its settings would clash with the gateway's own", a.name)
		case a.of.Open == nil:
			r.Fault(name, "account %s: unknown provider %q; %s", a.name, a.vendor, instead(r, known, a.vendor))
		case strings.HasSuffix(a.name, "-ip") && known[strings.TrimSuffix(a.name, "-ip")].Open != nil:
			r.Fault(name, "account name %q is reserved: %s_RATE is a vendor-wide setting", a.name, a.prefix())
		case listed[a.name]:
			r.Fault(name, "account %s is listed twice", a.name)
		default:
			listed[a.name] = true
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// instead is what to do about a vendor that is unknown.
func instead(r *config.Reader, known registry.Set, vendor string) string {
	near := config.Near(vendor, known.Names())
	switch {
	case r.Faulty("GATEWAY_VENDORS_DIR"):
		return "it may be in a file that can't be used"
	case near != "":
		return "did you mean " + near + "?"
	case r.Set("GATEWAY_VENDORS_DIR"):
		return "gateway vendor list prints all, those in GATEWAY_VENDORS_DIR too"
	}
	return "gateway vendor list prints all; a file of your own needs GATEWAY_VENDORS_DIR, which is not set"
}

// reserved are account names whose settings would begin with GATEWAY_ or OTEL_.
func reserved(account string) bool {
	first, _, _ := strings.Cut(account, "-")
	return first == "gateway" || first == "otel"
}

func atLeast(r *config.Reader, name string, d, least time.Duration) {
	if d < least && !r.Faulty(name) {
		r.Fault(name, "must be at least %s, not %s", least, d)
	}
}

// inMemory tells whether the database is a process's own and ends with it.
func inMemory(url string) bool { return url == "sqlite::memory:" || url == "sqlite://:memory:" }

func checkDatabaseURL(r *config.Reader, url string) {
	if err := store.CheckURL(url); err != nil {
		r.Fault("GATEWAY_DATABASE_URL", "%v", err)
	}
}

func checkAddr(r *config.Reader, name, addr string) {
	_, port, err := net.SplitHostPort(addr)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		r.Fault(name, "must be host:port, e.g. 127.0.0.1:8080, not %q", addr)
	}
}
