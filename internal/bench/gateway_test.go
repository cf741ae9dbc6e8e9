package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// program is the gateway, built once as make build does.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(builds, "gateway")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "accountgateway/cmd/gateway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	if err != nil {
		return "", &buildError{string(output)}
	}
	return file, nil
})

type buildError struct{ output string }

func (e *buildError) Error() string { return e.output }

// gateway starts the program with REG.RU accounts at a simulated vendor, and
// returns once it is ready. ready is how long that took.
func gateway(b *testing.B, database string, accounts []string, vendor string, more ...string) (p *process, ready time.Duration) {
	b.Helper()
	file, err := program()
	if err != nil {
		b.Fatal(err)
	}
	addr := freeAddr(b)
	env := []string{"GATEWAY_ADDR=" + addr, "GATEWAY_DATABASE_URL=sqlite:" + database, "GATEWAY_CALLER_RATE=0", "GATEWAY_REFRESH_INTERVAL=0", "GATEWAY_BALANCE_TTL=1h", "REGRU_IP_RATE=1000000/1h"}
	var list []string
	for _, name := range accounts {
		list = append(list, name+"=regru")
		prefix := strings.ToUpper(name)
		env = append(env, prefix+"_USERNAME=test", prefix+"_PASSWORD=test", prefix+"_BASE_URL=http://"+vendor+"/api/regru2")
	}
	// One variable holds 128 KiB at most.
	names := filepath.Join(b.TempDir(), "accounts")
	if err := os.WriteFile(names, []byte(strings.Join(list, ",")), 0o600); err != nil {
		b.Fatal(err)
	}
	env = append(env, "GATEWAY_ACCOUNTS_FILE="+names)
	began := time.Now()
	p = start(b, addr, append(env, more...), file, "serve")
	return p, p.wait(b, "/readyz", began)
}

// token makes a token for everything.
func token(b *testing.B, database string) string {
	b.Helper()
	file, err := program()
	if err != nil {
		b.Fatal(err)
	}
	make := exec.Command(file, "token", "create", "--name", "bench", "--scopes", "read", "--accounts", "*")
	make.Env = append(os.Environ(), "GATEWAY_DATABASE_URL=sqlite:"+database, "GATEWAY_ACCOUNTS=a=regru", "A_USERNAME=test", "A_PASSWORD=test")
	output, err := make.Output()
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(string(output))
}
