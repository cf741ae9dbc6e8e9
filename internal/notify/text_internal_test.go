package notify

import "testing"

// TestPhrase: a sentence begins with a capital letter, unless with a code.
func TestPhrase(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"the balance is -4.75 USD":            "The balance is -4.75 USD.",
		"provider_bad_response: no amount":    "provider_bad_response: no amount.",
		"emails_payg: 104 of 100":             "emails_payg: 104 of 100.",
		"domains: 104 of 100":                 "domains: 104 of 100.",
		"ask @ops\nin \x1b[2Jthe\u202e chat!": "Ask @\u200bops in [2Jthe chat!",
	} {
		if got := phrase(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
