package declared

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
)

// Vendor is a file that was checked and is ready for accounts.
type Vendor struct {
	file   *File
	head   Head
	shared *Request // of more than one section; nil if there is none
}

// currencySetting picks the main pot of several.
const currencySetting = "CURRENCY"

// Name is the provider's name.
func (v *Vendor) Name() string { return v.file.Name.Text }

// File is the file as it is written.
func (v *Vendor) File() *File { return v.file }

// Head is what accounts are set up by.
func (v *Vendor) Head() Head { return v.head }

// Capabilities follow from the file's sections.
func (v *Vendor) Capabilities() provider.Capabilities { return maps.Clone(v.head.Capabilities) }

// capabilities are those of a file's sections.
func (f *File) capabilities() provider.Capabilities {
	all := provider.Capabilities{}
	for _, op := range provider.Operations() {
		all[op] = provider.Unsupported
	}
	for _, op := range f.sections() {
		if all[op] = provider.Unverified; f.Verified {
			all[op] = provider.Supported
		}
	}
	return all
}

func (v *Vendor) format() string {
	if v.file.Format == nil {
		return "json"
	}
	return v.file.Format.Text
}

// Operations are those that the file has a section for; the first is what credentials are tried with.
func (v *Vendor) Operations() []provider.Operation { return v.file.sections() }

// Method is that of a request of the file.
func (v *Vendor) Method(r *Request) string { return r.method(v.file.Auth) }

// BaseURL is where the vendor is reached; "" if each account has an address of its own.
func (v *Vendor) BaseURL() string { return v.head.BaseURL }

// Values are the account's settings by name, secrets too.
func (a Account) Values() map[string]string { return a.values }

func (f *File) sections() []provider.Operation {
	var ops []provider.Operation
	if f.Balance != nil {
		ops = append(ops, provider.OpBalance)
	}
	if f.Statistics != nil {
		ops = append(ops, provider.OpStatistics)
	}
	if f.Users != nil {
		ops = append(ops, provider.OpUsers)
	}
	return ops
}

func (v *Vendor) first() provider.Operation { return v.Operations()[0] }

// Request is what an operation asks; nil if the file does not have it.
func (v *Vendor) Request(op provider.Operation) *Request { return v.file.request(op) }

// For is the operation whose request a sample answers.
func (v *Vendor) For(s *Sample) provider.Operation {
	if s.For == nil {
		return v.first()
	}
	return provider.Operation(s.For.Text)
}

func (f *File) request(op provider.Operation) *Request {
	var own *Request
	switch {
	case op == provider.OpBalance && f.Balance != nil:
		own = f.Balance.Request
	case op == provider.OpStatistics && f.Statistics != nil:
		own = f.Statistics.Request
	case op == provider.OpUsers && f.Users != nil:
		own = f.Users.Request
	default:
		return nil
	}
	if own == nil {
		return f.Request
	}
	return own
}

// Account is an account's settings.
type Account struct {
	Settings any // as Vendor.Settings has them, filled
	Base     config.BaseURL
	values   map[string]string // by name
	secrets  []string
}

// Secrets are the texts that must never be shown.
func (a Account) Secrets() []string { return a.secrets }

// Settings is a struct with envconfig tags, as config.Reader fills it.
func (v *Vendor) Settings() any { return v.head.Settings() }

// Read reads an account's settings. Faults are left in r.
func (v *Vendor) Read(r *config.Reader, prefix string) Account {
	into := reflect.New(v.head.settingsType())
	r.Into(prefix, into.Interface())
	fields := into.Elem()
	a := Account{Settings: fields.Interface(), values: map[string]string{}}
	for i, s := range v.head.Fields {
		a.set(s, fields.Field(i).String())
	}
	a.Base, _ = fields.Field(len(v.head.Fields)).Interface().(config.BaseURL)
	for _, s := range v.head.Fields {
		name := prefix + "_" + s.Name
		if why := v.unfit(s.Name, a.values[s.Name]); why != "" && a.values[s.Name] != "" && !r.Faulty(name) {
			r.Fault(name, "%s", why)
		}
	}
	for _, path := range v.paths() {
		for _, setting := range path.names() {
			if name := prefix + "_" + setting; dotted(path.FilledPath(a.values)) && !r.Faulty(name) {
				r.Fault(name, "can't be part of a path")
			}
		}
	}
	return a
}

func (a *Account) set(s HeadField, value string) {
	a.values[s.Name] = value
	if s.Secret && value != "" {
		a.secrets = append(a.secrets, value)
	}
}

// unfit says what is wrong with a setting's value; "" if nothing is.
func (v *Vendor) unfit(name, value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "has a control character"
	}
	if name == currencySetting && v.picksPot() {
		if _, err := provider.ParseCurrency(value); err != nil {
			return "must be a currency code, e.g. USD"
		}
	}
	return ""
}

// paths are those that the account's settings are part of.
func (v *Vendor) paths() []*Template {
	var all []*Template
	for _, op := range v.Operations() {
		all = append(all, &v.Request(op).Path)
	}
	if o := v.file.Auth.OAuth; o != nil {
		all = append(all, &o.Path)
	}
	return all
}

// picksPot tells whether the setting CURRENCY is the format's own, which picks a pot, rather than the file's.
func (v *Vendor) picksPot() bool {
	return v.file.Balance != nil && v.file.Balance.Wallets != nil && !v.file.declares(currencySetting)
}

func (f *File) declares(name string) bool {
	return slices.ContainsFunc(f.Settings, func(e Entry[Setting]) bool { return e.Key.Text == name })
}
