package page

import (
	"encoding/json"
	"net/url"
	"time"

	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// write is an operation as it is shown, without personal data but the login of a
// new user, which the journal keeps too.
type write struct {
	ID        string
	Account   string // "" where it is said elsewhere
	Kind      string
	For       string // the login of the new user, or the wallet that pays; "" if it is not kept
	By        string // who asked
	CheckOnly bool
	Outcome   ending
	At        *moment
	Settled   *moment // nil while it is not known how it ended
	Since     *moment // since when that is unknown; nil unless it is
	Amount    *figure // nil if it moves no money
	Reference string  // of an invoice; those of users may be personal data
	Problem   string
	SettledBy string
	Reason    string
	Unknown   bool
	SettleAt  string      // the page where an unknown one can be settled; "" on that itself
	Form      *settlement // on that page; nil if the caller may not
	// Candidates are the unpaid invoices that it may have made, while the outcome is unknown.
	Candidates []candidate
}

// settlement is the form that settles a write of unknown outcome.
type settlement struct {
	Action string
	Next   string // where it leads to
	Open   bool

	State, Reason, Reference string // as they were given before
}

// ending is how a write stands or ended.
type ending struct {
	Words string
	Tone  tone
}

// candidate is an unpaid invoice as it is shown.
type candidate struct {
	ID      string
	Payment *figure // nil if unknown
	Date    string
}

func (p *Page) newWrite(op operation.Operation, now time.Time) write {
	words, t := endWords(op.State)
	w := write{
		ID: op.ID, Account: op.Account, Kind: writeWords(op.Kind), By: p.callerName(op.Caller), CheckOnly: op.CheckOnly,
		Outcome: ending{words, t}, At: since(op.CreatedAt, now), SettledBy: p.callerName(op.SettledBy), Reason: op.Reason, Unknown: op.State == store.Unknown,
	}
	if op.SettledAt != nil {
		w.Settled = since(*op.SettledAt, now)
	}
	if op.UnknownSince != nil {
		w.Since = standingSince(*op.UnknownSince, now)
	}
	if op.Problem != nil {
		w.Problem = sentence(op.Problem.Message)
	}
	for _, c := range op.Candidates {
		w.Candidates = append(w.Candidates, candidate{ID: c.ID, Payment: optionalFigure(c.Payment), Date: string(c.Date)})
	}
	switch op.Kind {
	case operation.KindRefill:
		w.Reference = op.Reference
		var asked provider.RefillRequest
		if json.Unmarshal(op.Request, &asked) == nil && asked.Amount.Currency != "" {
			w.Amount = inTable(asked.Amount.Amount.String(), asked.Amount.Currency)
			if asked.WalletID != "" {
				w.For = "wallet " + asked.WalletID
			}
		}
	case operation.KindCreateUser:
		var asked struct {
			Login string `json:"login"`
		}
		if json.Unmarshal(op.Request, &asked) == nil {
			w.For = asked.Login
		}
	}
	return w
}

// writesOf is the address of an account's writes.
func writesOf(name string) string { return writesAt(url.Values{"account": {name}}) }

// unknownWrites is that of those whose outcome is unknown.
func unknownWrites(name string) string {
	return writesAt(url.Values{"account": {name}, "state": {string(store.Unknown)}})
}
