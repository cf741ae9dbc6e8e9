package notify_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"accountgateway/internal/notify"
	"accountgateway/internal/notify/notifytest"
)

var mailed = notify.Message{
	Text: "[critical] regru: balance_negative -4.75 USD (счёт)\nПополните счёт. " + strings.Repeat("long ", 300) + "\n.\nhttps://gateway.example/ui/regru?a=b",
	At:   time.Date(2026, 11, 21, 21, 52, 5, 0, time.UTC),
}

func TestMail(t *testing.T) {
	box := notifytest.NewMailbox(t, nil)
	d := parse(t, "smtp://"+box.Addr+"/?from=gateway@example.com&fromname=Шлюз&to=ops@example.com,ops%2Bnight@example.com")
	if err := d.Send(t.Context(), mailed); err != nil {
		t.Fatal(err)
	}
	want := []notifytest.Mail{{
		From: "gateway@example.com", To: []string{"ops@example.com", "ops+night@example.com"},
		Subject: "[critical] regru: balance_negative -4.75 USD (счёт)", Text: mailed.Text + "\n",
	}}
	got := box.Mails()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(notifytest.Mail{}, "Header")); diff != "" {
		t.Fatalf("mails (-want +got):\n%s", diff)
	}
	header := got[0].Header
	if from, err := header.AddressList("From"); err != nil || from[0].Name != "Шлюз" || from[0].Address != "gateway@example.com" {
		t.Errorf("from %v, %v", from, err)
	}
	if to, err := header.AddressList("To"); err != nil || len(to) != 2 || to[1].Address != "ops+night@example.com" {
		t.Errorf("to %v, %v", to, err)
	}
	if date, err := header.Date(); err != nil || !date.Equal(mailed.At) {
		t.Errorf("date %v, %v", date, err)
	}
	if id := header.Get("Message-ID"); !strings.HasSuffix(id, "@example.com>") {
		t.Errorf("Message-ID %q", id)
	}
}

func TestMailSubject(t *testing.T) {
	box := notifytest.NewMailbox(t, nil)
	if err := parse(t, "smtp://"+box.Addr+"/?from=a@example.com&to=b@example.com&subject=Money").Send(t.Context(), mailed); err != nil {
		t.Fatal(err)
	}
	if got := box.Mails(); len(got) != 1 || got[0].Subject != "Money" {
		t.Errorf("got %+v", got)
	}
}

// certificate is one that nobody trusts.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates}
}

func TestMailEncryption(t *testing.T) {
	tests := []struct {
		name, query string
		certificate *tls.Config
		want        string // error
	}{
		{"untrusted", "", certificate(t), "STARTTLS: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"not verified", "&skiptlsverify=yes", certificate(t), ""},
		{"not offered, but required", "&requirestarttls=yes", nil, "the server does not offer STARTTLS"},
		{"not offered, but explicit", "&encryption=ExplicitTLS", nil, "the server does not offer STARTTLS"},
		{"not wanted", "&encryption=None", certificate(t), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := notifytest.NewMailbox(t, tt.certificate)
			box.Password = "correct-horse"
			d := parse(t, "smtp://gateway:correct-horse@"+box.Addr+"/?from=a@example.com&to=b@example.com"+tt.query)
			err := d.Send(t.Context(), mailed)
			if got := message(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (len(box.Mails()) == 1) != (tt.want == "") {
				t.Errorf("%d mails came", len(box.Mails()))
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMailRefused(t *testing.T) {
	tests := []struct {
		name, url, want string
		set             func(*notifytest.Mailbox)
	}{
		{
			"password", "smtp://gateway:wrong-horse@ADDR/?from=a@example.com&to=b@example.com",
			"signing in failed: 454 \"4.7.0 no such user [redacted] with password [redacted]\"",
			func(m *notifytest.Mailbox) { m.Password = "correct-horse" },
		},
		{
			"nobody signed in", "smtp://ADDR/?from=a@example.com&to=b@example.com",
			"the sender was refused: 502 \"5.7.0 Please authenticate first\"",
			func(m *notifytest.Mailbox) { m.Password = "correct-horse" },
		},
		{
			"one of two recipients", "smtp://ADDR/?from=a@example.com&to=b@example.com,c@example.com",
			"a recipient was refused: 451 \"4.0.0 no mailbox [redacted] here\"",
			func(m *notifytest.Mailbox) {
				m.Refuse = func(to string) error {
					if to == "c@example.com" {
						return errors.New("no mailbox " + to + " here")
					}
					return nil
				}
			},
		},
		{
			"message", "smtp://ADDR/?from=a@example.com&to=b@example.com",
			"the message was refused: 554 \"5.0.0 Error: transaction failed: [redacted] looks like spam\"",
			func(m *notifytest.Mailbox) {
				m.Reject = func(m notifytest.Mail) error { return errors.New(m.From + " looks like spam") }
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := notifytest.NewMailbox(t, nil)
			tt.set(box)
			err := parse(t, strings.ReplaceAll(tt.url, "ADDR", box.Addr)).Send(t.Context(), mailed)
			if got := message(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := box.Mails(); len(got) > 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestMailServerIsMute: a server that accepts the connection and says nothing is
// given up.
func TestMailServerIsMute(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = parse(t, "smtp://"+mute.Addr().String()+"/?from=a@example.com&to=b@example.com").Send(ctx, mailed)
	if err == nil || !strings.Contains(err.Error(), "i/o timeout") {
		t.Errorf("got %v", err)
	}
}
