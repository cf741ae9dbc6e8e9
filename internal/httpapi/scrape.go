package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"accountgateway/internal/config"
	"accountgateway/internal/httpapi/middleware"
)

// scrapeRate is how often one address may scrape. Prometheus does so every 15 s or
// less often, and several may stand behind one address.
var scrapeRate = config.Rate{Calls: 120, Per: time.Minute}

// scrapeFormats are what /metrics can be written in, by preference.
var scrapeFormats = []expfmt.Format{expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtProtoDelim, expfmt.FmtText}

// scrape is what /metrics shows: gzip of all metrics, or why there is nothing.
type scrape struct {
	body []byte
	err  error
}

// metrics serves all metrics to Prometheus. What a scrape costs grows with the
// number of accounts, and anybody who reaches the route may ask. So one at a time is
// made, in each format, and shared for a second.
func (s *server) metrics() http.Handler {
	formats := map[expfmt.FormatType]*shared[scrape]{}
	for _, f := range scrapeFormats {
		formats[f.FormatType()] = newShared[scrape]()
	}
	oneAtATime := make(chan struct{}, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := expfmt.NegotiateAccept(r.Header, scrapeFormats...).FormatType()
		made, err := formats[format].get(r.Context(), func() scrape {
			oneAtATime <- struct{}{}
			defer func() { <-oneAtATime }()
			body, err := s.gather(expfmt.NewFormat(format))
			return scrape{body, err}
		})
		if err == nil {
			err = made.err
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", string(expfmt.NewFormat(format)))
		send(w, r, made.body)
	})
}

// gather writes all metrics in a format, compressed: those of the accounts, then
// those of the registry, which holds all of them in memory at once. What could not
// be gathered is logged and left out.
func (s *server) gather(format expfmt.Format) ([]byte, error) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	encoder := expfmt.NewEncoder(zip, format.WithEscapingScheme(model.NoEscaping)) // no name needs it, and looking is slow
	if s.Accounts != nil {
		for family := range s.Accounts.Families() {
			if err := encoder.Encode(family); err != nil {
				return nil, err
			}
		}
	}
	families, err := s.Registry.Gather()
	if err != nil {
		s.Log.Error().Err(err).Msg("some metrics are missing from the scrape")
		if len(families) == 0 {
			return nil, err
		}
	}
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return nil, err
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		if err := closer.Close(); err != nil {
			return nil, err
		}
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// send writes a compressed body, as it is to those who take that.
func send(w http.ResponseWriter, r *http.Request, zipped []byte) {
	if takesGzip(r.Header) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", strconv.Itoa(len(zipped)))
		_, _ = w.Write(zipped)
		return
	}
	unzip, err := gzip.NewReader(bytes.NewReader(zipped))
	if err == nil {
		_, err = io.Copy(w, unzip) // #nosec G110 -- what gather wrote
	}
	if err != nil { // the caller is gone
		middleware.Of(r.Context()).Err = context.Cause(r.Context())
	}
}

// takesGzip tells whether Accept-Encoding allows it (RFC 9110, 12.5.3).
func takesGzip(h http.Header) bool {
	for _, line := range h["Accept-Encoding"] {
		for part := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(part, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "gzip" && coding != "*" {
				continue
			}
			q, weighed := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			return !weighed || strings.Trim(q, "0.") != ""
		}
	}
	return false
}

// sharedFor is how long a shared value is good for.
const sharedFor = time.Second

// shared is a value that anybody may ask for and that costs something to make.
// One asker at a time makes it, and all get it for a second from then on.
type shared[T any] struct {
	turn  chan struct{} // holds one while the value is looked at
	made  time.Time     // zero: never
	value T
}

func newShared[T any]() *shared[T] { return &shared[T]{turn: make(chan struct{}, 1)} }

// get gives the value, made by fill if it is too old. Its error is that of ctx.
func (s *shared[T]) get(ctx context.Context, fill func() T) (T, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.made.IsZero() || time.Since(s.made) >= sharedFor {
		s.value = fill()
		s.made = time.Now()
	}
	return s.value, nil
}
