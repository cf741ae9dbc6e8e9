package regru

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"unicode/utf8"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/provider/wire"
)

// request is one call of a function.
type request struct {
	operation provider.Operation
	function  string         // path after the base URL: category/function, or a root function
	input     map[string]any // the function's parameters, in REG.RU's terms
	anonymous bool           // send no credentials
	write     bool           // changes something at REG.RU: sent once
	secrets   []string       // in the input, such as a password
	personal  []string       // what else of the input must not come back in an error
}

// form is the body of a request (regru.md 1.1). Credentials stay outside input_data; show_input_params is never sent,
// because REG.RU would echo the password.
func (r request) form(cfg Config) (url.Values, error) {
	input := []byte("{}")
	if len(r.input) > 0 {
		var err error
		if input, err = json.Marshal(r.input); err != nil {
			return nil, fmt.Errorf("input_data: %w", err)
		}
	}
	form := url.Values{
		"input_format":  {"json"},
		"output_format": {"json"},
		"io_encoding":   {"utf8"}, // the server does not know "utf-8"
		"lang":          {cfg.Lang},
		"input_data":    {string(input)},
	}
	if !r.anonymous {
		form.Set("username", cfg.Username)
		form.Set("password", string(cfg.Password))
	}
	return form, nil
}

// call sends a request and hands a success to read.
func (c *Client) call(ctx context.Context, r request, read func(*answer) error) error {
	form, err := r.form(c.cfg)
	if err != nil {
		return err
	}
	call := upstream.Call{
		Operation: r.operation, Method: http.MethodPost, URL: c.cfg.BaseURL.String() + "/" + r.function, Body: upstream.Form(form), Write: r.write,
		Secrets: r.secrets, Personal: r.personal, Public: []string{c.cfg.Username},
	}
	return c.up.Do(ctx, call, func(a upstream.Answer) error {
		success, err := decode(a)
		if err != nil {
			return err
		}
		return read(success)
	})
}

// answer is a successful envelope (regru.md 3). messagestore and input_params in it are ignored.
type answer struct{ envelope *wire.Object }

// decode opens the envelope. A status other than 200 is a failure, whatever the envelope says; the envelope may say
// which (seen: HTTP 503 with INTERNAL_API_ERROR).
func decode(a upstream.Answer) (*answer, error) {
	body, err := wire.UTF8(a.Body, charsetOf(a))
	var envelope *wire.Object
	if err == nil {
		envelope, err = wire.Parse(body, a.Secrets)
	}
	if err != nil {
		if a.Status != http.StatusOK {
			return nil, upstream.StatusError(a.Status)
		}
		return nil, err
	}
	result, code := envelope.Code("result"), envelope.Code("error_code")
	err = envelope.Err()
	switch {
	case err == nil && code != "":
		return nil, failure(a, envelope, code)
	case a.Status != http.StatusOK:
		return nil, upstream.StatusError(a.Status)
	case err != nil:
		return nil, err
	case result == "error":
		e := wire.BadResponse("error_code", "is missing")
		e.Upstream = failure(a, envelope, "").Upstream
		return nil, e
	case result != "success":
		return nil, wire.BadResponse("result", "is neither success nor error")
	}
	return &answer{envelope: envelope}, nil
}

// charsetMember is the envelope's own word on its charset, which is ASCII in every charset that REG.RU knows.
var charsetMember = regexp.MustCompile(`"charset"\s*:\s*"([A-Za-z0-9-]+)"`)

// charsetOf is the charset that the answer's header names or, without one, its envelope.
func charsetOf(a upstream.Answer) string {
	if charset := a.Charset(); charset != "" {
		return charset
	}
	if member := charsetMember.FindSubmatch(a.Body); member != nil && !utf8.Valid(a.Body) {
		return string(member[1])
	}
	return ""
}

// values is the answer member, which every function here but user/nop has.
func (a *answer) values() *wire.Object { return a.envelope.Object("answer") }
