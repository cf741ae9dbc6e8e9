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

// presentation is a reading as it is sent: its body, and the values of headers.
type presentation struct {
	body []byte
	tag  [1]string // ETag, which changes whenever body does
	ages atomic.Pointer[ages]
}

// ages are the values of headers that tell how old a reading is: all hits within
// a second say the same.
type ages struct {
	age, ttl             int64
	ageText, cacheStatus [1]string
}

// newPresentation makes the presentation of a body.
func newPresentation(body any) (*presentation, error) {
	data, err := marshal(body)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	return &presentation{body: data, tag: [1]string{`"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}}, nil
}

// kept gives the presentation that is kept at a place; else it makes that of a
// body, and keeps it there for the next who asks. With no place, nothing is kept.
func kept(at *atomic.Value, body func() any) (*presentation, error) {
	if at == nil {
		return newPresentation(body())
	}
	if p, ok := at.Load().(*presentation); ok {
		return p, nil
	}
	p, err := newPresentation(body())
	if err == nil {
		at.Store(p)
	}
	return p, err
}

// tell gives the values of the headers Age and Cache-Status.
func (p *presentation) tell(m met) (age, status []string) {
	hit := m.asked == "" && m.err == nil
	a := p.ages.Load()
	if !hit || a == nil || a.age != m.age || a.ttl != m.ttl {
		a = &ages{age: m.age, ttl: m.ttl, ageText: [1]string{strconv.FormatInt(m.age, 10)}, cacheStatus: [1]string{cacheStatus(m)}}
		if hit {
			p.ages.Store(a)
		}
	}
	return a.ageText[:], a.cacheStatus[:]
}

// reading answers with a reading, unless the caller has just that already.
func (s *server) reading(r *http.Request, op provider.Operation, m met, p *presentation) reply {
	a := reply{
		status: http.StatusOK, contentType: jsonType, body: p.body, tag: p.tag[:], cacheControl: s.cacheControl[op],
	}
	a.age, a.cacheStatus = p.tell(m)
	if m.err != nil {
		middleware.Of(r.Context()).Err = m.err
	}
	if middleware.Matches(r.Header["If-None-Match"], p.tag[0]) {
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
