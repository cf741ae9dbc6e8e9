package declared

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
)

// checker finds what is wrong in a file that has the right form.
type checker struct {
	vendor *Vendor
	file   *File
	faults Faults
	used   map[string]bool // settings
	stray  []string        // settings that are used and not declared
}

var (
	vendorName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)
	// reservedName would make the file's settings those of the gateway.
	reservedName = regexp.MustCompile(`^(gateway|otel)(-|$)`)
	settingName  = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
	figureName   = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	fixedPath    = regexp.MustCompile(`^(/[A-Za-z0-9._~!$&'()*+,;=:@-]*)+$`)
)

// NameRule says which names vendors may have.
const NameRule = "at most 40 lower-case letters, digits and inner hyphens, and not gateway or otel, also as the first part"

// ValidName tells whether a vendor may have a name.
func ValidName(name string) bool {
	return vendorName.MatchString(name) && !reservedName.MatchString(name)
}

// ownSettings are those that every account has, whatever its vendor.
var ownSettings = []string{"BASE_URL", "RATE", "IP_RATE", "REFILL_MAX", "REFILL_DAILY_MAX", "BALANCE_LOW", "DAYS_LOW"}

func (c *checker) check() {
	c.used = map[string]bool{}
	f := c.file
	if f.Name.Text != "" && !ValidName(f.Name.Text) {
		c.faults.add(f.Name.At, "name is %q; must be %s", f.Name.Text, NameRule)
	}
	head := &c.vendor.head
	head.Name, head.Title, head.Group, head.Rate, head.Capabilities = f.Name.Text, f.Title.Text, f.Group.Text, f.Rate.Text, f.capabilities()
	c.addresses()
	c.settings()
	c.requests()
	c.sections()
	c.expressions()
	c.samples()
	c.unused()
}

// unused finds settings of no use, but for those that have another fault, or may be what a slip was meant to be.
func (c *checker) unused() {
	for _, s := range c.file.Settings {
		name := s.Key.Text
		faulty := slices.ContainsFunc(c.faults, func(f Fault) bool { return f.At == s.Key.At })
		meant := slices.ContainsFunc(c.stray, func(stray string) bool { return config.Near(stray, []string{name}) != "" })
		if !c.used[name] && !faulty && !meant {
			c.faults.add(s.Key.At, "settings.%s is used nowhere: use it as ${%s}, or leave it out", name, name)
		}
	}
}

func (c *checker) addresses() {
	f := c.file
	if f.BaseURL != nil && f.BaseURL.Text != "" {
		var base config.BaseURL
		if err := base.UnmarshalText([]byte(f.BaseURL.Text)); err != nil {
			c.faults.add(f.BaseURL.At, "base_url: %v", err)
		}
		c.vendor.head.BaseURL = f.BaseURL.Text
	}
	if f.Rate.Text != "" {
		var rate config.Rate
		if err := rate.UnmarshalText([]byte(f.Rate.Text)); err != nil || rate == (config.Rate{}) {
			c.faults.add(f.Rate.At, "rate is %q; must be calls/duration, e.g. 250/1m", f.Rate.Text)
		}
	}
}

func (c *checker) settings() {
	for _, e := range c.file.Settings {
		s := HeadField{Name: e.Key.Text, Description: e.Value.Description.Text, Secret: e.Value.Secret, Required: e.Value.Default == nil}
		switch {
		case !settingName.MatchString(s.Name) || strings.HasSuffix(s.Name, "_FILE") || len(s.Name) > 40:
			c.faults.add(e.Key.At, "settings.%s: must be upper-case letters, digits and inner underscores, not ending in _FILE", s.Name)
			continue
		case slices.Contains(ownSettings, s.Name):
			c.faults.add(e.Key.At, "settings.%s: every account has a setting of that name already", s.Name)
		}
		if s.Secret && len(e.Value.OneOf) > 0 {
			c.faults.add(e.Value.OneOf[0].At, "settings.%s is secret and has one_of: a secret is an account's own", s.Name)
		}
		for _, one := range e.Value.OneOf {
			s.OneOf = append(s.OneOf, one.Text)
		}
		if e.Value.Default != nil {
			s.Default = e.Value.Default.Text
			switch {
			case s.Secret:
				c.faults.add(e.Value.Default.At, "settings.%s is secret and has a default: a secret is an account's own", s.Name)
			case s.OneOf != nil && !slices.Contains(s.OneOf, s.Default):
				c.faults.add(e.Value.Default.At, "settings.%s.default is %q; must be one of %s", s.Name, s.Default, strings.Join(s.OneOf, ", "))
			}
		}
		c.vendor.head.Fields = append(c.vendor.head.Fields, s)
	}
	if c.vendor.picksPot() {
		c.vendor.head.Fields = append(c.vendor.head.Fields, HeadField{Name: currencySetting, Description: "the currency of the main balance, of those that the account has"})
	}
}

// named are the settings by name.
func (c *checker) named(name string) (HeadField, bool) {
	i := slices.IndexFunc(c.vendor.head.Fields, func(s HeadField) bool { return s.Name == name })
	if i < 0 {
		return HeadField{}, false
	}
	return c.vendor.head.Fields[i], true
}

func (c *checker) settingNames() []string {
	names := make([]string, len(c.vendor.head.Fields))
	for i, s := range c.vendor.head.Fields {
		names[i] = s.Name
	}
	return names
}

// template checks the settings in a template.
func (c *checker) template(t *Template, what string, inURL bool) {
	if t == nil {
		return
	}
	if strings.Count(t.Text, "${") != len(t.names()) {
		c.faults.add(t.At, "%s: ${ without its }", what)
	}
	for _, name := range t.names() {
		s, known := c.named(name)
		c.used[name] = true
		switch {
		case !known:
			c.stray = append(c.stray, name)
			c.faults.add(t.At, "%s uses the setting %s, which is not declared%s", what, name, meant(name, c.settingNames()))
		case s.Secret && inURL && (c.file.Auth == nil || c.file.Auth.SecretInURL == nil):
			c.faults.add(t.At, "%s puts the secret %s into the URL, where logs of others may show it: use a header or a form, or say in auth.secret_in_url why the vendor takes it nowhere else", what, name)
		}
	}
}

func (c *checker) templates(m Map[Template], what string, inURL bool) {
	for i := range m {
		c.template(&m[i].Value, what+"."+m[i].Key.Text, inURL)
	}
}

// notHeaders are headers that HTTP itself needs.
var notHeaders = []string{"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade", "trailer"}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

func (c *checker) headers(m Map[Template], what string) {
	c.templates(m, what, false)
	for _, e := range m {
		if !headerName.MatchString(e.Key.Text) || slices.Contains(notHeaders, strings.ToLower(e.Key.Text)) {
			c.faults.add(e.Key.At, "%s.%s can't be set: invalid header name, or reserved by HTTP", what, e.Key.Text)
		}
	}
}

func (c *checker) requests() {
	if a := c.file.Auth; a != nil {
		c.auth(a)
	}
	seen := map[*Request]string{}
	for _, op := range c.file.sections() {
		name := string(op) + ".request"
		r := c.file.request(op)
		switch {
		case r == nil:
			c.faults.add(c.file.Name.At, "%s is missing, and there is no request for all sections", name)
			continue
		case seen[r] != "":
			c.vendor.shared = r
			continue
		case r == c.file.Request:
			name = "request"
		}
		seen[r] = name
		c.request(r, name)
	}
	if r := c.file.Request; r != nil && seen[r] == "" {
		c.faults.add(r.Path.At, "request is used by no section: each has its own")
	}
}

func (c *checker) auth(a *Auth) {
	c.template(a.Bearer, "auth.bearer", false)
	c.headers(a.Header, "auth.header")
	c.templates(a.Form, "auth.form", false)
	c.templates(a.JSON, "auth.json", false)
	c.templates(a.Query, "auth.query", true)
	ways := 0
	if a.Basic != nil {
		c.template(&a.Basic.User, "auth.basic.user", false)
		c.template(&a.Basic.Password, "auth.basic.password", false)
		ways++
	}
	if a.OAuth != nil {
		c.path(&a.OAuth.Path, "auth.oauth.path")
		c.template(&a.OAuth.ClientID, "auth.oauth.client_id", false)
		c.template(&a.OAuth.ClientSecret, "auth.oauth.client_secret", false)
		ways++
	}
	if a.Bearer != nil {
		ways++
	}
	other := slices.ContainsFunc(c.faults, func(f Fault) bool { // it may be why
		return strings.HasPrefix(f.Message, "settings") || strings.HasPrefix(f.Message, "auth")
	})
	if !c.usesSecret() && !other {
		c.faults.add(c.file.Name.At, "auth uses no secret: write secret: true for the settings that are, else logs and answers may show them")
	}
	if ways > 1 {
		c.faults.add(c.file.Name.At, "auth has more than one of bearer, basic and oauth: they are the same header")
	}
}

// usesSecret tells whether what was looked at so far uses a secret.
func (c *checker) usesSecret() bool {
	return slices.ContainsFunc(c.vendor.head.Fields, func(s HeadField) bool { return s.Secret && c.used[s.Name] })
}

func (c *checker) request(r *Request, name string) {
	c.path(&r.Path, name+".path")
	c.templates(r.Query, name+".query", true)
	c.headers(r.Header, name+".header")
	c.templates(r.Form, name+".form", false)
	r.JSON.templates(func(t Template) { c.template(&t, name+".json", false) })
	auth := c.file.Auth
	if auth == nil {
		return
	}
	switch {
	case r.sendsJSON(auth) && r.sendsForm(auth):
		c.faults.add(r.Path.At, "%s sends both a form and JSON, including auth's: use only one", name)
	case r.Method != nil && r.Method.Text == "GET" && (r.sendsJSON(auth) || r.sendsForm(auth)):
		c.faults.add(r.Method.At, "%s is a GET with a body; must be POST", name)
	case r.JSON != nil && len(auth.JSON) > 0 && kinds[r.JSON.node.ShortTag()] != "a mapping":
		c.faults.add(r.JSON.at, "%s.json is not a mapping, so auth.json can't be added to it", name)
	}
	if kind := r.JSON; kind != nil && kinds[kind.node.ShortTag()] != "a mapping" {
		c.faults.add(r.JSON.at, "%s.json is %s; must be a mapping", name, describe(r.JSON.node))
	}
}

// dotted tells whether a path has a segment that leads elsewhere.
func dotted(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(segment string) bool { return segment == "." || segment == ".." })
}

// path checks that a path stays one whatever the settings are.
func (c *checker) path(p *Template, name string) {
	c.template(p, name, true)
	if p.Text == "" {
		return
	}
	plain := placeholder.ReplaceAllString(p.Text, "x")
	if !fixedPath.MatchString(plain) || dotted(plain) || strings.Contains(plain, "//") {
		c.faults.add(p.At, "%s is %q; must be a path, e.g. /v1/account, with the query string in query", name, p.Text)
	}
}

func (c *checker) sections() {
	f := c.file
	if len(f.sections()) == 0 && f.Name.Text != "" {
		c.faults.add(f.Name.At, "the file reads nothing; it needs balance, statistics or users")
	}
	if b := f.Balance; b != nil && b.Wallets == nil {
		for name, e := range map[string]*Expr{"name": b.Name, "main": b.Main} {
			if e != nil {
				c.faults.add(e.At, "balance.%s is for several pots: say in balance.wallets where they are", name)
			}
		}
	}
	s := f.Statistics
	if s == nil {
		return
	}
	if len(s.Counters)+len(s.Amounts) == 0 {
		c.faults.add(f.Name.At, "statistics has no counters and no amounts; it needs at least one")
	}
	seen := map[string]bool{}
	name := func(t Text) {
		switch {
		case t.Text == "":
		case !figureName.MatchString(t.Text):
			c.faults.add(t.At, "the name %q must be lower-case letters, digits and inner underscores", t.Text)
		case seen[t.Text]:
			c.faults.add(t.At, "the name %s is used twice in statistics", t.Text)
		}
		seen[t.Text] = true
	}
	for _, row := range s.Counters {
		name(row.Name)
	}
	for _, row := range s.Amounts {
		name(row.Name)
		if (row.Currency == nil) == (row.Unit == nil) {
			c.faults.add(row.Name.At, "the amount %s needs either a currency or a unit", row.Name.Text)
		}
		if row.Unit != nil && !figureName.MatchString(row.Unit.Text) {
			c.faults.add(row.Unit.At, "the unit %q must be lower-case letters, digits and inner underscores, e.g. sms_credits", row.Unit.Text)
		}
	}
}

func (c *checker) expressions() {
	expressions(reflect.ValueOf(c.file).Elem(), func(e *Expr, as, item string) {
		if item == "wallet" && (c.file.Balance == nil || c.file.Balance.Wallets == nil) {
			item = ""
		}
		e.compile(as, item, &c.faults)
		for _, name := range e.settings {
			s, known := c.named(name)
			c.used[name] = true
			switch {
			case !known:
				c.stray = append(c.stray, name)
				c.faults.add(e.At, "%s uses the setting %s, which is not declared%s", e.Name, name, meant(name, c.settingNames()))
			case s.Secret:
				c.faults.add(e.At, "%s uses the secret %s: an expression sees no secret", e.Name, name)
			}
		}
	})
}

func (c *checker) samples() {
	seen := map[string]bool{}
	problems := 0
	for _, s := range c.file.Samples {
		if s.Want.Problem != nil {
			problems++
		}
		if seen[s.Name.Text] {
			c.faults.add(s.Name.At, "there are two samples %q", s.Name.Text)
		}
		seen[s.Name.Text] = true
		if s.For != nil && !slices.Contains(c.file.sections(), provider.Operation(s.For.Text)) {
			c.faults.add(s.For.At, "the sample is for %s, which the file does not read", s.For.Text)
		}
		for _, e := range s.Settings {
			if _, known := c.named(e.Key.Text); !known {
				c.faults.add(e.Key.At, "the sample has the setting %s, which is not declared%s", e.Key.Text, meant(e.Key.Text, c.settingNames()))
			}
		}
	}
	if len(c.file.Samples) > 0 && (problems == 0 || problems == len(c.file.Samples)) {
		c.faults.add(c.file.Samples[0].At, "samples: needs at least one that is read, and one that is a problem, such as wrong credentials")
	}
}
