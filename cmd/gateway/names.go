package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"accountgateway/internal/config"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/registry"
)

// ignored is a variable that looks like a setting, is none, and may be there
// for a reason of its own.
type ignored struct{ name, why string }

// faults is the error of settings that can't be used, nil if there is none. It
// tells of what is ignored too: that may be the very value that is missing.
func faults(r *config.Reader, strange []ignored) error {
	err := r.Err()
	if err == nil {
		return nil
	}
	if len(strange) > 0 {
		lines := []string{"also ignored:"}
		for _, s := range strange {
			lines = append(lines, "  "+s.name+": "+s.why)
		}
		err = fmt.Errorf("%w\n%s", err, strings.Join(lines, "\n"))
	}
	return &settingsError{err}
}

// variableNames are the names in a list of NAME=value, as os.Environ gives it.
func variableNames(environ []string) []string {
	names := make([]string, 0, len(environ))
	for _, line := range environ {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	return names
}

// checkNames looks for misspelt settings among the variables, once the settings
// have been read. One that is nearly a setting, and half of a vendor's
// credentials, is a fault: whoever set it believes that it is in force. Other
// names under a prefix of ours are returned.
func checkNames(r *config.Reader, env environment, known registry.Set, list []accountSetting) []ignored {
	found := unusedFiles(env)
	unlisted := unlistedVendors(known, list)
	for _, v := range unlisted {
		if r.Faulty("GATEWAY_ACCOUNTS") {
			break // it may be meant to be listed
		}
		found = append(found, checkUnlisted(r, v)...)
	}
	own := slices.Concat(r.Names(), vendorSettings(unlisted))
	prefixes := []string{"GATEWAY_"}
	for _, a := range list {
		prefixes = append(prefixes, a.prefix()+"_")
	}
	for _, a := range unlisted {
		if a.of.File == nil {
			prefixes = append(prefixes, a.prefix()+"_")
		}
	}
	for _, name := range strangers(env, own) {
		near := config.Near(name, own)
		ours := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(strings.ToUpper(name), p) })
		switch {
		case r.Faulty("GATEWAY_VENDORS_DIR") && !strings.HasPrefix(near, "GATEWAY_"): // it may be of a file that can't be used
		case near != "" && (ours || strings.HasPrefix(near, "GATEWAY_")):
			r.Fault(name, "unknown setting; did you mean %s?", near)
		case near != "":
			found = append(found, ignored{name, "unknown setting; did you mean " + near + "?"})
		case ours:
			found = append(found, ignored{name, "unknown setting"})
		}
	}
	return found
}

// unusedFiles are those beside one's own vendor files.
func unusedFiles(env environment) []ignored {
	var found []ignored
	folder, _ := env.lookup("GATEWAY_VENDORS_DIR")
	if folder == "" {
		return nil
	}
	for name, why := range declared.Unused(os.DirFS(folder)) {
		found = append(found, ignored{filepath.Join(folder, name), why})
	}
	return found
}

// checkSlips is checkNames for a command that reads a few settings: only slips
// for these are faults.
func checkSlips(r *config.Reader, env environment) {
	own := r.Names()
	for _, name := range strangers(env, own) {
		if near := config.Near(name, own); near != "" {
			r.Fault(name, "unknown setting; did you mean %s?", near)
		}
	}
}

// strangers are the variables that have a value and are not among known, but for
// those that Kubernetes sets.
func strangers(env environment, known []string) []string {
	ours := map[string]bool{}
	for _, name := range known {
		ours[name] = true
	}
	var names []string
	for _, name := range slices.Sorted(slices.Values(env.names)) {
		value, _ := env.lookup(name)
		if value != "" && !ours[name] && !config.IsServiceVariable(name, value) {
			names = append(names, name)
		}
	}
	return names
}

// unlistedVendors are the vendors that have no account of their own name.
func unlistedVendors(known registry.Set, list []accountSetting) []accountSetting {
	var unlisted []accountSetting
	for _, name := range known.Names() {
		if !slices.ContainsFunc(list, func(a accountSetting) bool { return a.name == name }) {
			unlisted = append(unlisted, accountSetting{name: name, vendor: name, of: known[name]})
		}
	}
	return unlisted
}

func vendorSettings(list []accountSetting) []string {
	var names []string
	for _, a := range list {
		own := slices.Concat(config.Names(a.prefix(), a.of.Settings), config.Names(a.prefix(), spendingSettings{}), config.Names(a.prefix(), alertSettings{}))
		for _, name := range slices.Concat(own, config.Names(config.Prefix(a.vendor), a.of.Shared)) {
			names = append(names, name, name+"_FILE")
		}
	}
	return names
}

// checkUnlisted looks at what is set for an account that there is not. Whole credentials may be of use elsewhere; half of them are a
// mistake.
func checkUnlisted(r *config.Reader, a accountSetting) []ignored {
	why := "there is no account " + a.name
	var set, missing []string
	for _, c := range a.of.Credentials {
		if name := a.prefix() + "_" + c; r.Set(name) {
			set = append(set, name)
		} else {
			missing = append(missing, name)
		}
	}
	if len(set) > 0 && len(missing) > 0 && a.of.File == nil {
		for _, name := range set {
			r.Fault(name, "is set, but %s is not; %s", strings.Join(missing, " and "), why)
		}
		return nil
	}
	var found []ignored
	for _, name := range vendorSettings([]accountSetting{a}) {
		if strings.HasSuffix(name, "_FILE") || !r.Set(name) {
			continue
		}
		if read := slices.Contains(r.Names(), name); !read { // else for an account of that vendor with another name
			found = append(found, ignored{name, why})
		}
	}
	return found
}
