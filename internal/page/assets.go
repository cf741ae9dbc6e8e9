package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// StaticPath is where the files that pages load are served: GET StaticPath+name.
const StaticPath = "/static/"

// The folder swagger-ui holds files of the npm package swagger-ui-dist 5.35.0
// (Apache License 2.0, in LICENSE there) as they were published.
//
//go:embed assets/*.css assets/*.js assets/*.svg assets/swagger-ui
var assetFiles embed.FS

// asset is one file that pages load. Its address changes with its content, so
// that it may be kept for ever.
type asset struct {
	body        []byte
	contentType string
	packed      func() []byte // gzip
}

// assets are the files by the last part of their address.
type assets struct {
	byAddress map[string]*asset
	address   map[string]string // by the file's own name
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func loadAssets() (*assets, error) {
	a := &assets{byAddress: map[string]*asset{}, address: map[string]string{}}
	return a, fs.WalkDir(assetFiles, "assets", func(file string, entry fs.DirEntry, err error) error {
		ext := path.Ext(file)
		contentType, served := contentTypes[ext]
		if err != nil || entry.IsDir() || !served {
			return err
		}
		body, err := assetFiles.ReadFile(file)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		name := path.Base(file)
		address := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:8]) + ext
		a.address[name] = StaticPath + address
		a.byAddress[address] = &asset{body: body, contentType: contentType, packed: sync.OnceValue(func() []byte { return pack(body) })}
		return nil
	})
}

func pack(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil || w.Close() != nil { // a buffer takes everything
		return nil
	}
	return b.Bytes()
}

// Static answers GET StaticPath+name.
func (p *Page) Static(w http.ResponseWriter, r *http.Request) {
	file, ok := p.assets.byAddress[path.Base(r.URL.Path)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := file.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if packed := file.packed(); packed != nil {
			h.Set("Content-Encoding", "gzip")
			body = packed
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
