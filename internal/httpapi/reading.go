package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

// met is how a request for a reading was met.
type met struct {
	age    int64          // the header Age
	ttl    int64          // for how many seconds it stays fresh, negative once it is stale
	asked  account.Reason // "" if the vendor was not asked
	source account.Source
	err    error // why it is an old one
}

// metBy rounds so that nothing looks fresher than it is: ages up, what is left
// of the freshness down. But what took less than a second to ask for is 0
// seconds old, not 1.
func metBy[T any](r account.Reading[T]) met {
	m := met{age: account.Seconds(r.Age), ttl: floor(r.TTL), asked: r.Asked, source: r.Source, err: r.Err}
	if r.Asked != "" && r.Age < time.Second {
		m.age = 0
	}
	return m
}

// keep makes the body of a reading and its tag, and keeps them at a place, if
// there is one, for the next who asks.
func keep(at *atomic.Pointer[account.Presentation], body any) (*account.Presentation, error) {
	data, err := marshal(body)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	p := &account.Presentation{Body: data, Tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
	if at != nil {
		at.Store(p)
	}
	return p, nil
}

// reading answers with a reading, unless the caller has just that already.
func (s *server) reading(r *http.Request, op provider.Operation, m met, p *account.Presentation) reply {
	a := reply{
		status: http.StatusOK, contentType: jsonType, body: p.Body, tag: p.Tag,
		age: strconv.FormatInt(m.age, 10), cacheStatus: cacheStatus(m), cacheControl: s.cacheControl[op],
	}
	if m.err != nil {
		middleware.Of(r.Context()).Err = m.err
	}
	if middleware.Matches(r.Header["If-None-Match"], p.Tag) {
		a.status, a.contentType, a.body = http.StatusNotModified, nil, nil
	}
	return a
}

// cacheControl is what answers say of how long they may be kept.
func cacheControl(l account.Limits) []string {
	return []string{"private, max-age=" + strconv.Itoa(int(l.TTL/time.Second)) +
		", stale-if-error=" + strconv.Itoa(int(l.StaleIfError/time.Second))}
}

// cacheStatus is the header Cache-Status (RFC 9211).
func cacheStatus(m met) string {
	b := make([]byte, 0, 96)
	if m.asked == "" {
		b = append(b, "gateway; hit; ttl="...)
	} else {
		b = append(b, "gateway; fwd="...)
		b = append(b, m.asked...)
		b = append(b, "; stored; ttl="...)
	}
	b = strconv.AppendInt(b, m.ttl, 10)
	if m.source == account.Collapsed {
		b = append(b, "; collapsed"...)
	}
	if m.err != nil {
		p, _ := describe(m.err)
		b = append(b, "; detail="...)
		b = append(b, p.Code...)
	}
	return string(b)
}

// floor gives whole seconds, rounded down.
func floor(d time.Duration) int64 {
	whole := int64(d / time.Second)
	if d%time.Second < 0 {
		whole--
	}
	return whole
}
