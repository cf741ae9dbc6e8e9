package selzy

import (
	"context"
	"net/http"
	"net/url"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/provider/wire"
)

// request is one call of a method.
type request struct {
	operation provider.Operation
	method    string
	login     string            // argument of getUserInfo; empty: the key's owner
	args      map[string]string // the other arguments, in the vendor's terms
	write     bool              // changes something at the vendor: sent once
	private   []string          // texts of the arguments that must not come back in an error
}

// call sends a request and hands a success to read. format goes into the query, as every known client does it, and
// everything else into the body: the vendor fails on arguments that are on both sides (selzy.md 1).
func (c *Client) call(ctx context.Context, r request, read func(*answer) error) error {
	form := url.Values{}
	for name, value := range r.args {
		form.Set(name, value)
	}
	form.Set("api_key", string(c.cfg.APIKey))
	if r.login != "" {
		form.Set("login", r.login)
	}
	call := upstream.Call{
		Operation: r.operation,
		URL:       c.cfg.BaseURL.String() + "/" + url.PathEscape(c.cfg.Lang) + "/api/" + r.method,
		Query:     url.Values{"format": {"json"}},
		Form:      form,
		Write:     r.write,
	}
	redact := c.up.Redactor(r.private...)
	return c.up.Do(ctx, call, func(a upstream.Answer) error {
		success, err := r.decode(a.Status, a.Body, redact)
		if err != nil {
			return err
		}
		return read(success)
	})
}

// answer is a successful envelope (selzy.md 2). Warnings in it are ignored.
type answer struct{ envelope *wire.Object }

// decode opens the envelope: error or success is decided by error and code, before result is looked at, which may be
// "" or false beside an error. Raw control characters in strings, which have been seen, are escaped first: a TAB in a
// company's name is no reason to know no balance.
func (r request) decode(status int, body []byte, redact func(string) string) (*answer, error) {
	envelope, err := wire.Parse(wire.EscapeControls(body))
	if err != nil {
		if status != http.StatusOK {
			return nil, wire.StatusError(status)
		}
		return nil, err
	}
	code := envelope.Scalar("code")
	err = envelope.Err()
	text := envelope.Scalar("error")
	switch {
	case err == nil && code != "", envelope.Err() == nil && text != "":
		e := failure{request: r, code: code, text: text, redact: redact}.error(status)
		if !nothing(envelope) {
			e.Refused = false // an envelope at odds with itself
		}
		return nil, e
	case status != http.StatusOK:
		return nil, wire.StatusError(status)
	case envelope.Err() != nil:
		return nil, envelope.Err()
	case !envelope.Has("result"):
		return nil, wire.BadResponse("result", "is missing")
	}
	return &answer{envelope: envelope}, nil
}

// nothing tells whether the result beside an error is absent or one of the empty values that stand there.
func nothing(envelope *wire.Object) bool {
	switch envelope.JSON("result") {
	case "", "null", "false", `""`, "[]", "{}":
		return true
	}
	return false
}

// info is the answer about one user (selzy.md 6.1): its money, its counters and its profile.
type info struct{ fields *wire.Object }

func (a *answer) info() (*info, error) {
	fields := a.envelope.Object("result")
	if err := a.envelope.Err(); err != nil {
		return nil, err
	}
	return &info{fields: fields}, nil
}
