package bench

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// compared builds the servers of testdata/compared into builds, once. It needs
// the Go module proxy, and takes minutes where the build cache has nothing of
// them.
var compared = sync.OnceValue(func() error {
	build := exec.Command("go", "build", "-C", filepath.Join("testdata", "compared"), "-trimpath", "-ldflags", "-s -w", "-o", builds+"/",
		"./caddy", "github.com/prometheus-community/json_exporter")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return &buildError{string(output)}
	}
	return nil
})

// missing is the row of a server that could not be built.
func missing(name string, err error) {
	row(name, "missing component: testdata/compared does not build: %s", strings.TrimSpace(err.Error()))
}

// caddy serves hits of its cache handler in front of another server; nil if
// it could not be built. Like nginx it is told to cache what the gateway calls
// private.
func caddy(b *testing.B, behind string) *process {
	b.Helper()
	if err := compared(); err != nil {
		missing("Caddy cache handler", err)
		return nil
	}
	dir, addr := b.TempDir(), freeAddr(b)
	conf := filepath.Join(dir, "Caddyfile")
	text := fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https off
	cache
}
http://%[2]s {
	log {
		output file %[1]s/access.log
	}
	cache {
		ttl 1h
	}
	reverse_proxy %[3]s {
		header_down Cache-Control "public, max-age=3600"
	}
}
`, dir, addr, behind)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	p := start(b, addr, []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}, filepath.Join(builds, "caddy"),
		"run", "--adapter", "caddyfile", "--config", conf)
	p.wait(b, "/healthz", began)
	get(b, http.DefaultClient, "http://"+addr+balancePath, "", "", "")
	resp, _ := get(b, http.DefaultClient, "http://"+addr+balancePath, "", "", "")
	if status := resp.Header.Get("Cache-Status"); !strings.Contains(status, "; hit") {
		b.Fatalf("Caddy does not serve a hit: %s, Cache-Status: %s", resp.Status, status)
	}
	return p
}
