package declared

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/provider/wire"
)

// tokens keeps an account's OAuth token until it ends.
type tokens struct {
	client *client
	config clientcredentials.Config
	turn   chan struct{} // holds one; taken by who looks at token
	token  *oauth2.Token
}

func newTokens(c *client) *tokens {
	o, settings := c.vendor.file.Auth.OAuth, c.account.values
	t := &tokens{client: c, turn: make(chan struct{}, 1), config: clientcredentials.Config{
		ClientID: o.ClientID.Filled(settings), ClientSecret: o.ClientSecret.Filled(settings),
		TokenURL: c.account.Base.String() + o.Path.FilledPath(settings), AuthStyle: oauth2.AuthStyleInParams,
	}}
	if o.Style != nil && o.Style.Text == "header" {
		t.config.AuthStyle = oauth2.AuthStyleInHeader
	}
	for _, scope := range o.Scopes {
		t.config.Scopes = append(t.config.Scopes, scope.Text)
	}
	return t
}

// with makes a call with a token. A kept one that the vendor refuses may have been revoked: then a new one is tried,
// once.
func (t *tokens) with(ctx context.Context, call upstream.Call, read func(upstream.Answer) error) error {
	for {
		token, kept, err := t.get(ctx, call.Operation)
		if err != nil {
			return err
		}
		call.Header.Set("Authorization", upstream.Bearer(token))
		call.Secrets = []string{token}
		err = t.client.do(ctx, call, read)
		if provider.KindOf(err) != provider.KindCredentials {
			return err
		}
		if dropErr := t.drop(ctx, token); !kept || dropErr != nil {
			return err
		}
	}
}

// get gives the token that is kept, or gets one.
func (t *tokens) get(ctx context.Context, op provider.Operation) (token string, kept bool, err error) {
	if err := t.take(ctx); err != nil {
		return "", false, err
	}
	defer t.leave()
	if t.token.Valid() { // it ends 10 s early
		return t.token.AccessToken, true, nil
	}
	way := &http.Client{
		Transport:     roundTripper{client: t.client, operation: op},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	got, err := t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, way))
	var failed *provider.Error
	switch {
	case errors.As(err, &failed):
		return "", false, failed
	case err != nil && ctx.Err() != nil:
		return "", false, ctx.Err()
	case err != nil: // its text may quote the answer
		return "", false, wire.BadResponse("auth.oauth", "is not a token")
	}
	if got.Expiry.IsZero() {
		got.Expiry = time.Now().Add(tokenTime)
	}
	t.token = got
	return got.AccessToken, false, nil
}

// drop forgets a token that the vendor refused.
func (t *tokens) drop(ctx context.Context, token string) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer t.leave()
	if t.token != nil && t.token.AccessToken == token {
		t.token = nil
	}
	return nil
}

func (t *tokens) take(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &provider.Error{Kind: provider.KindOf(ctx.Err()), Message: "the call was canceled", NotSent: true, Err: ctx.Err()}
	}
}

func (t *tokens) leave() { <-t.turn }

// roundTripper sends requests for tokens as all calls of the account go: with its limits, and without redirects.
type roundTripper struct {
	client    *client
	operation provider.Operation
}

// maxTokenRequest is more than a request for a token has, in bytes.
const maxTokenRequest = 64 << 10

// RoundTrip sends the request.
func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	content, err := io.ReadAll(io.LimitReader(r.Body, maxTokenRequest))
	if err != nil {
		return nil, err
	}
	call := upstream.Call{
		Operation: t.operation, Method: r.Method, URL: r.URL.String(), Header: http.Header{},
		Body: upstream.Body{Content: content, Type: r.Header.Get("Content-Type")},
	}
	if authorization := r.Header.Get("Authorization"); authorization != "" {
		call.Header.Set("Authorization", authorization)
	}
	var got upstream.Answer
	err = t.client.do(r.Context(), call, func(a upstream.Answer) error {
		got = a
		return t.client.tokenFailure(a)
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: got.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: got.Header,
		Body: io.NopCloser(bytes.NewReader(got.Body)), ContentLength: int64(len(got.Body)), Request: r,
	}, nil
}

// tokenFailure is the error of an answer without a token: RFC 6749, 5.2 refuses credentials with 400 or 401. The file's
// rules do not see an answer with a token: they know other answers, and could quote it.
func (c *client) tokenFailure(a upstream.Answer) error {
	if a.Status == http.StatusOK && bytes.Contains(a.Body, []byte("access_token")) {
		return nil
	}
	if a.Status == http.StatusBadRequest || a.Status == http.StatusUnauthorized {
		return c.vendor.error(newAnswer("json", a, nil), provider.KindCredentials, &Rule{})
	}
	return c.vendor.failure(newAnswer("json", a, nil))
}

// tokenTime is what a token of unknown length is kept for.
const tokenTime = time.Hour
