// Package declared makes an adapter of a vendor that is described in one YAML file: requests, expressions that read the
// answers, errors, and samples that test it all. docs/vendor-file.md is the format's reference.
//
// A file can do no more than an adapter may: it reaches one host by the upstream client it is given, and its expressions
// (CEL) have exact decimals, no clock, no files, no network and a limit of cost.
package declared

// File is a vendor as it is written.
type File struct {
	Name     Text         `yaml:"name,required" desc:"the provider's name: small letters, digits and inner hyphens"`
	Title    Text         `yaml:"title,required" desc:"the vendor's own name"`
	Group    Text         `yaml:"group,required" oneof:"cloud|registrar|email|sms|ai|cdn|payments|data|other" desc:"the sort of vendor"`
	Verified bool         `yaml:"verified" desc:"true: somebody has seen the vendor answer as this file says, with an account of their own"`
	Sources  []Source     `yaml:"sources" desc:"where each fact comes from"`
	Notes    []Text       `yaml:"notes" desc:"what whoever sets the account up should know"`
	Settings Map[Setting] `yaml:"settings,required" desc:"become <ACCOUNT>_NAME, and <ACCOUNT>_NAME_FILE"`
	BaseURL  *Text        `yaml:"base_url" desc:"where the vendor is reached; <ACCOUNT>_BASE_URL overrides it. Left out: each account has its own and must set it"`
	Rate     Text         `yaml:"rate,required" desc:"calls allowed in a span of time, like 250/1m; <ACCOUNT>_RATE overrides it"`
	Auth     *Auth        `yaml:"auth,required" desc:"how the vendor knows the account"`
	Format   *Text        `yaml:"format" oneof:"json|xml|text" desc:"what answers are written in; json if left out"`
	Request  *Request     `yaml:"request" desc:"the request of all sections that have none of their own: one call answers all of them"`

	ErrorCode    *Expr     `yaml:"error_code" as:"words" desc:"the vendor's code in an answer that is an error"`
	ErrorMessage *Expr     `yaml:"error_message" as:"words" desc:"the vendor's words in an answer that is an error"`
	Errors       []Rule    `yaml:"errors" desc:"which answers are errors; the first that holds wins; after them the HTTP status decides"`
	RefuseWhen   []Refusal `yaml:"refuse_when" desc:"which answers look like readings and must not be believed, whatever the section"`

	Balance    *BalanceSection    `yaml:"balance"`
	Statistics *StatisticsSection `yaml:"statistics"`
	Users      *UsersSection      `yaml:"users"`
	Samples    []Sample           `yaml:"samples,required" desc:"answers of the vendor, and what they come to: the file's tests"`
}

// Source says where a fact comes from.
type Source struct {
	Fact Text `yaml:"fact,required"`
	From Text `yaml:"from,required"`
	Sure Text `yaml:"sure,required" oneof:"documented|seen|assumed" desc:"documented by the vendor, seen in an answer or in somebody's client, or assumed"`
}

// Setting is one of an account's settings.
type Setting struct {
	Description Text   `yaml:"description,required"`
	Secret      bool   `yaml:"secret" desc:"never shown"`
	Default     *Text  `yaml:"default" desc:"left out: the setting is required"`
	OneOf       []Text `yaml:"one_of" desc:"the values that it may have"`
}

// Auth is how the vendor knows the account. Several ways may be combined.
type Auth struct {
	Bearer      *Template     `yaml:"bearer" desc:"Authorization: Bearer …"`
	Basic       *Basic        `yaml:"basic" desc:"Authorization: Basic …"`
	Header      Map[Template] `yaml:"header" desc:"headers of the vendor's own"`
	Form        Map[Template] `yaml:"form" desc:"fields beside the request's form"`
	JSON        Map[Template] `yaml:"json" desc:"members beside the request's JSON"`
	Query       Map[Template] `yaml:"query" desc:"query parameters; needs secret_in_url"`
	OAuth       *OAuth        `yaml:"oauth" desc:"a token got by client credentials, as Bearer"`
	SecretInURL *Text         `yaml:"secret_in_url" desc:"why the secret has to be in the URL: the vendor takes it nowhere else"`
}

// Basic is a user name and a password.
type Basic struct {
	User     Template `yaml:"user,required"`
	Password Template `yaml:"password,required"`
}

// OAuth gets a token by the grant client_credentials.
type OAuth struct {
	Path         Template `yaml:"path,required" desc:"where tokens are given, at base_url"`
	ClientID     Template `yaml:"client_id,required"`
	ClientSecret Template `yaml:"client_secret,required"`
	Scopes       []Text   `yaml:"scopes"`
	Style        *Text    `yaml:"style" oneof:"params|header" desc:"where the credentials stand: in the form (params, if left out) or in the header"`
}

// Request is what is asked.
type Request struct {
	Method *Text         `yaml:"method" oneof:"GET|POST" desc:"GET, or POST if there is a form or JSON, if left out"`
	Path   Template      `yaml:"path,required" desc:"behind base_url"`
	Query  Map[Template] `yaml:"query"`
	Header Map[Template] `yaml:"header"`
	Form   Map[Template] `yaml:"form"`
	JSON   *JSON         `yaml:"json"`
}

// Rule says when an answer is an error.
type Rule struct {
	When       Expr  `yaml:"when,required" as:"bool" desc:"holds for such an answer; what can't be evaluated does not hold"`
	Kind       Text  `yaml:"kind,required" oneof:"provider_credentials|provider_access|provider_forbidden|provider_rate_limited|provider_unavailable|provider_rejected|insufficient_funds|not_found|unsupported_operation|unsupported_currency|provider_error|provider_bad_response" desc:"what callers see"`
	Code       *Expr `yaml:"code" as:"words" desc:"instead of error_code"`
	Message    *Expr `yaml:"message" as:"words" desc:"instead of error_message"`
	Hint       *Text `yaml:"hint" desc:"what happened and what to mend, for people"`
	RetryAfter *Expr `yaml:"retry_after" as:"wait" desc:"when another try makes sense: 60s, or seconds"`
}

// Refusal is an answer that looks like a reading and must not be believed.
type Refusal struct {
	When Expr  `yaml:"when,required" as:"bool" desc:"holds for such an answer"`
	Kind *Text `yaml:"kind" oneof:"provider_forbidden|provider_credentials|provider_access|provider_bad_response|unsupported_operation|provider_unavailable" desc:"provider_forbidden if left out"`
	Hint Text  `yaml:"hint,required" desc:"why, and what to mend"`
}

// BalanceSection reads money.
type BalanceSection struct {
	Request    *Request  `yaml:"request"`
	RefuseWhen []Refusal `yaml:"refuse_when"`
	Wallets    *Expr     `yaml:"wallets" as:"list" desc:"the list of pots, for vendors with several; the other expressions then speak of each one as wallet"`
	Name       *Expr     `yaml:"name" as:"text?" item:"wallet" desc:"the pot's name"`
	Main       *Expr     `yaml:"main" as:"bool" item:"wallet" desc:"which pot the balance is, if neither the caller nor the setting CURRENCY leaves only one"`
	Balance    Expr      `yaml:"balance,required" as:"decimal" item:"wallet" desc:"money left; negative if money is owed"`
	Currency   Expr      `yaml:"currency,required" as:"currency" item:"wallet"`
	Blocked    *Expr     `yaml:"blocked" as:"decimal?" item:"wallet"`
	Credit     *Expr     `yaml:"credit" as:"decimal?" item:"wallet"`
	Bonus      *Expr     `yaml:"bonus" as:"decimal?" item:"wallet" desc:"the part of the balance that is bonus"`
	Billing    *Expr     `yaml:"billing" as:"billing" desc:"prepaid or postpaid"`
}

// StatisticsSection reads counters and amounts.
type StatisticsSection struct {
	Request    *Request       `yaml:"request"`
	RefuseWhen []Refusal      `yaml:"refuse_when"`
	Period     *PeriodSection `yaml:"period"`
	Counters   []CounterRow   `yaml:"counters"`
	Amounts    []AmountRow    `yaml:"amounts"`
	Plan       *Expr          `yaml:"plan" as:"text?" desc:"the tariff"`
}

// PeriodSection is the vendor's own current period.
type PeriodSection struct {
	From *Expr `yaml:"from" as:"time?"`
	Till *Expr `yaml:"till" as:"time?" desc:"exclusive"`
}

// CounterRow is one count.
type CounterRow struct {
	Name      Text  `yaml:"name,required"`
	Scope     Text  `yaml:"scope,required" oneof:"now|period|lifetime"`
	Value     Expr  `yaml:"value,required" as:"int?" desc:"a whole number; without a value the counter is left out"`
	Limit     *Expr `yaml:"limit" as:"int?"`
	Unlimited *Expr `yaml:"unlimited" as:"bool" desc:"the vendor sets no limit; limit is then not read"`
}

// AmountRow is a sum of money, or of credits that are no money.
type AmountRow struct {
	Name     Text  `yaml:"name,required"`
	Scope    Text  `yaml:"scope,required" oneof:"now|period|lifetime"`
	Amount   Expr  `yaml:"amount,required" as:"decimal?" desc:"without a value the amount is left out"`
	Currency *Expr `yaml:"currency" as:"currency"`
	Unit     *Text `yaml:"unit" desc:"what is counted, if it is not money: sms_credits"`
}

// UsersSection reads the users that the credentials can see.
type UsersSection struct {
	Request    *Request  `yaml:"request"`
	RefuseWhen []Refusal `yaml:"refuse_when"`
	Users      Expr      `yaml:"users,required" as:"list" desc:"all users; the other expressions speak of each one as user"`
	Complete   *Expr     `yaml:"complete" as:"bool" desc:"false for an answer that is only a page of several, which is refused"`
	Login      Expr      `yaml:"login,required" as:"text" item:"user"`
	ID         *Expr     `yaml:"id" as:"text?" item:"user"`
	Email      *Expr     `yaml:"email" as:"text?" item:"user"`
	FirstName  *Expr     `yaml:"first_name" as:"text?" item:"user"`
	LastName   *Expr     `yaml:"last_name" as:"text?" item:"user"`
	Phone      *Expr     `yaml:"phone" as:"text?" item:"user"`
	Company    *Expr     `yaml:"company" as:"text?" item:"user"`
	Active     *Expr     `yaml:"active" as:"bool" item:"user"`
}

// Sample is an answer of the vendor, and what it comes to.
type Sample struct {
	Name     Text      `yaml:"name,required"`
	For      *Text     `yaml:"for" oneof:"balance|statistics|users" desc:"whose request it answers; the file's first section if left out"`
	Currency *Text     `yaml:"currency" desc:"what the caller asks for"`
	Settings Map[Text] `yaml:"settings" desc:"the account's, where they matter"`
	Answer   Reply     `yaml:"answer,required"`
	Want     Want      `yaml:"want,required"`
	At       Position
}

// Reply is an answer of the vendor.
type Reply struct {
	Status int64         `yaml:"status" desc:"200 if left out"`
	Header Map[Template] `yaml:"header"`
	Body   *Template     `yaml:"body"`
}

// Want is what a sample comes to: readings, or a problem. Readings are compared whole: what is left out must be absent.
type Want struct {
	Problem    *Text            `yaml:"problem" desc:"the kind"`
	Code       *Template        `yaml:"code" desc:"the vendor's code"`
	Message    *Text            `yaml:"message" desc:"the vendor's words"`
	RetryAfter *Text            `yaml:"retry_after"`
	Balance    *Text            `yaml:"balance" desc:"like 12.50 USD"`
	Blocked    *Text            `yaml:"blocked"`
	Credit     *Text            `yaml:"credit"`
	Bonus      *Text            `yaml:"bonus"`
	Billing    *Text            `yaml:"billing"`
	Wallets    []WantWallet     `yaml:"wallets"`
	Counters   Map[WantCounter] `yaml:"counters"`
	Amounts    Map[Text]        `yaml:"amounts" desc:"like 12.50 USD, or 7.5 sms_credits"`
	Plan       *Text            `yaml:"plan"`
	Period     *WantPeriod      `yaml:"period"`
	Users      []Text           `yaml:"users" desc:"their logins"`
	At         Position
}

// WantWallet is one pot.
type WantWallet struct {
	Name    *Text `yaml:"name"`
	Balance Text  `yaml:"balance,required,short"`
}

// WantCounter is one count.
type WantCounter struct {
	Value     int64  `yaml:"value,required,short"`
	Limit     *int64 `yaml:"limit"`
	Unlimited bool   `yaml:"unlimited"`
}

// WantPeriod is a period of two UTC instants.
type WantPeriod struct {
	From *Text `yaml:"from"`
	Till *Text `yaml:"till"`
}
