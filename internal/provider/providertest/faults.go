package providertest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"accountgateway/internal/simulator"
)

// Faults makes a simulated vendor fare as the scenario says. failure is the vendor's error with a code and a text, which
// stands there as JSON does; echo is the text that repeats what is secret. Refused and Down are left to the caller:
// wrong credentials, and a server that is closed.
func Faults(t *testing.T, control *simulator.Control, s Scenario, failure func(code, text string) string, echo string) {
	t.Helper()
	quoted, err := json.Marshal(echo)
	if err != nil {
		t.Fatal(err)
	}
	fault := simulator.Fault{Kind: simulator.KindBody}
	switch s {
	case UnknownCode:
		fault.Body = failure(Code, `"Some text"`)
	case UnknownCode400:
		fault = simulator.Fault{Kind: simulator.KindStatus, Status: http.StatusBadRequest, Body: failure(Code, `"Some text"`)}
	case UnknownCode500:
		fault = simulator.Fault{Kind: simulator.KindStatus, Status: http.StatusInternalServerError, Body: failure(Code, `"Some text"`)}
	case Echo:
		fault.Body = failure(Code, string(quoted))
	case Outage:
		fault = simulator.Fault{Kind: simulator.KindStatus, Status: http.StatusBadGateway, Body: "<html>502 Bad Gateway</html>"}
	case Reset:
		fault.Kind = simulator.KindReset
	case Silent:
		fault.Kind = simulator.KindHang
	default:
		body, bad := s.Body()
		if !bad {
			return
		}
		fault.Body = body
	}
	if err := control.Inject(fault); err != nil {
		t.Fatal(err)
	}
}

// Timeout is the time limit of an adapter's client in the scenario.
func (s Scenario) Timeout() time.Duration {
	if s == Silent {
		return 200 * time.Millisecond
	}
	return 5 * time.Second
}
