//go:build linux

package torture

import (
	"strings"
	"testing"
	"time"
)

// The truth finds what is wrong with a figure, and nothing wrong with a right one.
func TestFigureFault(t *testing.T) {
	tr := newTruth(limits{ttl: 2 * time.Second, staleIfError: time.Minute})
	tr.told["a"] = map[string]time.Duration{"7.01": 10 * time.Second} // said ten seconds after the beginning
	second := time.Second
	for _, test := range []struct {
		name string
		o    observed
		want string // a part of the fault; "" for none
	}{
		{"fresh", observed{amount: "7.01", sent: 11 * time.Second, age: time.Second}, ""},
		{"fresh to the last", observed{amount: "7.01", sent: 12 * time.Second, age: 2 * time.Second}, ""},
		{"old, told as fresh", observed{amount: "7.01", sent: 12*time.Second + 1, age: 2 * time.Second}, "told as fresh"},
		{"old, told as stale", observed{amount: "7.01", sent: 20 * time.Second, age: 10 * time.Second, stale: true}, ""},
		{"younger than it is", observed{amount: "7.01", sent: 20 * time.Second, age: 8 * time.Second, stale: true}, "younger than it is"},
		{"too old for anybody", observed{amount: "7.01", sent: 71 * time.Second, age: 61 * time.Second, stale: true}, "too old for anybody"},
		{"too old for the caller", observed{amount: "7.01", sent: 20 * time.Second, age: -1, stale: true, maxAge: &second}, "the caller's bound"},
		{"asked for before the caller came", observed{amount: "7.01", sent: 12 * time.Second, age: -1, noCache: true}, "was to be asked"},
		{"asked for at about the same time", observed{amount: "7.01", sent: 11 * time.Second, age: -1, noCache: true}, ""},
		{"invented", observed{amount: "7.02", sent: 11 * time.Second, age: -1}, "never said that"},
	} {
		test.o.account = "a"
		if got := tr.figureFault(test.o); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// The truth finds second sends and outcomes that are not the vendor's.
func TestOutcomes(t *testing.T) {
	told := func(state, reference string) func(*truth) {
		return func(tr *truth) {
			tr.answered("w", outcome{state: state, reference: reference, durable: true, before: tr.writes["w"].final})
		}
	}
	arrived := func(tr *truth) { tr.arrived("w") }
	did := func(tr *truth) { tr.processed("w", "7", true) }
	refused := func(tr *truth) { tr.processed("w", "", false) }
	unrecorded := func(tr *truth) { tr.answered("w", outcome{state: "succeeded", reference: "7"}) }
	for _, test := range []struct {
		name  string
		steps []func(*truth)
		want  promise // "" for none
	}{
		{"done and told so, twice", []func(*truth){arrived, did, told("succeeded", "7"), told("succeeded", "7")}, ""},
		{"refused and told so", []func(*truth){arrived, refused, told("failed", "")}, ""},
		{"done, and nobody knows", []func(*truth){arrived, did, told("unknown", ""), told("succeeded", "7")}, ""},
		{"not recorded, then unknown", []func(*truth){arrived, did, unrecorded, told("unknown", "")}, ""},
		{"done, then no database", []func(*truth){arrived, did, told("succeeded", "7"), told("refused", "")}, ""},
		{"sent twice", []func(*truth){arrived, did, arrived}, oneSend},
		{"nobody asked", []func(*truth){func(tr *truth) { tr.arrived("other") }}, oneSend},
		{"done, told as failed", []func(*truth){arrived, did, told("failed", "")}, trueOutcome},
		{"done after it was told as failed", []func(*truth){arrived, told("failed", ""), did}, trueOutcome},
		{"sent after it was told as failed", []func(*truth){told("failed", ""), arrived}, trueOutcome},
		{"not done, told as succeeded", []func(*truth){arrived, refused, told("succeeded", "")}, trueOutcome},
		{"another number", []func(*truth){arrived, did, told("succeeded", "8")}, trueOutcome},
		{"forgotten", []func(*truth){arrived, did, told("succeeded", "7"), told("unknown", "")}, trueOutcome},
		{"running again", []func(*truth){arrived, did, told("succeeded", "7"), told("started", "")}, trueOutcome},
		{"refused by all, and sent", []func(*truth){arrived, told("refused", ""), (*truth).unsent}, trueOutcome},
	} {
		tr := newTruth(limits{})
		tr.begin(&write{name: "w"})
		for _, step := range test.steps {
			step(tr)
		}
		for _, p := range promises {
			if got, want := len(tr.breaks[p]) > 0, p == test.want; got != want {
				t.Errorf("%s: %s: %q, want %v", test.name, p, tr.breaks[p], want)
			}
		}
	}
}
