package declared

import (
	"context"
	"strings"
	"unicode"

	"accountgateway/internal/plain"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
)

// Result is what an answer of the vendor comes to, read as one operation: readings or an error.
type Result struct {
	Sample    string // its name; "" of a real answer
	Operation provider.Operation
	Readings  provider.Readings
	Err       error
}

// Results are what the file's samples come to.
func (v *Vendor) Results() []Result {
	var all []Result
	for i := range v.file.Samples {
		s := &v.file.Samples[i]
		ops := []provider.Operation{v.For(s)}
		if s.Want.Problem == nil {
			ops = s.Want.operations()
		}
		run := sampleRun{vendor: v, sample: s}
		for _, op := range ops {
			readings, err := run.read(op)
			all = append(all, Result{Sample: s.Name.Text, Operation: op, Readings: readings, Err: err})
		}
	}
	return all
}

// Seen is a real answer of the vendor, and what it comes to.
type Seen struct {
	Status  int    // 0 if there was no answer
	Body    string // secrets and control characters hidden
	Results []Result
}

// Try makes one real call for each of the file's requests.
func (v *Vendor) Try(ctx context.Context, up *upstream.Client, a Account) []Seen {
	var all []Seen
	tried := map[*Request]bool{}
	for _, op := range v.Operations() {
		if request := v.Request(op); !tried[request] {
			tried[request] = true
			all = append(all, v.try(ctx, up, a, op))
		}
	}
	return all
}

// try makes the call of an operation and reads its answer as all operations that have the same request.
func (v *Vendor) try(ctx context.Context, up *upstream.Client, a Account, op provider.Operation) Seen {
	c := newClient(v, a)
	var answer *upstream.Answer
	c.do = func(ctx context.Context, call upstream.Call, read func(upstream.Answer) error) error {
		err := up.Do(ctx, call, func(got upstream.Answer) error {
			answer = &got
			return read(got)
		})
		if err == nil && c.tokens != nil && call.URL == c.tokens.config.TokenURL {
			answer = nil // a token is not to be shown
		}
		return err
	}
	if v.file.Auth.OAuth != nil {
		c.tokens = newTokens(c)
	}
	readings, err := c.read(ctx, op, op, query{})
	seen := Seen{Results: []Result{{Operation: op, Readings: readings, Err: err}}}
	if answer == nil {
		return seen
	}
	seen.Status, seen.Body = answer.Status, shown(answer)
	for _, other := range v.Operations() {
		if other == op || v.Request(other) != v.Request(op) {
			continue
		}
		readings, err := c.readings(*answer, other, query{})
		seen.Results = append(seen.Results, Result{Operation: other, Readings: readings, Err: err})
	}
	return seen
}

// shown is a body fit for a terminal.
func shown(a *upstream.Answer) string {
	return strings.Map(func(r rune) rune {
		if plain.Steers(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, a.Secrets.Words(strings.ToValidUTF8(string(a.Body), string(unicode.ReplacementChar))))
}
