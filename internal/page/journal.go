package page

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/operation"
	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

// journal is the page of all writes.
type journal struct {
	frame
	Accounts []option
	Kinds    []option
	States   []option
	Filtered bool
	Writes   []write // newest first
	Older    string  // where the older ones are; "" if there are none
	Newest   string  // where the first page is; "" on it
	Failed   refused // a settlement that was refused
	Away     bool    // the database does not answer
}

// journalRows is how many writes a page has.
const journalRows = 50

// Writes answers GET WritesPath. Its query may say account, kind and state; what
// it says of others is left out.
func (p *Page) Writes(w http.ResponseWriter, r *http.Request) {
	if caller, ok := p.seesWrites(w, r); ok {
		p.journal(w, r, caller, r.URL.Query(), refused{})
	}
}

// seesWrites gives the caller, if it may read operations; else it answers the
// request.
func (p *Page) seesWrites(w http.ResponseWriter, r *http.Request) (token.Caller, bool) {
	caller, ok := p.reader(w, r)
	if ok && !caller.May(token.OperationsRead) {
		p.draw(w, r, http.StatusForbidden, messagePage, message{
			frame: p.frame(r, "Not allowed"), Heading: "This token lacks the scope operations:read",
			Lines: []string{"Use a token that has it: gateway token create --name NAME --scopes read,operations:read --accounts ACCOUNT,…."},
		})
		return caller, false
	}
	return caller, ok
}

func (p *Page) journal(w http.ResponseWriter, r *http.Request, caller token.Caller, q url.Values, failed refused) {
	page := journal{frame: p.frame(r, "Writes"), Failed: failed, Away: p.Accounts.Away()}
	page.At, page.Here = "writes", writesAt(q) // not where a form was posted to
	var names []string
	for _, info := range p.Accounts.List() {
		if caller.Sees(info.Name) {
			names = append(names, info.Name)
		}
	}
	var kinds, states []string
	for _, k := range []operation.Kind{operation.KindCreateUser, operation.KindRefill} {
		kinds = append(kinds, string(k))
	}
	for _, s := range []store.OperationState{store.Started, store.Succeeded, store.Failed, store.Unknown} {
		states = append(states, string(s))
	}
	known := func(name string, values []string) string {
		if v := q.Get(name); slices.Contains(values, v) {
			return v
		}
		return ""
	}
	name, kind, state := known("account", names), known("kind", kinds), known("state", states)
	page.Accounts = options("All accounts", name, names, func(name string) string { return name })
	page.Kinds = options("Everything", kind, kinds, func(kind string) string { return writeWords(operation.Kind(kind)) })
	page.States = options("Any outcome", state, states, func(state string) string {
		words, _ := endWords(store.OperationState(state))
		return capital(words)
	})
	page.Filtered = name != "" || kind != "" || state != ""
	if name != "" {
		names = []string{name}
	}
	f := store.OperationFilter{Kind: kind, State: store.OperationState(state), Limit: journalRows}
	f.Before = placeOf(q.Get("before"))
	page.list(r.Context(), p, names, f, q)
	if caller.May(token.OperationsWrite) {
		page.forms()
	}
	page.Drawn = exactly(p.now())
	p.draw(w, r, failed.status(), journalPage, page)
}

func (j *journal) list(ctx context.Context, p *Page, names []string, f store.OperationFilter, q url.Values) {
	operations, more, err := p.Accounts.OperationsOf(ctx, names, f)
	j.Away = j.Away || isAway(err)
	now := p.now()
	for _, op := range operations {
		j.Writes = append(j.Writes, p.newWrite(op, now))
	}
	at := func(before string) string {
		q := url.Values{"account": q["account"], "kind": q["kind"], "state": q["state"], "before": {before}}
		return writesAt(q)
	}
	if more {
		last := operations[len(operations)-1]
		j.Older = at(strconv.FormatInt(last.CreatedAt.UnixMicro(), 10) + "-" + last.ID)
	}
	if f.Before != nil {
		j.Newest = at("")
	}
}

// forms lets the caller settle what is unknown.
func (j *journal) forms() {
	for i := range j.Writes {
		w := &j.Writes[i]
		if !w.Unknown {
			continue
		}
		w.Form = &settlement{Action: "/ui/" + w.Account + "/writes/" + w.ID, Next: j.Here}
		if f := j.Failed; f.ID == w.ID {
			w.Form.Open, w.Form.State, w.Form.Reason, w.Form.Reference = true, f.State, f.Reason, f.Reference
		}
	}
}

// placeOf reads a place in the list of writes; nil is its start.
func placeOf(text string) *store.OperationCursor {
	micros, id, ok := strings.Cut(text, "-")
	at, err := strconv.ParseInt(micros, 10, 64)
	if !ok || err != nil || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567-") != "" {
		return nil
	}
	return &store.OperationCursor{CreatedAt: time.UnixMicro(at).UTC(), ID: id}
}

// writesAt is the address of the page with the parameters that it understands.
func writesAt(q url.Values) string {
	kept := url.Values{}
	for _, name := range []string{"account", "kind", "state", "before"} {
		if v := q.Get(name); v != "" {
			kept.Set(name, v)
		}
	}
	if len(kept) == 0 {
		return WritesPath
	}
	return WritesPath + "?" + kept.Encode()
}
