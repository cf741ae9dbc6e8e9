package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// control is a link, a button or a summary on a page.
type control struct {
	ID    int    // the value of its data-crawl
	Words string // what people read on it
	Kind  string // here: it stays on the page; leads: another page comes; sends: a form is sent; fetches: what it names is no page
	Href  string // absolute; "" if it is no link
}

// find lists the controls of a page that were not listed before.
const find = `(() => [...document.querySelectorAll("a[href], button, input[type=submit], summary")].filter(e => !e.dataset.crawl).map(e => {
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
	return {ID: window.crawled, Words: e.innerText.trim() || e.getAttribute("aria-label") || e.outerHTML.slice(0, 80), Kind: kind, Href: e.href ?? ""};
}))()`

// Crawl opens a page, clicks every link and button of it, and does the same with
// every page that they lead to, as far as it is of the same origin. Forms are
// sent last, because they may sign out. It gives the addresses of the pages, in
// the order in which they were found. Begin prepares the tab, for example signs in.
func (b *Browser) Crawl(t *testing.T, s Screen, path string, begin func(*Tab)) []string {
	t.Helper()
	tb := b.tab(t, s, browserTime)
	if begin != nil {
		begin(tb)
	}
	c := crawl{tb: tb}
	c.found(b.origin + path)
	for i := 0; i < len(c.pages); i++ {
		c.page(c.pages[i])
	}
	for _, f := range c.forms {
		c.follow(f.page, f.control)
	}
	return c.pages
}

// crawl is what is known while it goes on.
type crawl struct {
	tb      *Tab
	pages   []string
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
	if at := u.Scheme + "://" + u.Host; at == c.tb.origin && !slices.Contains(c.pages, u.String()) {
		c.pages = append(c.pages, u.String())
	}
}

func (c *crawl) visit(address string) {
	c.tb.t.Helper()
	c.tb.Run(chromedp.Navigate(address))
	c.arrive(address)
}

// arrive waits for a page that find has not seen yet. The API reference is there
// once its script has drawn it.
func (c *crawl) arrive(whence string) {
	c.tb.t.Helper()
	ctx, cancel := context.WithTimeout(c.tb.ctx, clickTime)
	defer cancel()
	const arrived = `!window.crawled && document.readyState === "complete" && !!(document.querySelector(".opblock") ?? !document.querySelector("#reference"))`
	for {
		there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](arrived))
		if err == nil && there {
			return
		}
		select { // an error may be of a page that is on its way out
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			c.tb.t.Fatalf("%s: no page comes: %v", whence, err)
		}
	}
}

// page clicks everything on one page, but links that were clicked on another.
func (c *crawl) page(address string) {
	c.tb.t.Helper()
	c.visit(address)
	controls := Get(c.tb, chromedp.Evaluate[[]control](find))
	if len(controls) == 0 {
		c.tb.t.Errorf("%s leads nowhere", address)
	}
	var leads []control
	for _, k := range controls {
		if k.Kind != "here" {
			known := control{Words: k.Words, Kind: k.Kind, Href: k.Href}
			if slices.Contains(c.clicked, known) {
				continue
			}
			c.clicked = append(c.clicked, known)
		}
		switch k.Kind {
		case "here":
			c.click(address, k)
		case "leads":
			leads = append(leads, k)
		case "fetches":
			const fetch = `fetch(%q).then(r => r.status)`
			if status := Get(c.tb, chromedp.Evaluate[int](fmt.Sprintf(fetch, k.Href), chromedp.EvalAwaitPromise)); status >= 400 {
				c.tb.t.Errorf("%s: %q leads to %s: %d", address, k.Words, k.Href, status)
			}
		case "sends":
			c.forms = append(c.forms, form{address, k})
		}
	}
	for _, k := range leads {
		c.follow(address, k)
		c.found(Get(c.tb, chromedp.Location()))
	}
}

// follow clicks what leads to another page, and waits for that.
func (c *crawl) follow(address string, k control) {
	c.tb.t.Helper()
	c.visit(address)
	Get(c.tb, chromedp.Evaluate[[]control](find))
	c.click(address, k)
	c.arrive(address + ": " + k.Words)
}

// click clicks a control of the page that is open.
func (c *crawl) click(address string, k control) {
	c.tb.t.Helper()
	click := chromedp.Evaluate[bool](fmt.Sprintf(`(e => !!e && (e.click(), true))(document.querySelector("[data-crawl='%d']"))`, k.ID), byHand)
	if Get(c.tb, click) {
		return
	}
	c.visit(address) // an earlier click took it away
	if Get(c.tb, chromedp.Evaluate[[]control](find)); !Get(c.tb, click) {
		c.tb.t.Errorf("%s: %q is gone when the page is loaded again", address, k.Words)
	}
}

// byHand lets a click do what browsers allow only to people's clicks, such as
// copying.
func byHand(p *runtime.EvaluateParams) { p.UserGesture = new(true) }

// clickTime is how long a page may take to come.
const clickTime = 30 * time.Second
