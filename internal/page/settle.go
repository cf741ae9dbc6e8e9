package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/operation"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// refused is why a settlement was not taken; its zero value says that there is
// none.
type refused struct {
	ID    string // of the operation
	Words string

	State, Reason, Reference string // as they were given
}

func (f refused) status() int {
	if f.ID == "" {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// Settle answers POST SettlePath, the form of the page of all writes: it records
// how a write ended whose outcome is unknown. Its failures that no form mends are
// not answered yet.
func (p *Page) Settle(w http.ResponseWriter, r *http.Request) error {
	caller, ok := p.seesWrites(w, r)
	if !ok {
		return nil
	}
	name, id := r.PathValue("account"), r.PathValue("id")
	switch {
	case !caller.Sees(name):
		p.noSuchAccount(w, r)
		return nil
	case !caller.May(token.OperationsWrite):
		p.draw(w, r, http.StatusForbidden, messagePage, message{
			frame: p.frame(r, "Not allowed"), Heading: "This token lacks the scope operations:write",
			Lines: []string{"Use a token that has it, or the command gateway operations settle."},
		})
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return err
	}
	back, err := url.Parse(r.PostForm.Get("next"))
	if err != nil || back.Path != WritesPath {
		back = &url.URL{Path: WritesPath}
	}
	middleware.Of(r.Context()).Operation = id
	v := operation.Verdict{
		State: store.OperationState(r.PostForm.Get("state")), By: middleware.CallerName(caller),
		Reason: strings.TrimSpace(r.PostForm.Get("reason")), Reference: strings.TrimSpace(r.PostForm.Get("reference")),
	}
	failed := refused{ID: id, State: string(v.State), Reason: v.Reason, Reference: v.Reference}
	if faults := v.Faults(); len(faults) > 0 {
		failed.Words = sentence(faults[0].Field + " " + faults[0].Message)
		p.journal(w, r, caller, back.Query(), failed)
		return nil
	}
	if _, err := p.Accounts.Settle(r.Context(), name, id, v); errors.Is(err, operation.ErrNotUnknown) {
		failed.Words = "It was settled in the meantime, and stays as it is."
		p.journal(w, r, caller, back.Query(), failed)
		return nil
	} else if err != nil {
		return err
	}
	http.Redirect(w, r, writesAt(back.Query())+"#"+id, http.StatusSeeOther) // #nosec G710 -- the path is ours
	return nil
}
