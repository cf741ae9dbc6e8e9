package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/config"
)

const (
	// rereadEvery is how often the files of certificates are read again, at
	// most: only handshakes make it happen.
	rereadEvery = time.Second

	maxCertificates = 1 << 20 // of one file, in bytes
)

// certificates are what https is served with. Their files are read again while
// the gateway runs, so that they can be renewed without a restart. What can't
// be used is told once and leaves in force what was there.
type certificates struct {
	files files
	log   zerolog.Logger
	now   func() time.Time

	inForce atomic.Pointer[tls.Config]

	mu       sync.Mutex // of what follows
	readAt   time.Time
	contents [][]byte // as read last, whether they could be used or not
	said     string   // the last failure
}

// files are the settings' names of files. The client CA may be empty.
type files struct{ cert, key, clientCA string }

// openCertificates reads the files that the settings name; nil if none is
// named. Faults are left in r.
func openCertificates(r *config.Reader, s settings, log zerolog.Logger) *certificates {
	f := files{cert: string(s.TLSCert), key: string(s.TLSKey), clientCA: string(s.TLSClientCA)}
	switch {
	case f == files{} || r.Faulty("GATEWAY_TLS_CERT") || r.Faulty("GATEWAY_TLS_KEY") || r.Faulty("GATEWAY_TLS_CLIENT_CA"):
		return nil
	case f.cert == "" && f.key == "":
		r.Fault("GATEWAY_TLS_CLIENT_CA", "client certificates need TLS: also set GATEWAY_TLS_CERT and GATEWAY_TLS_KEY")
		return nil
	case f.cert == "":
		r.Fault("GATEWAY_TLS_CERT", "required when GATEWAY_TLS_KEY is set")
		return nil
	case f.key == "":
		r.Fault("GATEWAY_TLS_KEY", "required when GATEWAY_TLS_CERT is set")
		return nil
	}
	c := &certificates{files: f, log: log, now: time.Now}
	contents, err := f.read()
	var made *tls.Config
	if err == nil {
		made, err = tlsConfig(contents)
	}
	if err != nil {
		var of *fileError
		if errors.As(err, &of) {
			r.Fault(of.setting, "%v", of.err)
		}
		return nil
	}
	c.inForce.Store(made)
	c.contents, c.readAt = contents, c.now()
	return c
}

// server is the configuration to serve with.
func (c *certificates) server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			c.reread()
			return c.inForce.Load(), nil
		},
	}
}

// reread puts what the files hold now in force. Handshakes that come while
// another reads don't wait for it.
func (c *certificates) reread() {
	if !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.readAt) < rereadEvery {
		return
	}
	c.readAt = now
	contents, err := c.files.read()
	if err == nil {
		if slices.EqualFunc(contents, c.contents, bytes.Equal) {
			return
		}
		c.contents = contents
		var made *tls.Config
		if made, err = tlsConfig(contents); err == nil {
			c.inForce.Store(made)
			c.said = ""
			c.log.Info().Time("not_after", made.Certificates[0].Leaf.NotAfter).Msg("TLS certificates reloaded")
			return
		}
	} else {
		c.contents = nil // once they are back they are looked at, whatever they are
	}
	if err.Error() != c.said {
		c.said = err.Error()
		c.log.Error().Err(err).Msg("can't load the new TLS certificates: keeping the previous ones")
	}
}

// fileError is a fault of the file that a setting names. It holds nothing of
// what is in the file.
type fileError struct {
	setting string
	err     error
}

func (e *fileError) Error() string { return e.setting + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// read gives what is in the files: certificate, key and client CA, in this
// order; nil for a client CA that is not asked for.
func (f files) read() ([][]byte, error) {
	cert, err := readLimited("GATEWAY_TLS_CERT", f.cert)
	if err != nil {
		return nil, err
	}
	key, err := readLimited("GATEWAY_TLS_KEY", f.key)
	if err != nil {
		return nil, err
	}
	var ca []byte
	if f.clientCA != "" {
		if ca, err = readLimited("GATEWAY_TLS_CLIENT_CA", f.clientCA); err != nil {
			return nil, err
		}
	}
	return [][]byte{cert, key, ca}, nil
}

func readLimited(setting, path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		// The name is left out: it may be the key itself, set by mistake.
		var of *fs.PathError
		if errors.As(err, &of) {
			err = of.Err
		}
		return nil, &fileError{setting, err}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCertificates+1))
	switch {
	case err != nil:
		return nil, &fileError{setting, errors.New("can't be read")}
	case len(data) > maxCertificates:
		return nil, &fileError{setting, fmt.Errorf("the file is larger than %d bytes", maxCertificates)}
	}
	return data, nil
}

// tlsConfig is made of what read gives.
func tlsConfig(contents [][]byte) (*tls.Config, error) {
	cert, key, ca := contents[0], contents[1], contents[2]
	if !firstCertificate(cert) {
		return nil, &fileError{"GATEWAY_TLS_CERT", errors.New("must contain PEM certificates, the server's own first")}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, &fileError{"GATEWAY_TLS_KEY", errors.New("must contain the unencrypted PEM private key of the certificate in GATEWAY_TLS_CERT")}
	}
	made := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{pair},
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if ca != nil {
		made.ClientAuth, made.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		if !made.ClientCAs.AppendCertsFromPEM(ca) {
			return nil, &fileError{"GATEWAY_TLS_CLIENT_CA", errors.New("must contain PEM certificates")}
		}
	}
	return made, nil
}

// firstCertificate tells whether there is a certificate, and the first is
// whole.
func firstCertificate(data []byte) bool {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return false
		}
		if block.Type == "CERTIFICATE" {
			_, err := x509.ParseCertificate(block.Bytes)
			return err == nil
		}
	}
}
