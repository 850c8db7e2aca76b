package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Notice is a page for somebody who has no account here: the end of an installation.
// All of it is plain text but the link, which must be one of the bridge's own.
type Notice struct {
	Status   int    // of HTTP
	Language string // BCP 47, "en" when empty
	Title    string
	Lines    []string
	Steps    []string // what to do next, in order
	Link     string   // "" for none
	Label    string   // of the link
}

// noticeStyle is the whole look of a notice: it is read outside of the console, by
// people who may not see that.
const noticeStyle = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0;padding:2rem 1rem;background:Canvas;color:CanvasText}
main{max-width:38rem;margin:0 auto}
h1{font-size:1.5rem;line-height:1.25}
li{margin:.5rem 0}
.button{display:inline-block;padding:.6rem 1.2rem;border-radius:.4rem;background:#4a2fbd;color:#fff;text-decoration:none}
.button:focus-visible{outline:3px solid #b9a6ff;outline-offset:2px}`

// WriteNotice writes a notice as the answer to a request. The page brings nothing
// along, is framed nowhere, and tells nobody where it was.
func WriteNotice(w http.ResponseWriter, n Notice) error {
	pages, err := parsePages(language.Speaker{})
	if err != nil {
		return err
	}
	var out bytes.Buffer
	data := struct {
		Notice

		Style template.CSS
	}{n, template.CSS(noticeStyle)} //nolint:gosec // a constant of ours
	data.Language = cmp.Or(n.Language, "en")
	if err := pages.ExecuteTemplate(&out, "notice", data); err != nil {
		return fmt.Errorf("draw a notice: %w", err)
	}
	sum := sha256.Sum256([]byte(noticeStyle))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(cmp.Or(n.Status, http.StatusOK))
	_, _ = w.Write(out.Bytes()) // who left has nobody to be told
	return nil
}
