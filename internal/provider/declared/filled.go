package declared

import "accountgateway/internal/provider"

// What an account's settings make of a file, for whoever plays its vendor.

// Values are the account's settings by name, secrets too.
func (a Account) Values() map[string]string { return a.values }

// Filled is the template with settings in it.
func (t *Template) Filled(settings map[string]string) string { return t.text(settings) }

// FilledPath is the template of a path with settings in it, escaped.
func (t *Template) FilledPath(settings map[string]string) string { return t.path(settings) }

// Filled is what is sent as JSON.
func (j *JSON) Filled(settings map[string]string) any { return j.fill(settings) }

// Method is that of a request of the file.
func (v *Vendor) Method(r *Request) string { return r.method(v.file.Auth) }

// Operations are those that the file has a section for; the first is what credentials are tried with.
func (v *Vendor) Operations() []provider.Operation { return v.sections() }

// BaseURL is where the vendor is reached; "" if each account has an address of its own.
func (v *Vendor) BaseURL() string { return v.baseURL }
