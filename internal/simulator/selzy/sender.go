package selzy

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"regexp"
	"slices"
	"strings"
)

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)

// setSenderDomain answers the DKIM record to publish, the same one every time (seen: alexeyco).
func setSenderDomain(c *call) (any, *apiError) {
	a, failure := c.user("username")
	if failure != nil {
		return nil, failure
	}
	domain, failure := c.domain()
	if failure == nil && domain == "" {
		failure = badArg("domain is required")
	}
	if failure != nil {
		return nil, failure
	}
	key := dkim(domain)
	known := slices.ContainsFunc(a.SenderDomains, func(d SenderDomain) bool { return d.Domain == domain })
	if !known && !c.test {
		a.SenderDomains = append(a.SenderDomains, SenderDomain{Domain: domain, Status: "new", Key: key})
	}
	return object{{"dkim", key}}, nil
}

// getSenderDomainList pages through the domains; the mixed case is the vendor's (seen: alexeyco).
func getSenderDomainList(c *call) (any, *apiError) {
	a, failure := c.user("username")
	if failure != nil {
		return nil, failure
	}
	domain, failure := c.domain()
	if failure != nil {
		return nil, failure
	}
	limit, failure := c.args.integer("limit", 50, 1, 100)
	if failure != nil {
		return nil, failure
	}
	offset, failure := c.args.integer("offset", 0, 0, math.MaxInt64)
	if failure != nil {
		return nil, failure
	}
	list := []any{}
	for _, d := range a.SenderDomains {
		if domain != "" && d.Domain != domain {
			continue
		}
		if offset > 0 {
			offset--
			continue
		}
		if int64(len(list)) == limit {
			break
		}
		list = append(list, object{{"Domain", d.Domain}, {"Status", d.Status}, {"key", d.Key}})
	}
	return object{{"status", "success"}, {"domains", list}}, nil
}

// validateSender has a letter sent to the address, so that its owner confirms it (seen: alexeyco).
func validateSender(c *call) (any, *apiError) {
	a := c.caller
	login, failure := c.args.text("login")
	if a.Reseller && (failure != nil || login != "") {
		if a, failure = c.user("login"); failure != nil {
			return nil, failure
		}
	}
	email, failure := c.args.required("email")
	if failure != nil {
		return nil, failure
	}
	if !validEmail(email) {
		return nil, badArg("email is not an address")
	}
	known := slices.ContainsFunc(a.Senders, func(s Sender) bool { return strings.EqualFold(s.Email, email) })
	if !known && !c.test {
		a.Senders = append(a.Senders, Sender{Email: email, Name: a.Company})
	}
	return object{{"message", "A letter with a confirmation link was sent to the address"}}, nil
}

// getCheckedEmail lists sender addresses and if they are checked (seen: alexeyco).
func getCheckedEmail(c *call) (any, *apiError) {
	a, failure := c.user("login")
	if failure != nil {
		return nil, failure
	}
	email, failure := c.args.text("email")
	if failure != nil {
		return nil, failure
	}
	list := []any{}
	for _, s := range a.Senders {
		if email == "" || strings.EqualFold(s.Email, email) {
			list = append(list, object{{"email", s.Email}, {"name", s.Name}, {"is_checked", s.Checked}})
		}
	}
	return list, nil
}

// domain reads an optional domain name, in lower case.
func (c *call) domain() (string, *apiError) {
	text, failure := c.args.text("domain")
	text = strings.ToLower(text)
	if failure == nil && text != "" && !domainName.MatchString(text) {
		failure = badArg("domain is not a domain name")
	}
	return text, failure
}

func dkim(domain string) string {
	sum := sha256.Sum256([]byte(domain))
	return "k=rsa; p=" + base64.StdEncoding.EncodeToString(sum[:])
}
