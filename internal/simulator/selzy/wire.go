package selzy

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"
)

// The values of an answer. Their types tell the quirks what they are.
type (
	object []member
	member struct {
		name  string
		value any // object, []any, string, bool, nil, or one of the types below
	}
	number int64           // a counter or an id
	flag   bool            // 1 or 0
	money  decimal.Decimal // a JSON number, written from the decimal's text without trailing zeros, as PHP does
	date   time.Time       // YYYY-MM-DD hh:mm:ss in UTC; "" when zero (assumed)
)

const dateLayout = "2006-01-02 15:04:05"

// encode writes v as JSON, the members of an object in their order.
func encode(out *bytes.Buffer, v any) {
	switch v := v.(type) {
	case object:
		out.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			encode(out, m.name)
			out.WriteByte(':')
			encode(out, m.value)
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			encode(out, item)
		}
		out.WriteByte(']')
	case string:
		text, _ := json.Marshal(v) // a string always encodes
		out.Write(text)
	case json.RawMessage:
		out.Write(v)
	case bool:
		out.WriteString(strconv.FormatBool(v))
	case number:
		out.WriteString(strconv.FormatInt(int64(v), 10))
	case flag:
		out.WriteString(map[flag]string{true: "1", false: "0"}[v])
	case money:
		out.WriteString(decimal.Decimal(v).Trim(0).String())
	case date:
		encode(out, v.String())
	default:
		out.WriteString("null")
	}
}

func (d date) String() string {
	if time.Time(d).IsZero() {
		return ""
	}
	return time.Time(d).UTC().Format(dateLayout)
}

// writeBody answers with status 200, gzip-encoded if the client asks for it.
func writeBody(w http.ResponseWriter, r *http.Request, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(body) // a bytes.Buffer takes everything
		_ = z.Close()
		body = packed.Bytes()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client may be gone; nothing is left to do then
}

func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !ok || err != nil || q > 0
	}
	return false
}

// htmlError is what a web server in front of the API answers.
func htmlError(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	_, _ = w.Write([]byte("<html><head><title>" + text + "</title></head><body><h1>" + text + "</h1></body></html>\n"))
}
