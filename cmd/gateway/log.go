package main

import (
	"io"
	stdlog "log"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// newLogger writes lines for machines or, in the console format, for people.
func newLogger(w io.Writer, s settings) zerolog.Logger {
	if s.LogFormat == "console" {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.DateTime, NoColor: !isTerminal(w)}
	}
	level, err := zerolog.ParseLevel(s.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel // the settings' check has the fault already
	}
	return zerolog.New(zerolog.SyncWriter(w)).Level(level).With().Timestamp().Logger()
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
