package regru

import "strings"

// access says who may call a function (2.1).
type access int

const (
	everyone access = iota
	clients
	partners
)

type function struct {
	access  access
	billing bool // touches the balance, so it can meet BILLING_LOCK
	run     func(*Server, *call) (answer, *apiError)
}

// functions is the list of what the server knows, by the path after the base URL (section 5 and the manual's list of functions).
var functions = map[string]function{
	"nop":            {access: clients, run: (*Server).nop},
	"reseller_nop":   {access: partners, run: (*Server).nop},
	"get_user_id":    {access: clients, run: (*Server).getUserID},
	"get_service_id": {access: clients, run: (*Server).getServiceID},

	"user/nop":              {access: everyone, run: (*Server).nothing},
	"user/create":           {access: partners, run: (*Server).createUser},
	"user/get_statistics":   {access: clients, run: (*Server).getStatistics},
	"user/get_balance":      {access: clients, run: (*Server).getBalance},
	"user/refill_balance":   {access: clients, billing: true, run: (*Server).refillBalance},
	"user/set_reseller_url": {access: partners, run: (*Server).setResellerURL},
	"user/get_reseller_url": {access: partners, run: (*Server).getResellerURL},

	"bill/nop":           {access: clients, run: (*Server).billNop},
	"bill/get_not_payed": {access: clients, run: (*Server).getNotPayed},

	// The other categories only prove that they can be reached.
	"domain/nop":  {access: everyone, run: (*Server).nothing},
	"folder/nop":  {access: everyone, run: (*Server).nothing},
	"service/nop": {access: clients, run: (*Server).nothing},
	"zone/nop":    {access: clients, run: (*Server).nothing},
	"dnssec/nop":  {access: clients, run: (*Server).nothing},
	"hosting/nop": {access: clients, run: (*Server).nothing},
	"shop/nop":    {access: clients, run: (*Server).nothing},
}

func (s *Server) function(name string) (function, bool) {
	if name == "user/refill_balance" && s.opts.Profile != Profile2017 && !s.opts.Refill {
		return function{}, false // gone from the manual since 2020 (5.5); the code is assumed
	}
	f, ok := functions[name]
	return f, ok
}

func (s *Server) nothing(*call) (answer, *apiError) { return nil, nil }

// nop answers the login as sent and the user's id (5.0).
func (s *Server) nop(c *call) (answer, *apiError) {
	return answer{"login": c.params.text("username"), "user_id": id(c.account.ID)}, nil
}

// getUserID answers a JSON number, as seen by the Ruby client, while nop answers a string (section 3).
func (s *Server) getUserID(c *call) (answer, *apiError) {
	return answer{"user_id": c.account.ID}, nil
}

// getServiceID: test gets the number that the Perl client's tests expect; nobody else owns a service here.
func (s *Server) getServiceID(c *call) (answer, *apiError) {
	if c.account.test {
		return answer{"service_id": numeric("12345")}, nil
	}
	if service := c.params.text("service_id"); service != "" {
		return nil, fail("SERVICE_ID_NOT_FOUND", "service_id", service)
	}
	for _, field := range []string{"domain_name", "dname"} {
		if domain := strings.ToLower(c.params.text(field)); domain != "" {
			return nil, fail("DOMAIN_NOT_FOUND", "domain_name", domain)
		}
	}
	return nil, fail("SERVICE_NOT_SPECIFIED")
}
