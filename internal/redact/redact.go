// Package redact finds secrets in texts of others, such as vendors, who may say back what they were sent, and hides
// them. It knows a secret as it is, in another letter case, as JSON, URL or HTML escapes, in base64 and in hex, and in
// any two of these around each other. It knows nobody's texts and nothing else of the gateway.
package redact

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"accountgateway/internal/plain"
)

// Mark stands in place of a secret.
const Mark = "[redacted]"

// MinLength is the length, in characters, from which a secret is found inside other words and in every encoding. A
// shorter one is hidden only where it stands as a word of its own, else it would spoil every sentence.
const MinLength = 4

// Texts are what a Redactor looks for, and what it leaves alone.
type Texts struct {
	Secrets  []string // credentials and passwords
	Personal []string // personal data: hidden in words, left in values, which are there to tell it
	Public   []string // values that are shown whatever they look like, such as an account's own login
}

// Redactor hides secrets. The zero value and nil hide nothing. It is safe for concurrent use.
type Redactor struct {
	secrets, all needles // without and with what is personal
	public       []string
}

// New makes a Redactor. Empty texts are ignored.
func New(t Texts) *Redactor {
	return &Redactor{
		secrets: newNeedles(t.Secrets),
		all:     newNeedles(slices.Concat(t.Secrets, t.Personal)),
		public:  t.Public,
	}
}

// Words hides secrets and personal data in what somebody wrote for people.
func (r *Redactor) Words(text string) string {
	if r == nil {
		return text
	}
	return hide(text, r.all.find(text))
}

// maxQuote is how much of what a vendor says to people is kept, in bytes.
const maxQuote = 500

// Line is Words in one line that is fit to be shown (see plain.Line).
func (r *Redactor) Line(text string) string {
	return r.Words(plain.Line(r.Words(text))) // again: a secret may come about where something was taken out
}

// Quote is Line, no longer than a message needs to be.
func (r *Redactor) Quote(text string) string {
	text = r.Line(text)
	if len(text) <= maxQuote {
		return text
	}
	cut := maxQuote
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// Value hides secrets in a value that is kept. ok is false where the whole value is a secret: then it is nothing that a
// vendor should have answered.
//
// A value of only digits and signs, such as a number, a date or a phone number, is never rewritten.
func (r *Redactor) Value(text string) (clean string, ok bool) {
	if r == nil || text == "" {
		return text, true
	}
	spans := r.secrets.find(text)
	if len(spans) == 0 || slices.Contains(r.public, text) {
		return text, true
	}
	clean = hide(text, spans)
	whole := !strings.ContainsFunc(strings.ReplaceAll(clean, Mark, ""), inWord)
	switch {
	case isFigure(text) && (!whole || utf8.RuneCountInString(text) < MinLength):
		return text, true
	case whole:
		return "", false
	}
	return clean, true
}

// isFigure tells whether a text has digits, and nothing but them and the signs between them.
func isFigure(text string) bool {
	return strings.ContainsAny(text, "0123456789") && strings.Trim(text, "0123456789+-.,:/() ") == ""
}

// span is a part of a text: from its first byte to before its last.
type span struct{ from, to int }

// hide puts Mark in place of the spans.
func hide(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	end := 0 // of what is written or hidden
	for i := 0; i < len(spans); {
		s := spans[i]
		for i++; i < len(spans) && spans[i].from < s.to; i++ {
			s.to = max(s.to, spans[i].to)
		}
		out.WriteString(text[end:s.from])
		out.WriteString(Mark)
		end = s.to
	}
	out.WriteString(text[end:])
	return out.String()
}

// needles are texts to be found, folded (see fold).
type needles struct {
	long   [][]byte // found everywhere
	short  [][]byte // found as words of their own
	base64 [][]byte // the long ones in base64 whose letter case was changed, so that it can't be decoded any more
	least  int      // characters of the shortest of all; 0 if there are none
	runs   int      // characters of the shortest of long
}

func newNeedles(texts []string) needles {
	var n needles
	for _, text := range texts {
		count := utf8.RuneCountInString(text)
		folded := foldText(text)
		switch {
		case text == "":
			continue
		case count < MinLength:
			n.short = append(n.short, folded)
		default:
			n.long = append(n.long, folded)
			n.base64 = append(n.base64, base64Forms(text)...)
			n.runs = least(n.runs, count)
		}
		n.least = least(n.least, count)
	}
	return n
}

// least is the smaller of two counts, of which 0 means none yet.
func least(a, b int) int {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// minForm is the length from which a base64 form is no accident in a text.
const minForm = 6

// base64Forms are what surely stands in the base64 of any bytes with text among them, and at their end, in three
// alignments and two alphabets, folded.
func base64Forms(text string) [][]byte {
	var forms [][]byte
	for before := range 3 {
		from, sure := (before*8+5)/6, (before+len(text))*8/6
		padded := append(make([]byte, before), text...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString(padded)
			for _, to := range []int{sure, len(encoded)} {
				form := foldText(encoded[from:to])
				if len(form) >= minForm && !slices.ContainsFunc(forms, func(f []byte) bool { return bytes.Equal(f, form) }) {
					forms = append(forms, form)
				}
			}
		}
	}
	return forms
}

func foldText(text string) []byte { return fold(view{text: []byte(text)}).text }

// find gives the parts of a text that are a needle in some form.
func (n *needles) find(text string) []span {
	if n.least == 0 || len(text) < n.least {
		return nil
	}
	if len(n.spans(view{text: []byte(text), blind: true})) == 0 {
		return nil
	}
	return n.spans(view{text: []byte(text)})
}

func (n *needles) spans(original view) []span {
	folded := fold(original)
	spans := n.search(nil, folded)
	for _, form := range n.base64 {
		spans = folded.search(spans, form)
	}
	// Two layers: all that a text decodes to, and all that this decodes to. A third one of escapes is for requests that
	// are repeated in one, because a password in a request is in JSON in a URL already.
	n.decode(original, func(once view) {
		spans = n.search(spans, fold(once))
		n.decode(once, func(twice view) {
			spans = n.search(spans, fold(twice))
			unescape(twice, func(thrice view) { spans = n.search(spans, fold(thrice)) })
		})
	})
	return spans
}

// search finds the needles in a folded view.
func (n *needles) search(spans []span, folded view) []span {
	for _, needle := range n.long {
		spans = folded.search(spans, needle)
	}
	for _, needle := range n.short {
		for i := range folded.each(needle) {
			before, _ := utf8.DecodeLastRune(folded.text[:i])
			after, _ := utf8.DecodeRune(folded.text[i+len(needle):])
			if !inWord(before) && !inWord(after) {
				spans = append(spans, folded.span(i, i+len(needle)))
			}
		}
	}
	return spans
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
