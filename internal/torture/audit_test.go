//go:build linux

package torture

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// record is what the gateway says of a write afterwards.
type record struct {
	ID, State string
	Recorded  bool
	Reference *string
	SettledBy *string `json:"settled_by"`
	Request   struct {
		Wallet string `json:"wallet_id"`
		Login  string
	}
}

// heal undoes all that was done and waits until the gateway has recovered.
func (h *harness) heal(ctx context.Context) {
	for _, v := range h.vendors {
		v.heal()
	}
	for _, r := range h.replicas {
		r.clock.set(h.t, 0)
		p := r.current.Load()
		if p == nil {
			if p = r.start(); p == nil {
				h.t.Errorf("%s does not start", r.name)
				continue
			}
		}
		if err := p.awaitReady(ctx); err != nil {
			h.truth.broken(inTime, "%s, when all is well again: %v\n%s", r.name, err, p.log)
		}
	}
	h.truth.event("all is well")
}

// audit asks for each write once more and compares all records with what the vendors did.
func (h *harness) audit(ctx context.Context) {
	for i, w := range h.truth.all() {
		if p := h.replicas[i%len(h.replicas)].current.Load(); p != nil {
			h.post(ctx, p, w)
		}
	}
	h.truth.unsent()
	p := h.replicas[0].current.Load()
	if p == nil {
		return
	}
	tries := map[string][]record{}
	for _, v := range h.vendors {
		for _, op := range h.records(ctx, p, v) {
			name := op.Request.Wallet + op.Request.Login
			tries[name] = append(tries[name], op)
		}
		o := observed{account: v.account, age: -1, noCache: v.saint, sent: h.truth.now()}
		path := "/accounts/" + v.account + "/balance"
		header := []string{"Cache-Control", "no-cache"}
		if !v.saint { // its breaker may be open still
			header = nil
		}
		if a, err := p.do(ctx, http.MethodGet, path, "", header); h.came(ctx, p, path, o.sent, err) {
			h.judge(p, v, path, o, a)
		}
	}
	for _, v := range h.vendors {
		h.checkHistory(ctx, p, v)
	}
	for _, w := range h.truth.all() {
		if len(tries[w.name]) == 0 && w.arrivals > 0 {
			h.truth.broken(trueOutcome, "%s: %d requests reached the vendor, and there is no record", w.name, w.arrivals)
		}
	}
	for name, list := range tries {
		h.checkRecords(name, list)
	}
}

// records lists an account's operations.
func (h *harness) records(ctx context.Context, p *process, v *vendor) (all []record) {
	for path := "/accounts/" + v.account + "/operations?limit=100"; path != ""; {
		a, err := p.do(ctx, http.MethodGet, path, "", nil)
		var page struct {
			Operations []record
			NextCursor *string `json:"next_cursor"`
		}
		if err != nil || a.status != http.StatusOK || json.Unmarshal(a.body, &page) != nil {
			h.truth.broken(otherPromise, "GET %s: %s, %v", path, a, err)
			return all
		}
		all, path = append(all, page.Operations...), ""
		if page.NextCursor != nil {
			path = "/accounts/" + v.account + "/operations?limit=100&cursor=" + url.QueryEscape(*page.NextCursor)
		}
	}
	return all
}

// checkHistory holds an account's history against what its vendor said.
func (h *harness) checkHistory(ctx context.Context, p *process, v *vendor) {
	path := "/accounts/" + v.account + "/balance/history?step=1s"
	a, err := p.do(ctx, http.MethodGet, path, "", nil)
	var history struct {
		Points []struct{ Balance struct{ Amount string } }
	}
	if err != nil || a.status != http.StatusOK || json.Unmarshal(a.body, &history) != nil {
		h.truth.broken(otherPromise, "GET %s: %s, %v", path, a, err)
	}
	for _, point := range history.Points {
		h.truth.figure(observed{account: v.account, amount: point.Balance.Amount, stale: true, age: -1, sent: h.truth.now()})
	}
}

// longestStart is how long an operation may be called started: a call, the time until it is given up, and an allowance.
const longestStart = callTimeout + 5*time.Second + 6*time.Second + 5*time.Second

// checkRecords holds the records of one write against the truth: the tries that failed before they were sent, and one more
// at most.
func (h *harness) checkRecords(name string, tries []record) {
	last, others := tries[0], 0
	for _, op := range tries {
		if op.State != "failed" {
			last, others = op, others+1
		}
	}
	final, found, age := "", false, time.Duration(0)
	h.truth.mu.Lock()
	if w := h.truth.writes[name]; w != nil {
		final, found, age = w.final, true, h.truth.now()-w.arrivedAt
	}
	h.truth.mu.Unlock()
	if !found || others > 1 {
		h.truth.broken(trueOutcome, "%s: records of more than was asked for: %+v", name, tries)
		return
	}
	o := outcome{state: last.State, before: final, durable: last.Recorded, from: "the record"}
	if last.Reference != nil {
		o.reference = *last.Reference
	}
	h.truth.answered(name, o)
	if last.State == "started" && age > longestStart {
		h.truth.broken(trueOutcome, "%s: called started for %s", name, age)
	}
}
