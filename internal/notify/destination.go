package notify

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"sync"

	"github.com/nicholas-fedor/shoutrrr/pkg/format"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/matrix"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"accountgateway/internal/config"
)

// Destination is where alerts are told: a service and whom to tell there. Its
// URL is a secret: nothing that it returns or prints has a part of it.
type Destination struct {
	Number  int    // its place in the setting, from 1
	Service string // slack, smtp, …: what shoutrrr calls it

	url     *url.URL // as the service takes it
	secrets *secrets
	key     func() string
}

// String names the destination for people.
func (d *Destination) String() string { return fmt.Sprintf("%d (%s)", d.Number, d.Service) }

// Parse reads the URLs of a setting, which have spaces or line ends between
// them. It connects to nothing. A fault tells a URL by its number and what is
// wrong with it, and has no part of it.
func Parse(setting string) (all []*Destination, faults []error) {
	seen := map[string]int{}
	for i, text := range strings.Fields(setting) {
		number := i + 1
		d, err := parse(number, text)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("URL %d: %w", number, err))
		case seen[text] != 0:
			faults = append(faults, fmt.Errorf("URL %s: is the same as URL %d", d, seen[text]))
		default:
			seen[text] = number
			all = append(all, d)
		}
	}
	return all, faults
}

// parse reads one URL.
func parse(number int, text string) (d *Destination, err error) {
	scheme, _, found := strings.Cut(text, "://")
	scheme, _, custom := strings.Cut(strings.ToLower(scheme), "+")
	u, parseErr := url.Parse(text)
	switch {
	case !found:
		return nil, errors.New("must begin with a service, such as slack://, telegram:// or smtp://")
	case scheme == "http" || scheme == "https":
		return nil, fmt.Errorf("a webhook begins with generic+%s://; other services with their own name, such as slack://", scheme)
	}
	if _, err := new(router.ServiceRouter).NewService(scheme); err != nil || scheme == "logger" { // which tells nobody
		return nil, errors.New("begins with an unknown service")
	}
	if parseErr != nil { // it quotes the URL
		return nil, fmt.Errorf("%s: is not a valid URL", scheme)
	}
	d = &Destination{Number: number, Service: scheme, url: u, secrets: newSecrets(text, u)}
	d.key = sync.OnceValue(func() string { return fingerprint(text) })
	if custom {
		if d.url, err = fromCustom(scheme, u); err != nil {
			return nil, fmt.Errorf("%s: %s", scheme, d.secrets.hide(err.Error()))
		}
	}
	if d.clearText() && !config.IsLoopback(d.url.Hostname()) {
		return nil, fmt.Errorf("%s: sends in clear text, which is allowed only to loopback addresses", scheme)
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%s: %s", scheme, d.secrets.hide(err.Error()))
	}
	return d, nil
}

// fromCustom makes a service's own URL of one such as generic+https://….
func fromCustom(scheme string, u *url.URL) (own *url.URL, err error) {
	defer recovered(&err)
	service, err := new(router.ServiceRouter).NewService(scheme)
	if err != nil {
		return nil, err
	}
	custom, ok := service.(types.CustomURLService)
	if !ok {
		return nil, errors.New("takes no address of another kind")
	}
	return custom.GetConfigURLFromCustom(u)
}

// clearText tells whether the URL asks for plain http, in which tokens travel
// too.
func (d *Destination) clearText() bool {
	for name, values := range d.url.Query() {
		for _, value := range values {
			on, _ := format.ParseBool(value, false)
			if on && strings.EqualFold(name, "disabletls") || strings.EqualFold(name, "scheme") && strings.EqualFold(value, "http") {
				return true
			}
		}
	}
	return false
}

// check tells whether the service can be used.
func (d *Destination) check() (err error) {
	defer recovered(&err)
	if d.Service == matrix.Scheme { // whose Initialize would sign in
		return new(matrix.Config).SetURL(d.url)
	}
	service, err := d.open()
	if err != nil {
		return err
	}
	if e, ok := service.(*smtp.Service); ok {
		return checkAddresses(e.Config)
	}
	return nil
}

// open makes the service of the URL. Most keep state of their last message, so
// each message has its own.
func (d *Destination) open() (types.Service, error) {
	service, err := new(router.ServiceRouter).NewService(d.Service)
	if err != nil {
		return nil, err
	}
	return service, service.Initialize(d.url, nil)
}

func checkAddresses(config *smtp.Config) error {
	config.FixEmailTags()
	for _, address := range append([]string{config.FromAddress}, config.ToAddresses...) {
		if _, err := mail.ParseAddress(address); err != nil { // it quotes the address
			return errors.New("from and to must be e-mail addresses")
		}
	}
	if config.Host == "" {
		return errors.New("has no server")
	}
	return nil
}

// fingerprintRounds make it slow to guess a password in a URL from its
// fingerprint, which is in the database.
const fingerprintRounds = 600_000

// fingerprint tells a URL from others without telling what it is.
func fingerprint(text string) string {
	key, err := pbkdf2.Key(sha256.New, text, []byte("accountgateway destination"), fingerprintRounds, 16)
	if err != nil { // only for a key length that is no length
		panic(err)
	}
	return hex.EncodeToString(key)
}

// recovered makes an error of a panic: some of shoutrrr's services have one for
// what they don't expect, such as a server that can't be reached.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = errors.New("the service's client failed, as some do when they can't reach their server")
	}
}
