package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/token"
)

//go:embed templates/*.html
var templateFiles embed.FS

// The pages, by the names of their templates.
const (
	fleetPage   = "fleet.html"
	accountPage = "account.html"
	journalPage = "journal.html"
	tokenPage   = "token.html"
	messagePage = "message.html"
	problemPage = "problem.html"
	docsPage    = "docs.html"
	runbookPage = "runbook.html"
)

// drawer holds the templates.
type drawer struct{ pages map[string]*template.Template }

func newDrawer(a *assets) (*drawer, error) {
	d := &drawer{pages: map[string]*template.Template{}}
	functions := template.FuncMap{"asset": func(name string) (string, error) {
		address, ok := a.address[name]
		if !ok {
			return "", fmt.Errorf("no asset %q", name)
		}
		return address, nil
	}}
	for _, name := range []string{fleetPage, accountPage, journalPage, tokenPage, messagePage, problemPage, docsPage, runbookPage} {
		t, err := template.New(name).Funcs(functions).ParseFS(templateFiles, "templates/frame.html", "templates/parts.html", "templates/"+name)
		if err != nil {
			return nil, err
		}
		d.pages[name] = t
	}
	return d, nil
}

// frame is what every page has around its own part.
type frame struct {
	Title  string
	At     string  // the entry of the navigation that leads here
	Here   string  // the address of this page, to load it again
	Drawn  *moment // when this page was
	Caller string  // the token's name; "" if nobody is asked for one
	Login  bool    // there is a cookie to be given up

	SeesWrites bool // the caller may see operations

	Simulated bool
}

func (p *Page) frame(r *http.Request, title string) frame {
	f := frame{Title: title, At: entryOf(r.URL.Path), Here: r.URL.RequestURI(), Drawn: exactly(p.now()), Simulated: p.Simulated}
	caller, known := middleware.CallerOf(r.Context())
	f.SeesWrites = caller.May(token.OperationsRead)
	if known && !caller.IsAnonymous() {
		f.Caller = caller.Name
		f.Login = middleware.CookieToken(r) != ""
	}
	return f
}

// entryOf is the entry of the navigation that leads to a path.
func entryOf(path string) string {
	switch first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); {
	case path == RunbookPath:
		return "runbook"
	case path == FleetPath, "/"+first == accounts:
		return "accounts"
	case path == WritesPath:
		return "writes"
	case path == DocsPath:
		return "docs"
	}
	return ""
}

// message is a page with little to say.
type message struct {
	frame
	Heading string
	Lines   []string
}

// policy is what pages may load: files and answers of the gateway itself, and
// nothing from within the page.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// draw answers with a page.
func (p *Page) draw(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := p.drawer.pages[name].Execute(&b, data); err != nil {
		p.Log.Error().Err(err).Str("page", name).Str("path", r.URL.Path).Msg("rendering a page failed")
		http.Error(w, "rendering the page failed; the cause is in the gateway's log", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin") // stricter ones spoil the Origin of forms
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}
