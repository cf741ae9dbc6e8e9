// Package browsertest opens pages in a real browser, for tests: Chromium,
// without a window, by the protocol of its developer tools.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
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

	"accountgateway/internal/testneed"
)

// AxeVariable names the folder of the npm package axe-core, or one above its
// node_modules.
const AxeVariable = "GATEWAY_TEST_AXE"

// screenshots is the folder at the module's root that pictures go to. git
// ignores it.
const screenshots = "screenshots"

// Browser is a Chromium with a profile of its own.
type Browser struct {
	ctx    context.Context
	origin string
}

// New starts a browser for the pages of one origin. It ends with the test, and
// the test ends if there is no Chromium.
func New(t *testing.T, origin string) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		testneed.Missing(t, "chromium", "Debian: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserTime)
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
	return &Browser{ctx: ctx, origin: origin}
}

// Origin is where the pages are.
func (b *Browser) Origin() string { return b.origin }

// Tab is one page open in the browser, and what went wrong in it.
type Tab struct {
	t      *testing.T
	ctx    context.Context
	origin string

	mu       sync.Mutex
	faults   []string
	expected string
}

// The longest that a browser and a tab may be open, and that one is waited for.
const (
	browserTime = 6 * time.Minute
	pageTime    = time.Minute
	clickTime   = 30 * time.Second // for a page to come
)

// Screen is a size, in CSS pixels, and a colour scheme.
type Screen struct {
	Name          string
	Width, Height int64
	Scheme        string // light or dark
}

// Screens are those that every page is looked at on.
var Screens = []Screen{
	{"phone-light", 360, 740, "light"},
	{"phone-dark", 360, 740, "dark"},
	{"desktop-light", 1280, 900, "light"},
	{"desktop-dark", 1280, 900, "dark"},
}

// Tab opens an empty page. Console errors, documents that are no pages or have a
// status of 400 and above, and requests to other hosts fail the test when it ends.
func (b *Browser) Tab(t *testing.T, s Screen) *Tab {
	t.Helper()
	return b.tab(t, s, pageTime)
}

func (b *Browser) tab(t *testing.T, s Screen, limit time.Duration) *Tab {
	t.Helper()
	tb := &Tab{t: t, origin: b.origin}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(tb.observe))
	t.Cleanup(cancel)
	tb.ctx, cancel = context.WithTimeout(ctx, limit)
	t.Cleanup(cancel)
	Call(tb, network.Enable, network.EnableParams{})
	Call(tb, log.Enable, cdp.Empty{})
	Call(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.Width, Height: s.Height, DeviceScaleFactor: 1, Mobile: s.Width < 600})
	tb.Scheme(s.Scheme)
	t.Cleanup(func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, fault := range tb.faults {
			t.Error(fault)
		}
	})
	return tb
}

// Origin is where the pages are.
func (tb *Tab) Origin() string { return tb.origin }

// Until waits until an expression is true in the page, whose own clock may stand
// still.
func (tb *Tab) Until(expression string) {
	tb.t.Helper()
	tb.until("the page", expression)
}

func (tb *Tab) until(whence, expression string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, clickTime)
	defer cancel()
	for {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && is {
			return
		}
		select { // an error may be of a page that is on its way out
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			tb.t.Fatalf("%s: never true: %s: %v", whence, expression, err)
		}
	}
}

// Scheme changes the colour scheme: light or dark.
func (tb *Tab) Scheme(name string) {
	tb.t.Helper()
	Call(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
	// Scripts that follow the scheme are told with the next frame.
	tb.Run(chromedp.Evaluate[chromedp.Void](`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))`, chromedp.EvalAwaitPromise))
}

// observe notes what nobody wants to happen in a page.
func (tb *Tab) observe(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, tb.origin+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			tb.fault("a request to another host: " + e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument && !strings.HasPrefix(e.Response.MimeType, "text/html") {
			tb.fault(fmt.Sprintf("%s is shown as %s", e.Response.URL, e.Response.MimeType))
		}
		if e.Type == network.ResourceTypeDocument && e.Response.Status >= 400 {
			tb.fault(fmt.Sprintf("%s is answered with %d", e.Response.URL, e.Response.Status))
		}
	case *runtime.EventExceptionThrown:
		tb.fault("an exception: " + e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			tb.fault(fmt.Sprintf("the console says: %s %s", e.Args[0].Value, e.Args[0].Description))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			tb.fault("the log says: " + e.Entry.Text + " " + e.Entry.URL)
		}
	}
}

// Call sends a command of the protocol.
func Call[P, R any](tb *Tab, command cdp.Command[P, R], params P) {
	tb.t.Helper()
	if _, err := chromedp.Call(tb.ctx, command, params); err != nil {
		tb.t.Fatal(err)
	}
}

// Get is an action that answers something.
func Get[T any](tb *Tab, action chromedp.Action[T]) T {
	tb.t.Helper()
	answer, err := chromedp.Run(tb.ctx, action)
	if err != nil {
		tb.t.Fatal(err)
	}
	return answer
}

// Expect takes faults that hold a text for what the test provokes.
func (tb *Tab) Expect(text string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.expected = text
}

func (tb *Tab) fault(text string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if tb.expected == "" || !strings.Contains(text, tb.expected) {
		tb.faults = append(tb.faults, text)
	}
}

// Run is actions that answer nothing.
func (tb *Tab) Run(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	if err := chromedp.Do(tb.ctx, steps...); err != nil {
		tb.t.Fatal(err)
	}
}

// Fits checks that nothing is wider than the screen, unless it scrolls in a
// box of its own.
func (tb *Tab) Fits() {
	tb.t.Helper()
	wide := Get(tb, chromedp.Evaluate[[]string](`(() => {
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

// Accessible runs axe-core, which the policy of the page does not hinder,
// because the protocol of the developer tools brings it.
func (tb *Tab) Accessible(t *testing.T) {
	t.Helper()
	tb.axe(t, `{resultTypes: ["violations"]}`)
}

// Contrast runs axe-core's rule for that alone: nothing else depends on the
// colour scheme.
func (tb *Tab) Contrast(t *testing.T) {
	t.Helper()
	tb.axe(t, `{runOnly: ["color-contrast"], resultTypes: ["violations"]}`)
}

func (tb *Tab) axe(t *testing.T, options string) {
	t.Helper()
	script := axe(t)
	tb.Run(chromedp.Evaluate[chromedp.Void]("if (!window.axe) (() => {" + script + "})(); void 0"))
	findings := Get(tb, chromedp.Evaluate[string](`axe.run(document, `+options+`).then(r => JSON.stringify(r.violations.map(v =>
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

// Screenshot keeps a picture of the whole page.
func (tb *Tab) Screenshot(name string) {
	tb.t.Helper()
	png := Get(tb, chromedp.FullScreenshot(100))
	dir := filepath.Join(moduleRoot(tb.t), screenshots)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		tb.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		tb.t.Fatal(err)
	}
}

// moduleRoot is the folder of go.mod, above the package that is tested.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		above := filepath.Dir(dir)
		if above == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = above
	}
}

// axe reads axe-core's script. The test ends if there is none.
func axe(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(AxeVariable)
	for _, file := range []string{"axe.min.js", "node_modules/axe-core/axe.min.js"} {
		script, err := os.ReadFile(filepath.Join(dir, file)) // #nosec G703 -- whoever runs the test names the folder
		if dir != "" && err == nil {
			return string(script)
		}
	}
	testneed.Missing(t, "axe-core", "npm install --prefix DIR axe-core, and set "+AxeVariable+"=DIR")
	return ""
}

// TryIt opens an operation of the API reference and executes it, until its
// answer holds a text. It gives Swagger UI two seconds to resolve the operation,
// as a person does who reads before clicking: a click before that never works.
func (tb *Tab) TryIt(operation, answer string) {
	tb.t.Helper()
	tb.Run(chromedp.WaitVisible(operation + " .opblock-summary-control"))
	Get(tb, chromedp.Poll[bool](fmt.Sprintf(`(() => {
		const operation = document.querySelector(%q);
		const opened = operation.dataset.opened, executed = operation.dataset.executed;
		if (!opened) {
			operation.querySelector(".opblock-summary-control").click();
			operation.dataset.opened = Date.now();
		} else if (Date.now() - opened > 2000 && Date.now() - (executed ?? 0) > 5000) {
			operation.querySelector(".execute")?.click();
			operation.dataset.executed = Date.now();
		}
		return !!operation.querySelector(".live-responses-table")?.innerText.includes(%q);
	})()`, operation, answer)))
}
