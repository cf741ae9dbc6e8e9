package page

import (
	"bytes"
	"html/template"
	"net/http"
	"regexp"
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
	p.draw(w, r, http.StatusOK, runbookPage, runbookView{frame: p.frame(r, "Runbook", nil), Text: p.runbook})
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
	return template.HTML(b.String()), nil // #nosec G203 -- our own document, and goldmark lets no HTML of it through
}

// headingNames names headings as GitHub and GitLab do.
type headingNames struct{}

var notInName = regexp.MustCompile(`[^a-z0-9 _-]`)

// Generate is part of parser.IDs.
func (headingNames) Generate(heading []byte, _ ast.NodeKind) []byte {
	return []byte(strings.ReplaceAll(notInName.ReplaceAllString(strings.ToLower(string(heading)), ""), " ", "-"))
}

// Put is part of parser.IDs.
func (headingNames) Put([]byte) {}
