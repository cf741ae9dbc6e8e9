package middleware

import "strings"

// Matches tells whether If-None-Match names an answer's tag, or any ("*"). The
// comparison is weak (RFC 9110 13.1.2). From where it is malformed it names nothing.
func Matches(lines []string, tag string) bool {
	for _, list := range lines {
		if strings.Trim(list, " \t") == "*" {
			return true
		}
		for {
			list = strings.TrimLeft(list, " \t,")
			opaque := strings.TrimPrefix(list, "W/")
			if opaque == "" || opaque[0] != '"' {
				break
			}
			end := strings.IndexByte(opaque[1:], '"') + 2
			if end < 2 {
				break
			}
			if opaque[:end] == tag {
				return true
			}
			list = opaque[end:]
		}
	}
	return false
}
