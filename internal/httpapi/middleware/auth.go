package middleware

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"accountgateway/internal/config"
	"accountgateway/internal/token"
)

// Auth finds out who asks, leaves that for CallerOf, and keeps out who may not.
type Auth struct {
	// Tokens knows the callers; nil: nobody is asked for a token, all may do all, and
	// nothing is limited.
	Tokens *token.Keeper
	// AnyName, without Tokens, answers by other names than this machine's own too.
	AnyName bool
	Fail    Fail

	callers   *Limits // by the caller's id
	strangers *Limits // by network
	policy    []string
	anonymous token.Caller
}

// NewAuth makes an Auth that lets each caller make so many requests.
func NewAuth(tokens *token.Keeper, anyName bool, rate config.Rate, fail Fail) *Auth {
	a := &Auth{
		Tokens: tokens, AnyName: anyName, Fail: fail, anonymous: token.Anonymous(),
		callers: NewLimits(rate, MaxAtOnce), strangers: NewLimits(StrangerRate, 0),
	}
	a.policy = a.callers.policy()
	return a
}

// Require lets a request in whose token has the scope and, if its path names an
// account, that account.
func (a *Auth) Require(scope token.Scope) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := Of(r.Context())
			n.scope = scope
			p, ok := a.identify(w, r, bearer, a.refuse)
			if !ok {
				return
			}
			defer a.callers.end(p)
			if err := authorize(n.Caller, scope, r); err != nil {
				a.Fail(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Pages is for pages for people. Who may see what is the page's affair: it asks for
// a token by a form. Its cookie is good for reading pages alone.
func (a *Auth) Pages(next http.Handler) http.Handler {
	return a.people(bearerOrCookie, next)
}

// Forms is for what a page's form does with that scope: the cookie is good for it
// too. SameOrigin has to come first.
func (a *Auth) Forms(scope token.Scope) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		known := a.people(func(r *http.Request) string { return cmp.Or(bearer(r), CookieToken(r)) }, next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			Of(r.Context()).scope = scope
			known.ServeHTTP(w, r)
		})
	}
}

// SameOrigin refuses what a browser sends because another site made it do so.
func SameOrigin(fail Fail) func(http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	return Checks(fail, func(_ http.ResponseWriter, r *http.Request) error {
		if origins.Check(r) != nil {
			return &Refusal{Code: CodeForbidden, Detail: "the form was sent by another site"}
		}
		return nil
	})
}

func (a *Auth) people(tokenOf func(*http.Request) string, next http.Handler) http.Handler {
	stranger := func(w http.ResponseWriter, r *http.Request, _ error) {
		if err := a.strangers.TakeFor(r); err != nil {
			a.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := a.identify(w, r, tokenOf, stranger); ok {
			defer a.callers.end(p)
			next.ServeHTTP(w, r)
		}
		n := Of(r.Context())
		switch n.Status() { // the page's own refusals are for the audit log too
		case http.StatusUnauthorized:
			n.Code = CodeUnauthenticated
		case http.StatusForbidden:
			n.Code = CodeForbidden
		}
	})
}

// Open lets in who has no token, within bounds.
func (a *Auth) Open(next http.Handler) http.Handler {
	if a.Tokens == nil {
		return next
	}
	return a.strangers.PerNetwork(a.Fail)(next)
}

// identify finds the caller of a request by its token and counts the request as
// the caller's, until the end of the party that it gives. A request without a
// good token goes to stranger; ok is false if the request was answered.
func (a *Auth) identify(w http.ResponseWriter, r *http.Request, tokenOf func(*http.Request) string, stranger Fail) (_ *party, ok bool) {
	if a.Tokens == nil {
		err := a.loopback(r)
		if err != nil {
			a.Fail(w, r, err)
		}
		return nil, err == nil
	}
	n, now := Of(r.Context()), time.Now()
	text := tokenOf(r)
	caller, err := a.Tokens.Lookup(r.Context(), text, now)
	if err != nil {
		n.reason = err.Error()
		if text == "" && len(r.Header["Authorization"]) == 0 {
			n.reason = "no token"
		}
		stranger(w, r, err)
		return nil, false
	}
	n.Caller = caller
	p, left, err := a.callers.begin(caller.ID, now)
	a.tellQuota(n, left)
	if err != nil {
		a.Fail(w, r, err)
		return nil, false
	}
	return p, true
}

// LoopbackOnly serves anybody who comes by a name of this machine, and nobody who
// gives none, where nobody is asked for a token. Such a gateway listens on loopback
// alone, and a site that a browser here shows could reach it by giving its own name
// that address.
func (a *Auth) LoopbackOnly(next http.Handler) http.Handler {
	if a.Tokens != nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.loopback(r); err != nil {
			a.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopback refuses a request that came by another name than this machine's own,
// and else makes its caller the anonymous one.
func (a *Auth) loopback(r *http.Request) error {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if !a.AnyName && !config.IsLoopback(strings.Trim(host, "[]")) {
		return &Refusal{Code: CodeForbidden, Detail: "without tokens the gateway accepts only the hosts localhost, 127.0.0.1 and [::1]"}
	}
	Of(r.Context()).Caller = a.anonymous
	return nil
}

// ErrNotGranted refuses what a token does not grant. It is the same for an
// account that exists and for one that does not, so that nobody can find out by
// asking which there are.
var ErrNotGranted = &Refusal{Code: CodeForbidden, Detail: "the token does not grant access to this account; GET /accounts lists the accounts it grants"}

func authorize(c token.Caller, scope token.Scope, r *http.Request) error {
	if !c.May(scope) {
		return &Refusal{Code: CodeForbidden, Detail: "the token lacks the scope " + string(scope)}
	}
	if name, ok := PathParam(r, "account"); ok && !c.Sees(name) {
		return ErrNotGranted
	}
	return nil
}

// refuse answers a request without a good token. What was wrong with it is for the
// audit log alone; the answer is the same for all.
func (a *Auth) refuse(w http.ResponseWriter, r *http.Request, cause error) {
	if errors.Is(cause, token.ErrNotLoaded) {
		a.Fail(w, r, cause)
		return
	}
	if err := a.strangers.TakeFor(r); err != nil {
		a.Fail(w, r, err)
		return
	}
	w.Header()["Www-Authenticate"] = challenge
	a.Fail(w, r, &Refusal{
		Code:   CodeUnauthenticated,
		Detail: "missing or invalid token: send the header Authorization: Bearer gw_…",
	})
}

var challenge = []string{`Bearer realm="gateway"`}

// bearer gives the token of a request; "", which is no token, if there is none
// or it is not clear which.
func bearer(r *http.Request) string {
	lines := r.Header["Authorization"]
	if len(lines) != 1 {
		return ""
	}
	const scheme = "Bearer "
	line := lines[0]
	if len(line) < len(scheme) || !strings.EqualFold(line[:len(scheme)], scheme) {
		return ""
	}
	return strings.TrimLeft(line[len(scheme):], " ")
}

// bearerOrCookie takes the pages' cookie too, where nothing can be changed.
func bearerOrCookie(r *http.Request) string {
	text := bearer(r)
	if text == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return CookieToken(r)
	}
	return text
}

// CallerName is what operations are kept under, and their idempotency keys.
func CallerName(c token.Caller) string {
	if c.IsAnonymous() || c.ID == "" {
		return c.ID
	}
	return "token:" + c.ID
}
