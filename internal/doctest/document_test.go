package doctest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.." // of the repository

// documents are README.md and docs/*.md.
func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(found) == 0 {
		t.Fatalf("docs/*.md: %v, %d found", err, len(found))
	}
	return append([]string{filepath.Join(root, "README.md")}, found...)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shownOnly are the languages of blocks that nobody runs.
var shownOnly = []string{"text", "promql", "json", "yaml", "ini", "go"}

// block is a fenced part of a document.
type block struct {
	line     int // of its first line of content, from 1
	language string
	content  []string
}

// blocksOf finds a document's fenced blocks, also those inside of lists.
func blocksOf(text string) []block {
	var blocks []block
	var open *block
	indent := 0
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case strings.HasPrefix(trimmed, "```") && open == nil:
			indent = len(line) - len(trimmed)
			open = &block{line: i + 2, language: strings.TrimSpace(strings.TrimPrefix(trimmed, "```"))}
		case strings.HasPrefix(trimmed, "```"):
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.content = append(open.content, line[min(indent, len(line)-len(trimmed)):])
		}
	}
	return blocks
}

// command is one command of a document, as somebody would type it.
type command struct {
	line  int
	text  string
	shows bool   // the document shows what is printed
	want  string // then that
}

// commandsOf gives the commands of a block: of sh each line is one, of console
// each that begins with "$ ", and what follows is what it prints. A line that
// ends with a backslash goes on.
func commandsOf(b block) []command {
	var all []command
	goesOn := false
	for i, line := range b.content {
		typed := line
		if b.language == "console" && !goesOn {
			var ok bool
			if typed, ok = strings.CutPrefix(line, "$ "); !ok {
				if last := len(all) - 1; last >= 0 {
					all[last].want += line + "\n"
				}
				continue
			}
		}
		switch {
		case goesOn:
			all[len(all)-1].text += "\n" + typed
		case strings.TrimSpace(typed) == "" || strings.HasPrefix(typed, "#"):
			continue
		default:
			all = append(all, command{line: b.line + i, text: typed, shows: b.language == "console"})
		}
		goesOn = strings.HasSuffix(typed, `\`)
	}
	return all
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	for _, path := range documents(t) {
		for _, b := range blocksOf(read(t, path)) {
			if b.language != "sh" && b.language != "console" && !slices.Contains(shownOnly, b.language) {
				t.Errorf("%s:%d: a block in %q: want sh or console, which are run, or one of %s", path, b.line, b.language, strings.Join(shownOnly, ", "))
			}
		}
	}
}
