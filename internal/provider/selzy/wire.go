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
	secrets   []string          // among the arguments, such as a password
	personal  []string          // what else among the arguments must not come back in an error
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
		Method:    http.MethodPost,
		URL:       c.cfg.BaseURL.String() + "/" + url.PathEscape(c.cfg.Lang) + "/api/" + r.method,
		Query:     url.Values{"format": {"json"}},
		Body:      upstream.Form(form),
		Write:     r.write,
		Secrets:   r.secrets,
		Personal:  r.personal,
	}
	return c.up.Do(ctx, call, func(a upstream.Answer) error {
		success, err := r.decode(a)
		if err != nil {
			return err
		}
		return read(success)
	})
}

// answer is a successful envelope (selzy.md 2).
type answer struct {
	upstream.Answer
	request  request
	envelope *wire.Object
}

// decode opens the envelope: error or success is decided by error and code, before result is looked at, which may be
// "" or false beside an error. Raw control characters in strings, which have been seen, are escaped first: a TAB in a
// company's name is no reason to know no balance.
func (r request) decode(a upstream.Answer) (*answer, error) {
	body, err := wire.UTF8(a.Body, a.Charset())
	var envelope *wire.Object
	if err == nil {
		envelope, err = wire.Parse(wire.EscapeControls(body), a.Secrets)
	}
	if err != nil {
		if a.Status != http.StatusOK {
			return nil, upstream.StatusError(a.Status)
		}
		return nil, err
	}
	code := envelope.Code("code")
	err = envelope.Err()
	text := envelope.Code("error")
	switch {
	case err == nil && code != "", envelope.Err() == nil && text != "":
		return nil, r.failure(a, upstream.Failure{Code: code, Text: text, AtOdds: !nothing(envelope)})
	case a.Status != http.StatusOK:
		return nil, upstream.StatusError(a.Status)
	case envelope.Err() != nil:
		return nil, envelope.Err()
	case !envelope.Has("result"):
		return nil, wire.BadResponse("result", "is missing")
	}
	return &answer{Answer: a, request: r, envelope: envelope}, nil
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
	if err := a.failed(fields); err != nil {
		return nil, err
	}
	return &info{fields: fields}, nil
}

// failed is the error that stands in place of an item (selzy.md 2); nil if none does.
func (a *answer) failed(item *wire.Object) *provider.Error {
	in := item.Afresh()
	if in.Code("error") == "" {
		return nil
	}
	return a.request.failure(a.Answer, upstream.Failure{Code: in.Code("code"), Text: in.Code("error")})
}
