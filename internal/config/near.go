package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Names are the settings that Into reads with that prefix into such a struct.
func Names(prefix string, settings any) []string {
	t := reflect.TypeOf(settings)
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = prefix + "_" + t.Field(i).Tag.Get("envconfig")
	}
	return names
}

var (
	serviceVariable = regexp.MustCompile(`^[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)$`)
	servicePort     = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// IsServiceVariable tells whether Kubernetes sets such a variable in every pod
// for a Service of the namespace. It does so for one called "gateway" too.
func IsServiceVariable(name, value string) bool {
	return serviceVariable.MatchString(name) || strings.HasSuffix(name, "_PORT") && servicePort.MatchString(value)
}

// Near is the one of known that was probably meant by an unknown name, "" if
// none was: a slip or two of the keyboard, another order of the words, other
// case or separators. Numbers must be the same: SHOP_2_RATE is not a slip for
// SHOP_1_RATE.
func Near(name string, known []string) string {
	const tooMany = 3
	best, least := "", tooMany
	a := plain(name)
	numbers, words := digits(a), sorted(a)
	for _, k := range known {
		if short := len(a) - len(k); short >= tooMany || -short >= tooMany {
			continue // so many characters are missing: at a start there are hundreds of names to compare with
		}
		b := plain(k)
		d := distance(a, b, tooMany)
		switch {
		case numbers != digits(b):
			continue
		case words == sorted(b):
			d = min(d, 1)
		case d == 2 && len(b)-sharedWords(a, b) <= 4: // short words are two slips from many others: AUTH and PATH
			continue
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// sharedWords is the length of the words that two names begin with.
func sharedWords(a, b string) int {
	shared := 0
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			break
		}
		if a[i] == '_' {
			shared = i + 1
		}
	}
	return shared
}

// plain is a name as settings are written.
func plain(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// sorted are the words of a name in one order.
func sorted(name string) string {
	words := strings.Split(name, "_")
	slices.Sort(words)
	return strings.Join(words, "_")
}

func digits(name string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, name)
}

// distance counts the characters to insert, delete, replace or swap with their
// neighbour until a is b (optimal string alignment). It stops at most.
func distance(a, b string, most int) int {
	var before, last, row []int // of the matrix
	for i := range len(a) + 1 {
		before, last, row = last, row, before
		if row == nil {
			row = make([]int, len(b)+1)
		}
		least := i
		row[0] = i
		for j := 1; j <= len(b); j++ {
			if i == 0 {
				row[j] = j
				continue
			}
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= most { // no row below has less
			return most
		}
	}
	return row[len(b)]
}
