package selzy

// method is one function of the API.
type method struct {
	reseller bool // others get access_denied (selzy.md 8)
	run      func(*call) (any, *apiError)
}

var methods = map[string]method{
	"getUserInfo":           {run: getUserInfo},
	"getUsers":              {reseller: true, run: getUsers},
	"checkUserExists":       {reseller: true, run: checkUserExists},
	"register":              {run: register},
	"transferMoney":         {reseller: true, run: transferMoney},
	"changeTariff":          {reseller: true, run: changeTariff},
	"getTotalContactsCount": {run: getTotalContactsCount},
	"getCurrencyRates":      {run: getCurrencyRates},
	"setSenderDomain":       {run: setSenderDomain},
	"getSenderDomainList":   {run: getSenderDomainList},
	"validateSender":        {run: validateSender},
	"getCheckedEmail":       {run: getCheckedEmail},
}
