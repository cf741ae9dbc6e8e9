package middleware

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"accountgateway/internal/config"
)

const (
	// MaxAtOnce is how many requests of one caller may be under way.
	MaxAtOnce = 64

	// maxParties is how many callers, or addresses, are counted each by itself.
	maxParties = 10_000
)

// StrangerRate is how many requests without a good token an address may make.
// Behind a proxy all strangers have one address; good tokens don't suffer from it.
var StrangerRate = config.Rate{Calls: 60, Per: time.Minute}

// Limits bound the requests of each of many parties by the same rate. They
// remember a bounded number of parties; those beyond share one allowance.
type Limits struct {
	rate   config.Rate // the zero rate is no bound
	atOnce int         // requests of one party under way; 0: no bound

	mu      sync.Mutex
	parties map[string]*party
	rest    *party // of all that there is no room for
	swept   time.Time
}

// party is one whose requests are counted together. It is used under Limits.mu.
type party struct {
	bucket  *rate.Limiter
	running int
	refused int // since one was last let in
}

// quota is how a party stands.
type quota struct {
	left    int           // requests that it may make now
	more    time.Duration // until it may make one more
	refused int           // that went before this one, which was let in
}

// NewLimits makes limits of so many requests, and so many of one party at once.
func NewLimits(r config.Rate, atOnce int) *Limits {
	l := &Limits{rate: r, atOnce: atOnce, parties: map[string]*party{}}
	l.rest = l.newParty()
	return l
}

func (l *Limits) newParty() *party {
	if l.rate.Calls == 0 {
		return &party{bucket: rate.NewLimiter(rate.Inf, 0)}
	}
	return &party{bucket: rate.NewLimiter(rate.Limit(float64(l.rate.Calls)/l.rate.Per.Seconds()), l.rate.Calls)}
}

// begin lets a request in or fails with too_many_requests. Who was let in calls
// end.
func (l *Limits) begin(name string, now time.Time) (*party, quota, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.of(name, now)
	if l.atOnce > 0 && p.running >= l.atOnce {
		p.refused++
		return nil, l.quota(p, now), &Refusal{
			Code: CodeTooManyRequests, RetryAfter: time.Second,
			Detail: "this caller's limit of " + strconv.Itoa(l.atOnce) + " concurrent requests is reached",
		}
	}
	if !p.bucket.AllowN(now, 1) {
		p.refused++
		q := l.quota(p, now)
		return nil, q, &Refusal{Code: CodeTooManyRequests, RetryAfter: q.more, Detail: "rate limit of " + l.rate.String() + " requests exceeded"}
	}
	q := l.quota(p, now)
	q.refused, p.refused = p.refused, 0
	p.running++
	return p, q, nil
}

// end takes note that a request which begin let in is over; nil: none was counted.
func (l *Limits) end(p *party) {
	if p == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p.running--
}

func (l *Limits) of(name string, now time.Time) *party {
	if p, ok := l.parties[name]; ok {
		return p
	}
	if len(l.parties) >= maxParties {
		l.sweep(now)
	}
	if len(l.parties) >= maxParties {
		return l.rest
	}
	p := l.newParty()
	l.parties[name] = p
	return p
}

// sweep forgets, at most once a second, the parties that stand as a new one would.
func (l *Limits) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for name, p := range l.parties {
		if p.running == 0 && p.bucket.TokensAt(now) >= float64(l.rate.Calls) {
			l.rest.refused += p.refused
			delete(l.parties, name)
		}
	}
}

func (l *Limits) quota(p *party, now time.Time) quota {
	if l.rate.Calls == 0 {
		return quota{}
	}
	tokens := max(p.bucket.TokensAt(now), 0)
	left := int(tokens)
	return quota{left: left, more: time.Duration((float64(left+1) - tokens) / float64(p.bucket.Limit()) * float64(time.Second))}
}

// policy is the header RateLimit-Policy, nil for no bound (the IETF's draft
// httpapi-ratelimit-headers: q requests in w seconds).
func (l *Limits) policy() []string {
	if l.rate.Calls == 0 {
		return nil
	}
	return []string{`"caller";q=` + strconv.Itoa(l.rate.Calls) + ";w=" + strconv.FormatInt(wholeSeconds(l.rate.Per), 10)}
}

// tellQuota sets the header RateLimit: r requests may be made now, and one more
// in t seconds.
func (a *Auth) tellQuota(n *Request, q quota) {
	if a.policy == nil {
		return
	}
	b := make([]byte, 0, 48)
	b = append(b, `"caller";r=`...)
	b = strconv.AppendInt(b, int64(q.left), 10)
	b = append(b, ";t="...)
	b = strconv.AppendInt(b, wholeSeconds(q.more), 10)
	n.quotaValue[0] = string(b)
	h := n.Header()
	h["Ratelimit"], h["Ratelimit-Policy"] = n.quotaValue[:], a.policy
}

// wholeSeconds gives whole seconds, rounded up, one at least.
func wholeSeconds(d time.Duration) int64 { return max(1, int64((d+time.Second-1)/time.Second)) }

// TakeFor counts a request by the network that it comes from.
func (l *Limits) TakeFor(r *http.Request) error {
	p, _, err := l.begin(network(r), time.Now())
	if err != nil {
		return err
	}
	l.end(p)
	return nil
}

// PerNetwork bounds the requests that come from one network.
func (l *Limits) PerNetwork(fail Fail) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := l.TakeFor(r); err != nil {
				fail(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// address is where a request comes from; "" if that is not known. What proxies
// say of it is not believed: anybody can say it.
func address(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().WithZone("").String()
}

// network is what strangers are counted by: the address, or of IPv6 the /64
// that one host has.
func network(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return ""
	}
	return prefix.String()
}
