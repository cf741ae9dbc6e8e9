package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"accountgateway/api"
	"accountgateway/internal/testneed"
)

// axeVariable names the folder of the npm package axe-core, or one above its
// node_modules.
const axeVariable = "GATEWAY_TEST_AXE"

// screenshots go to this folder, which git ignores.
const screenshots = "../../screenshots"

// browser is a Chromium with a profile of its own.
type browser struct {
	t      *testing.T
	ctx    context.Context
	origin string
}

func newBrowser(t *testing.T, origin string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		testneed.Missing(t, "chromium", "Debian: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Env("TZ=UTC"),
	)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &browser{t: t, ctx: ctx, origin: origin}
}

// tab is one page open in the browser, and what went wrong in it.
type tab struct {
	t      *testing.T
	ctx    context.Context
	origin string

	mu       sync.Mutex
	faults   []string
	expected string // a part of faults that the test provokes
}

// pageTime bounds the time of one tab.
const pageTime = 40 * time.Second

// screen is a size and a colour scheme.
type screen struct {
	name          string
	width, height int64
	scheme        string
}

var screens = []screen{
	{"phone-light", 360, 740, "light"},
	{"phone-dark", 360, 740, "dark"},
	{"desktop-light", 1280, 900, "light"},
	{"desktop-dark", 1280, 900, "dark"},
}

// tab opens an empty page. Console errors and requests to other hosts fail the
// test when it ends.
func (b *browser) tab(t *testing.T, s screen) *tab {
	t.Helper()
	tb := &tab{t: t, origin: b.origin}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(tb.observe))
	t.Cleanup(cancel)
	tb.ctx, cancel = context.WithTimeout(ctx, pageTime)
	t.Cleanup(cancel)
	call(tb, network.Enable, network.EnableParams{})
	call(tb, log.Enable, cdp.Empty{})
	call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.width < 600})
	call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}})
	t.Cleanup(func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, fault := range tb.faults {
			t.Error(fault)
		}
	})
	return tb
}

// observe notes what nobody wants to happen in a page.
func (tb *tab) observe(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, tb.origin+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			tb.fault("a request to another host: " + e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		tb.fault("an exception: " + e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			tb.fault(fmt.Sprintf("the console says: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			tb.fault("the log says: " + e.Entry.Text + " " + e.Entry.URL)
		}
	}
}

func call[P, R any](tb *tab, command cdp.Command[P, R], params P) {
	tb.t.Helper()
	if _, err := chromedp.Call(tb.ctx, command, params); err != nil {
		tb.t.Fatal(err)
	}
}

// get is an action that answers something.
func get[T any](tb *tab, action chromedp.Action[T]) T {
	tb.t.Helper()
	answer, err := chromedp.Run(tb.ctx, action)
	if err != nil {
		tb.t.Fatal(err)
	}
	return answer
}

func (tb *tab) fault(text string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if tb.expected == "" || !strings.Contains(text, tb.expected) {
		tb.faults = append(tb.faults, text)
	}
}

func (tb *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	if err := chromedp.Do(tb.ctx, steps...); err != nil {
		tb.t.Fatal(err)
	}
}

// fits checks that nothing is wider than the screen, unless it scrolls in a
// box of its own.
func (tb *tab) fits() {
	tb.t.Helper()
	wide := get(tb, chromedp.Evaluate[[]string](`(() => {
		const room = document.documentElement.clientWidth, wide = [];
		if (document.documentElement.scrollWidth > room) wide.push("the page is " + document.documentElement.scrollWidth + " wide");
		const boxed = e => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return true; };
		for (const e of document.body.querySelectorAll("*")) {
			const box = e.getBoundingClientRect();
			if (box.width > 0 && box.right > room + 0.5 && !boxed(e)) wide.push(e.outerHTML.slice(0, 120) + " ends at " + box.right);
		}
		return wide.slice(0, 5);
	})()`))
	for _, element := range wide {
		tb.t.Errorf("wider than the screen: %s", element)
	}
}

// accessible runs axe-core, which the policy of the page does not hinder,
// because the protocol of the developer tools brings it.
func (tb *tab) accessible(t *testing.T) {
	t.Helper()
	script := axe(t)
	tb.run(chromedp.Evaluate[chromedp.Void](script))
	findings := get(tb, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v =>
		({impact: v.impact, id: v.id, help: v.help, nodes: v.nodes.slice(0, 8).map(n => n.html.slice(0, 160) + " " + n.any.map(a => a.message).join(" "))}))))`,
		chromedp.EvalAwaitPromise))
	var parsed []struct {
		Impact, ID, Help string
		Nodes            []string
	}
	if err := json.Unmarshal([]byte(findings), &parsed); err != nil {
		t.Fatal(err)
	}
	for _, v := range parsed {
		report := fmt.Sprintf("axe-core, %s: %s: %s\n%s", v.Impact, v.ID, v.Help, strings.Join(v.Nodes, "\n"))
		if v.Impact == "serious" || v.Impact == "critical" {
			t.Error(report)
		} else {
			t.Log(report)
		}
	}
}

func (tb *tab) screenshot(name string) {
	tb.t.Helper()
	png := get(tb, chromedp.FullScreenshot(100))
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		tb.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, name+".png"), png, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

// axe reads axe-core's script.
func axe(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(axeVariable)
	for _, file := range []string{"axe.min.js", "node_modules/axe-core/axe.min.js"} {
		if script, err := os.ReadFile(filepath.Join(dir, file)); dir != "" && err == nil {
			return string(script)
		}
	}
	testneed.Missing(t, "axe-core", "npm install --prefix DIR axe-core, and set "+axeVariable+"=DIR")
	return ""
}

func serve(t *testing.T, f *fixture) string {
	t.Helper()
	server := httptest.NewServer(f.handler)
	t.Cleanup(server.Close)
	return server.URL
}

// views are the pages to be looked at.
var views = []struct{ name, path string }{
	{"fleet", "/"}, {"account", "/ui/regru"}, {"account-refused", "/ui/regru-shop"}, {"account-new", "/ui/selzy-new"}, {"missing", "/ui/nobody"}, {"docs", "/docs"},
}

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
	b := newBrowser(t, origin)
	for _, s := range screens {
		for _, v := range views {
			t.Run(s.name+"/"+v.name, func(t *testing.T) {
				tb := b.tab(t, s)
				if v.name == "missing" {
					tb.expected = "404"
				}
				tb.run(chromedp.Navigate(origin+v.path), ready(v.path))
				tb.screenshot(v.name + "-" + s.name)
				tb.run(unfold)
				tb.fits()
				t.Run("accessible", tb.accessible)
			})
		}
	}
	t.Run("for the README", func(t *testing.T) {
		origin := serve(t, newFixture(t, aFleet, "regru", "regru-shop", "selzy"))
		tb := (&browser{t: t, ctx: b.ctx, origin: origin}).tab(t, screens[2])
		tb.run(chromedp.Navigate(origin + "/"))
		tb.screenshot("page")
	})
	t.Run("narrow", func(t *testing.T) {
		for _, v := range views[:2] {
			tb := b.tab(t, screen{"narrow", 320, 640, "light"})
			tb.run(chromedp.Navigate(origin+v.path), ready(v.path))
			tb.screenshot(v.name + "-narrow")
			tb.run(unfold)
			tb.fits()
		}
	})
}

func TestWithoutJavaScript(t *testing.T) {
	origin := serve(t, newFixture(t, aFleet, fleetNames...))
	b := newBrowser(t, origin)
	for path, want := range map[string]string{"/": "184,350.20", "/ui/regru": "25,000.00", "/docs": "/openapi.yaml"} {
		tb := b.tab(t, screens[2])
		call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		tb.run(chromedp.Navigate(origin + path))
		shown := get(tb, chromedp.Text("body"))
		if !strings.Contains(shown, want) {
			t.Errorf("%s does not show %q: %s", path, want, shown)
		}
	}
}

// TestTryIt has the API reference send a request and show the answer.
func TestTryIt(t *testing.T) {
	origin := serve(t, newFixture(t, aFleet, fleetNames...))
	b := newBrowser(t, origin)
	for _, s := range screens {
		t.Run(s.name, func(t *testing.T) {
			tb := b.tab(t, s)
			tb.run(chromedp.Navigate(origin+"/docs"),
				chromedp.Click("#operations-accounts-listAccounts .opblock-summary-control"),
				chromedp.Click("#operations-accounts-listAccounts .execute"))
			get(tb, chromedp.Poll[bool](`document.querySelector("#operations-accounts-listAccounts .live-responses-table")?.innerText.includes("answered-by-try-it")`))
			tb.fits()
			tb.screenshot("docs-tried-" + s.name)
			t.Run("accessible", tb.accessible)
		})
	}
}

// TestAuthorize opens the dialogue in which the API reference takes a token.
func TestAuthorize(t *testing.T) {
	if !strings.Contains(string(api.Spec), "securitySchemes") {
		t.Skip("the spec asks for no token")
	}
	origin := serve(t, newFixture(t, nil, "a"))
	b := newBrowser(t, origin)
	for _, s := range screens {
		t.Run(s.name, func(t *testing.T) {
			tb := b.tab(t, s)
			tb.run(chromedp.Navigate(origin+"/docs"), chromedp.Click(".btn.authorize"), chromedp.WaitVisible(".auth-container input"))
			tb.screenshot("docs-authorize-" + s.name)
			tb.fits()
			t.Run("accessible", tb.accessible)
		})
	}
}

// TestSignIn goes through the form as a person does.
func TestSignIn(t *testing.T) {
	origin := serve(t, newFixture(t, aFleet, fleetNames...).as(aReader("regru")))
	b := newBrowser(t, origin)
	tb := b.tab(t, screens[0])
	tb.expected = "401"
	tb.run(chromedp.Navigate(origin+"/ui/regru?days=7"),
		chromedp.SendKeys("#token", "gw_wrong"), chromedp.Submit("#token"))
	said := get(tb, chromedp.Text("#fault"))
	tb.screenshot("token-wrong")
	t.Run("accessible", tb.accessible)
	tb.run(chromedp.SendKeys("#token", goodToken), chromedp.Submit("#token"))
	shown, at := get(tb, chromedp.Text("#money")), get(tb, chromedp.Location())
	if u, err := url.Parse(at); err != nil || u.RequestURI() != "/ui/regru?days=7" || !strings.Contains(said, "not known") || shown != "Money" {
		t.Errorf("signed in at %s, after %q", at, said)
	}
	tb.run(chromedp.Click(".out button"), chromedp.WaitVisible("#token"))
}
