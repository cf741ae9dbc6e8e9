package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/config"
)

// authority is one that certificates are made by.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key, a.pem = a.make(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// make makes a certificate: signed by the authority or, for the first, by itself.
func (a *authority) make(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	template.Subject = pkix.Name{CommonName: template.SerialNumber.String()}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// pair makes a certificate for loopback and its key, in PEM.
func (a *authority) pair() (cert, key []byte) {
	a.t.Helper()
	_, private, cert := a.make(&x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// paths are files of certificates in a folder of the test.
type paths struct {
	t   *testing.T
	dir string
}

func (p paths) write(name string, data []byte) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	// As those who renew certificates do: a reader sees the old file or the new.
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// writePair puts a new pair of the authority in place.
func (p paths) writePair(a *authority) {
	p.t.Helper()
	cert, key := a.pair()
	p.write("cert.pem", cert)
	p.write("key.pem", key)
}

// settings name the files.
func (p paths) settings() []string {
	return []string{"GATEWAY_TLS_CERT=" + filepath.Join(p.dir, "cert.pem"), "GATEWAY_TLS_KEY=" + filepath.Join(p.dir, "key.pem")}
}

// dial shakes hands with the gateway and has it answer one request, because
// in TLS 1.3 a client is refused only after the handshake.
func (s *served) dial(t *testing.T, c *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https"+strings.TrimPrefix(s.url, "http")+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
		t.Errorf("answered %s %s", resp.Proto, resp.Status)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return *resp.TLS, nil
}

// until dials until done likes what it got. Certificates come into force within
// a second or so.
func (s *served) until(t *testing.T, what string, c *tls.Config, done func(tls.ConnectionState, error) bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		state, err := s.dial(t, c)
		if done(state, err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in force; the last try: %v\n%s", what, err, s.stderr)
		}
	}
}

func trust(pems ...[]byte) *tls.Config {
	roots := x509.NewCertPool()
	for _, p := range pems {
		roots.AppendCertsFromPEM(p)
	}
	return &tls.Config{RootCAs: roots}
}

// TestHTTPS serves https and renews the certificate under way, also by way of
// files that are no good.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p := paths{t, t.TempDir()}
	p.writePair(a)
	g := serving(t, with(oneAccount(), p.settings()...))

	first, err := g.dial(t, trust(a.pem))
	if err != nil {
		t.Fatal(err)
	}
	if first.Version != tls.VersionTLS13 {
		t.Errorf("TLS %x", first.Version)
	}
	old := trust(a.pem)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if _, err := g.dial(t, old); err == nil {
		t.Error("TLS 1.1 was taken")
	}
	twelve := trust(a.pem)
	twelve.MaxVersion = tls.VersionTLS12
	if _, err := g.dial(t, twelve); err != nil {
		t.Errorf("TLS 1.2: %v", err)
	}
	if plain, _ := fetch(t, g.url, "/healthz"); plain.status != http.StatusBadRequest {
		t.Errorf("plain http: %d", plain.status)
	}

	p.writePair(a)
	g.until(t, "a new pair", trust(a.pem), func(s tls.ConnectionState, err error) bool {
		return err == nil && !s.PeerCertificates[0].Equal(first.PeerCertificates[0])
	})
	second, err := g.dial(t, trust(a.pem))
	if err != nil {
		t.Fatal(err)
	}
	_, strange := a.pair()
	p.write("key.pem", strange)
	g.until(t, "a broken pair", trust(a.pem), func(s tls.ConnectionState, err error) bool {
		if err != nil || !s.PeerCertificates[0].Equal(second.PeerCertificates[0]) {
			t.Fatalf("a broken pair came into force: %v", err)
		}
		return strings.Contains(g.stderr.String(), "keeping the previous ones")
	})
	other := newAuthority(t)
	p.writePair(other)
	g.until(t, "a pair of another authority", trust(other.pem), func(_ tls.ConnectionState, err error) bool { return err == nil })
	if status := g.stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if strings.Contains(g.stderr.String(), "PRIVATE") {
		t.Error("a key is in the log")
	}
}

// TestClientCertificates lets in who has a certificate of the authority, and
// follows a change of the authority.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	server, clients, others := newAuthority(t), newAuthority(t), newAuthority(t)
	p := paths{t, t.TempDir()}
	p.writePair(server)
	ca := p.write("ca.pem", clients.pem)
	g := serving(t, with(oneAccount(), append(p.settings(), "GATEWAY_TLS_CLIENT_CA="+ca)...))
	who := func(a *authority) *tls.Config {
		c := trust(server.pem)
		cert, key := a.pair()
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil } // whoever is asked for
		return c
	}
	if _, err := g.dial(t, trust(server.pem)); err == nil {
		t.Error("a caller without a certificate was let in")
	}
	if _, err := g.dial(t, who(others)); err == nil {
		t.Error("a caller of another authority was let in")
	}
	mine := who(clients)
	mine.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	if _, err := g.dial(t, mine); err != nil {
		t.Errorf("a caller of the authority: %v", err)
	}
	p.write("ca.pem", others.pem)
	g.until(t, "another authority", who(others), func(_ tls.ConnectionState, err error) bool { return err == nil })
	if _, err := g.dial(t, mine); err == nil {
		t.Error("a caller of the old authority is let in on the session of before")
	}
}

func TestHealthcheckHTTPS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p := paths{t, t.TempDir()}
	p.writePair(a)
	ca := "GATEWAY_TLS_CLIENT_CA=" + p.write("ca.pem", a.pem)
	check := func(name string, settings map[string]string, want int) {
		t.Helper()
		if status, _, stderr := complete(t, settings, "healthcheck"); status != want {
			t.Errorf("%s: exit status %d: %s", name, status, stderr)
		}
	}
	settings := with(oneAccount(), p.settings()...)
	addr := "GATEWAY_ADDR=" + strings.TrimPrefix(serving(t, settings).url, "http://")
	check("https", with(settings, addr), 0)

	settings = with(settings, ca)
	addr = "GATEWAY_ADDR=" + strings.TrimPrefix(serving(t, settings).url, "http://")
	check("callers show certificates", with(settings, addr), 0)
	check("nobody there", with(settings, "GATEWAY_ADDR="+closedAddr(t)), 1)

	service := "GATEWAY_METRICS_ADDR=" + freeAddr(t)
	serving(t, with(settings, service))
	check("health is elsewhere, in plain http", with(settings, service), 0)
	plain := serving(t, oneAccount())
	check("no https there", with(settings, "GATEWAY_ADDR="+strings.TrimPrefix(plain.url, "http://")), 1)
}

func TestTLSFaults(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p := paths{t, t.TempDir()}
	p.writePair(a)
	_, strange := a.pair()
	cert, key := p.settings()[0], p.settings()[1]
	const (
		noPair = "GATEWAY_TLS_KEY: must contain the unencrypted PEM private key of the certificate in GATEWAY_TLS_CERT"
		noCert = "GATEWAY_TLS_CERT: must contain PEM certificates, the server's own first"
	)
	huge := p.write("huge", bytes.Repeat([]byte("x"), 1<<20+1))
	tests := []struct {
		name     string
		settings []string
		want     string
	}{
		{"no key", []string{cert}, "GATEWAY_TLS_KEY: required when GATEWAY_TLS_CERT is set"},
		{"no certificate", []string{key}, "GATEWAY_TLS_CERT: required when GATEWAY_TLS_KEY is set"},
		{"only a client CA", []string{"GATEWAY_TLS_CLIENT_CA=x"},
			"GATEWAY_TLS_CLIENT_CA: client certificates need TLS: also set GATEWAY_TLS_CERT and GATEWAY_TLS_KEY"},
		{"no such certificate", []string{cert + ".not", key}, "GATEWAY_TLS_CERT: no such file or directory"},
		{"no such key", []string{cert, key + ".not"}, "GATEWAY_TLS_KEY: no such file or directory"},
		{"no such CA", []string{cert, key, "GATEWAY_TLS_CLIENT_CA=" + p.dir + "/not"}, "GATEWAY_TLS_CLIENT_CA: no such file or directory"},
		{"a folder", []string{cert, "GATEWAY_TLS_KEY=" + p.dir}, "GATEWAY_TLS_KEY: can't be read"},
		{"a huge file", []string{cert, "GATEWAY_TLS_KEY=" + huge}, "GATEWAY_TLS_KEY: the file is larger than 1048576 bytes"},
		{"another's key", []string{cert, "GATEWAY_TLS_KEY=" + p.write("strange", strange)}, noPair},
		{"no key in it", []string{cert, "GATEWAY_TLS_KEY=" + p.write("empty", nil)}, noPair},
		{"changed places", []string{"GATEWAY_TLS_CERT=" + p.dir + "/key.pem", "GATEWAY_TLS_KEY=" + p.dir + "/cert.pem"}, noCert},
		{"damaged", []string{"GATEWAY_TLS_CERT=" + p.write("damaged", []byte("-----BEGIN CERTIFICATE-----\naGFsbG8=\n-----END CERTIFICATE-----\n")), key}, noCert},
		{"CA without certificates", []string{cert, key, "GATEWAY_TLS_CLIENT_CA=" + p.dir + "/key.pem"}, "GATEWAY_TLS_CLIENT_CA: must contain PEM certificates"},
		{"the key itself", []string{cert, "GATEWAY_TLS_KEY=" + string(strange)}, "GATEWAY_TLS_KEY: must be a file name, not the file's content"},
		{"the key itself on one line", []string{cert, "GATEWAY_TLS_KEY=" + strings.ReplaceAll(string(strange), "\n", "")}, "GATEWAY_TLS_KEY: no such file or directory"},
		{"_FILE", []string{cert, "GATEWAY_TLS_KEY_FILE=" + p.dir + "/key.pem"}, "GATEWAY_TLS_KEY: GATEWAY_TLS_KEY_FILE is not supported: set GATEWAY_TLS_KEY to the file name"},
	}
	for _, tt := range tests {
		for _, command := range []string{"serve", "check"} {
			status, stdout, stderr := complete(t, with(oneAccount(), tt.settings...), command)
			if want := "gateway: invalid configuration:\n  " + tt.want + "\n"; status != 2 || stdout != "" || stderr != want {
				t.Errorf("%s, %s: exit status %d, wrote %q %q, want %q", tt.name, command, status, stdout, stderr, want)
			}
		}
	}
}

// TestReread counts on a clock of its own: files are read once a second at
// most, and a lasting fault is told once.
func TestReread(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p := paths{t, t.TempDir()}
	p.writePair(a)
	log := new(bytes.Buffer)
	r := config.NewReader(func(string) (string, bool) { return "", false })
	c := openCertificates(r, settings{TLSCert: config.Path(p.dir + "/cert.pem"), TLSKey: config.Path(p.dir + "/key.pem")}, zerolog.New(log))
	if c == nil {
		t.Fatal(r.Err())
	}
	now := c.readAt
	c.now = func() time.Time { return now }
	var seen []string // the certificates in force, as numbers
	shake := func(after time.Duration) {
		t.Helper()
		now = now.Add(after)
		inForce, err := c.server().GetConfigForClient(nil)
		if err != nil {
			t.Fatal(err)
		}
		serial := inForce.Certificates[0].Leaf.SerialNumber.String()
		if !slices.Contains(seen, serial) {
			seen = append(seen, serial)
		}
	}
	want := func(step string, certificates, lines int) {
		t.Helper()
		if told := strings.Count(log.String(), "\n"); len(seen) != certificates || told != lines {
			t.Fatalf("%s: %d certificates so far, want %d; %d lines, want %d:\n%s", step, len(seen), certificates, told, lines, log)
		}
	}
	shake(0)
	p.writePair(a)
	shake(rereadEvery - 1)
	want("within the second", 1, 0)
	shake(1)
	want("after it", 2, 1)
	p.write("key.pem", []byte("no key"))
	for range 5 {
		shake(time.Second)
	}
	want("a broken pair", 2, 2)
	if err := os.Remove(p.dir + "/key.pem"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		shake(time.Second)
	}
	want("no file", 2, 3)
	p.writePair(a)
	for range 5 {
		shake(time.Second)
	}
	want("a good pair again", 3, 4)
	if lines := fmt.Sprint(log); !strings.Contains(lines, "GATEWAY_TLS_KEY") || !strings.Contains(lines, "not_after") {
		t.Errorf("log:\n%s", lines)
	}
}
