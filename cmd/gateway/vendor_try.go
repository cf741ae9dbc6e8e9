package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/config"
	"accountgateway/internal/httpapi"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/registry"
	"accountgateway/internal/provider/upstream"
)

// skeleton is a file of a vendor called acme, to be filled in.
//
//go:embed vendor_skeleton.yaml
var skeleton string

// testOptions are the flags of vendor test.
type testOptions struct {
	live, asJSON bool
	account      string
}

// testVendor loads a file of a vendor, and prints what its samples, and a real
// call if one is wanted, come to.
func testVendor(ctx context.Context, env environment, target string, o testOptions) error {
	v, err := loadVendor(env, target)
	if err != nil {
		return err
	}
	p := &resultPrinter{env: env, account: o.account, vendor: v.Name()}
	if p.account == "" {
		p.account = v.Name()
	}
	results := v.Results()
	if !o.asJSON {
		err = p.print(results)
	}
	var seen []declared.Seen
	if err == nil && o.live {
		seen, err = liveCalls(ctx, env, v, p.account)
	}
	switch {
	case err != nil:
		return err
	case o.asJSON:
		err = p.printJSON(results, seen)
	default:
		err = p.printLive(seen)
	}
	if err == nil && slices.ContainsFunc(seen, func(one declared.Seen) bool {
		return slices.ContainsFunc(one.Results, func(r declared.Result) bool { return r.Err != nil })
	}) {
		return errSaid
	}
	return err
}

// loadVendor loads a file, or finds a declared vendor by its name. Faults of the
// file are printed one a line, as compilers do.
func loadVendor(env environment, target string) (*declared.Vendor, error) {
	if !strings.ContainsAny(target, `./\`) {
		v, err := namedVendor(env, target)
		switch {
		case err != nil:
			return nil, err
		case v.File == nil:
			return nil, &settingsError{fmt.Errorf("%s has an adapter in Go and no file: gateway check tries it", target)}
		}
		return v.File(), v.File().RunSamples()
	}
	text, err := os.ReadFile(target) // #nosec G304 G703 -- the file that was asked for
	if err != nil {
		return nil, &settingsError{err}
	}
	v, err := declared.Load(target, text)
	if err != nil {
		fmt.Fprintln(env.stderr, err)
		return nil, errFaultsSaid
	}
	if _, taken := registry.Vendors[v.Name()]; taken {
		fmt.Fprintf(env.stderr, "%s: the name %s is that of a vendor that the gateway brings along: choose another\n", target, v.Name())
		return nil, errFaultsSaid
	}
	return v, nil
}

// liveCalls asks the real vendor.
func liveCalls(ctx context.Context, env environment, v *declared.Vendor, account string) ([]declared.Seen, error) {
	if !accountName.MatchString(account) {
		return nil, &usageError{fmt.Errorf("--account: invalid account name %q", account)}
	}
	r := config.NewReader(env.lookup)
	var s settings
	r.Into("GATEWAY", &s, "PROVIDER_TIMEOUT")
	var up *upstream.Client
	registry.Declared(v).Open(r, config.Prefix(account), func(to registry.Connection) *upstream.Client {
		up = upstream.New(upstream.Options{Account: account, Provider: v.Name(), Secrets: to.Secrets, Timeout: s.ProviderTimeout})
		return up
	})
	checkSlips(r, env)
	if err := faults(r, nil); err != nil {
		return nil, err
	}
	return v.Try(provider.WithCause(ctx, provider.CauseProbe), up, v.Read(r, config.Prefix(account))), nil
}

// resultPrinter prints what answers of a vendor come to, in the contract's
// shapes.
type resultPrinter struct {
	env             environment
	account, vendor string
}

// resultLine is one of them in its JSON form.
type resultLine struct {
	Sample    *string            `json:"sample"` // null of a live call
	Operation provider.Operation `json:"operation"`
	Status    int                `json:"status"`
	Answer    any                `json:"answer"`
	Raw       *rawAnswer         `json:"raw"` // of a live call that got an answer, else null
}

type rawAnswer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

func (p *resultPrinter) line(r declared.Result) resultLine {
	status, body := httpapi.Answer(p.account, p.vendor, r.Operation, time.Now(), r.Readings, r.Err)
	return resultLine{Sample: &r.Sample, Operation: r.Operation, Status: status, Answer: body}
}

func (p *resultPrinter) print(results []declared.Result) error {
	var rows [][]string
	for _, r := range results {
		line := p.line(r)
		rows = append(rows, []string{r.Sample, string(line.Operation), strconv.Itoa(line.Status), short(line.Answer)})
	}
	return printTable(p.env, "SAMPLE\tOPERATION\tSTATUS\tANSWER", rows)
}

func (p *resultPrinter) printJSON(results []declared.Result, live []declared.Seen) error {
	lines := []resultLine{}
	for _, r := range results {
		lines = append(lines, p.line(r))
	}
	for _, seen := range live {
		for _, r := range seen.Results {
			line := p.line(r)
			line.Sample = nil
			if seen.Status != 0 {
				line.Raw = &rawAnswer{Status: seen.Status, Body: seen.Body}
			}
			lines = append(lines, line)
		}
	}
	return printJSON(p.env, map[string]any{"results": lines})
}

// short is an answer without what all answers have.
func short(answer any) string {
	text, err := json.Marshal(answer)
	var members map[string]json.RawMessage
	if err = errors.Join(err, json.Unmarshal(text, &members)); err != nil { // the contract's bodies are objects
		return err.Error()
	}
	for _, name := range []string{"account", "provider", "as_of", "stale", "type", "title", "status", "next_cursor"} {
		delete(members, name)
	}
	text, _ = json.Marshal(members) // it was JSON before
	return string(text)
}

// printLive prints real answers beside what the vendor said.
func (p *resultPrinter) printLive(all []declared.Seen) error {
	for _, seen := range all {
		for i := range seen.Results {
			seen.Results[i].Sample = "(live)"
		}
		fmt.Fprintln(p.env.stdout)
		if err := p.print(seen.Results); err != nil {
			return err
		}
		if seen.Status == 0 {
			fmt.Fprintln(p.env.stdout, "The vendor gave no answer.")
			continue
		}
		fmt.Fprintf(p.env.stdout, "The vendor answered with status %d, secrets hidden:\n%s\n", seen.Status, strings.TrimRight(seen.Body, "\n"))
	}
	return nil
}
