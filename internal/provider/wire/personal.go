package wire

import "accountgateway/internal/provider"

// minPersonal is the length in bytes from which a text is worth hiding: to hide "1" or "en" would spoil every sentence.
const minPersonal = 4

// Personal are the texts of a new user that a vendor's words, when they are kept, must not repeat: the password, and
// personal data. Login and country are told apart, because errors are about them.
func Personal(u provider.NewUser) []string {
	texts := []string{u.Email, u.FirstName, u.MiddleName, u.LastName, u.Phone, u.Company}
	for _, value := range u.Attributes {
		texts = append(texts, value)
	}
	private := []string{u.Password}
	for _, text := range texts {
		if len(text) >= minPersonal {
			private = append(private, text)
		}
	}
	return private
}
