package page_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"accountgateway/internal/page/browsertest"
)

func serve(t *testing.T, f *fixture) string {
	t.Helper()
	server := httptest.NewServer(f.handler)
	t.Cleanup(server.Close)
	return server.URL
}

// views are the pages that no link leads to from others, or in a state that one of
// their kind is seldom in.
var views = []struct{ name, path string }{
	{"fleet", "/"}, {"account", "/ui/regru"}, {"writes", "/writes"}, {"account-refused", "/ui/regru-shop"}, {"account-new", "/ui/selzy-new"},
	{"nothing", "/?q=nobody"}, {"missing", "/ui/nobody"},
}

// TestScreens looks at pages on all screens, and keeps pictures of them.
func TestScreens(t *testing.T) {
	origin := serve(t, newFixture(t, manyWrites, fleetNames...))
	b := browsertest.New(t, origin)
	narrow := browsertest.Screen{Name: "narrow", Width: 320, Height: 640, Scheme: "light"}
	for _, s := range append([]browsertest.Screen{narrow}, browsertest.Screens...) {
		t.Run(s.Name, func(t *testing.T) {
			for i, v := range views {
				if i > 2 && s.Name != "phone-dark" {
					continue
				}
				tb := b.Tab(t, s)
				tb.Expect("404")
				tb.Run(chromedp.Navigate(origin+v.path), chromedp.WaitReady("main"))
				tb.Screenshot(v.name + "-" + s.Name)
				tb.Fits()
				if i > 2 {
					tb.Accessible(t)
				}
			}
		})
	}
}

// TestCrawl clicks every link, button and form, at both widths, with scripts and
// without, and looks at each page in both schemes.
func TestCrawl(t *testing.T) {
	for _, screen := range []browsertest.Screen{browsertest.Screens[0], browsertest.Screens[2]} {
		for _, noScript := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d wide/no script %t", screen.Width, noScript), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, manyWrites, fleetNames...).as(aClerk(fleetNames...))
				b := browsertest.New(t, serve(t, f))
				pages := b.Crawl(t, browsertest.Crawl{
					Screen: screen, NoScript: noScript, Path: "/ui/regru", Begin: f.signIn,
					Look: func(t *testing.T, tb *browsertest.Tab) {
						tb.Fits()
						if noScript || browsertest.Get(tb, chromedp.Location()) == tb.Origin()+"/docs" {
							return // axe-core is a script; of the reference, which takes it long, TestReference has it look
						}
						tb.Contrast(t)
						tb.Scheme("dark")
						tb.Accessible(t)
						tb.Scheme("light")
					},
				})
				for _, path := range []string{"/", "/ui/regru", "/writes", "/docs", "/docs/runbook", "/?sort=-name"} {
					if !slices.Contains(pages, b.Origin()+path) {
						t.Errorf("no link leads to %s, but to %v", path, pages)
					}
				}
			})
		}
	}
}

// signIn fills in the form.
func (f *fixture) signIn(tb *browsertest.Tab) {
	tb.Expect("401")
	tb.Run(chromedp.Navigate(tb.Origin()+"/login"), chromedp.SendKeys("#token", f.token), chromedp.Submit("#token"), chromedp.WaitVisible(".out button"))
}

// TestReference has the API reference send a request and show the answer, and
// opens the dialogue in which it takes a token.
func TestReference(t *testing.T) {
	origin := serve(t, newFixture(t, aFleet, fleetNames...))
	tb := browsertest.New(t, origin).Tab(t, browsertest.Screens[1])
	tb.Run(chromedp.Navigate(origin + "/docs"))
	tb.TryIt("#operations-accounts-listAccounts", "regru-shop")
	tb.Fits()
	tb.Screenshot("docs-tried")
	tb.Accessible(t)
	tb.Run(chromedp.Click(".btn.authorize"), chromedp.WaitVisible(".auth-container input"))
	tb.Screenshot("docs-authorize")
	tb.Fits()
	tb.Accessible(t)
}

// TestSignIn goes through the form as a person does.
func TestSignIn(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...).as(aReader("regru"))
	origin := serve(t, f)
	b := browsertest.New(t, origin)
	tb := b.Tab(t, browsertest.Screens[0])
	tb.Expect("401")
	tb.Run(chromedp.Navigate(origin+"/ui/regru?days=7"),
		chromedp.SendKeys("#token", "gw_wrong"), chromedp.Submit("#token"))
	said := browsertest.Get(tb, chromedp.Text("#fault"))
	tb.Screenshot("token-wrong")
	t.Run("accessible", tb.Accessible)
	tb.Run(chromedp.SendKeys("#token", f.token), chromedp.Submit("#token"))
	shown, at := browsertest.Get(tb, chromedp.Text("#balance")), browsertest.Get(tb, chromedp.Location())
	if u, err := url.Parse(at); err != nil || u.RequestURI() != "/ui/regru?days=7" || !strings.Contains(said, "Invalid token") || shown != "Money" {
		t.Errorf("signed in at %s, after %q", at, said)
	}
	tb.Run(chromedp.Click(".out button"), chromedp.WaitVisible("#token"))
}

// TestLinkFromElsewhere: who is signed in stays so when a link in a chat or an
// alert leads here.
func TestLinkFromElsewhere(t *testing.T) {
	f := newFixture(t, aFleet, fleetNames...).as(aReader("regru"))
	answered := make(chan int, 1)
	pages := f.handler
	f.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := httptest.NewRecorder()
		pages.ServeHTTP(seen, r)
		maps.Copy(w.Header(), seen.Header())
		w.WriteHeader(seen.Code)
		w.Write(seen.Body.Bytes())
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			answered <- seen.Code
		}
	})
	origin := serve(t, f)
	chat := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>Chat</title><link rel="icon" href="data:,"><a href="%s/ui/regru">regru runs out soon</a>`, origin)
	}))
	t.Cleanup(chat.Close)
	elsewhere := strings.Replace(chat.URL, "127.0.0.1", "localhost", 1) // another site to a browser
	tb := browsertest.New(t, origin).Tab(t, browsertest.Screens[2])
	tb.Expect("401")
	tb.Run(chromedp.Navigate(origin+"/"), chromedp.SendKeys("#token", f.token), chromedp.Submit("#token"), chromedp.WaitVisible(".out button"))
	tb.Expect(elsewhere)
	tb.Run(chromedp.Navigate(elsewhere), chromedp.Evaluate[chromedp.Void](`document.querySelector("a").click()`))
	select {
	case status := <-answered:
		if status != http.StatusOK {
			t.Errorf("the link is answered with %d", status)
		}
	case <-time.After(time.Minute):
		t.Error("the link leads nowhere")
	}
}
