package redact

import (
	"bytes"
	"html"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// decode shows what a view decodes to by each decoder that finds something to decode.
func (n *needles) decode(v view, show func(view)) {
	unescape(v, show)
	if n.runs == 0 {
		return
	}
	for _, p := range packings {
		for phase := range p.group {
			if decoded, ok := p.decode(v, phase, n.runs); ok {
				show(decoded)
			}
		}
	}
}

// escapes are the encodings that write single characters in another way. decode gives what an escape at the beginning
// of text stands for and how long it is; 0 if there is none.
var escapes = []struct {
	first  byte
	decode func(text []byte) (decoded []byte, length int)
}{
	{'\\', jsonEscape},
	{'%', urlEscape},
	{'&', htmlEscape},
}

// unescape shows what a view decodes to by each of escapes.
func unescape(v view, show func(view)) {
	for _, e := range escapes {
		if decoded, ok := unescapeOne(v, e.first, e.decode); ok {
			show(decoded)
		}
	}
}

func unescapeOne(v view, first byte, decode func([]byte) ([]byte, int)) (view, bool) {
	var b *builder // until there is an escape
	done := 0
	for i := bytes.IndexByte(v.text, first); i >= 0 && i < len(v.text); {
		decoded, length := decode(v.text[i:])
		if length > 0 {
			if b == nil {
				b = newBuilder(v)
			}
			b.copy(done, i)
			b.out.text = append(b.out.text, decoded...)
			b.placed(i)
			done = i + length
		}
		i += max(length, 1)
		next := bytes.IndexByte(v.text[i:], first)
		if next < 0 {
			break
		}
		i += next
	}
	if b == nil {
		return view{}, false
	}
	b.copy(done, len(v.text))
	return b.done(), true
}

// jsonEscape reads \n, \/, \u0026 and the like; also \x26, which programming languages write, and big letters.
func jsonEscape(text []byte) ([]byte, int) {
	if len(text) < 2 {
		return nil, 0
	}
	switch c := text[1]; c {
	case 'u', 'U':
		return unicodeEscape(text)
	case 'x', 'X':
		if r, ok := hexNumber(text, 2, 2); ok {
			return []byte{byte(r)}, 4 //nolint:gosec // two digits
		}
	case 'n', 'N':
		return []byte{'\n'}, 2
	case 't', 'T':
		return []byte{'\t'}, 2
	case 'r', 'R':
		return []byte{'\r'}, 2
	case 'b', 'B':
		return []byte{'\b'}, 2
	case 'f', 'F':
		return []byte{'\f'}, 2
	default:
		if c < utf8.RuneSelf && !inWord(rune(c)) {
			return text[1:2], 2
		}
	}
	return nil, 0
}

// unicodeEscape reads \u0026, or two of them that are one character in UTF-16.
func unicodeEscape(text []byte) ([]byte, int) {
	r, ok := hexNumber(text, 2, 4)
	if !ok {
		return nil, 0
	}
	length := 6
	if utf16.IsSurrogate(r) {
		if low, ok := hexNumber(text, 8, 4); ok && text[6] == '\\' && (text[7] == 'u' || text[7] == 'U') {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				r, length = both, 12
			}
		}
	}
	return utf8.AppendRune(nil, r), length
}

// hexNumber reads so many hex digits at a place.
func hexNumber(text []byte, from, digits int) (r rune, ok bool) {
	if len(text) < from+digits {
		return 0, false
	}
	for _, c := range text[from : from+digits] {
		digit := hexDigits[c]
		if digit == noDigit {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}

// urlEscape reads %26. A plus for a space is seen to by fold.
func urlEscape(text []byte) ([]byte, int) {
	r, ok := hexNumber(text, 1, 2)
	if !ok {
		return nil, 0
	}
	return []byte{byte(r)}, 3 //nolint:gosec // two digits
}

// maxEntity is longer than every entity that HTML has.
const maxEntity = 40

// htmlEscape reads &amp;, &#38; and &#x26;.
func htmlEscape(text []byte) ([]byte, int) {
	end := bytes.IndexByte(text[:min(len(text), maxEntity)], ';')
	if end < 3 {
		return nil, 0
	}
	if text[1] == '#' {
		r, ok := entityNumber(text[2:end])
		return utf8.AppendRune(nil, r), ifTrue(ok, end+1)
	}
	if bytes.ContainsFunc(text[1:end], func(r rune) bool { return r >= utf8.RuneSelf || !inWord(r) }) {
		return nil, 0
	}
	entity := string(text[:end+1])
	for _, name := range []string{entity, strings.ToLower(entity)} {
		if decoded := html.UnescapeString(name); !strings.HasPrefix(decoded, "&") || decoded == "&" {
			return []byte(decoded), end + 1
		}
	}
	return nil, 0
}

// entityNumber reads 38 or x26.
func entityNumber(text []byte) (rune, bool) {
	base := rune(10)
	if text[0] == 'x' || text[0] == 'X' {
		base, text = 16, text[1:]
	}
	r := rune(0)
	for _, c := range text {
		digit := rune(hexDigits[c])
		if digit >= base || r > unicode.MaxRune {
			return 0, false
		}
		r = r*base + digit
	}
	return r, len(text) > 0
}

func ifTrue(ok bool, n int) int {
	if ok {
		return n
	}
	return 0
}

// digits gives the value of each character that is a digit of an encoding, noDigit for the others.
type digits [256]byte

const noDigit = 0xff

func newDigits(alphabets ...string) (d digits) {
	for i := range d {
		d[i] = noDigit
	}
	for _, alphabet := range alphabets {
		for value, c := range []byte(alphabet) {
			d[c] = byte(value) //nolint:gosec // an alphabet has at most 64
		}
	}
	return d
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

var hexDigits = newDigits("0123456789abcdef", "0123456789ABCDEF")

// packing is an encoding that writes bytes anew, bits of them a digit. A group of digits is whole bytes.
type packing struct {
	digits      digits
	bits, group int
}

var packings = []*packing{
	{digits: newDigits(letters+"+/", letters+"-_"), bits: 6, group: 4}, // base64
	{digits: hexDigits, bits: 4, group: 2},
}

// decode decodes all runs of digits that are long enough to hold least bytes. Where in a run its encoding begins is not
// known: phase digits of each are left out. Between the runs is a gap.
func (p *packing) decode(v view, phase, least int) (view, bool) {
	var b *builder // until there is a run
	done := 0
	for i := 0; i < len(v.text); {
		if p.digits[v.text[i]] == noDigit {
			i++
			continue
		}
		from := i + phase
		for i < len(v.text) && p.digits[v.text[i]] != noDigit {
			i++
		}
		if (i-from)*p.bits/8 < least {
			continue
		}
		if b == nil {
			b = newBuilder(v)
		}
		b.gap(done, from)
		p.run(b, from, i)
		for i < len(v.text) && v.text[i] == '=' { // what base64 is filled up with
			i++
		}
		done = i
	}
	if b == nil {
		return view{}, false
	}
	b.gap(done, len(v.text))
	return b.done(), true
}

// run adds what a run from i to before j encodes.
func (p *packing) run(b *builder, i, j int) {
	for ; i < j; i += p.group {
		sum, have := uint(0), 0
		for _, c := range b.of.text[i:min(i+p.group, j)] {
			sum, have = sum<<p.bits|uint(p.digits[c]), have+p.bits
			if have >= 8 {
				have -= 8
				b.unit(i, byte(sum>>have)) //nolint:gosec // what is above was taken before
			}
		}
	}
}
