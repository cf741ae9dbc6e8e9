package selzy

import (
	"strings"

	"golang.org/x/text/language"

	"accountgateway/internal/provider"
)

// withdrawn are codes that x/text knows and ISO 3166-1 does not, or no longer, list.
const withdrawn = " AC AN CP CS DG NT PC SU TA YU "

// country turns an ISO 3166-1 alpha-3 code into alpha-2; nil for any other text.
//
// x/text reads more than that: numbers, groups (QUU), private codes (ZZZ gives ZZ without an error), withdrawn codes
// and their heirs. What it made must lead back to the very same text.
func country(alpha3 string) *string {
	region, err := language.ParseRegion(alpha3)
	if err != nil || region.ISO3() != alpha3 || !region.IsCountry() || region.IsPrivateUse() {
		return nil
	}
	alpha2 := region.String()
	if len(alpha2) != 2 || region.Canonicalize() != region || strings.Contains(withdrawn, " "+alpha2+" ") {
		return nil
	}
	return &alpha2
}

// noCountry is what register is sent where no country is known (seen: two public clients).
const noCountry = "ZZZ"

// alpha3 is a new user's country as an ISO 3166-1 alpha-3 code; noCountry if there is none.
func alpha3(u provider.NewUser) string {
	region, err := language.ParseRegion(u.Country)
	if err != nil {
		return noCountry
	}
	code := region.ISO3()
	if alpha2 := country(code); alpha2 == nil || *alpha2 != u.Country {
		return noCountry
	}
	return code
}

// languageCode takes an ISO 639-1 code; nil for any other text, such as "ua", which the vendor uses for Ukrainian.
func languageCode(text string) *string {
	base, err := language.ParseBase(text)
	if err != nil || len(text) != 2 || base.String() != text {
		return nil
	}
	return &text
}
