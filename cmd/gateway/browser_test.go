package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"accountgateway/internal/page/browsertest"
)

// TestCrawlDemo clicks every link and button of the demo's pages, up to asking the
// simulated vendors, and has the API reference ask the demo.
func TestCrawlDemo(t *testing.T) {
	p := begin(t, nil, "demo", "--addr", "127.0.0.1:0")
	origin := p.see(p.stdout, `on (http://\S+)`)[1]
	b := browsertest.New(t, origin)
	pages := b.Crawl(t, browsertest.Crawl{Screen: browsertest.Screens[2], Path: "/ui/unisender"})
	for _, path := range []string{"/", "/docs", "/docs/runbook", "/writes", "/ui/unisender", "/ui/unisender?days=7"} {
		if !slices.Contains(pages, origin+path) {
			t.Errorf("no link leads to %s, but to %v", path, pages)
		}
	}
	tb := b.Tab(t, browsertest.Screens[1])
	tb.Run(chromedp.Navigate(origin+"/"), chromedp.WaitReady("main"))
	tb.Fits()
	tb.Run(chromedp.Navigate(origin + "/docs"))
	tb.TryIt("#operations-accounts-listAccounts", "selzy-agency")
}

// TestPicture takes the README's picture: the demo's page. See make picture.
func TestPicture(t *testing.T) {
	p := begin(t, nil, "demo", "--addr", "127.0.0.1:0")
	origin := p.see(p.stdout, `on (http://\S+)`)[1]
	tb := browsertest.New(t, origin).Tab(t, browsertest.Screens[2])
	eventually(t, "alerts with their figures", func() bool {
		return !strings.Contains(pageOf(t, origin+"/"), `<p class="why"></p>`)
	})
	tb.Run(chromedp.Navigate(origin+"/"), chromedp.WaitVisible(".fleet"))
	tb.Screenshot("page")
}
