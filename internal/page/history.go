package page

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strconv"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

// History answers GET HistoryPath: an account's past balances as a file for
// spreadsheets. Its query is Account's. Cells that the vendor did not fill are
// empty. An error is not answered yet.
func (p *Page) History(w http.ResponseWriter, r *http.Request) error {
	_, info, ok := p.accountOf(w, r)
	if !ok {
		return nil
	}
	chosen, now := spans[spanOf(r)], p.now()
	var body bytes.Buffer
	file := csv.NewWriter(&body)
	_ = file.Write([]string{"as_of", "currency", "balance", "blocked", "credit", "bonus"}) // a buffer takes everything
	err := p.Accounts.EachPoint(r.Context(), info.Name, now.Add(-time.Duration(chosen.days)*day), now, chosen.fine, func(at account.Point) error {
		b := at.Balance
		return file.Write([]string{
			at.AsOf.UTC().Format("2006-01-02T15:04:05.000Z"), string(b.Balance.Currency), b.Balance.Amount.String(), cell(b.Blocked), cell(b.Credit), cell(b.Bonus),
		})
	})
	if err != nil {
		return err
	}
	file.Flush()
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+info.Name+"-"+strconv.Itoa(chosen.days)+`-days.csv"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body.Bytes()) // else the caller is gone
	return nil
}

func cell(m *provider.Money) string {
	if m == nil {
		return ""
	}
	return m.Amount.String()
}
