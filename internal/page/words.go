package page

import (
	"strings"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// tone is how serious something is. It picks a colour, and never says anything
// that the words beside it do not.
type tone string

const (
	good tone = "good"
	warn tone = "warn"
	bad  tone = "bad"
	idle tone = "idle"
)

// stateView is an account's state in words, and what to do about it.
type stateView struct {
	Code   string
	Words  string
	Tone   tone
	Since  *moment
	Detail string
	Remedy string // "" if nothing is to be done
}

func newStateView(s account.State, remedy string, now time.Time) stateView {
	words, t := stateWords(s.State)
	return stateView{
		Code: s.State, Words: words, Tone: t, Since: standingSince(s.Since, now), Detail: sentence(inWords(s.Detail)),
		Remedy: sentence(remedy),
	}
}

// Trouble tells whether somebody has to look.
func (s stateView) Trouble() bool { return s.Tone == bad || s.Tone == warn }

func stateWords(state string) (string, tone) {
	switch state {
	case account.StateOK:
		return "Working", good
	case account.StateBadCredentials:
		return "Credentials refused", bad
	case account.StateAccessDenied:
		return "Access denied", bad
	case account.StateRateLimited:
		return "Rate limited", warn
	case account.StateUnavailable:
		return "Vendor unavailable", bad
	case account.StateBadResponse:
		return "Reply not understood", bad
	}
	return "Not called yet", idle
}

// capability is one thing that an account can do or not.
type capability struct {
	Name  string
	Words string // "" where it simply works
	Tone  tone
}

func capabilities(declared provider.Capabilities) []capability {
	list := make([]capability, 0, len(provider.Operations()))
	for _, op := range provider.Operations() {
		c := capability{Name: operationWords(op), Tone: idle}
		switch declared[op] {
		case provider.Supported:
			c.Tone = good
		case provider.Unverified:
			c.Words, c.Tone = "unverified", warn
		case provider.NotBuilt:
			c.Words = "not implemented"
		case provider.Unsupported:
			c.Words = "unsupported by the vendor"
		default:
			c.Words = "not declared"
		}
		list = append(list, c)
	}
	return list
}

func operationWords(op provider.Operation) string {
	switch op {
	case provider.OpCreateUser:
		return "create users"
	case provider.OpRefill:
		return "top up"
	default:
		return string(op)
	}
}

func writeWords(k operation.Kind) string {
	switch k {
	case operation.KindCreateUser:
		return "New user"
	case operation.KindRefill:
		return "Top-up invoice"
	}
	return named(string(k))
}

func endWords(s store.OperationState) (string, tone) {
	switch s {
	case store.Started:
		return "running", idle
	case store.Succeeded:
		return "succeeded", good
	case store.Failed:
		return "failed", bad
	case store.Unknown:
		return "outcome unknown", warn
	}
	return string(s), idle
}

func scopeWords(s provider.Scope) string {
	switch s {
	case provider.ScopeNow:
		return "now"
	case provider.ScopePeriod:
		return "in the period"
	case provider.ScopeLifetime:
		return "lifetime"
	}
	return string(s)
}

// groupWords is what a sort of vendor is called.
func groupWords(group string) string {
	switch group {
	case "registrar":
		return "Domains"
	case "email":
		return "E-mail"
	case "sms":
		return "SMS and voice"
	case "ai":
		return "AI"
	case "cdn":
		return "CDN"
	}
	return capital(group)
}

// named makes words of a name in snake case: "domains_active" is "Domains active".
func named(name string) string {
	return capital(strings.NewReplacer("_payg", " (pay as you go)", "_", " ").Replace(name))
}

// inWords leaves out the code that an error begins with, "provider_timeout: ", and
// says in words what other code a detail begins with, such as a counter's.
func inWords(text string) string {
	code, rest, found := strings.Cut(text, ": ")
	switch {
	case !found || !strings.Contains(code, "_") || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "":
		return text
	case strings.HasPrefix(code, "provider_"):
		return rest
	}
	return named(code) + ": " + rest
}

// sentence makes one of words that are part of a longer one elsewhere.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return capital(strings.TrimSuffix(text, ".")) + "."
}

func capital(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
