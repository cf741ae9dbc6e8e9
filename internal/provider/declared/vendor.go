package declared

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
)

// Vendor is a file that was checked and is ready for accounts.
type Vendor struct {
	file     *File
	baseURL  string
	settings []setting
	shared   *Request // of more than one section; nil if there is none
}

// setting is one of an account's settings.
type setting struct {
	name, description, value string // value is the default; "" if there is none
	secret, required         bool
	oneOf                    []string
}

// currencySetting picks the main pot of several.
const currencySetting = "CURRENCY"

// Name is the provider's name.
func (v *Vendor) Name() string { return v.file.Name.Text }

// File is the file as it is written.
func (v *Vendor) File() *File { return v.file }

// Capabilities follow from the file's sections.
func (v *Vendor) Capabilities() provider.Capabilities {
	all := provider.Capabilities{}
	for _, op := range provider.Operations() {
		all[op] = provider.Unsupported
	}
	for _, op := range v.Operations() {
		if all[op] = provider.Unverified; v.file.Verified {
			all[op] = provider.Supported
		}
	}
	return all
}

// Credentials are the settings that every account must have.
func (v *Vendor) Credentials() []string {
	var names []string
	for _, s := range v.settings {
		if s.required {
			names = append(names, s.name)
		}
	}
	return names
}

func (v *Vendor) secretNames() []string {
	var names []string
	for _, s := range v.settings {
		if s.secret {
			names = append(names, s.name)
		}
	}
	return names
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
func (v *Vendor) BaseURL() string { return v.baseURL }

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
func (v *Vendor) Settings() any { return reflect.Zero(v.settingsType()).Interface() }

func (v *Vendor) settingsType() reflect.Type {
	fields := make([]reflect.StructField, 0, len(v.settings)+2)
	add := func(of reflect.Type, s setting) {
		tag := "envconfig:" + strconv.Quote(s.name) + " desc:" + strconv.Quote(s.description) + " default:" + strconv.Quote(s.value)
		if s.required {
			tag += ` required:"true"`
		}
		if len(s.oneOf) > 0 {
			tag += " oneof:" + strconv.Quote(strings.Join(s.oneOf, "|"))
		}
		fields = append(fields, reflect.StructField{Name: "Setting_" + s.name, Type: of, Tag: reflect.StructTag(tag)})
	}
	for _, s := range v.settings {
		if s.secret {
			add(reflect.TypeFor[config.Secret](), s)
		} else {
			add(reflect.TypeFor[string](), s)
		}
	}
	add(reflect.TypeFor[config.BaseURL](), setting{name: "BASE_URL", description: "where the API is reached", value: v.baseURL, required: v.baseURL == ""})
	add(reflect.TypeFor[config.Rate](), setting{name: "RATE", description: "vendor calls allowed in a span of time", value: v.file.Rate.Text})
	return reflect.StructOf(fields)
}

// Read reads an account's settings. Faults are left in r.
func (v *Vendor) Read(r *config.Reader, prefix string) Account {
	into := reflect.New(v.settingsType())
	r.Into(prefix, into.Interface())
	fields := into.Elem()
	a := Account{Settings: fields.Interface(), values: map[string]string{}}
	for i, s := range v.settings {
		a.set(s, fields.Field(i).String())
	}
	a.Base, _ = fields.Field(len(v.settings)).Interface().(config.BaseURL)
	for _, s := range v.settings {
		name := prefix + "_" + s.name
		if why := v.unfit(s.name, a.values[s.name]); why != "" && a.values[s.name] != "" && !r.Faulty(name) {
			r.Fault(name, "%s", why)
		}
	}
	return a
}

func (a *Account) set(s setting, value string) {
	a.values[s.name] = value
	if s.secret && value != "" {
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
	for _, op := range v.Operations() {
		path := v.Request(op).Path
		if slices.Contains(path.names(), name) && (value == "." || value == "..") {
			return "can't be part of a path"
		}
	}
	return ""
}

// picksPot tells whether the setting CURRENCY is the format's own, which picks a pot, rather than the file's.
func (v *Vendor) picksPot() bool {
	return v.file.Balance != nil && v.file.Balance.Wallets != nil && !v.file.declares(currencySetting)
}

func (f *File) declares(name string) bool {
	return slices.ContainsFunc(f.Settings, func(e Entry[Setting]) bool { return e.Key.Text == name })
}
