package declared_test

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/provider/upstream"
	"accountgateway/vendors"
)

// hundred are the catalogue's files over and over, under other names.
func hundred(t testing.TB) fstest.MapFS {
	t.Helper()
	names, err := fs.Glob(vendors.Files, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for i := range 100 {
		name := names[i%len(names)]
		text, err := fs.ReadFile(vendors.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		other := fmt.Sprintf("v%d-%s", i, name)
		files[other] = &fstest.MapFile{Data: []byte(strings.Replace(string(text), "name: ", fmt.Sprintf("name: v%d-", i), 1))}
	}
	return files
}

// Loading 100 files, samples and all, is to take less than 150 ms and to keep less than 10 MB.
func BenchmarkLoad100(b *testing.B) {
	files := hundred(b)
	for b.Loop() {
		if _, err := declared.LoadAll(files, "x", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func TestMemory(t *testing.T) {
	files := hundred(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	all, err := declared.LoadAll(files, "x", nil)
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d files keep %d KiB; the first load took %s", len(all), kept>>10, took)
	if kept > 10<<20 {
		t.Errorf("100 files keep %d bytes, want less than 10 MB", kept)
	}
	runtime.KeepAlive(all)
}

// One answer, from the call to the reading, without a network.
func BenchmarkRead(b *testing.B) {
	v := load(b, "deepseek")
	stub := &providertest.Stub{Body: `{"is_available":true,"balance_infos":[{"currency":"USD","total_balance":"0.00","granted_balance":"0.00","topped_up_balance":"0.00"},{"currency":"CNY","total_balance":"81.69","granted_balance":"0.00","topped_up_balance":"81.69"}]}`}
	a := v.SampleAccount(nil)
	p := declared.New(upstream.New(upstream.Options{Account: "a", Provider: v.Name(), Secrets: a.Secrets(), Transport: stub}), v, a)
	r, ok := p.(provider.BalanceReader)
	if !ok {
		b.Fatal("reads no balance")
	}
	for b.Loop() {
		if _, err := r.ReadBalance(context.Background(), provider.BalanceQuery{}); err != nil {
			b.Fatal(err)
		}
	}
}

// load loads a file of the catalogue.
func load(t testing.TB, name string) *declared.Vendor {
	t.Helper()
	text, err := fs.ReadFile(vendors.Files, name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	v, err := declared.Load(name+".yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
