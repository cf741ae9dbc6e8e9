package wire

import "accountgateway/internal/provider"

// minPersonal is the length in bytes from which a text is worth hiding: to hide "1" or "en" would spoil every sentence.
const minPersonal = 4

// Personal is the personal data of a new user, which a vendor's words, when they are kept, must not repeat. Login and country are told apart, because errors are about them.
func Personal(u provider.NewUser) []string {
	texts := []string{u.Email, u.FirstName, u.MiddleName, u.LastName, u.Phone, u.Company}
	for _, value := range u.Attributes {
		texts = append(texts, value)
	}
	var personal []string
	for _, text := range texts {
		if len(text) >= minPersonal {
			personal = append(personal, text)
		}
	}
	return personal
}
