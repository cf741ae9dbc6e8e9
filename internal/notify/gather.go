package notify

import (
	"context"
	"encoding/json"

	"accountgateway/internal/alert"
	"accountgateway/internal/store"
)

// told is what one message tells.
type told struct {
	news news
	seq  int64 // of the last event in it
	all  bool  // nothing is open that is not in it
}

// pageSize is how many events are read at once.
const pageSize = 1000

// change is what happened to one alert since a destination was last told.
type change struct {
	wasOpen bool        // before the first event
	closed  bool        // by one of the events
	isOpen  bool        // after the last one
	alert   alert.Alert // as of then
}

type name struct{ account, code string }

// gather reads what a destination has not been told. With everything, that is
// also what is open and no news.
func gather(ctx context.Context, st *store.Store, place store.Destination, everything bool) (told, error) {
	// What is open first: what opens or closes after that is among the events.
	open, _, err := st.Alerts(ctx)
	if err != nil {
		return told{}, err
	}
	t := told{seq: place.Seq, news: news{First: place.ToldAt.IsZero()}}
	changes := map[name]change{}
	for {
		events, err := st.AlertEventsAfter(ctx, t.seq, pageSize)
		if err != nil {
			return told{}, err
		}
		for _, e := range events {
			if e.Seq > t.seq+1 { // the record is kept for some time only
				t.news.Lost = true
			}
			t.seq = e.Seq
			key := name{e.Account, e.Code}
			c, known := changes[key]
			kind := alert.Kind(e.Kind)
			if !known {
				c.wasOpen = kind != alert.Opened
			}
			c.closed = c.closed || kind == alert.Closed
			c.isOpen = kind != alert.Closed
			c.alert = decode(e.Account, e.Code, e.Body)
			changes[key] = c
		}
		if len(events) < pageSize {
			break
		}
	}
	if t.seq < place.Last { // none of the rest is on record
		t.news.Lost, t.seq = true, place.Last
	}
	for _, c := range changes {
		t.news.add(c)
	}
	t.all = true
	for _, o := range open {
		if _, known := changes[name{o.Account, o.Code}]; known {
			continue
		}
		if !everything && !t.news.Lost {
			t.all = false
			continue
		}
		t.news.Still = append(t.news.Still, decode(o.Account, o.Code, o.Body))
	}
	return t, nil
}

// add sorts in what happened to an alert.
func (n *news) add(c change) {
	switch {
	case c.isOpen && c.wasOpen && !c.closed:
		n.Changed = append(n.Changed, c.alert)
	case c.isOpen:
		n.Opened = append(n.Opened, c.alert)
	case c.wasOpen:
		n.Closed = append(n.Closed, c.alert)
	default:
		n.Passed = append(n.Passed, c.alert)
	}
}

// decode reads an alert on record. What can't be read, because a newer version
// wrote it, is told by its name.
func decode(account, code string, body []byte) alert.Alert {
	var a alert.Alert
	if err := json.Unmarshal(body, &a); err != nil {
		a = alert.Alert{Severity: alert.Warning}
	}
	a.Account, a.Code = account, alert.Code(code)
	return a
}
