// Package notifytest is where tests have notifications sent: a mailbox with a real
// SMTP server, and a webhook.
package notifytest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail is an e-mail as the server got it.
type Mail struct {
	From    string
	To      []string
	Header  mail.Header
	Subject string // decoded
	Text    string // decoded, with \n
}

// Mailbox is an SMTP server on a loopback address. Set its fields before the
// first connection.
type Mailbox struct {
	Addr string

	Password string                   // with the name "gateway"; "": nobody signs in
	Refuse   func(to string) error    // nil: every recipient is taken
	Reject   func(message Mail) error // nil: every message is taken

	mu    sync.Mutex
	mails []Mail
}

// NewMailbox starts a server that the test's end stops. certificate is for
// STARTTLS; nil: it is not offered.
func NewMailbox(t testing.TB, certificate *tls.Config) *Mailbox {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &Mailbox{Addr: listener.Addr().String()}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{mailbox: m}, nil }))
	server.Domain, server.TLSConfig, server.AllowInsecureAuth = "mail.example", certificate, true
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // until Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // which Serve may not have told the server of yet
		<-done
	})
	return m
}

// Mails are all that came.
func (m *Mailbox) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

type session struct {
	mailbox *Mailbox
	mail    Mail
	known   bool // who sends
}

func (s *session) AuthMechanisms() []string {
	if s.mailbox.Password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if name != "gateway" || password != s.mailbox.Password {
			return errors.New("no such user " + name + " with password " + password) // as bad servers do
		}
		s.known = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.mailbox.Password != "" && !s.known {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.mailbox.Refuse != nil {
		if err := s.mailbox.Refuse(to); err != nil {
			return err
		}
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	if err != nil {
		return err
	}
	got := s.mail
	got.Header, got.Text = message.Header, strings.ReplaceAll(string(text), "\r\n", "\n")
	if got.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return err
	}
	if s.mailbox.Reject != nil {
		if err := s.mailbox.Reject(got); err != nil {
			return err
		}
	}
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	s.mailbox.mails = append(s.mailbox.mails, got)
	return nil
}

func (s *session) Reset() { s.mail = Mail{} }

func (s *session) Logout() error { return nil }
