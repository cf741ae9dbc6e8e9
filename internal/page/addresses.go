package page

import (
	"net/http"
	"strings"
)

// Where the handlers belong.
const (
	FleetPath   = "/"
	AccountPath = accounts + "/{account}"
	HistoryPath = AccountPath + "/history.csv"
	BalancePath = AccountPath + "/balance.json"
	AskPath     = AccountPath + "/ask" // POST
	LoginPath   = "/login"             // GET and POST
	LogoutPath  = "/logout"            // POST
	DocsPath    = "/docs"
	RunbookPath = DocsPath + "/runbook"
	WritesPath  = "/writes"
	SettlePath  = AccountPath + "/writes/{id}" // POST

	accounts = "/ui"
)

// Elsewhere are addresses that people come by, though no page is there. Redirect
// answers them.
var Elsewhere = []string{
	accounts, accounts + "/", AccountPath + "/", DocsPath + "/", RunbookPath + "/", LoginPath + "/", WritesPath + "/", AskPath, SettlePath,
}

// Redirect answers GET of the addresses in Elsewhere: it leads to the page that
// was meant.
func (p *Page) Redirect(w http.ResponseWriter, r *http.Request) {
	to := strings.TrimRight(r.URL.EscapedPath(), "/")
	if to == accounts {
		to = FleetPath
	}
	// What is there only to be posted to: the address is seen after a reload.
	if name, ok := strings.CutSuffix(to, "/ask"); ok {
		to = name
	} else if strings.HasPrefix(to, accounts+"/") && strings.Contains(to, "/writes/") {
		to = WritesPath
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, to, http.StatusSeeOther) // #nosec G710 -- the path begins with one of Elsewhere
}

// Owns tells whether a path is one of the pages', so that its failures are for
// people too.
func Owns(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch "/" + first {
	case accounts, DocsPath, WritesPath, LoginPath, LogoutPath:
		return true
	}
	return path == FleetPath
}
