package token

import "strings"

// IDOf reads the id that a text claims to be a token of: false if it has not
// the form of a token. It says nothing about whether there is such a token.
func IDOf(text string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(text, Prefix)
	if !ok || len(text) != textLength || rest[idLength] != '_' {
		return "", false
	}
	id, secret := rest[:idLength], rest[idLength+1:]
	if strings.Trim(id, alphabet) != "" || strings.Trim(secret, alphabet) != "" {
		return "", false
	}
	return id, true
}
