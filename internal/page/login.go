package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/token"
)

func (p *Page) cookie(value string) *http.Cookie {
	// Lax: links from chats and alerts lead to the page, not to the form. What
	// that takes is in docs/security.md.
	c := &http.Cookie{Name: middleware.CookieName(p.Secure), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if p.Secure {
		c.Secure = true
	}
	return c
}

// tokenForm is the page that asks for a token.
type tokenForm struct {
	frame
	Next  string // where to go with it
	Error string
}

func (p *Page) askForToken(w http.ResponseWriter, r *http.Request, status int, form tokenForm) {
	form.frame = p.frame(r, "Sign in")
	form.Here = form.Next
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="gateway"`)
	}
	p.draw(w, r, status, tokenPage, form)
}

// LoginForm answers GET LoginPath: the form, for who is not signed in yet.
func (p *Page) LoginForm(w http.ResponseWriter, r *http.Request) {
	if _, ok := middleware.CallerOf(r.Context()); ok {
		http.Redirect(w, r, FleetPath, http.StatusSeeOther)
		return
	}
	p.askForToken(w, r, http.StatusOK, tokenForm{Next: FleetPath})
}

// maxForm is the longest form that is read, in bytes.
const maxForm = 4 << 10

// Login answers POST LoginPath: it checks the form's token and keeps it in the
// cookie.
func (p *Page) Login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.askForToken(w, r, http.StatusBadRequest, tokenForm{Next: FleetPath, Error: "The form was incomplete. Try again."})
		return
	}
	next := localPath(r.PostForm.Get("next"))
	text := strings.TrimSpace(r.PostForm.Get("token"))
	_, err := p.Check(r.Context(), text)
	switch {
	case text == "":
		p.askForToken(w, r, http.StatusUnauthorized, tokenForm{Next: next, Error: "Paste a token."})
	case errors.Is(err, token.ErrExpired), errors.Is(err, token.ErrUnknown): // one answer: it must not tell which tokens were real
		p.askForToken(w, r, http.StatusUnauthorized, tokenForm{Next: next, Error: "Invalid token: mistyped, incomplete, expired or revoked. Ask for a new one."})
	case err != nil:
		p.askForToken(w, r, http.StatusServiceUnavailable, tokenForm{Next: next, Error: "The gateway can't check tokens yet because its database is unavailable. Try again soon."})
	default:
		http.SetCookie(w, p.cookie(text))
		http.Redirect(w, r, next, http.StatusSeeOther) // #nosec G710 -- localPath lets nothing else through
	}
}

// Logout answers POST LogoutPath: it takes the cookie back.
func (p *Page) Logout(w http.ResponseWriter, r *http.Request) {
	gone := p.cookie("") // #nosec G124 -- it holds nothing
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	http.Redirect(w, r, LoginPath, http.StatusSeeOther)
}

// localPath is where the form may lead to: one of our own pages.
func localPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || strings.Contains(text, `\`) {
		return FleetPath
	}
	switch {
	case u.Path == FleetPath, u.Path == DocsPath, u.Path == WritesPath, strings.HasPrefix(u.Path, accounts+"/") && !strings.Contains(u.Path, ".."):
		return u.RequestURI()
	}
	return FleetPath
}
