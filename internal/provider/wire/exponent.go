package wire

import (
	"regexp"
	"strconv"
	"strings"
)

// exponent is a number of JSON's grammar that has one. PHP writes small and large floats so.
var exponent = regexp.MustCompile(`^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?[eE]([+-]?[0-9]+)$`)

// maxExponent is more than any figure that is kept exactly has digits.
const maxExponent = 40

// plain writes a number without its exponent, every digit kept: 2.0e-5 is 0.000020. What is no number with an exponent
// stays as it is.
func plain(text string) string {
	part := exponent.FindStringSubmatch(text)
	if part == nil {
		return text
	}
	sign, whole, fraction := part[1], part[2], part[3]
	shift, err := strconv.Atoi(part[4])
	if err != nil || shift > maxExponent || shift < -maxExponent {
		return text // no amount and no count
	}
	digits, point := whole+fraction, len(whole)+shift
	if point < 1 {
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole, fraction = strings.TrimLeft(digits[:point-1], "0")+digits[point-1:point], digits[point:]
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction
}
