package page

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/provider"
)

// asked is how asking the vendor went; its zero value says nothing.
type asked struct {
	Words string
	Tone  tone
}

// askable are the readings that the vendor can be asked for.
func askable(info account.Info) (ops []provider.Operation) {
	for _, op := range []provider.Operation{provider.OpBalance, provider.OpStatistics} {
		if info.Capabilities.Callable(op) {
			ops = append(ops, op)
		}
	}
	return ops
}

// Ask answers POST AskPath: it has the vendor asked, as a caller with no-cache
// does, within the same budget and the rules of the lockout. Then it leads to the
// account's page, or draws it with what went wrong.
func (p *Page) Ask(w http.ResponseWriter, r *http.Request) {
	caller, info, ok := p.accountOf(w, r)
	if !ok {
		return
	}
	ctx := r.Context()
	if !caller.IsAnonymous() {
		ctx = account.WithCaller(ctx, caller.ID)
	}
	if err := p.ask(ctx, info); err != nil {
		middleware.Of(ctx).Err = err
		if now, gone := p.Accounts.Info(info.Name); gone == nil {
			info = now
		}
		p.account(w, r, caller, info, err)
		return
	}
	to := "/ui/" + info.Name + "?asked=" + strconv.FormatInt(p.now().Unix(), 10)
	http.Redirect(w, r, to, http.StatusSeeOther) // #nosec G710 -- the account is configured
}

// ask asks for the balance and then for the statistics, unless the first answer
// had those too.
func (p *Page) ask(ctx context.Context, info account.Info) error {
	began := p.now()
	bound := account.Bound{NoCache: true}
	for _, op := range askable(info) {
		var err error
		if op == provider.OpBalance {
			_, err = p.Accounts.Balance(ctx, info.Name, provider.BalanceQuery{}, bound)
		} else {
			_, err = p.Accounts.Statistics(ctx, info.Name, provider.StatisticsQuery{}, bound)
		}
		if err != nil {
			return err
		}
		took := p.now().Sub(began)
		bound = account.Bound{MaxAge: &took}
	}
	return nil
}

// askedRecently is how long a page that was led to by asking says so.
const askedRecently = time.Minute

// outcome is what an account's page says of asking.
func (p *Page) outcome(r *http.Request, m *funds, failed error, now time.Time) asked {
	if failed != nil {
		return asked{failure(failed), bad}
	}
	at, err := strconv.ParseInt(r.URL.Query().Get("asked"), 10, 64)
	if ago := now.Sub(time.Unix(at, 0)); err != nil || ago < -time.Second || ago > askedRecently || m.Read == nil || m.aged.by(now) > ago+askedRecently {
		return asked{} // it is an old link, or the vendor gave nothing
	}
	return asked{"The vendor answered: the figures are from " + m.Read.Words + ".", good}
}

// failure says why the vendor gave no reading, for people.
func failure(err error) string {
	var vendor *provider.Error
	words := "The vendor was not asked. The cause is in the gateway's log."
	switch {
	case isAway(err):
		return "The vendor was not asked: the gateway's database is unavailable."
	case errors.As(err, &vendor):
		words = sentence(vendor.Message)
		if wait := vendor.RetryAfter; wait > time.Minute {
			words += " Try again in " + inUnits(wait+time.Minute-1) + "."
		} else if wait > 0 {
			words += " Try again in " + inUnits(wait+time.Second-1) + "."
		}
	case errors.Is(err, context.DeadlineExceeded):
		words = "The vendor did not answer in time."
	}
	return "No new reading. " + words
}
