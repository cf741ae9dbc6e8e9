package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Secret is a text that prints as "[redacted]" wherever it is formatted or
// encoded. Convert it to string to use it.
type Secret string

// Secrets are the values of all fields of type Secret in a struct of settings.
func Secrets(settings any) []string {
	var secrets []string
	for _, value := range reflect.ValueOf(settings).Fields() {
		if secret, ok := value.Interface().(Secret); ok {
			secrets = append(secrets, string(secret))
		}
	}
	return secrets
}

const redacted = "[redacted]"

func (Secret) String() string   { return redacted }
func (Secret) GoString() string { return redacted }

// MarshalText redacts the secret in JSON and other encodings.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Path is the name of a file that somebody else reads. It has no NAME_FILE.
type Path string

// UnmarshalText refuses what can't be a file's name, so that a key given in
// its place is not shown as one.
func (p *Path) UnmarshalText(text []byte) error {
	if strings.ContainsAny(string(text), "\r\n") {
		return fmt.Errorf("must be a file name, not the file's content")
	}
	*p = Path(text)
	return nil
}

// errDuration holds no value, which may be a secret in the wrong place.
var errDuration = errors.New("must be a duration, e.g. 30s, 5m or 30d")

// ParseDuration reads a duration as time.ParseDuration does, and days before
// it: "30d", "1d12h". A day is 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 16) // 2^16 days are less than 2^63 ns
	if err != nil {
		return 0, errDuration
	}
	var d time.Duration
	if rest != "" || !ok {
		if d, err = time.ParseDuration(rest); err != nil || ok && d < 0 {
			return 0, errDuration
		}
	}
	sum := time.Duration(n)*24*time.Hour + d
	if ok && sum < d {
		return 0, errDuration
	}
	return sum, nil
}

// Rate is a number of calls in a span of time, written "1200/1h".
// The zero value means no limit and is written "0".
type Rate struct {
	Calls int
	Per   time.Duration
}

// UnmarshalText reads "1200/1h" or "0".
func (r *Rate) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*r = Rate{}
		return nil
	}
	calls, per, ok := strings.Cut(string(text), "/")
	n, err := strconv.Atoi(calls)
	if !ok || err != nil || n < 1 || calls[0] == '+' {
		return fmt.Errorf("must be calls/duration, e.g. 1200/1h, or 0")
	}
	d, err := ParseDuration(per)
	if err != nil || d <= 0 {
		return fmt.Errorf("must be calls/duration, e.g. 1200/1h, or 0")
	}
	*r = Rate{Calls: n, Per: d}
	return nil
}

func (r Rate) String() string {
	if r == (Rate{}) {
		return "0"
	}
	per := r.Per.String() // 1h0m0s
	if strings.HasSuffix(per, "m0s") {
		per = strings.TrimSuffix(per, "0s")
	}
	if strings.HasSuffix(per, "h0m") {
		per = strings.TrimSuffix(per, "0m")
	}
	return strconv.Itoa(r.Calls) + "/" + per
}

// BaseURL is where a vendor is reached: an https URL without query, fragment
// or credentials. Plain http is allowed only for loopback addresses, because
// vendor credentials travel in the body.
type BaseURL struct{ url.URL }

// UnmarshalText reads and checks the URL.
func (b *BaseURL) UnmarshalText(text []byte) error {
	u, err := url.Parse(strings.TrimRight(string(text), "/"))
	bare := !strings.ContainsAny(string(text), "?#") // an empty query too would take in the paths behind it
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("must be an absolute URL, e.g. https://host/path")
	case u.User != nil || !bare:
		return fmt.Errorf("must be a URL without user, query and fragment")
	case u.Scheme == "https", u.Scheme == "http" && IsLoopback(u.Hostname()):
		b.URL = *u
		return nil
	}
	return fmt.Errorf("must be an https URL (http is allowed only for loopback addresses)")
}

func (b BaseURL) String() string { return b.URL.String() }

// PublicURL is where people reach a server: an http or https URL that more can be
// put behind.
type PublicURL struct{ url.URL }

// UnmarshalText reads and checks the URL.
func (p *PublicURL) UnmarshalText(text []byte) error {
	u, err := url.Parse(strings.TrimRight(string(text), "/"))
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must be an absolute http or https URL, e.g. https://gateway.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(string(text), "#"):
		return errors.New("must be a URL without user, query and fragment")
	}
	p.URL = *u
	return nil
}

// String is the URL without a slash at its end; "" if there is none.
func (p PublicURL) String() string { return p.URL.String() }

// IsLoopback tells whether a host is this machine and nothing else.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
