package declared

import (
	"maps"
	"net/http"
	"net/url"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// accepts are the Accept headers of the formats that are not JSON.
var accepts = map[string]string{"xml": "application/xml, text/xml, */*", "text": "*/*"}

// call makes a request of the account, with its credentials but for a token of OAuth.
func (c *client) call(op provider.Operation, r *Request) upstream.Call {
	auth, settings := c.vendor.file.Auth, c.account.values
	call := upstream.Call{
		Operation: op, Method: r.method(auth), URL: c.account.Base.String() + r.Path.FilledPath(settings),
		Query: url.Values{}, Header: http.Header{},
	}
	if accept := accepts[c.vendor.format()]; accept != "" {
		call.Header.Set("Accept", accept)
	}
	for _, e := range append(append(Map[Template]{}, r.Query...), auth.Query...) {
		call.Query.Set(e.Key.Text, e.Value.Filled(settings))
	}
	for _, e := range append(append(Map[Template]{}, r.Header...), auth.Header...) {
		call.Header.Set(e.Key.Text, e.Value.Filled(settings))
	}
	if auth.Bearer != nil {
		call.Header.Set("Authorization", upstream.Bearer(auth.Bearer.Filled(settings)))
	}
	if auth.Basic != nil {
		call.Header.Set("Authorization", upstream.Basic(auth.Basic.User.Filled(settings), auth.Basic.Password.Filled(settings)))
	}
	switch {
	case r.sendsJSON(auth):
		body := map[string]any{}
		if r.JSON != nil {
			filled, _ := r.JSON.Filled(settings).(map[string]any) // checked when the file was loaded
			maps.Copy(body, filled)
		}
		for _, e := range auth.JSON {
			body[e.Key.Text] = e.Value.Filled(settings)
		}
		call.Body = upstream.JSON(body)
	case r.sendsForm(auth):
		form := url.Values{}
		for _, e := range append(append(Map[Template]{}, r.Form...), auth.Form...) {
			form.Set(e.Key.Text, e.Value.Filled(settings))
		}
		call.Body = upstream.Form(form)
	}
	return call
}

func (r *Request) sendsJSON(auth *Auth) bool { return r.JSON != nil || len(auth.JSON) > 0 }

func (r *Request) sendsForm(auth *Auth) bool { return len(r.Form)+len(auth.Form) > 0 }

func (r *Request) method(auth *Auth) string {
	switch {
	case r.Method != nil:
		return r.Method.Text
	case r.sendsJSON(auth), r.sendsForm(auth):
		return http.MethodPost
	}
	return http.MethodGet
}
