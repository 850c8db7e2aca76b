package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// asset is one file that the page uses.
type asset struct {
	body []byte
	tag  string
}

// readAssets reads the files that the program holds.
func readAssets() (map[string]asset, error) {
	out := map[string]asset{}
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("read the assets: %w", err)
	}
	for _, f := range files {
		body, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read the assets: %w", err)
		}
		sum := sha256.Sum256(body)
		out[f.Name()] = asset{body: body, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return out, nil
}

// asset serves a file of the page. Browsers ask each time whether theirs is
// still the one, so that a new version is never mixed with an old one.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	a, ok := s.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", a.tag)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(a.body))
}

// edition names what a page brings along when it is loaded: files and the
// origins of pictures. A page of another edition loads itself anew.
func edition(assets map[string]asset, csp string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(assets)) {
		_, _ = h.Write([]byte(assets[name].tag)) // a hash never fails
	}
	_, _ = h.Write([]byte(csp))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// pageView is the whole page.
type pageView struct {
	Version  string
	Edition  string
	Position string // of the newest change that the page shows
	Status   statusView
	Roots    []rootView
	Hint     []string
	Nav      []navItem
	SignedIn bool
}

// page shows the console as it is now; the stream takes it on from there.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	now := s.room.since(0, 0)
	v := pageView{
		Version: s.o.Version, Edition: s.edition, Position: s.room.position(now.seq), Status: status(reader(r), s.o.Conditions(), s.lanes()), Hint: s.o.Hint,
		Nav: s.nav("/console/"), SignedIn: s.needsLogin(r),
	}
	now.sortByPlace()
	for _, t := range now.roots {
		v.Roots = append(v.Roots, s.look.view(t))
	}
	s.show(w, r, http.StatusOK, "page", v)
}
