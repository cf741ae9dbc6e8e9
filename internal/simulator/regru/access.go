package regru

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// checkTransport applies what holds before the parameters are read (section 1).
func (s *Server) checkTransport(r *http.Request) *apiError {
	get := r.Method == http.MethodGet && s.opts.Profile == Profile2017
	switch {
	case s.opts.HTTPSOnly && r.TLS == nil:
		return fail("HTTPS_ONLY")
	case r.Method != http.MethodPost && !get:
		return fail("ONLY_POST_ALLOWED")
	case r.URL.RawQuery != "" && s.opts.Profile != Profile2017:
		return fail("QUERY_PARAMS_DISALLOWED")
	}
	return nil
}

// authenticate finds the caller's account: credentials, then state, then address, then rate (2.1, 2.3).
// Signatures can't be checked here, so a call with sig has wrong credentials.
func (s *Server) authenticate(c *call, r *http.Request) (*account, *apiError) {
	username, password := c.params.text("username"), c.params.text("password")
	refuse := func(code string) (*account, *apiError) { return nil, fail(code, "command_name", c.function) }
	switch {
	case username == "" && password == "" && s.opts.Profile == Profile2017:
		return refuse("NO_USERNAME")
	case username == "" && password == "":
		return refuse("NO_AUTH")
	case username == "":
		return refuse("NO_USERNAME")
	case password == "" && c.params.text("sig") == "":
		return refuse("NO_AUTH")
	}
	a := s.find(username)
	if a == nil && s.opts.Profile == ProfileCurrent && strings.Contains(username, "@") {
		owners := s.withEmail(username)
		if len(owners) > 1 {
			return refuse("MORE_THAN_ONE_ACCOUNT_WITH_THE_SAME_EMAIL")
		}
		if len(owners) == 1 {
			a = owners[0]
		}
	}
	if a == nil || password == "" || (password != a.Password && password != a.AltPassword) {
		if s.opts.Profile == Profile2017 || s.Control.Quirk(c.function, "password_auth_failed") {
			return refuse("PASSWORD_AUTH_FAILED")
		}
		return refuse("USER_AUTHENTICATION_FAILED")
	}
	if a.Refuse != "" {
		return refuse(a.Refuse)
	}
	if !a.test && !listed(a.AllowedIPs, sourceIP(r)) {
		return refuse("ACCESS_DENIED_FROM_IP")
	}
	if !s.byLogin.allow(a.Login, s.opts.Rate, s.opts.Now()) {
		return refuse("ACCOUNT_EXCEEDED_ALLOWED_CONNECTION_RATE")
	}
	return a, nil
}

func (s *Server) withEmail(email string) []*account {
	var found []*account
	for _, a := range s.accounts {
		if strings.EqualFold(a.Email, email) {
			found = append(found, a)
		}
	}
	return found
}

// sourceIP is the zero Addr if the connection has none.
func sourceIP(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

func listed(ranges []string, addr netip.Addr) bool {
	for _, r := range ranges {
		if p, ok := parseRange(r); ok && p.Contains(addr) {
			return true
		}
	}
	return false
}

// parseRange reads one item of white_list_ips: "192.168.0.1", "192.168.0.0/24", "192.168.0.1/255.255.255.0" or "192.168." (2.1).
func parseRange(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), addr.Zone() == ""
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	if ip, mask, ok := strings.Cut(text, "/"); ok {
		addr, err := netip.ParseAddr(ip)
		ones, bits := net.IPMask(net.ParseIP(mask).To4()).Size()
		if err != nil || !addr.Is4() || bits != 32 {
			return netip.Prefix{}, false
		}
		return netip.PrefixFrom(addr, ones).Masked(), true
	}
	return parsePartial(text)
}

// parsePartial reads "10.", "192.168." and "192.168.1.": the bytes that are left out may be anything.
func parsePartial(text string) (netip.Prefix, bool) {
	head, ok := strings.CutSuffix(text, ".")
	parts := strings.Split(head, ".")
	if !ok || len(parts) > 3 {
		return netip.Prefix{}, false
	}
	var b [4]byte
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return netip.Prefix{}, false
		}
		b[i] = byte(n)
	}
	return netip.PrefixFrom(netip.AddrFrom4(b), 8*len(parts)), true
}

// Rate is a number of calls in a fixed window that starts with its first call (2.4; the window's shape is assumed).
// Calls below 0: no limit.
type Rate struct {
	Calls int
	Per   time.Duration
}

type window struct {
	start time.Time
	calls int
}

type windows map[string]*window

// allow counts a call of key. Calls that are refused count too.
func (ws windows) allow(key string, rate Rate, now time.Time) bool {
	if rate.Calls < 0 {
		return true
	}
	w := ws[key]
	if w == nil || now.Sub(w.start) >= rate.Per {
		w = &window{start: now}
		ws[key] = w
	}
	w.calls++
	return w.calls <= rate.Calls
}
