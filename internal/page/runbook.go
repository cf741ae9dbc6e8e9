package page

import (
	"bytes"
	"html/template"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"

	"accountgateway/docs"
)

// runbookView is the runbook as a page.
type runbookView struct {
	frame
	Text template.HTML
}

// Runbook answers GET RunbookPath: what to do when an alert fires, which
// notifications link to. Anyone may read it.
func (p *Page) Runbook(w http.ResponseWriter, r *http.Request) {
	p.draw(w, r, http.StatusOK, runbookPage, runbookView{frame: p.frame(r, "Runbook"), Text: p.runbook})
}

// renderRunbook makes HTML of the document. Its headings have the same names as
// where the repository is shown, so that links lead to them here and there.
func renderRunbook() (template.HTML, error) {
	var b bytes.Buffer
	names := parser.NewContext(parser.WithIDs(headingNames{}))
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	if err := markdown.Convert(docs.Runbook, &b, parser.WithContext(names)); err != nil {
		return "", err
	}
	text := strings.ReplaceAll(b.String(), "<pre>", `<pre tabindex="0">`) // so that the keyboard can scroll long lines
	return template.HTML(text), nil                                       // #nosec G203 -- our own document, and goldmark lets no HTML of it through
}

// headingNames names headings as GitHub and GitLab do. It counts how often each
// name is wanted: only the first heading gets it.
type headingNames map[string]int

var notInName = regexp.MustCompile(`[^a-z0-9 _-]`)

// Generate is part of parser.IDs.
func (n headingNames) Generate(heading []byte, _ ast.NodeKind) []byte {
	name := strings.ReplaceAll(notInName.ReplaceAllString(strings.ToLower(string(heading)), ""), " ", "-")
	n[name]++
	if again := n[name] - 1; again > 0 {
		name += "-" + strconv.Itoa(again)
	}
	return []byte(name)
}

// Put is part of parser.IDs.
func (headingNames) Put([]byte) {}
