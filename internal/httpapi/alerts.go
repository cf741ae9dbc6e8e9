package httpapi

import (
	"context"
	"net/http"

	"accountgateway/internal/alert"
	"accountgateway/internal/httpapi/middleware"
)

// listAlerts answers GET /alerts: with those of the caller's accounts.
func (s *server) listAlerts(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	severity, given := params.text("severity")
	if given && severity != string(alert.Warning) && severity != string(alert.Critical) {
		params.refuse("severity", "must be warning or critical")
	}
	if err := params.err(); err != nil {
		return reply{}, err
	}
	sees := middleware.Of(ctx).Caller.Sees
	name, one := params.text("account")
	if one && !sees(name) {
		return reply{}, middleware.ErrNotGranted
	}
	if _, err := s.Accounts.Info(name); one && err != nil {
		return reply{}, err
	}
	var open []alert.Alert
	for _, a := range s.Accounts.Alerts(sees) {
		if (!one || a.Account == name) && (severity == "" || string(a.Severity) == severity) {
			open = append(open, a)
		}
	}
	return encode(http.StatusOK, Alerts{Alerts: alertBodies(open)})
}

// AlertsBody is what GET /alerts answers. It is for the command that shows the
// same.
func AlertsBody(open []alert.Alert) any { return Alerts{Alerts: alertBodies(open)} }

func alertBodies(open []alert.Alert) []Alert {
	bodies := make([]Alert, 0, len(open))
	for _, a := range open {
		bodies = append(bodies, Alert{
			Account: a.Account, Provider: a.Provider, Code: AlertCode(a.Code), Severity: AlertSeverity(a.Severity), Since: Time{a.Since},
			Detail: a.Detail, Remedy: a.Remedy, Value: a.Value, Threshold: a.Threshold,
		})
	}
	return bodies
}
