package main

import (
	"context"
	"io"
	stdlog "log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// logs are where lines go. Those of access may be written a moment later.
type logs struct {
	all, access zerolog.Logger
	out         *output
}

// newLogs writes lines for machines or, in the console format, for people.
func newLogs(w io.Writer, s settings) logs {
	level, err := zerolog.ParseLevel(s.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel // the settings' check has the fault already
	}
	out := &output{w: w}
	var all io.Writer = out
	if s.LogFormat == "console" {
		all = zerolog.ConsoleWriter{Out: out, TimeFormat: time.DateTime, NoColor: !isTerminal(w)}
	}
	l := logs{all: zerolog.New(zerolog.SyncWriter(all)).Level(level).With().Timestamp().Logger(), out: out}
	l.access = l.all
	if s.LogFormat != "console" {
		l.access = l.all.Output(later{out})
	}
	return l
}

// The bounds of lines that wait to be written.
const (
	logDelay = 100 * time.Millisecond
	logBytes = 64 << 10
)

// output is where the log goes. A line of each request would be a system call of
// each request, so those may wait for a moment. It is safe for concurrent use.
type output struct {
	w       io.Writer
	mu      sync.Mutex
	waiting []byte
}

// Write writes a line at once, after those that wait.
func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, line...)
	return len(line), o.flush()
}

// flush is called with mu held.
func (o *output) flush() error {
	if len(o.waiting) == 0 {
		return nil
	}
	_, err := o.w.Write(o.waiting)
	o.waiting = o.waiting[:0]
	return err
}

// run writes what waits every 100 ms, until ctx ends, and then the rest.
func (o *output) run(ctx context.Context) {
	ticker := time.NewTicker(logDelay)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
		o.mu.Lock()
		_ = o.flush() // a log that can't be written can't tell so
		o.mu.Unlock()
		if ctx.Err() != nil {
			return
		}
	}
}

// later takes lines that may wait, but for those that tell of trouble.
type later struct{ *output }

// WriteLevel is part of zerolog.LevelWriter.
func (l later) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, line...)
	if level >= zerolog.WarnLevel || len(l.waiting) >= logBytes {
		return len(line), l.flush()
	}
	return len(line), nil
}

// isTerminal tells a screen from a file or a pipe, where colours are rubbish.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// newServerLog takes what net/http has to say: mostly the misbehaviour of
// clients, so it is a warning.
func newServerLog(log zerolog.Logger) *stdlog.Logger {
	return stdlog.New(serverLog{log}, "", 0)
}

type serverLog struct{ log zerolog.Logger }

func (s serverLog) Write(line []byte) (int, error) {
	s.log.Warn().Str("from", "net/http").Msg(strings.TrimSpace(string(line)))
	return len(line), nil
}
