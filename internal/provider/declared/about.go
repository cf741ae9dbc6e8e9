package declared

import (
	"slices"
	"strings"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
)

// About is what whoever sets up an account should know of a vendor.
type About struct {
	Name         string                `json:"name"`
	Title        string                `json:"title"`
	Group        string                `json:"group"`
	Capabilities provider.Capabilities `json:"capabilities"`
	Sure         string                `json:"sure"`     // see Sure
	BaseURL      string                `json:"base_url"` // "" if each account has its own
	Settings     []config.Description  `json:"settings"`
	Reads        []Reads               `json:"reads"`
	Notes        []string              `json:"notes"`
	Sources      []AboutSource         `json:"sources"`
}

// Reads are the members that an operation's answer has from this vendor.
type Reads struct {
	Operation provider.Operation `json:"operation"`
	Members   []string           `json:"members"`
}

// AboutSource is where a fact comes from.
type AboutSource struct {
	Fact string `json:"fact"`
	From string `json:"from"`
	Sure string `json:"sure"`
}

// Operations are what may be asked of the vendor.
func (a About) Operations() []string {
	var names []string
	for _, op := range provider.Operations() {
		if a.Capabilities.Callable(op) {
			names = append(names, string(op))
		}
	}
	return names
}

// Sure tells how sure the file is: verified, if somebody has seen the vendor answer as it says; else as sure as the least
// sure of its facts is: documented, seen or assumed.
func (v *Vendor) Sure() string {
	if v.file.Verified {
		return "verified"
	}
	levels := []string{"documented", "seen", "assumed"}
	least := 0
	for _, s := range v.file.Sources {
		least = max(least, slices.Index(levels, s.Sure.Text))
	}
	if len(v.file.Sources) == 0 {
		return "assumed"
	}
	return levels[least]
}

// About tells of the vendor; the names of settings begin with prefix.
func (v *Vendor) About(prefix string) About {
	f := v.file
	about := About{
		Name: v.Name(), Title: f.Title.Text, Group: f.Group.Text, Capabilities: v.Capabilities(), Sure: v.Sure(), BaseURL: v.head.BaseURL,
		Settings: config.Describe(prefix, v.Settings()), Notes: []string{}, Sources: []AboutSource{},
	}
	for _, op := range v.Operations() {
		about.Reads = append(about.Reads, Reads{Operation: op, Members: f.members(op)})
	}
	for _, note := range f.Notes {
		about.Notes = append(about.Notes, note.Text)
	}
	for _, s := range f.Sources {
		about.Sources = append(about.Sources, AboutSource{Fact: s.Fact.Text, From: s.From.Text, Sure: s.Sure.Text})
	}
	return about
}

// members are those that a section reads, by the contract's names.
func (f *File) members(op provider.Operation) []string {
	var names []string
	has := func(name string, is bool) {
		if is {
			names = append(names, name)
		}
	}
	switch op { //nolint:exhaustive // files read nothing else
	case provider.OpBalance:
		b := f.Balance
		has("balance", true)
		has("blocked", b.Blocked != nil)
		has("credit", b.Credit != nil)
		has("bonus", b.Bonus != nil)
		has("wallets", b.Wallets != nil)
		has("billing", b.Billing != nil)
	case provider.OpStatistics:
		s := f.Statistics
		for _, row := range s.Counters {
			has(row.Name.Text+" ("+row.Scope.Text+")", true)
		}
		for _, row := range s.Amounts {
			about := []string{row.Scope.Text}
			if row.Unit != nil {
				about = append(about, "in "+row.Unit.Text)
			}
			has(row.Name.Text+" ("+strings.Join(about, ", ")+")", true)
		}
		has("period", s.Period != nil)
		has("plan", s.Plan != nil)
	case provider.OpUsers:
		u := f.Users
		has("login", true)
		has("id", u.ID != nil)
		has("email", u.Email != nil)
		has("first_name", u.FirstName != nil)
		has("last_name", u.LastName != nil)
		has("phone", u.Phone != nil)
		has("company", u.Company != nil)
		has("active", u.Active != nil)
	}
	return names
}
