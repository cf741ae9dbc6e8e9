package page

import "net/http"

// Docs answers GET DocsPath: the API reference, made by Swagger UI from
// /openapi.yaml. Anyone may read it.
func (p *Page) Docs(w http.ResponseWriter, r *http.Request) {
	p.draw(w, r, http.StatusOK, docsPage, p.frame(r, "API reference"))
}
