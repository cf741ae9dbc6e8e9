package notify

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	netsmtp "net/smtp"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
)

// sendMail sends an e-mail, by shoutrrr's settings. shoutrrr's own sending waits
// for ever for a server that accepts a connection and says nothing, tells every
// recipient apart, so that one who is refused makes the others get it again, and
// writes no header that has to be encoded.
func sendMail(ctx context.Context, config *smtp.Config, m Message) error {
	config.FixEmailTags()
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	client, err := dialMail(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // after Quit it fails
	if err := greet(client, config); err != nil {
		return err
	}
	if err := client.Mail(config.FromAddress); err != nil {
		return fmt.Errorf("the sender was refused: %w", err)
	}
	for _, to := range config.ToAddresses {
		if err := client.Rcpt(to); err != nil {
			return fmt.Errorf("a recipient was refused: %w", err)
		}
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if err := writeMail(w, config, m); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("the message was refused: %w", err)
	}
	_ = client.Quit() // it is delivered
	return nil
}

// dialMail connects, for as long as ctx lasts.
func dialMail(ctx context.Context, config *smtp.Config) (*netsmtp.Client, error) {
	dial := new(net.Dialer).DialContext
	if config.Encryption == smtp.EncMethods.ImplicitTLS || config.Encryption == smtp.EncMethods.Auto && config.Port == smtp.ImplicitTLSPort {
		dial = (&tls.Dialer{Config: mailTLS(config)}).DialContext
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))))
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close()
		return nil, err
	}
	client, err := netsmtp.NewClient(conn, config.Host)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return client, nil
}

// greet says hello, encrypts the connection and signs in, as far as the settings
// say so.
func greet(client *netsmtp.Client, config *smtp.Config) error {
	host := config.ClientHost
	if host == "auto" {
		var err error
		if host, err = os.Hostname(); err != nil {
			return err
		}
	}
	if err := client.Hello(host); err != nil {
		return err
	}
	if _, encrypted := client.TLSConnectionState(); !encrypted && config.UseStartTLS && config.Encryption != smtp.EncMethods.None {
		offered, _ := client.Extension("STARTTLS")
		switch {
		case offered:
			if err := client.StartTLS(mailTLS(config)); err != nil {
				return fmt.Errorf("STARTTLS: %w", err)
			}
		case config.RequireStartTLS || config.Encryption == smtp.EncMethods.ExplicitTLS:
			return errors.New("the server does not offer STARTTLS")
		}
	}
	var auth netsmtp.Auth
	switch config.Auth {
	case smtp.AuthTypes.Plain:
		auth = netsmtp.PlainAuth("", config.Username, config.Password, config.Host)
	case smtp.AuthTypes.CRAMMD5:
		auth = netsmtp.CRAMMD5Auth(config.Username, config.Password)
	case smtp.AuthTypes.OAuth2:
		auth = smtp.OAuth2Auth(config.Username, config.Password)
	default:
		return nil
	}
	if err := client.Auth(auth); err != nil {
		return fmt.Errorf("signing in failed: %w", err)
	}
	return nil
}

func mailTLS(config *smtp.Config) *tls.Config {
	return &tls.Config{ServerName: config.Host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: config.SkipTLSVerify} // #nosec G402 -- the user's choice
}

// writeMail writes header and text.
func writeMail(w io.Writer, config *smtp.Config, m Message) error {
	to := make([]string, 0, len(config.ToAddresses))
	for _, address := range config.ToAddresses {
		to = append(to, (&mail.Address{Address: address}).String())
	}
	subject := config.Subject
	if subject == "" {
		subject = m.Title()
	}
	_, domain, _ := strings.Cut(config.FromAddress, "@")
	for _, line := range [][2]string{
		{"From", (&mail.Address{Name: config.FromName, Address: config.FromAddress}).String()},
		{"To", strings.Join(to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", subject)},
		{"Date", m.At.Format(time.RFC1123Z)},
		{"Message-ID", "<" + rand.Text() + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		if _, err := fmt.Fprintf(w, "%s: %s\r\n", line[0], line[1]); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(w, "\r\n"); err != nil {
		return err
	}
	body := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(body, strings.ReplaceAll(m.Text, "\n", "\r\n")+"\r\n"); err != nil {
		return err
	}
	return body.Close()
}
