package browsertest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Crawl is a walk through pages that clicks everything on them.
type Crawl struct {
	Screen   Screen
	NoScript bool   // the browser runs no scripts of pages
	Path     string // where it begins
	// Begin prepares the tab, for example signs in; nil: nothing is to be done.
	Begin func(*Tab)
	// Look looks at each page before anything is clicked; nil: nobody looks.
	Look func(*testing.T, *Tab)
}

// control is a link, a button or a summary on a page.
type control struct {
	ID    int    // the value of its data-crawl
	Words string // what people read on it
	Kind  string // here: it stays on the page; leads: another page comes; sends: a form is sent; fetches: what it names is no page
	Href  string // absolute; "" if it is no link
	Sends string // where a form is sent to, absolute; "" if it is no form's
}

// signsOut is 1 for what ends the crawl.
func (k control) signsOut() int {
	if strings.HasSuffix(k.Sends, "/logout") {
		return 1
	}
	return 0
}

// find lists the controls of a page that can be seen and were not listed before.
const find = `(() => [...document.querySelectorAll("a[href], button, input[type=submit], summary")].filter(e => !e.dataset.crawl && e.checkVisibility()).map(e => {
	window.crawled = (window.crawled ?? 0) + 1;
	e.dataset.crawl = window.crawled;
	let kind = "here";
	if (e.href) {
		const to = new URL(e.href);
		if (e.target === "_blank" || e.hasAttribute("download")) kind = "fetches";
		else if (to.origin + to.pathname + to.search !== location.origin + location.pathname + location.search || !to.hash) kind = "leads";
	} else if (e.form && e.type === "submit" && e.form.checkValidity()) {
		kind = e.form.method === "get" ? "leads" : "sends";
	}
	return {ID: window.crawled, Words: e.innerText.trim() || e.getAttribute("aria-label") || e.outerHTML.slice(0, 80), Kind: kind, Href: e.href ?? "", Sends: e.form?.action ?? ""};
}))()`

// unfold opens what is folded away at first.
var unfold = chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(d => d.open = true)`)

// Crawl opens a page, clicks every link and button of it, and does the same with
// the pages that they lead to, as far as they are of the same origin: with
// perShape of those that differ only in the values of parameters, or in the
// account. Forms are sent last, because they may sign out. It gives the addresses
// of the pages that were clicked through, in the order in which they were found.
func (b *Browser) Crawl(t *testing.T, how Crawl) []string {
	t.Helper()
	tb := b.tab(t, how.Screen, browserTime)
	if how.Begin != nil {
		how.Begin(tb)
	}
	if how.NoScript {
		Call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}
	c := crawl{Crawl: how, tb: tb, shapes: map[string]int{}}
	c.found(b.origin + how.Path)
	for i := 0; i < len(c.pages); i++ {
		c.page(t, c.pages[i])
	}
	slices.SortStableFunc(c.forms, func(a, b form) int { return a.signsOut() - b.signsOut() })
	for _, f := range c.forms {
		c.follow(f.page, f.control)
	}
	return c.pages
}

// perShape is how many pages of one kind are clicked through.
const perShape = 2

// crawl is what is known while it goes on.
type crawl struct {
	Crawl
	tb      *Tab
	pages   []string
	shapes  map[string]int
	clicked []control // without IDs, which are one page's own
	forms   []form
}

type form struct {
	page string
	control
}

// found takes note of a page.
func (c *crawl) found(address string) {
	u, err := url.Parse(address)
	if err != nil {
		c.tb.t.Fatal(err)
	}
	u.Fragment = ""
	if u.Path == "" {
		u.Path = "/"
	}
	if u.Scheme+"://"+u.Host != c.tb.origin || slices.Contains(c.pages, u.String()) {
		return
	}
	if shape := shapeOf(u); c.shapes[shape] < perShape {
		c.shapes[shape]++
		c.pages = append(c.pages, u.String())
	}
}

// shapeOf is what pages of one kind have in common.
func shapeOf(u *url.URL) string {
	shape := u.Path
	if strings.HasPrefix(u.Path, "/ui/") {
		shape = "/ui/*"
	}
	query := u.Query()
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Sprint(shape, names)
}

func (c *crawl) visit(address string) {
	c.tb.t.Helper()
	c.tb.Run(chromedp.Navigate(address))
	c.arrive(address)
}

// arrive waits for a page that find has not seen yet. The API reference is there
// once its script, if any may run, has drawn it.
func (c *crawl) arrive(whence string) {
	c.tb.t.Helper()
	c.tb.until(whence, fmt.Sprintf(`!window.crawled && document.readyState === "complete" && (%t || !!(document.querySelector(".opblock") ?? !document.querySelector("#reference")))`, c.NoScript))
}

// page clicks everything on one page, but links that were clicked on another.
func (c *crawl) page(t *testing.T, address string) {
	t.Helper()
	c.visit(address)
	controls := Get(c.tb, chromedp.Evaluate[[]control](find))
	if len(controls) == 0 {
		t.Errorf("%s leads nowhere", address)
	}
	c.tb.Run(unfold)
	controls = append(controls, Get(c.tb, chromedp.Evaluate[[]control](find))...)
	if c.Look != nil {
		c.Look(t, c.tb)
	}
	var here, leads []control
	for _, k := range controls {
		if k.Kind != "here" {
			known := control{Words: k.Words, Kind: k.Kind, Href: k.Href, Sends: k.Sends}
			if slices.Contains(c.clicked, known) {
				continue
			}
			c.clicked = append(c.clicked, known)
		}
		switch k.Kind {
		case "here":
			here = append(here, k)
		case "leads":
			leads = append(leads, k)
		case "fetches":
			if !c.NoScript { // the browser would not run ours either, and it asks for the same
				c.fetch(t, address, k)
			}
		case "sends":
			c.forms = append(c.forms, form{address, k})
		}
	}
	c.clickAll(address, here)
	for _, k := range leads {
		c.follow(address, k)
		c.found(Get(c.tb, chromedp.Location()))
	}
}

// clickAll clicks what stays on the page, one after the other, without waiting for
// what each does. What an earlier click took away is clicked when the page is
// loaded again.
func (c *crawl) clickAll(address string, all []control) {
	c.tb.t.Helper()
	ids := make([]int, len(all))
	for i, k := range all {
		ids[i] = k.ID
	}
	list, err := json.Marshal(ids)
	if err != nil {
		c.tb.t.Fatal(err)
	}
	missing := Get(c.tb, chromedp.Evaluate[[]int](fmt.Sprintf(`(click => %s.filter(id => !click(id)))(%s)`, list, clickByID), byHand))
	for _, k := range all {
		if slices.Contains(missing, k.ID) {
			c.click(address, k)
		}
	}
}

// clickByID is a function that clicks a control, and opens what it is folded away
// in; false if it is not there.
const clickByID = `id => {
	const e = document.querySelector("[data-crawl='" + id + "']");
	for (let p = e?.parentElement; p; p = p.parentElement) if (p.localName === "details" && e.localName !== "summary") p.open = true;
	return !!e && (e.click(), true);
}`

// fetch asks for what is no page.
func (c *crawl) fetch(t *testing.T, address string, k control) {
	t.Helper()
	const fetch = `fetch(%q).then(r => r.status)`
	if status := Get(c.tb, chromedp.Evaluate[int](fmt.Sprintf(fetch, k.Href), chromedp.EvalAwaitPromise)); status >= 400 {
		t.Errorf("%s: %q leads to %s: %d", address, k.Words, k.Href, status)
	}
}

// follow clicks what leads to another page, and waits for that.
func (c *crawl) follow(address string, k control) {
	c.tb.t.Helper()
	c.again(address)
	c.click(address, k)
	c.arrive(address + ": " + k.Words)
}

// again opens a page as page saw it.
func (c *crawl) again(address string) {
	c.tb.t.Helper()
	c.visit(address)
	Get(c.tb, chromedp.Evaluate[[]control](find))
	c.tb.Run(unfold)
	Get(c.tb, chromedp.Evaluate[[]control](find))
}

// click clicks a control of the page that is open.
func (c *crawl) click(address string, k control) {
	c.tb.t.Helper()
	click := chromedp.Evaluate[bool](fmt.Sprintf("(%s)(%d)", clickByID, k.ID), byHand)
	if Get(c.tb, click) {
		return
	}
	c.again(address) // an earlier click took it away
	if !Get(c.tb, click) {
		c.tb.t.Errorf("%s: %q is gone when the page is loaded again", address, k.Words)
	}
}

// byHand lets a click do what browsers allow only to people's clicks, such as
// copying.
func byHand(p *runtime.EvaluateParams) { p.UserGesture = new(true) }
