package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/plain"
)

// news is what a destination has not been told yet: each alert is in one list at
// most.
type news struct {
	Opened  []alert.Alert // open, and were not when it was last told
	Changed []alert.Alert // open as before, with another severity
	Closed  []alert.Alert // as they were when they closed
	Passed  []alert.Alert // opened and closed since
	Still   []alert.Alert // open as before
	First   bool          // it has not been told before what is open
	Lost    bool          // older changes are no longer known
}

// empty tells whether there is nothing to tell.
func (n news) empty() bool { return n.count() == 0 && !n.Lost }

func (n news) count() int {
	return len(n.Opened) + len(n.Changed) + len(n.Closed) + len(n.Passed) + len(n.Still)
}

// Links gives the addresses of pages; nil if people have none.
type Links struct {
	Account func(account string) string
	Runbook func(code alert.Code) string
	Alerts  string // all that are open
}

// item is an alert in a message.
type item struct {
	label string // what stands before the account: "[critical]"
	alert alert.Alert
	open  bool
	when  string
}

// items are the alerts in the order in which they are told: in each list what is
// critical first.
func (n news) items() []item {
	var all []item
	add := func(alerts []alert.Alert, label string, open bool) {
		when := "It had been open since "
		if open {
			when = "Since "
		}
		for _, a := range slices.SortedFunc(slices.Values(alerts), alert.Compare) {
			text := strings.ReplaceAll(label, "SEVERITY", string(a.Severity))
			all = append(all, item{"[" + text + "]", a, open, when + moment(a.Since)})
		}
	}
	add(n.Opened, "SEVERITY", true)
	add(n.Changed, "now SEVERITY", true)
	add(n.Closed, "closed", false)
	add(n.Passed, "opened and closed", false)
	if n.First {
		add(n.Still, "SEVERITY", true)
	} else {
		add(n.Still, "still SEVERITY", true)
	}
	return all
}

// message writes the news within a limit.
func (n news) message(links *Links, most limit) string {
	items := n.items()
	if len(items) == 1 && !n.Lost {
		return cut(single(items[0], links), most.bytes)
	}
	lines := []string{n.headline()}
	room := most.bytes - len(lines[0]) - len(more(len(items), links)) - len(lost) - 2
	told := 0
	for _, it := range items[:min(len(items), most.alerts)] {
		line := it.line(links)
		if room -= len(line) + 1; room < 0 {
			break
		}
		lines = append(lines, line)
		told++
	}
	switch left := len(items) - told; {
	case left > 0:
		lines = append(lines, more(left, links))
	case links != nil:
		lines = append(lines, links.Alerts)
	}
	if n.Lost {
		lines = append(lines, lost)
	}
	return strings.Join(lines, "\n")
}

const lost = "Earlier changes are left out: they are no longer on record."

func more(left int, links *Links) string {
	text := fmt.Sprintf("and %d more", left)
	if links != nil {
		text += ": " + links.Alerts
	}
	return text
}

// headline says what several alerts are about.
func (n news) headline() string {
	var parts []string
	add := func(alerts []alert.Alert, what string) {
		if len(alerts) == 0 {
			return
		}
		part := fmt.Sprintf("%d %s", len(alerts), what)
		if len(parts) == 0 {
			noun := "alerts"
			if len(alerts) == 1 {
				noun = "alert"
			}
			part = fmt.Sprintf("%d %s %s", len(alerts), noun, what)
		}
		critical := 0
		for _, a := range alerts {
			if a.Severity == alert.Critical {
				critical++
			}
		}
		if critical > 0 && !strings.HasSuffix(what, "closed") {
			part += fmt.Sprintf(" (%d critical)", critical)
		}
		parts = append(parts, part)
	}
	still := "still open"
	if n.First {
		still = "open"
	}
	add(n.Opened, "opened")
	add(n.Changed, "changed in severity")
	add(n.Closed, "closed")
	add(n.Passed, "opened and closed")
	add(n.Still, still)
	if len(parts) == 0 {
		return "Alerts changed"
	}
	return strings.Join(parts, ", ")
}

// title is an alert's first line: "[critical] regru: balance_negative -4.75 USD",
// "[closed] regru: balance_negative, now 12 USD".
func (it item) title() string {
	text := fmt.Sprintf("%s %s: %s", it.label, it.alert.Account, it.alert.Code)
	if it.alert.Value != nil {
		if !it.open {
			text += ", now"
		}
		text += " " + plain.Line(*it.alert.Value)
	}
	return text
}

// single tells one alert.
func single(it item, links *Links) string {
	lines := []string{it.title()}
	if said := sentences(it.said()...); said != "" {
		lines = append(lines, said)
	}
	if links != nil {
		lines = append(lines, "Account: "+links.Account(it.alert.Account), "Runbook: "+links.Runbook(it.alert.Code))
	}
	return strings.Join(lines, "\n")
}

// line tells one alert among several.
func (it item) line(links *Links) string {
	text := it.title()
	if said := sentences(it.said()...); said != "" {
		text += ". " + said
	}
	if links != nil {
		text += " " + links.Account(it.alert.Account) + " " + links.Runbook(it.alert.Code)
	}
	return text
}

// said is what is to be said about an alert, besides its title. What to do about
// one that closed is: nothing.
func (it item) said() []string {
	said := []string{it.alert.Detail}
	if it.open {
		said = append(said, it.alert.Remedy)
	}
	return append(said, it.when)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
