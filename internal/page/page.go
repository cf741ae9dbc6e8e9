// Package page is what people look at: the operator's page and the API
// reference, drawn by the server. It shows what is at hand and never has a
// vendor asked. It knows account figures, no vendors, no SQL and no routes but
// its own.
package page

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/token"
)

// Options are what the page is made of.
type Options struct {
	Accounts *account.Service
	Log      zerolog.Logger

	// Check tells whose token this is. Its errors are those of token.Keeper.
	Check func(ctx context.Context, text string) (token.Caller, error)

	// TokenName is what a token is called, by its ID; "" if that is not known.
	TokenName func(id string) string

	Vendors   map[string]Vendor // by the provider's name
	PublicURL string            // where people reach the API; "": where their browser did
	Secure    bool              // https: the cookie goes over nothing else
	Simulated bool              // pages say that nothing on them is real
}

// Vendor is what pages call a provider.
type Vendor struct {
	Title string // the vendor's own name
	Group string // the sort of vendor: "email"
}

// Page holds the handlers. Each is safe for concurrent use.
type Page struct {
	Options
	assets  *assets
	drawer  *drawer
	runbook template.HTML
	trends  trends
	now     func() time.Time
}

// New makes the handlers. An error is a fault in the files built in.
func New(o Options) (*Page, error) {
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	d, err := newDrawer(a)
	if err != nil {
		return nil, err
	}
	runbook, err := renderRunbook()
	if err != nil {
		return nil, err
	}
	return &Page{Options: o, assets: a, drawer: d, runbook: runbook, now: time.Now}, nil
}

// reader gives the caller, whom the middleware found by token or cookie, if it may
// read; else it answers the request.
func (p *Page) reader(w http.ResponseWriter, r *http.Request) (token.Caller, bool) {
	caller, ok := middleware.CallerOf(r.Context())
	switch {
	case !ok:
		p.askForToken(w, r, http.StatusUnauthorized, tokenForm{Next: localPath(r.URL.RequestURI())})
		return token.Caller{}, false
	case !caller.May(token.Read):
		p.draw(w, r, http.StatusForbidden, messagePage, message{
			frame: p.frame(r, "Not allowed"), Heading: "This token lacks the scope read",
			Lines: []string{"Use a token that has it: gateway token create --name NAME --scopes read --accounts ACCOUNT,…."},
		})
		return token.Caller{}, false
	}
	return caller, true
}

// callerName says who did something, as operations keep it.
func (p *Page) callerName(kept string) string {
	if id, ok := strings.CutPrefix(kept, "token:"); ok && p.TokenName != nil {
		return cmp.Or(p.TokenName(id), kept)
	}
	if kept == "lookup" {
		return "the gateway, which found the invoice"
	}
	return kept
}

// vendor is what a provider is called, by its name where nothing is known of it.
func (p *Page) vendor(provider string) Vendor {
	v := p.Vendors[provider]
	v.Title, v.Group = cmp.Or(v.Title, provider), cmp.Or(v.Group, "other")
	return v
}

// problem is what the page of a failure says.
type problem struct {
	frame
	Heading   string
	Lines     []string
	RequestID string
}

// Problem answers with a page that tells a failure: what it is, in a few words
// and in sentences, and the request's id in the log.
func (p *Page) Problem(w http.ResponseWriter, r *http.Request, status int, heading, requestID string, lines ...string) {
	for i := range lines {
		lines[i] = sentence(lines[i])
	}
	p.draw(w, r, status, problemPage, problem{frame: p.frame(r, heading), Heading: heading, Lines: lines, RequestID: requestID})
}

func (p *Page) noSuchAccount(w http.ResponseWriter, r *http.Request) {
	p.draw(w, r, http.StatusNotFound, messagePage, message{
		frame: p.frame(r, "No such account"), Heading: "No such account",
		Lines: []string{"No account with that name is configured, or this token does not grant access to it."},
	})
}
