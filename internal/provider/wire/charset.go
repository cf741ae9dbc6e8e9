package wire

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charsets are those that REG.RU's io_encoding knows beside UTF-8 (regru.md 1.1), by the names that HTTP and vendors
// use.
var charsets = map[string]*charmap.Charmap{
	"windows-1251": charmap.Windows1251, "cp1251": charmap.Windows1251, "cp-1251": charmap.Windows1251, "win-1251": charmap.Windows1251, "x-cp1251": charmap.Windows1251,
	"koi8-r": charmap.KOI8R, "koi8-u": charmap.KOI8U,
	"ibm866": charmap.CodePage866, "cp866": charmap.CodePage866, "cp-866": charmap.CodePage866,
}

// byteOrderMark begins UTF-8 of some Windows programs.
var byteOrderMark = []byte("\uFEFF")

// UTF8 gives a body as UTF-8 without a byte order mark. charset is the one that the answer names; "" and one that is not
// known here are UTF-8. A body that is not of its charset is not understood: what would be read in place of its
// characters is not what the vendor said.
func UTF8(body []byte, charset string) ([]byte, error) {
	if table := charsets[strings.ToLower(strings.TrimSpace(charset))]; table != nil {
		decoded, err := table.NewDecoder().Bytes(body)
		if err != nil || bytes.ContainsRune(decoded, utf8.RuneError) { // none of them has that character
			return nil, BadResponse(Body, "does not match its charset")
		}
		return decoded, nil
	}
	body = bytes.TrimPrefix(body, byteOrderMark)
	if !utf8.Valid(body) {
		return nil, BadResponse(Body, "is not UTF-8")
	}
	return body, nil
}
