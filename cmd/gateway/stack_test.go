package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// stackLimit is how many of our own functions, closures included, may be on the
// stack of each goroutine of a read.
const stackLimit = 12

var (
	// ownFrame is a line of a stack that names a function of this module.
	ownFrame = regexp.MustCompile(`(?m)^accountgateway/(?:\w+/)*(\S+)\(.*\)$`)
	// closure ends the name of a function literal, whose name is else that of the
	// function around it, and that of a generic function's instance.
	closure = regexp.MustCompile(`(\[\.\.\.\]|\.func\d+|\.\d+)+$`)
	// walk is the part of docs/overview.md that names the functions.
	walk = regexp.MustCompile(`(?s)\n### From the route to the wire\n(.*?)\n#`)
)

// A read passes few functions on its way to the vendor, and docs/overview.md
// names each.
func TestStackOfARead(t *testing.T) {
	stack := make(chan string, 8) // a slow machine may bring retries
	answer := make(chan struct{})
	vendor := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		text := make([]byte, 4<<20)
		stack <- string(text[:runtime.Stack(text, true)])
		<-answer
	}))
	defer vendor.Close()
	answered := sync.OnceFunc(func() { close(answer) })
	defer answered()
	g := serving(t, with(quiet(), "GATEWAY_ACCOUNTS=shop=regru", "SHOP_USERNAME=shop", "SHOP_PASSWORD=password-of-shop", "SHOP_BASE_URL="+vendor.URL))
	var caller sync.WaitGroup
	defer caller.Wait()
	defer answered()
	caller.Go(func() {
		if resp, err := http.Get(g.url + "/accounts/shop/balance"); err == nil {
			resp.Body.Close()
		}
	})
	overview, err := os.ReadFile("../../docs/overview.md")
	if err != nil {
		t.Fatal(err)
	}
	section := walk.FindSubmatch(overview)
	if section == nil {
		t.Fatal("docs/overview.md has no walk from the route to the wire")
	}
	goroutines := strings.Split(<-stack, "\n\n")
	for name, mark := range map[string]string{"of the request": "account.(*Service).Balance(", "that asks the vendor": "upstream.(*Client).Do("} {
		found := 0
		for _, goroutine := range goroutines {
			if !strings.Contains(goroutine, mark) {
				continue
			}
			found++
			var functions []string // the innermost first
			for _, frame := range ownFrame.FindAllStringSubmatch(goroutine, -1) {
				functions = append(functions, frame[1])
			}
			t.Logf("the goroutine %s has %d functions of ours:\n%s", name, len(functions), strings.Join(functions, "\n"))
			if len(functions) > stackLimit {
				t.Errorf("the goroutine %s has %d functions of ours on its stack, want %d at most", name, len(functions), stackLimit)
			}
			for _, function := range functions {
				function = closure.ReplaceAllString(function, "")
				name := function[strings.LastIndex(function, ".")+1:] // what is before it differs where functions are inlined
				if !regexp.MustCompile("(?m)^\\d+\\. `\\S+\\." + name + "`").Match(section[1]) {
					t.Errorf("docs/overview.md does not name %s", function)
				}
			}
		}
		if found != 1 {
			t.Errorf("%d goroutines %s, want 1", found, name)
		}
	}
}
