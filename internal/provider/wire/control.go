package wire

import "fmt"

// EscapeControls escapes raw control characters inside JSON strings, which strict JSON forbids and some vendors send.
// Everything else stays as it is; a body without them is returned itself.
func EscapeControls(body []byte) []byte {
	var fixed []byte // nil until something had to be escaped
	inString, escaped := false, false
	for i, b := range body {
		switch {
		case !inString:
			inString = b == '"'
		case b < 0x20:
			if fixed == nil {
				fixed = append(make([]byte, 0, len(body)+64), body[:i]...)
			}
			if escaped { // a backslash before it would make "\\u0009" of it
				return body
			}
			fixed = fmt.Appendf(fixed, `\u%04x`, b)
			continue
		case escaped:
			escaped = false
		case b == '\\':
			escaped = true
		case b == '"':
			inString = false
		}
		if fixed != nil {
			fixed = append(fixed, b)
		}
	}
	if fixed == nil {
		return body
	}
	return fixed
}
