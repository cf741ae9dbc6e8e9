//go:build linux

package torture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/simulator"
	"accountgateway/internal/simulator/regru"
	"accountgateway/internal/simulator/selzy"
)

// vendor is the other end of one account: a simulator whose balance says when it was told, and a journal of what came
// and of what was done.
type vendor struct {
	account  string
	provider string
	saint    bool // never misbehaves: whatever is said of it is the gateway's own trouble
	index    int  // makes its figures unlike those of others
	truth    *truth
	faults   *simulator.Control
	chain    http.Handler // faults, then process
	simulate http.Handler
	settings map[string]string

	mu        sync.Mutex
	sick      int // calls under way that a fault may have hit
	sickUntil time.Duration
	lie       bool // the next write is done, and answered with an error that no document has
	calls     int
}

// sentinel is the balance of every simulated account. What the time makes of it is put in its place.
const sentinel = "987654321.17"

// unlistedError is REG.RU's answer to a write that it has done.
const unlistedError = `{"result":"error","error_code":"BILL_CREATED_BUT_NOT_SENT","error_text":"Bill was created, but the notice was not sent"}`

func newVendor(account, provider string, index int, tr *truth) *vendor {
	v := &vendor{account: account, provider: provider, index: index, truth: tr, faults: simulator.NewControl()}
	money := decimal.MustParse(sentinel)
	switch provider {
	case "regru":
		v.simulate = regru.New(regru.Options{
			Accounts: []regru.Account{{Login: "partner", Password: "partner-secret", Email: "partner@example.ru", Partner: true, Prepay: money}},
			Refill:   true, Rate: regru.Rate{Calls: -1},
		})
		v.settings = map[string]string{"USERNAME": "partner", "PASSWORD": "partner-secret"}
	case "selzy":
		v.simulate = selzy.New(selzy.Options{
			Accounts: []selzy.Account{{APIKey: "resellerkey", Login: "desk", Email: "desk@nord.example", Reseller: true, Balance: money, Currency: "EUR",
				TariffID: 90, NextTariffID: 90, Active: true, APIMode: selzy.ModeOn, Registered: time.Now().Add(-time.Hour)}},
			KeyLimit: -1, IPLimit: -1,
		})
		v.settings = map[string]string{"API_KEY": "resellerkey"}
	}
	v.chain = v.faults.Wrap(http.HandlerFunc(v.process), func(r *http.Request) string { return path.Base(r.URL.Path) })
	return v
}

// ServeHTTP takes note of a call that came whole, and passes it on to the faults.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // who called is dead, and nobody can do half a request
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sick := len(v.faults.Faults()) > 0
	v.mu.Lock()
	v.calls++
	if sick = sick || v.lie; sick {
		v.sick++
	}
	v.mu.Unlock()
	if sick {
		defer func() {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.sick--
			v.sickUntil = v.truth.now()
		}()
	}
	v.truth.arrived(v.keyOf(r, body))
	v.chain.ServeHTTP(w, r)
}

// process has the simulator do what is asked, dates the balance and takes note of writes.
func (v *vendor) process(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Header.Del("Accept-Encoding") // the body is changed below
	answer := httptest.NewRecorder()
	v.simulate.ServeHTTP(answer, r)
	text := answer.Body.Bytes()
	if key := v.keyOf(r, body); key != "" {
		reference, done := v.outcome(text)
		v.truth.processed(key, reference, done)
		v.mu.Lock()
		lie := v.lie && v.provider == "regru"
		v.lie = v.lie && !lie
		v.mu.Unlock()
		if lie {
			text = []byte(unlistedError)
		}
	}
	if bytes.Contains(text, []byte(sentinel)) {
		text = bytes.ReplaceAll(text, []byte(sentinel), []byte(v.truth.tell(v.account, v.index)))
	}
	w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(text) // the gateway may be dead
}

// keyOf names the write that a call is; "" for a read. A refill is named by its wallet, a user by its login.
func (v *vendor) keyOf(r *http.Request, body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	var input struct {
		Wallet string `json:"wmid"`
		Login  string `json:"user_login"`
	}
	_ = json.Unmarshal([]byte(form.Get("input_data")), &input) // others than REG.RU have none
	switch path.Base(r.URL.Path) {
	case "refill_balance":
		return input.Wallet
	case "create":
		return input.Login
	case "register":
		return form.Get("login")
	}
	return ""
}

// outcome tells from the simulator's answer whether a write was done, and under which number.
func (v *vendor) outcome(text []byte) (reference string, done bool) {
	var answer struct {
		Result json.RawMessage
		Error  string
		Answer struct {
			Bill string `json:"bill_id"`
			User string `json:"user_id"`
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", false
	}
	if v.provider == "regru" {
		return answer.Answer.Bill + answer.Answer.User, string(answer.Result) == `"success"`
	}
	return "", answer.Error == "" && answer.Result != nil
}

// well tells whether the vendor has been in good health since a moment.
func (v *vendor) well(since time.Duration) bool {
	faulty := len(v.faults.Faults()) > 0
	v.mu.Lock()
	defer v.mu.Unlock()
	return !faulty && !v.lie && v.sick == 0 && v.sickUntil < since
}

// spoil has the next calls go wrong in one way, which it tells.
func (v *vendor) spoil(t testing.TB, rng *rand.Rand) string {
	if v.provider == "regru" && rng.IntN(6) == 0 {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.lie = true
		return "a write is done and answered with an unlisted error"
	}
	html := "<html><body>balance: 0</body></html>"
	kinds := []simulator.Fault{
		{Kind: simulator.KindHang}, {Kind: simulator.KindHangAfter}, {Kind: simulator.KindReset}, {Kind: simulator.KindResetAfter},
		{Kind: simulator.KindStatus, Status: 500}, {Kind: simulator.KindStatus, Status: 502, Body: html}, {Kind: simulator.KindStatus, Status: 503},
		{Kind: simulator.KindBody, Body: html}, {Kind: simulator.KindBody, Body: `{"result":"success","answer":{"prepay":"1`},
		{Kind: simulator.KindCut, Bytes: rng.IntN(60)},
		{Kind: simulator.KindDelay, Delay: simulator.Duration(upTo(rng, 3*time.Second))},
		{Kind: simulator.KindDelayBefore, Delay: simulator.Duration(upTo(rng, 3*time.Second) + 1)},
	}
	fault := kinds[rng.IntN(len(kinds))]
	if fault.Kind == simulator.KindDelay {
		fault.Delay++
	}
	fault.Times = 1 + rng.IntN(3)
	if err := v.faults.Inject(fault); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d times %s %d %s", fault.Times, fault.Kind, fault.Status, time.Duration(fault.Delay).Round(time.Millisecond))
}

// heal ends all faults but those of calls under way.
func (v *vendor) heal() {
	v.faults.Clear()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lie = false
	v.sickUntil = v.truth.now()
}

// waiting counts the calls under way that a fault may have hit.
func (v *vendor) waiting() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sick
}

func (v *vendor) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls
}

// prefix is what the account's settings begin with.
func (v *vendor) prefix() string {
	return strings.ToUpper(strings.ReplaceAll(v.account, "-", "_")) + "_"
}
