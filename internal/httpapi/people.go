package httpapi

import (
	"net/http"
	"strings"
	"time"

	ui "accountgateway/internal/page"
	"accountgateway/internal/token"
)

// people counts requests for pages: a caller's own as all of the caller's are,
// strangers' by their address. Who may see what is the page's affair: it asks for
// a token by a form. Its cookie is good for nothing but reading pages.
func (s *server) people(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := noteOf(r.Context())
		if s.Tokens == nil {
			s.letIn(w, r, next)
			return
		}
		now := time.Now()
		text := bearer(r.Header)
		if text == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			text = ui.CookieToken(r)
		}
		caller, err := s.Tokens.Lookup(r.Context(), text, now)
		if err != nil {
			n.reason = err.Error()
			if text == "" {
				n.reason = "no token"
			}
			if err := s.limitStranger(r, now); err != nil {
				s.fail(w, r, err)
				return
			}
		} else {
			n.caller = caller
			p, left, err := s.callers.begin(caller.ID, now)
			s.tellQuota(n, left)
			if err != nil {
				s.fail(w, r, err)
				return
			}
			defer s.callers.end(p)
		}
		next.ServeHTTP(w, r)
		switch n.sent() { // the page's own refusals are for the audit log too
		case http.StatusUnauthorized:
			n.code = ProblemCodeUnauthenticated
		case http.StatusForbidden:
			n.code = ProblemCodeForbidden
		}
	})
}

// forPeople tells whether a failure is shown as a page: on the pages' addresses,
// and to a browser that was led to where nothing is.
func (s *server) forPeople(r *http.Request) bool {
	if s.Page == nil {
		return false
	}
	return ui.Owns(r.URL.Path) || routeOf(r) == unmatched && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// failPage shows a problem to people.
func (s *server) failPage(w http.ResponseWriter, r *http.Request, p Problem, retryAfter time.Duration) {
	heading, lines := p.Title, []string{p.Detail}
	if p.Code == ProblemCodeNotFound {
		heading, lines = "No such page", []string{"Nothing is at this address. It may be mistyped"}
	}
	if retryAfter > 0 {
		lines = append(lines, "Try again in "+retryAfter.Round(time.Second).String())
	}
	s.Page.Problem(w, r, p.Status, heading, *p.RequestID, lines...)
}

// claimed is the id of the token that a request shows, good or not; false if it
// shows none.
func claimed(r *http.Request) (id string, ok bool) {
	if id, ok = token.IDOf(bearer(r.Header)); ok {
		return id, true
	}
	return token.IDOf(ui.CookieToken(r))
}
