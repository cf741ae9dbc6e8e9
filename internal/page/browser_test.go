package page_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"accountgateway/internal/page/browsertest"
)

func serve(t *testing.T, f *fixture) string {
	t.Helper()
	server := httptest.NewServer(f.handler)
	t.Cleanup(server.Close)
	return server.URL
}

// views are the pages to be looked at, the main ones first.
var views = []struct{ name, path string }{
	{"fleet", "/"}, {"account", "/ui/regru"}, {"docs", "/docs"}, {"account-refused", "/ui/regru-shop"}, {"account-new", "/ui/selzy-new"}, {"missing", "/ui/nobody"},
}

const mainViews = 3

// ready waits until the API reference is drawn; other pages are at once.
func ready(path string) chromedp.Action[chromedp.Void] {
	if path == "/docs" {
		return chromedp.WaitVisible(".swagger-ui .opblock")
	}
	return chromedp.WaitReady("main")
}

// unfold shows what is folded away at first.
var unfold = chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(d => d.open = true)`)

func TestInBrowser(t *testing.T) {
	origin := serve(t, newFixture(t, aFleet, fleetNames...))
	b := browsertest.New(t, origin)
	for _, s := range browsertest.Screens {
		for i, v := range views {
			if i >= mainViews && (s.Name == "phone-light" || s.Name == "desktop-dark") {
				continue // what they are made of is looked at there in the main ones
			}
			t.Run(s.Name+"/"+v.name, func(t *testing.T) {
				tb := b.Tab(t, s)
				if v.name == "missing" {
					tb.Expect("404")
				}
				tb.Run(chromedp.Navigate(origin+v.path), ready(v.path))
				tb.Screenshot(v.name + "-" + s.Name)
				tb.Run(unfold)
				tb.Fits()
				t.Run("accessible", tb.Accessible)
			})
		}
	}
	t.Run("narrow", func(t *testing.T) {
		for _, v := range views[:2] {
			tb := b.Tab(t, browsertest.Screen{Name: "narrow", Width: 320, Height: 640, Scheme: "light"})
			tb.Run(chromedp.Navigate(origin+v.path), ready(v.path))
			tb.Screenshot(v.name + "-narrow")
			tb.Run(unfold)
			tb.Fits()
		}
	})
}

func TestWithoutJavaScript(t *testing.T) {
	origin := serve(t, newFixture(t, aFleet, fleetNames...))
	b := browsertest.New(t, origin)
	for path, want := range map[string]string{"/": "184,350.20", "/ui/regru": "25,000.00", "/docs": "/openapi.yaml"} {
		tb := b.Tab(t, browsertest.Screens[2])
		browsertest.Call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		tb.Run(chromedp.Navigate(origin + path))
		shown := browsertest.Get(tb, chromedp.Text("body"))
		if !strings.Contains(shown, want) {
			t.Errorf("%s does not show %q: %s", path, want, shown)
		}
	}
}

// TestTryIt has the API reference send a request and show the answer.
func TestTryIt(t *testing.T) {
	origin := serve(t, newFixture(t, aFleet, fleetNames...))
	b := browsertest.New(t, origin)
	for _, s := range browsertest.Screens {
		t.Run(s.Name, func(t *testing.T) {
			tb := b.Tab(t, s)
			tb.Run(chromedp.Navigate(origin + "/docs"))
			tb.TryIt("#operations-accounts-listAccounts", "regru-shop")
			tb.Fits()
			tb.Screenshot("docs-tried-" + s.Name)
			t.Run("accessible", tb.Accessible)
		})
	}
}

// TestAuthorize opens the dialogue in which the API reference takes a token.
func TestAuthorize(t *testing.T) {
	origin := serve(t, newFixture(t, nil, "a"))
	b := browsertest.New(t, origin)
	for _, s := range browsertest.Screens[1:3] {
		t.Run(s.Name, func(t *testing.T) {
			tb := b.Tab(t, s)
			tb.Run(chromedp.Navigate(origin+"/docs"), chromedp.Click(".btn.authorize"), chromedp.WaitVisible(".auth-container input"))
			tb.Screenshot("docs-authorize-" + s.Name)
			tb.Fits()
			t.Run("accessible", tb.Accessible)
		})
	}
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
