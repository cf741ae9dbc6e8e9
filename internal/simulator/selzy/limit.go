package selzy

import "time"

// limiter counts calls in fixed windows that start with the first call (selzy.md 4; the kind of window is assumed).
type limiter struct {
	size    int // below 0: no limit
	window  time.Duration
	windows map[string]window
	swept   time.Time
}

type window struct {
	start time.Time
	calls int
}

func newLimiter(size int, length time.Duration) *limiter {
	return &limiter{size: size, window: length, windows: map[string]window{}}
}

// allow counts a call of who, unless the window is full.
func (l *limiter) allow(who string, now time.Time) bool {
	if l.size < 0 {
		return true
	}
	l.sweep(now)
	w, ok := l.windows[who]
	if !ok || now.Sub(w.start) >= l.window {
		w = window{start: now}
	}
	if w.calls >= l.size {
		return false
	}
	w.calls++
	l.windows[who] = w
	return true
}

// sweep forgets windows that are over, so that many addresses do not stay for ever.
func (l *limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < l.window {
		return
	}
	l.swept = now
	for who, w := range l.windows {
		if now.Sub(w.start) >= l.window {
			delete(l.windows, who)
		}
	}
}
