package main

import (
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"accountgateway/internal/page/browsertest"
	"accountgateway/internal/simulator/regru"
)

// TestCrawlDemo clicks every link and button of the demo's pages.
func TestCrawlDemo(t *testing.T) {
	p := begin(t, nil, "demo", "--addr", "127.0.0.1:0")
	origin := p.see(p.stdout, `on (http://\S+)`)[1]
	pages := browsertest.New(t, origin).Crawl(t, browsertest.Screens[2], "/", nil)
	for _, path := range []string{"/", "/docs", "/ui/regru", "/ui/regru?days=7", "/ui/unisender?days=90"} {
		if !slices.Contains(pages, origin+path) {
			t.Errorf("no link leads to %s, but to %v", path, pages)
		}
	}
}

// TestCrawlSignedIn does so with a token, up to signing out.
func TestCrawlSignedIn(t *testing.T) {
	vendor := httptest.NewServer(regru.New(regru.Options{}))
	t.Cleanup(vendor.Close)
	settings := with(quiet(), "GATEWAY_AUTH=token", "GATEWAY_DATABASE_URL=sqlite:"+filepath.Join(t.TempDir(), "gateway.db"),
		"REGRU_USERNAME=partner", "REGRU_PASSWORD=partner-secret", "REGRU_BASE_URL="+vendor.URL+"/api/regru2")
	g := serving(t, settings)
	_, stdout, _ := complete(t, settings, "token", "create", "--name", "finance", "--scopes", "read,operations:read", "--accounts", "regru")
	pages := browsertest.New(t, g.url).Crawl(t, browsertest.Screens[2], "/ui/regru", func(tb *browsertest.Tab) {
		tb.Run(chromedp.Navigate(g.url+"/login"), chromedp.SendKeys("#token", strings.TrimSpace(stdout)), chromedp.Submit("#token"), chromedp.WaitVisible(".out button"))
	})
	if !slices.Contains(pages, g.url+"/") || !slices.Contains(pages, g.url+"/ui/regru?days=90") {
		t.Errorf("the links lead to %v", pages)
	}
	if log := g.stderr.String(); !strings.Contains(log, `"path":"/logout"`) && !strings.Contains(log, `"route":"/logout"`) {
		t.Error("the button to sign out was not clicked")
	}
}

// TestDemoInBrowser opens the demo's pages, and has the API reference ask it
// for an account and its balance.
func TestDemoInBrowser(t *testing.T) {
	p := begin(t, nil, "demo", "--addr", "127.0.0.1:0")
	origin := p.see(p.stdout, `on (http://\S+)`)[1]
	b := browsertest.New(t, origin)
	for _, s := range browsertest.Screens {
		t.Run(s.Name, func(t *testing.T) {
			tb := b.Tab(t, s)
			for _, path := range []string{"/", "/ui/regru"} {
				tb.Run(chromedp.Navigate(origin+path), chromedp.WaitReady("main"))
				tb.Fits()
			}
			tb.Run(chromedp.Navigate(origin + "/docs"))
			tb.TryIt("#operations-accounts-listAccounts", "selzy-agency")
			tb.Fits()
		})
	}
}

// TestPicture takes the README's picture: the demo's page. See make picture.
func TestPicture(t *testing.T) {
	p := begin(t, nil, "demo", "--addr", "127.0.0.1:0")
	origin := p.see(p.stdout, `on (http://\S+)`)[1]
	tb := browsertest.New(t, origin).Tab(t, browsertest.Screens[2])
	tb.Run(chromedp.Navigate(origin + "/"))
	tb.Screenshot("page")
}
