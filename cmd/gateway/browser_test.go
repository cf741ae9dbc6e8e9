package main

import (
	"testing"

	"github.com/chromedp/chromedp"

	"accountgateway/internal/page/browsertest"
)

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
