package selzy

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/govalues/decimal"
)

// The quirks of the package comment: those that shape an error, and those of answers.
var (
	errorQuirks  = []string{"empty_result", "result_false", "code_without_text", "empty_text", "unknown_code", "id_text"}
	answerQuirks = []string{
		"numbers", "floats", "bool_flags", "null_strings", "empty_dates", "zero_dates", "null_dates", "negative_balance",
		"raw_tab", "warnings", "warning_strings", "empty_map", "no_result",
	}
	codeQuirks = []string{
		codeUnspecified, codeInvalidKey, codeAccessDenied, codeUnknownMethod, codeInvalidArg, codeNotEnoughMoney,
		codeRetryLater, codeKeyLimit, codeIPLimit,
	}
)

const (
	withoutField = "without:"
	nullField    = "null:"
)

// allQuirks are the names that the control route takes.
var allQuirks = quirkNames()

func quirkNames() []string {
	var names []string
	names = append(names, errorQuirks...)
	names = append(names, answerQuirks...)
	names = append(names, codeQuirks...)
	for _, field := range userFields {
		names = append(names, withoutField+field, nullField+field)
	}
	return names
}

// quirks are those that are on for one call.
type quirks map[string]bool

// quirks asks for each once, so that a quirk with Times n holds for n calls.
func (s *Server) quirks(operation string) quirks {
	on := quirks{}
	for _, name := range allQuirks {
		if s.Control.Quirk(operation, name) {
			on[name] = true
		}
	}
	return on
}

// failure is the error that a quirk asks for, before anything was changed; nil if none does.
func (q quirks) failure() *apiError {
	for _, code := range codeQuirks {
		if q[code] {
			return fail(code)
		}
	}
	for _, name := range errorQuirks {
		if q[name] {
			return fail(codeUnspecified)
		}
	}
	return nil
}

// envelope encodes the answer (selzy.md 2).
func (q quirks) envelope(result any, warnings []string, failure *apiError, lang string) []byte {
	var out bytes.Buffer
	if failure != nil {
		encode(&out, q.errorBody(failure, lang))
		return out.Bytes()
	}
	body := object{{"result", q.bend(result)}}
	if len(warnings) == 0 && (q["warnings"] || q["warning_strings"]) {
		warnings = []string{"this is only a warning"}
	}
	if len(warnings) > 0 {
		body = append(body, member{"warnings", q.warningList(warnings)})
	}
	switch {
	case q["no_result"]:
		body = object{}
	case q["empty_map"]:
		body[0].value = []any{}
	}
	encode(&out, body)
	if q["raw_tab"] {
		return rawTab(out.Bytes())
	}
	return out.Bytes()
}

func (q quirks) errorBody(failure *apiError, lang string) object {
	text, code, result := failure.text(lang), failure.code, failure.result
	if q["id_text"] {
		text = "AK100310-02"
	}
	if q["unknown_code"] {
		code = "code_of_tomorrow"
	}
	switch {
	case q["code_without_text"]:
		return object{{"code", code}}
	case q["empty_text"]:
		text = ""
	case q["empty_result"]:
		result = resultEmpty
	case q["result_false"]:
		result = resultFalse
	}
	switch result {
	case resultEmpty:
		return object{{"error", text}, {"code", code}, {"result", ""}}
	case resultFalse:
		return object{{"error", text}, {"result", false}}
	default:
		return object{{"error", text}, {"code", code}}
	}
}

// warningList has the shape {"warning": text} (selzy.md 2, assumed) or plain strings.
func (q quirks) warningList(warnings []string) []any {
	list := []any{}
	for _, w := range warnings {
		if q["warning_strings"] {
			list = append(list, w)
			continue
		}
		list = append(list, object{{"warning", w}})
	}
	return list
}

// bend rewrites the values of a result.
func (q quirks) bend(v any) any {
	if len(q) == 0 {
		return v
	}
	switch v := v.(type) {
	case object:
		bent := object{}
		for _, m := range v {
			bent = append(bent, member{m.name, q.bend(m.value)})
		}
		return bent
	case []any:
		bent := []any{}
		for _, item := range v {
			bent = append(bent, q.bend(item))
		}
		return bent
	case date:
		return q.bendDate(v)
	case string:
		if v == "" && q["null_strings"] {
			return nil
		}
	case flag:
		if q["bool_flags"] {
			return bool(v)
		}
		return q.bendNumber(v)
	case number, money:
		return q.bendNumber(v)
	}
	return v
}

func (q quirks) bendDate(v date) any {
	switch {
	case q["null_dates"]:
		return nil
	case q["zero_dates"]:
		return "0000-00-00 00:00:00"
	case q["empty_dates"]:
		return ""
	}
	return v
}

func (q quirks) bendNumber(v any) any {
	if m, ok := v.(money); ok && q["negative_balance"] && decimal.Decimal(m).IsPos() {
		v = money(decimal.Decimal(m).Neg())
	}
	var text bytes.Buffer
	encode(&text, v)
	if _, ok := v.(number); ok && q["floats"] {
		text.WriteString(".0")
	}
	if q["numbers"] {
		return text.String()
	}
	return json.RawMessage(text.Bytes())
}

// bendUser leaves out or empties single fields of a user.
func (q quirks) bendUser(user object) object {
	kept := object{}
	for _, m := range user {
		if q[withoutField+m.name] {
			continue
		}
		if q[nullField+m.name] {
			m.value = nil
		}
		kept = append(kept, m)
	}
	return kept
}

// rawTab puts a TAB byte behind the first quote of the first string value (seen: UniSender WP escapes such tabs).
func rawTab(body []byte) []byte {
	before, after, found := strings.Cut(string(body), `:"`)
	if !found {
		return body
	}
	return []byte(before + ":\"\t" + after)
}
