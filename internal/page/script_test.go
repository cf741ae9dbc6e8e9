package page_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"accountgateway/internal/page/browsertest"
)

// tableOf are the accounts in the table, in its order.
var tableOf = chromedp.Evaluate[string](`[...document.querySelectorAll(".fleet tbody th a")].map(a => a.innerText).join(" ")`)

// shows waits until the table has these accounts.
func shows(tb *browsertest.Tab, accounts string) {
	tb.Until(fmt.Sprintf(`[...document.querySelectorAll(".fleet tbody th a")].map(a => a.innerText).join(" ") === %q`, accounts))
}

// choose sets a field, as a person does.
func choose(field, value string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(s => { s.value = %q; s.dispatchEvent(new Event("input", {bubbles: true})); })(document.querySelector(%q))`, value, field))
}

// TestTableWithoutScripts searches, filters, sorts and leafs by the form and the
// links alone.
func TestTableWithoutScripts(t *testing.T) {
	fill, names := aThousand(150)
	origin := serve(t, newFixture(t, func(f *fixture) { fill(f); someAccounts(f) }, append(names, "regru", "selzy", "selzy-agency", "unisender")...))
	tb := browsertest.New(t, origin).Tab(t, browsertest.Screens[2])
	browsertest.Call(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tb.Run(chromedp.Navigate(origin+"/"), chromedp.WaitVisible(".fleet"))
	tb.Run(chromedp.Click(`a[rel="next"]`), chromedp.WaitVisible(`a[rel="prev"]`))
	if got := browsertest.Get(tb, chromedp.Text(".pages > span")); got != "101–154 of 154" {
		t.Errorf("the second page says %q", got)
	}
	tb.Run(choose(`select[name="group"]`, "email"), choose(`select[name="health"]`, "attention"),
		chromedp.SendKeys(`input[name="q"]`, "agency"+kb.Enter), chromedp.WaitVisible(`#matching a`))
	if got := browsertest.Get(tb, tableOf); got != "selzy-agency" {
		t.Errorf("found: %s", got)
	}
	tb.Run(chromedp.Navigate(origin+"/?vendor=selzy&q=selzy-agency"), choose(`input[name="q"]`, "selzy"),
		choose(`select[name="health"]`, "unavailable"), chromedp.Click(".filters button"), chromedp.WaitReady(`option[value="unavailable"][selected]`))
	if got := browsertest.Get(tb, tableOf); got != "selzy" {
		t.Errorf("found: %s", got)
	}
	tb.Run(chromedp.Navigate(origin+"/?q=unisender"), chromedp.Click(`.fleet thead a[href*="sort=balance"]`), chromedp.WaitVisible(`th[aria-sort="ascending"] a[href*="sort=-balance"]`),
		chromedp.Click(`.fleet thead a[href*="sort=-balance"]`), chromedp.WaitVisible(`th[aria-sort="descending"]`))
	if got := browsertest.Get(tb, tableOf); !strings.HasPrefix(got, "unisender-customer-0149 ") || !strings.HasSuffix(got, " unisender") {
		t.Errorf("sorted by falling balance: %s", got)
	}
}

// TestTableFollows: with scripts the table follows what is typed, and is renewed
// each minute, without losing the place.
func TestTableFollows(t *testing.T) {
	f := newFixture(t, someAccounts, "regru", "selzy", "selzy-agency", "unisender", "x-new")
	var down atomic.Bool
	var asked atomic.Int64
	pages := f.handler
	f.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			asked.Add(1)
		}
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		pages.ServeHTTP(w, r)
	})
	origin := serve(t, f)
	tb := browsertest.New(t, origin).Tab(t, browsertest.Screens[2])
	tb.Run(chromedp.Navigate(origin+"/"), chromedp.WaitVisible(".fleet"), chromedp.SendKeys(`input[name="q"]`, "selzy"))
	shows(tb, "selzy selzy-agency")
	tb.Run(choose(`select[name="health"]`, "attention"))
	shows(tb, "selzy-agency")
	if at := browsertest.Get(tb, chromedp.Location()); at != origin+"/?q=selzy&health=attention" {
		t.Errorf("the address is %s", at)
	}
	if focus := browsertest.Get(tb, chromedp.Evaluate[string](`document.activeElement.name`)); focus != "q" {
		t.Errorf("the focus went to %q", focus)
	}

	// A minute passes, and the focus stays on the link that has it.
	tb.Run(chromedp.Navigate(origin+"/"), chromedp.Focus(`.fleet a[href="/ui/selzy"]`))
	minute := func() {
		browsertest.Call(tb, emulation.SetVirtualTimePolicy, emulation.SetVirtualTimePolicyParams{Policy: emulation.VirtualTimePolicyPauseIfNetworkFetchesPending, Budget: new(61_000.0)})
	}
	tb.Run(chromedp.Evaluate[chromedp.Void](`document.querySelector(".fleet").dataset.old = "yes"`))
	before := asked.Load()
	minute()
	tb.Until(`!document.querySelector(".fleet").dataset.old`)
	if n := asked.Load() - before; n < 1 || n > 2 {
		t.Errorf("in a minute the page was asked for %d times", n)
	}
	if focus := browsertest.Get(tb, chromedp.Evaluate[string](`document.activeElement.pathname`)); focus != "/ui/selzy" {
		t.Errorf("the focus went to %q", focus)
	}
	// The gateway is away for a while: what was there stays.
	down.Store(true)
	tb.Expect("503")
	before = asked.Load()
	minute()
	tb.Until(`performance.getEntriesByType("resource").filter(e => e.initiatorType === "fetch").length > 1`)
	if got := browsertest.Get(tb, tableOf); asked.Load() == before || got != "regru selzy selzy-agency unisender x-new" {
		t.Errorf("with the gateway away the table has %q", got)
	}
}

// TestChartTells its values under the pointer and by keys.
func TestChartTells(t *testing.T) {
	origin := serve(t, newFixture(t, aFleet, fleetNames...))
	tb := browsertest.New(t, origin).Tab(t, browsertest.Screens[2])
	tb.Run(chromedp.Navigate(origin+"/ui/regru"), chromedp.Focus(".plot"))
	told := func() (words, spoken string) {
		return browsertest.Get(tb, chromedp.Text(".tip")), browsertest.Get(tb, chromedp.Evaluate[string](`document.querySelector(".plot").getAttribute("aria-valuetext")`))
	}
	last, spoken := told()
	if !strings.HasSuffix(last, ": 184,350.20 RUB") || spoken != last {
		t.Errorf("the last reading is %q, %q", last, spoken)
	}
	tb.Run(chromedp.SendKeys(".plot", kb.ArrowLeft))
	if before, spoken := told(); before == last || !strings.HasSuffix(before, " RUB") || spoken != before {
		t.Errorf("the reading before is %q, %q", before, spoken)
	}
	tb.Run(chromedp.SendKeys(".plot", kb.Home+kb.ArrowLeft))
	first, _ := told()
	tb.Fits()
	tb.Screenshot("chart-told")
	tb.Run(chromedp.SendKeys(".plot", kb.End))
	if end, _ := told(); end != last || first == last {
		t.Errorf("from %q to %q", first, end)
	}
	tb.Accessible(t)
	tb.Run(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll(".over rect")[3].dispatchEvent(new PointerEvent("pointerenter"))`))
	if hovered, _ := told(); hovered == last {
		t.Errorf("under the pointer is %q", hovered)
	}
}

// TestSettleInBrowser settles a write by the form, on a phone.
func TestSettleInBrowser(t *testing.T) {
	f := newFixture(t, manyWrites, fleetNames...).as(aClerk("regru"))
	origin := serve(t, f)
	tb := browsertest.New(t, origin).Tab(t, browsertest.Screens[0])
	f.signIn(tb)
	tb.Run(chromedp.Navigate(origin+"/ui/regru"), chromedp.Click(`.writes a[href*="state=unknown"]`), chromedp.WaitVisible(".settle-it"),
		chromedp.Click(".settle-it"), chromedp.SendKeys(`input[name="reason"]`, "the panel shows it"), chromedp.SendKeys(`input[name="reference"]`, "8812399"))
	tb.Screenshot("settle")
	tb.Fits()
	tb.Accessible(t)
	tb.Run(chromedp.Click(`input[value="succeeded"]`), chromedp.Click(".settle button"), chromedp.WaitVisible(".empty"))
	if said := browsertest.Get(tb, chromedp.Text("main")); !strings.Contains(said, "No write matches") {
		t.Errorf("after settling: %s", said)
	}
	tb.Run(chromedp.Navigate(origin+"/writes#optopupunknown"), chromedp.WaitVisible("#optopupunknown"))
	if said := browsertest.Get(tb, chromedp.Text("#optopupunknown")); !strings.Contains(said, "succeeded") || !strings.Contains(said, "settled by clerk: the panel shows it") {
		t.Errorf("the write says %q", said)
	}
}
