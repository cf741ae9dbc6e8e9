//go:build linux

package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// answer is what a caller got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends one request. header is in pairs.
func (p *process) do(ctx context.Context, method, path, body string, header []string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	a.body, err = io.ReadAll(resp.Body)
	return a, err
}

// problem is what callers may rely on in a failure.
type problem struct {
	Code, Detail string
	Recorded     *bool // false: the gateway knows how a write ended, and its database does not yet
}

func (a answer) problem() problem {
	var p problem
	if json.Unmarshal(a.body, &p) != nil || a.header.Get("Content-Type") != "application/problem+json" {
		return problem{}
	}
	return p
}

func (a answer) String() string { return fmt.Sprintf("%d %.600s", a.status, a.body) }

// figures are the members of a Balance that matter here.
type figures struct {
	Account string
	Balance *struct{ Amount string }
	Stale   *bool
	Status  string
	Problem *problem
}

// read makes one read of a random kind.
func (h *harness) read(ctx context.Context, rng *rand.Rand) {
	p := h.someProcess(rng)
	if p == nil {
		return
	}
	v := h.vendors[rng.IntN(len(h.vendors))]
	switch rng.IntN(10) {
	case 0:
		h.readFleet(ctx, p)
	case 1:
		h.readHealth(ctx, p)
	case 2:
		h.readOther(ctx, p, []string{"/", "/accounts", "/readyz", "/metrics", "/accounts/" + v.account + "/forecast",
			"/accounts/" + v.account + "/operations?limit=5", "/accounts/" + v.account + "/statistics", "/accounts/" + v.account + "/users"}[rng.IntN(8)])
	default:
		h.readBalance(ctx, p, v, rng.IntN(12))
	}
}

// readBalance reads one balance and holds it against the truth. bound chooses what the caller says of its age.
func (h *harness) readBalance(ctx context.Context, p *process, v *vendor, bound int) {
	o := observed{account: v.account, age: -1}
	var header []string
	switch bound {
	case 0, 1:
		header, o.noCache = []string{"Cache-Control", "no-cache"}, true
	case 2:
		header = []string{"Cache-Control", "max-age=1"}
		o.maxAge = new(time.Second)
	case 3:
		header = []string{"Cache-Control", "max-stale=5"}
	case 4:
		header, o.onlyIfCached = []string{"Cache-Control", "only-if-cached"}, true
	}
	path := "/accounts/" + v.account + "/balance"
	o.sent = h.truth.now()
	a, err := p.do(ctx, http.MethodGet, path, "", header)
	h.reads.Add(1)
	if !h.came(ctx, p, path, o.sent, err) {
		return
	}
	h.judge(p, v, path, o, a)
}

// judge holds an answer about one account's money against the truth.
func (h *harness) judge(p *process, v *vendor, path string, o observed, a answer) {
	if !o.onlyIfCached { // there may be nothing to give
		h.checkDelay(p, v, path, o.sent, a)
	}
	if a.status != http.StatusOK {
		h.checkBlame(v, path, o.sent, a)
		return
	}
	var got figures
	if err := json.Unmarshal(a.body, &got); err != nil || got.Balance == nil || got.Stale == nil || got.Account != v.account {
		h.truth.broken(otherPromise, "GET %s: %s", path, a)
		return
	}
	o.amount, o.stale = got.Balance.Amount, *got.Stale
	if seconds, err := strconv.Atoi(a.header.Get("Age")); err == nil {
		o.age = time.Duration(seconds) * time.Second
	}
	h.truth.figure(o)
}

// readFleet reads all balances at once.
func (h *harness) readFleet(ctx context.Context, p *process) {
	sent := h.truth.now()
	a, err := p.do(ctx, http.MethodGet, "/balances?limit=1000", "", nil)
	h.reads.Add(1)
	if !h.came(ctx, p, "/balances", sent, err) {
		return
	}
	var fleet struct{ Balances []figures }
	if err := json.Unmarshal(a.body, &fleet); err != nil || a.status != http.StatusOK || len(fleet.Balances) != len(h.vendors) {
		h.truth.broken(otherPromise, "GET /balances: %s", a)
		return
	}
	for _, item := range fleet.Balances {
		if item.Balance != nil && item.Stale != nil {
			h.truth.figure(observed{account: item.Account, amount: item.Balance.Amount, stale: *item.Stale, age: -1, sent: sent})
		}
	}
}

// readHealth finds a vendor that is well and is said not to be.
func (h *harness) readHealth(ctx context.Context, p *process) {
	saint := h.vendors[0]
	path := "/accounts/" + saint.account
	sent := h.truth.now()
	a, err := p.do(ctx, http.MethodGet, path, "", nil)
	h.reads.Add(1)
	if !h.came(ctx, p, path, sent, err) {
		return
	}
	var account struct{ State, Health struct{ State string } }
	if err := json.Unmarshal(a.body, &account); err != nil || a.status != http.StatusOK {
		h.truth.broken(otherPromise, "GET %s: %s", path, a)
	}
	switch state := account.State.State + account.Health.State; state {
	case "ok", "unknown":
	default:
		h.truth.broken(rightBlame, "GET %s, sent at %.3f: the vendor is well: %s", path, sent.Seconds(), a)
	}
}

// readOther reads what has no figure to date: it has to be answered at all.
func (h *harness) readOther(ctx context.Context, p *process, path string) {
	sent := h.truth.now()
	a, err := p.do(ctx, http.MethodGet, path, "", nil)
	h.reads.Add(1)
	if !h.came(ctx, p, path, sent, err) {
		return
	}
	if a.status >= 400 && path != "/readyz" && a.problem().Code == "" {
		h.truth.broken(otherPromise, "GET %s: %s", path, a)
	}
	for _, match := range balanceMetric.FindAllStringSubmatch(string(a.body), -1) {
		value, err := strconv.ParseFloat(match[2], 64) // the figures are exact in it
		if err != nil {
			h.truth.broken(otherPromise, "GET %s: %s", path, match[0])
			continue
		}
		h.truth.figure(observed{account: match[1], amount: strconv.FormatFloat(value, 'f', 2, 64), stale: true, age: -1, sent: sent})
	}
}

// balanceMetric is a line of /metrics with an account's balance.
var balanceMetric = regexp.MustCompile(`(?m)^account_balance\{account="([^"]+)".*\} (.+)$`)

// came tells whether a request was answered. Only a killed process may leave one without.
func (h *harness) came(ctx context.Context, p *process, path string, sent time.Duration, err error) bool {
	if err != nil && !p.doomed.Load() && ctx.Err() == nil {
		h.truth.broken(otherPromise, "%s, sent at %.3f: no answer: %v\n%s", path, sent.Seconds(), err, p.log)
	}
	return err == nil
}

// checkBlame finds vendors that are blamed for what is the gateway's own trouble.
func (h *harness) checkBlame(v *vendor, path string, sent time.Duration, a answer) {
	code := a.problem().Code
	switch {
	case code == "" || code == "internal" && !strings.Contains(string(a.body), "database"):
		h.truth.broken(otherPromise, "GET %s, sent at %.3f: %s", path, sent.Seconds(), a)
	case v.saint && strings.HasPrefix(code, "provider_"):
		h.truth.broken(rightBlame, "GET %s, sent at %.3f: the vendor is well: %s", path, sent.Seconds(), a)
	}
}

// write asks for a new write, or for an old one again.
func (h *harness) write(ctx context.Context, rng *rand.Rand) {
	w := h.oldWrite(rng)
	if w == nil {
		w = h.newWrite(rng)
	}
	twins := 1
	if rng.IntN(5) == 0 {
		twins = 2 + rng.IntN(2)
	}
	for range twins - 1 {
		if p := h.someProcess(rng); p != nil {
			h.callers.Go(func() { h.post(ctx, p, w) })
		}
	}
	if p := h.someProcess(rng); p != nil {
		h.post(ctx, p, w)
	}
}

// firstWallet makes the numbers of all wallets twelve digits long.
const firstWallet = 100_000_000_000

func (h *harness) newWrite(rng *rand.Rand) *write {
	n := h.lastWrite.Add(1)
	v := h.vendors[rng.IntN(len(h.vendors))]
	w := &write{account: v.account, kind: "users", name: fmt.Sprint("u", n)}
	w.body = fmt.Sprintf(`{"login":%q,"password":"correct-horse","email":"%s@customer.example","country":"DE"}`, w.name, w.name)
	if v.provider == "regru" && rng.IntN(3) > 0 {
		w.kind, w.name = "refills", fmt.Sprint(firstWallet+n)
		// Few sums, so that the invoices of writes are alike.
		w.body = fmt.Sprintf(`{"method":"webmoney","wallet_id":%q,"amount":"%d.50","currency":"RUB"}`, w.name, 100+rng.IntN(5))
	}
	h.recentLock.Lock()
	defer h.recentLock.Unlock()
	if h.recent = append(h.recent, w); len(h.recent) > 40 {
		h.recent = h.recent[1:]
	}
	return w
}

// oldWrite is one that was asked for before; nil for none.
func (h *harness) oldWrite(rng *rand.Rand) *write {
	h.recentLock.Lock()
	defer h.recentLock.Unlock()
	if len(h.recent) == 0 || rng.IntN(5) > 1 {
		return nil
	}
	return h.recent[rng.IntN(len(h.recent))]
}

// post asks for a write and holds the answer against the truth.
func (h *harness) post(ctx context.Context, p *process, w *write) {
	path := "/accounts/" + w.account + "/" + w.kind
	final := h.truth.begin(w)
	sent := h.truth.now()
	a, err := p.do(ctx, http.MethodPost, path, w.body, []string{"Content-Type", "application/json", "Idempotency-Key", "torture-" + w.name})
	h.writes.Add(1)
	if !h.came(ctx, p, "POST "+path, sent, err) {
		return
	}
	o := outcome{before: final, from: fmt.Sprintf("POST, sent at %.3f, answered %s", sent.Seconds(), a), durable: true}
	var got struct {
		State    string
		Recorded *bool
		Invoice  *struct{ ID *string }
		User     *struct{ ID *string }
	}
	told := a.problem()
	location, code := a.header.Get("Location"), told.Code
	switch {
	case a.status == http.StatusCreated || a.status == http.StatusAccepted:
		if json.Unmarshal(a.body, &got) != nil || got.State == "" || location == "" {
			h.truth.broken(otherPromise, "POST %s: %s", path, a)
			return
		}
		o.state, o.durable = got.State, got.Recorded == nil || *got.Recorded
		switch {
		case got.Invoice != nil && got.Invoice.ID != nil:
			o.reference = *got.Invoice.ID
		case got.User != nil && got.User.ID != nil:
			o.reference = *got.User.ID
		}
	case code == "operation_in_progress":
		o.state = "started"
	case code == "outcome_unknown":
		o.state = "unknown"
	case code == "" || a.status < 400 || code == "idempotency_key_reused" || code == "conflict":
		h.truth.broken(otherPromise, "POST %s: %s", path, a)
		return
	case strings.Contains(told.Detail, "nothing was sent to the vendor"): // and the key is new again
		o.state = "refused"
	case location != "":
		o.state, o.durable = "failed", told.Recorded == nil || *told.Recorded
	default:
		o.state = "refused"
	}
	h.truth.answered(w.name, o)
	v := h.vendorOf(w.account)
	h.checkDelay(p, v, "POST "+path, sent, a)
	if v.saint && strings.HasPrefix(code, "provider_") {
		h.truth.broken(rightBlame, "POST %s, sent at %.3f: the vendor is well: %s", path, sent.Seconds(), a)
	}
}
