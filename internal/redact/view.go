package redact

import (
	"bytes"
	"iter"
	"unicode"
	"unicode/utf8"
)

// view is what a text decodes to, with the way back. A unit is what is decoded as one, such as %41; its bytes have one
// place in the original.
type view struct {
	text  []byte
	at    []int32 // where in the original each byte's unit begins, and one more for the end; nil: where it is here
	blind bool    // without the way back, which takes most of the time and memory: places mean nothing
}

func (v view) origin(i int) int {
	if v.at == nil {
		return i
	}
	return int(v.at[i])
}

// span is the part of the original that the bytes from i to before j were decoded from, in whole units.
func (v view) span(i, j int) span {
	for j < len(v.text) && v.origin(j) == v.origin(j-1) {
		j++
	}
	return span{v.origin(i), v.origin(j)}
}

// each gives the places of needle, none over another.
func (v view) each(needle []byte) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; ; {
			i := bytes.Index(v.text[from:], needle)
			if i < 0 || !yield(from+i) {
				return
			}
			from += i + len(needle)
		}
	}
}

func (v view) search(spans []span, needle []byte) []span {
	for i := range v.each(needle) {
		spans = append(spans, v.span(i, i+len(needle)))
	}
	return spans
}

// fold makes texts equal that differ only in letter case, or in bytes that are no UTF-8. A plus is the same as a
// space, which forms write so.
func fold(v view) view {
	ascii := make([]byte, len(v.text))
	for i, b := range v.text {
		switch {
		case b >= utf8.RuneSelf:
			return foldRunes(v)
		case 'A' <= b && b <= 'Z':
			b += 'a' - 'A'
		case b == '+':
			b = ' '
		}
		ascii[i] = b
	}
	return view{text: ascii, at: v.at, blind: v.blind}
}

func foldRunes(v view) view {
	b := newBuilder(v)
	for i := 0; i < len(v.text); {
		r, width := rune(v.text[i]), 1
		switch {
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		case r == '+':
			r = ' '
		case r >= utf8.RuneSelf:
			if r, width = utf8.DecodeRune(v.text[i:]); r != utf8.RuneError {
				r = unicode.ToLower(unicode.ToUpper(r))
			}
		}
		b.rune(i, r)
		i += width
	}
	return b.done()
}

// builder makes a view of a view.
type builder struct {
	of  view
	out view
}

func newBuilder(of view) *builder {
	out := view{text: make([]byte, 0, len(of.text)), blind: of.blind}
	if !of.blind {
		out.at = make([]int32, 0, len(of.text)+1)
	}
	return &builder{of: of, out: out}
}

// unit adds a byte that the unit that begins at i decodes to.
func (b *builder) unit(i int, decoded byte) {
	b.out.text = append(b.out.text, decoded)
	b.placed(i)
}

// placed notes that all bytes added since are of the unit that begins at i.
func (b *builder) placed(i int) {
	if b.of.blind {
		return
	}
	at := int32(b.of.origin(i)) //nolint:gosec // texts are at most a few MiB
	for len(b.out.at) < len(b.out.text) {
		b.out.at = append(b.out.at, at)
	}
}

func (b *builder) rune(i int, r rune) {
	b.out.text = utf8.AppendRune(b.out.text, r)
	b.placed(i)
}

// copy adds the bytes from i to before j as they are.
func (b *builder) copy(i, j int) {
	if b.of.blind {
		b.out.text = append(b.out.text, b.of.text[i:j]...)
		return
	}
	for ; i < j; i++ {
		b.unit(i, b.of.text[i])
	}
}

// nothing is a byte that UTF-8 has not.
const nothing = 0xff

// gap adds nothing in place of the bytes from i to before j: once for the unit that has i, and once for all behind it.
func (b *builder) gap(i, j int) {
	if i >= j {
		return
	}
	b.unit(i, nothing)
	for first := b.of.origin(i); i < j && b.of.origin(i) == first; i++ {
	}
	if i < j {
		b.unit(i, nothing)
	}
}

func (b *builder) done() view {
	if !b.of.blind {
		b.out.at = append(b.out.at, int32(b.of.origin(len(b.of.text)))) //nolint:gosec // see placed
	}
	return b.out
}
