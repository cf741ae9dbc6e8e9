package operation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"accountgateway/internal/operation"
	"accountgateway/internal/operation/operationtest"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// What happens to writes in a scenario of two replicas, two callers and three
// keys each.
type (
	writeScenario struct {
		vendor [2][3]writeMood // how a call under that caller's key goes
		steps  []writeStep
	}
	writeStep struct {
		wait   time.Duration // before it
		asks   []writeAsk    // who come at about the same time
		crash  int           // the replica that is killed and started again, from 1; 0: none
		settle int           // the caller whose operations an operator settles, from 1; 0: nobody's
		did    bool          // as done, and not as undone
		sweep  bool          // what happens by itself every second
	}
	writeAsk struct {
		after   time.Duration
		at      int // the replica
		caller  int
		key     int
		amount  string
		hangsUp bool // hangs up after a second
	}
	writeMood struct {
		ends    string // how the call ends
		latency time.Duration
	}
)

func drawWrites(t *rapid.T) writeScenario {
	duration := func(name string, of ...time.Duration) time.Duration { return rapid.SampledFrom(of).Draw(t, name) }
	number := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
	var s writeScenario
	for c := range s.vendor {
		for k := range s.vendor[c] {
			s.vendor[c][k] = writeMood{
				ends:    rapid.SampledFrom([]string{"done", "done", "refused", "not sent", "not sent at first", "done and lost", "lost", "unsure", "panic", "done and panic"}).Draw(t, "ends"),
				latency: duration("latency", time.Millisecond, 2*time.Second, 12*time.Second),
			}
		}
	}
	s.steps = make([]writeStep, number("steps", 11)+1)
	for i := range s.steps {
		step := &s.steps[i]
		step.wait = duration("wait", time.Millisecond, time.Second, 5*time.Second, time.Minute)
		switch number("event", 7) {
		case 0, 1:
			step.crash = number("crash", 1) + 1
		case 2, 3:
			step.settle, step.did = number("settle", 1)+1, rapid.Bool().Draw(t, "did")
		case 4:
			step.sweep = true
		}
		for range number("asks", 5) {
			step.asks = append(step.asks, writeAsk{
				after: duration("after", 0, time.Millisecond, time.Second, 3*time.Second),
				at:    number("at", 1), caller: number("caller", 1), key: number("key", 2),
				amount:  rapid.SampledFrom([]string{"1.00", "1.00", "1.00", "2.00"}).Draw(t, "amount"),
				hangsUp: number("impatience", 5) == 5,
			})
		}
	}
	return s
}

// writeTruth plays the vendor and knows what is true.
type writeTruth struct {
	scenario writeScenario

	mu     sync.Mutex
	tried  map[string]int    // how often it was about to be sent
	calls  map[string]int    // by the name of the write
	asked  map[string]string // the amount that the vendor was asked for
	did    map[string]bool   // the vendor did it
	final  map[string]string // what a settled key answers
	told   map[string]bool   // the key has answered that nobody knows
	faults []string
}

func (tr *writeTruth) fault(format string, args ...any) {
	tr.faults = append(tr.faults, fmt.Sprintf(format, args...))
}

func nameOf(caller, key int) string { return fmt.Sprintf("%d%d", caller, key) }

// Refill is the vendor's side. The wallet names the write.
func (tr *writeTruth) Refill(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
	name := r.WalletID
	mood := tr.scenario.vendor[name[0]-'0'][name[1]-'0']
	note := func(f func()) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		f()
	}
	if mood.ends == "not sent" || mood.ends == "not sent at first" && tr.tries(name) == 1 {
		return provider.Invoice{}, &provider.Error{Kind: provider.KindUnavailable, Message: "no connection", NotSent: true}
	}
	note(func() {
		tr.asked[name] = r.Amount.Amount.String()
		if tr.calls[name]++; tr.calls[name] > 1 {
			tr.fault("%s: the vendor is asked again", name)
		}
	})
	late := pause(ctx, mood.latency/2)
	if late == nil && mood.ends != "refused" && mood.ends != "lost" && mood.ends != "panic" {
		note(func() { tr.did[name] = true })
	}
	if late == nil {
		late = pause(ctx, mood.latency/2)
	}
	switch {
	case late != nil:
		return provider.Invoice{}, &provider.Error{Kind: provider.KindTimeout, Message: "no answer", Err: late}
	case mood.ends == "refused":
		return provider.Invoice{}, &provider.Error{Kind: provider.KindRejected, Message: "no", Refused: true}
	case mood.ends == "lost", mood.ends == "done and lost":
		return provider.Invoice{}, provider.Errorf(provider.KindUnavailable, "the connection broke")
	case mood.ends == "panic", mood.ends == "done and panic":
		panic("the adapter has a bug")
	}
	return provider.Invoice{ID: "invoice of " + name, Unsure: mood.ends == "unsure"}, nil
}

// tries counts the tries of a write.
func (tr *writeTruth) tries(name string) int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.tried[name]++
	return tr.tried[name]
}

// check holds an answer against the truth. before is what the key had answered
// when it was asked.
func (tr *writeTruth) check(name, amount string, before writeMemory, op operation.Operation, err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	final := ""
	switch {
	case errors.Is(err, operation.ErrKeyReused):
		if tr.asked[name] == amount {
			tr.fault("%s: refused as reused, with the same payload", name)
		}
		return
	case operationtest.Failure(err) != nil && operationtest.Failure(err).Operation.KeyFree:
		if operationtest.Failure(err).Operation.Replayed {
			tr.fault("%s: not sent, and replayed", name)
		}
		return // another try may do anything
	case tr.asked[name] == "" && errors.Is(err, operation.ErrInProgress):
		return // recorded by somebody, and not at the vendor yet
	case tr.asked[name] == "":
		// A crash before it was sent, or before the end of an unsent one was recorded.
		if !errors.Is(err, operation.ErrOutcomeUnknown) && (operationtest.Failure(err) == nil && err != nil || op.SettledBy == "") {
			tr.fault("%s: never sent, and answered %+v, %v", name, op, err)
		}
		return
	case tr.asked[name] != amount:
		tr.fault("%s: another payload than %s is answered %+v, %v", name, tr.asked[name], op, err)
		return
	case errors.Is(err, operation.ErrInProgress):
		if before.final != "" || before.unknown {
			tr.fault("%s: running again after %+v", name, before)
		}
		return
	case errors.Is(err, operation.ErrOutcomeUnknown), err == nil && op.State == store.Unknown:
		if before.final != "" {
			tr.fault("%s: unknown again after %s", name, before.final)
		}
		tr.told[name] = true
		return
	case operationtest.Failure(err) != nil:
		op = operationtest.Failure(err).Operation
		final = "failed: " + err.Error()
		if op.SettledBy == "" && tr.did[name] {
			tr.fault("%s: failed, but the vendor did it", name)
		}
	case err == nil && op.State == store.Succeeded:
		invoice, _ := json.Marshal(op.Invoice) // it was read from JSON
		final = "succeeded: " + op.Reference + string(invoice)
		if op.SettledBy == "" && !tr.did[name] {
			tr.fault("%s: succeeded, but the vendor did not do it", name)
		}
	default:
		tr.fault("%s: answered %+v, %v", name, op, err)
		return
	}
	if before.final != "" && before.final != final {
		tr.fault("%s: answered %s, and before that %s", name, final, before.final)
	}
	if old := tr.final[name]; old != "" && old != final {
		tr.fault("%s: two answers: %s and %s", name, old, final)
	}
	tr.final[name] = final
}

// writeMemory is what a key has answered so far.
type writeMemory struct {
	final   string
	unknown bool
}

func (tr *writeTruth) memory(name string) writeMemory {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return writeMemory{final: tr.final[name], unknown: tr.told[name]}
}

// process is a replica that can be killed: its store is cut off, so nothing
// that it still does is kept.
type process struct {
	*replica
	store *store.Store
	mu    sync.Mutex
	dead  bool
}

func (tr *writeTruth) start(t *testing.T, url string) *process {
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, &providertest.Fake{Refills: tr.Refill}, "")
	r.durable.Attach(st)
	return &process{replica: r, store: st}
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	p.store.Close()
}

func (p *process) lives() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.dead
}

// drain ends a process in order, also a killed one, whose goroutines are ours.
func (p *process) drain() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	p.Run(ended)
}

func (tr *writeTruth) run(t *testing.T) {
	url := sqliteURL(t)
	operator, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()
	var all []*process
	start := func() *process {
		p := tr.start(t, url)
		all = append(all, p)
		return p
	}
	replicas := []*process{start(), start()}
	var wg sync.WaitGroup
	for _, step := range tr.scenario.steps {
		time.Sleep(step.wait)
		if step.crash > 0 {
			replicas[step.crash-1].kill()
			replicas[step.crash-1] = start()
		}
		if step.settle > 0 {
			tr.settle(t, operator, fmt.Sprint("caller ", step.settle-1), step.did)
		}
		if step.sweep {
			replicas[0].Load(t.Context())
		}
		for _, ask := range step.asks {
			p := replicas[ask.at]
			wg.Go(func() { tr.ask(p, ask) })
		}
	}
	wg.Wait()
	time.Sleep(2 * time.Minute) // every operation is given up by now
	last := start()
	last.Load(t.Context())
	for c := range tr.scenario.vendor {
		for k := range tr.scenario.vendor[c] {
			if amount, asked := tr.asked[nameOf(c, k)]; asked {
				tr.ask(last, writeAsk{caller: c, key: k, amount: amount})
			}
		}
	}
	list, err := operator.Operations(t.Context(), store.OperationFilter{State: store.Started})
	if err != nil || len(list) > 0 {
		tr.fault("%d operations are still started, %v", len(list), err)
	}
	for _, p := range all {
		p.drain()
		p.store.Close()
	}
}

// ask asks for a write and checks the answer, if the process lives to give one.
func (tr *writeTruth) ask(p *process, a writeAsk) {
	time.Sleep(a.after)
	ctx, cancel := context.Background(), func() {}
	if a.hangsUp {
		ctx, cancel = context.WithTimeout(ctx, time.Second)
	}
	defer cancel()
	name := nameOf(a.caller, a.key)
	before := tr.memory(name)
	r := operationtest.RefillOf(a.amount)
	r.WalletID = name
	op, err := p.Refill(ctx, operation.Order{Account: "a", Caller: fmt.Sprint("caller ", a.caller), Key: fmt.Sprint("key ", a.key)}, r)
	if !p.lives() || a.hangsUp && errors.Is(err, context.DeadlineExceeded) {
		return
	}
	tr.check(name, a.amount, before, op, err)
}

// settle is an operator who says of a caller's unknown operations how they ended.
func (tr *writeTruth) settle(t *testing.T, st *store.Store, caller string, did bool) {
	list, err := st.Operations(t.Context(), store.OperationFilter{State: store.Unknown})
	if err != nil {
		t.Fatal(err)
	}
	to := store.Settlement{State: store.Failed, Problem: []byte(`{"kind":"provider_error","message":"settled by hand"}`)}
	if did {
		to = store.Settlement{State: store.Succeeded, Reference: "found", Result: []byte(`{"id":"found","payment":null,"total_payment":null,"reference":"","note":""}`)}
	}
	to.SettledAt, to.By, to.Reason = time.Now(), "operator", "looked"
	for _, op := range list {
		if op.Caller != caller {
			continue
		}
		if _, err := st.SettleOperation(t.Context(), op.ID, to, store.Unknown); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever happens in whatever order to keys, callers, replicas and operators:
// the vendor is sent each key at most once, what is said of it is true, and
// once it is settled the key answers the same for good.
func TestWritesInterleave(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := &writeTruth{
			scenario: drawWrites(rt), tried: map[string]int{}, calls: map[string]int{}, asked: map[string]string{}, did: map[string]bool{},
			final: map[string]string{}, told: map[string]bool{},
		}
		synctest.Test(t, tr.run)
		for _, fault := range tr.faults {
			rt.Errorf("%s", fault)
		}
	})
}
