package page

import (
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/alert"
)

// runway is how long the money lasts, in few words and in many.
type runway struct {
	Words  string // "25 days"
	Until  *moment
	Tone   tone
	Burn   *figure // a day; nil if not known
	Story  string  // a sentence or two
	Method string  // "" if there is no forecast
}

// runwayTone has a colour where an alert is about how long the money lasts.
func runwayTone(alerts []alert.Alert) tone {
	for _, a := range alerts {
		if a.Code == alert.RunsOutSoon {
			return newAlertView(a, a.Since).Tone
		}
	}
	return good
}

// shortRunway is the table's, of the last forecast; there is no story.
func shortRunway(r account.Runway, alerts []alert.Alert, now time.Time) runway {
	if r.Status == account.ForecastOK {
		return runway{Words: lasting(r.End.Sub(now)), Until: onDay(r.End), Tone: runwayTone(alerts)}
	}
	return runway{Words: withoutEnd[r.Status], Tone: idle}
}

// withoutEnd says why a forecast has no end; nothing where there is none.
var withoutEnd = map[account.ForecastStatus]string{
	account.ForecastNoBurn: "no spending", account.ForecastPostpaid: "billed later", account.ForecastUnpredictable: "unclear",
	account.InsufficientHistory: "too early",
}

func newRunway(f account.Forecast, c account.CurrencyForecast, now time.Time) runway {
	l := runway{Words: withoutEnd[c.Status], Burn: optionalFigure(c.BurnPerDay), Method: sentence(account.ForecastMethod)}
	switch c.Status {
	case account.ForecastNoBurn:
		l.Story = "Nothing was spent in the last 14 days, so at this rate the money does not run out."
	case account.ForecastPostpaid:
		l.Story = "At " + l.Burn.String() + " a day. What is spent is invoiced later, so the money does not end."
	case account.ForecastUnpredictable:
		l.Story = "The balance rose at some time in every hour with readings, so spending can't be separated from top-ups."
	case account.ForecastOK:
		end := f.Balance.AsOf.Add(*c.Left)
		left := end.Sub(now)
		l.Words, l.Until = lasting(left), onDay(end)
		if left <= 0 {
			l.Story = "At " + l.Burn.String() + " a day, balance and credit are used up."
		} else {
			l.Story = "At " + l.Burn.String() + " a day, balance and credit last " + lasting(left) + ", until about " + l.Until.Words + "."
		}
	default:
		l.Story = "A forecast needs at least one day of regular readings"
		if c.Since != nil {
			l.Story += "; " + plural(c.Readings, "reading") + " so far, since " + exactly(*c.Since).Words
		}
		l.Story += "."
	}
	if c.Quality == account.HasGaps && c.BurnPerDay != nil {
		l.Story += " Some readings are missing: actual spending may be higher."
	}
	return l
}
