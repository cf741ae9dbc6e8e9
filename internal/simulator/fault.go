package simulator

import (
	"errors"
	"fmt"
	"time"
)

// The kinds of Fault.
const (
	KindStatus      = "status"       // Status, Header and Body are answered; not processed
	KindBody        = "body"         // 200 with Header and Body; not processed
	KindDelay       = "delay"        // processed at once, answered after Delay
	KindDelayBefore = "delay_before" // processed and answered after Delay
	KindHang        = "hang"         // not processed, no answer until the client is gone
	KindHangAfter   = "hang_after"   // processed, no answer until the client is gone
	KindReset       = "reset"        // TCP reset; not processed
	KindResetAfter  = "reset_after"  // processed, then TCP reset
	KindCut         = "cut"          // processed; the first Bytes bytes of the true body, Content-Length of the whole, then TCP reset
	KindGzip        = "gzip"         // processed; the true answer gzip-encoded, whatever was asked for
	KindGzipBomb    = "gzip_bomb"    // a gzip-encoded body that inflates to Bytes bytes; not processed
	KindOversize    = "oversize"     // Bytes bytes of a JSON string that does not end; not processed
	KindRedirect    = "redirect"     // 307 to Header's Location; not processed
	KindQuirk       = "quirk"        // turns the vendor's own switch Quirk on
)

// Fault is one way in which a vendor misbehaves. Its JSON form is what the control route takes.
type Fault struct {
	Operation string            `json:"operation,omitempty"` // the vendor's function name; empty: every one
	Kind      string            `json:"kind"`
	Skip      int               `json:"skip,omitempty"`   // calls let through before it bites
	Times     int               `json:"times,omitempty"`  // calls it hits; 0: until cleared
	Status    int               `json:"status,omitempty"` // 200 to 599
	Header    map[string]string `json:"header,omitempty"`
	Body      string            `json:"body,omitempty"`
	Bytes     int               `json:"bytes,omitempty"`
	Delay     Duration          `json:"delay,omitempty"`
	Quirk     string            `json:"quirk,omitempty"` // with KindQuirk: the name of the vendor's switch
}

func (f *Fault) hits(op string) bool { return f.Operation == "" || f.Operation == op }

// check says which field does not fit the kind.
func (f *Fault) check() error {
	if f.Skip < 0 || f.Times < 0 || f.Bytes < 0 || f.Delay < 0 {
		return errors.New("skip, times, bytes and delay: must not be negative")
	}
	switch f.Kind {
	case KindBody, KindHang, KindHangAfter, KindReset, KindResetAfter, KindCut, KindGzip:
		return nil
	case KindStatus:
		if f.Status < 200 || f.Status > 599 {
			return errors.New("status: must be 200 to 599")
		}
	case KindDelay, KindDelayBefore:
		if f.Delay == 0 {
			return errors.New(`delay: missing, for example "250ms"`)
		}
	case KindGzipBomb, KindOversize:
		if f.Bytes == 0 {
			return errors.New("bytes: must be more than 0")
		}
	case KindRedirect:
		if f.Header["Location"] == "" {
			return errors.New("header: Location missing")
		}
	case KindQuirk:
		if f.Quirk == "" {
			return errors.New("quirk: missing")
		}
	default:
		return fmt.Errorf("kind: unknown %q", f.Kind)
	}
	return nil
}

// Duration is a time.Duration that is written as "250ms" in JSON.
type Duration time.Duration

// MarshalText writes the form that time.ParseDuration reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	*d = Duration(v)
	return nil
}
