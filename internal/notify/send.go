package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/rocketchat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/pagerduty"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushover"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// sendTimeout is how long one request to a service, or an e-mail, may take.
const sendTimeout = 10 * time.Second

// Message is what a destination is told.
type Message struct {
	Text string    // its first line says what matters
	At   time.Time // when it was written
}

// Title is the first line.
func (m Message) Title() string {
	title, _, _ := strings.Cut(m.Text, "\n")
	return title
}

// Body is what follows the first line.
func (m Message) Body() string {
	_, body, _ := strings.Cut(m.Text, "\n")
	return body
}

// BoundClient makes a client fit for shoutrrr, most of whose services use
// http.DefaultClient as it is: no request may take for ever, and a redirect is a
// failure, because a followed one becomes a GET that tells nobody anything.
// Call it with http.DefaultClient before that is used.
func BoundClient(c *http.Client) {
	c.Timeout = sendTimeout
	c.CheckRedirect = noRedirect
}

func noRedirect(*http.Request, []*http.Request) error {
	return errors.New("redirected: the URL must be the final one")
}

// Send delivers a message. It returns once the service has answered or is given
// up; then the message may have been delivered or not. shoutrrr's services don't
// end with ctx, but with their own time limits. The error has no secret and,
// because its cause has, no cause.
func (d *Destination) Send(ctx context.Context, m Message) error {
	if err := d.send(ctx, m); err != nil {
		return errors.New(d.secrets.hide(err.Error()))
	}
	return nil
}

func (d *Destination) send(ctx context.Context, m Message) (err error) {
	defer recovered(&err)
	service, err := d.open()
	if err != nil {
		return err
	}
	switch service := service.(type) {
	case *smtp.Service:
		return sendMail(ctx, service.Config, m)
	case *telegram.Service:
		return sendTelegram(ctx, service.Config, m)
	case interface{ GetHTTPClient() *http.Client }: // Gotify, Mattermost
		BoundClient(service.GetHTTPClient())
	case *pagerduty.Service:
		client := new(http.Client)
		BoundClient(client)
		service.SetHTTPClient(client)
	case *rocketchat.Service:
		BoundClient(service.Client)
	case *pushover.Service:
		BoundClient(service.Client)
	case *discord.Service:
		once := &oneTry{}
		BoundClient(&once.client)
		service.HTTPClient = once
		defer func() {
			if err != nil && once.err != nil {
				err = once.err
			}
		}()
	}
	text, params := d.parts(m)
	return service.Send(text, params)
}

// titled are the services that show a title beside the text.
var titled = []string{"bark", "gotify", "join", "ntfy", "opsgenie", "pushbullet", "pushover"}

// parts are a message as the service takes it.
func (d *Destination) parts(m Message) (text string, params *types.Params) {
	text, params = m.Text, &types.Params{}
	switch {
	case d.Service == "slack": // these begin links and mentions there
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text), params
	case hasTitle(d.url.Query()): // the user's own
	case d.Service == "generic":
		params.SetTitle(m.Title())
	case slices.Contains(titled, d.Service) && m.Body() != "":
		params.SetTitle(m.Title())
		text = m.Body()
	}
	return text, params
}

func hasTitle(query url.Values) bool {
	for name := range query {
		if strings.EqualFold(name, types.TitleKey) {
			return true
		}
	}
	return false
}

// limit is how much one message tells.
type limit struct{ bytes, alerts int }

// limits are those of services that take less or more than most.
var limits = map[string]limit{
	"bark": {2000, 20}, "join": {1000, 20}, "pagerduty": {1000, 20}, "pushover": {1000, 20}, "wecom": {2000, 20},
	"generic": {50_000, 100}, "smtp": {50_000, 100},
}

// limit is how much a message to the destination may tell.
func (d *Destination) limit() limit {
	if limit, ok := limits[d.Service]; ok {
		return limit
	}
	return limit{3500, 20} // Telegram takes 4096 bytes, Mattermost and Google Chat about as much
}

// oneTry keeps shoutrrr's Discord from trying for five minutes, during which the
// message could be neither given up nor sent again.
type oneTry struct {
	client http.Client
	err    error // of the first failure
}

// errOver is none that is worth another try.
var errOver = errors.New("not delivered")

// Do sends a request, and makes an error of every answer but success.
func (o *oneTry) Do(request *http.Request) (*http.Response, error) {
	response, err := o.client.Do(request) // #nosec G704 -- the operator chose the address
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		response.Body.Close()
		err = fmt.Errorf("status %s", response.Status)
	}
	if err != nil {
		o.err = err
		return nil, errOver
	}
	return response, nil
}
