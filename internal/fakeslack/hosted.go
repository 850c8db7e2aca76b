package fakeslack

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// hosted is a file that a person keeps at Slack: https://docs.slack.dev/reference/objects/file-object.
type hosted struct {
	id, name, kind string
	owner          *user
	data           []byte
	at             int64
}

// AddFile puts a file of a person onto Slack's servers, for a form (its id is the value of a file_input) or a message
// ([Server.SayWith]), and returns its id,
// empty where the person is unknown.
func (w *Workspace) AddFile(userID, name, contentType string, data []byte) string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	owner := w.s.users[userID]
	if owner == nil {
		return ""
	}
	f := &hosted{id: w.s.id("F"), name: path.Base(name), kind: contentType, owner: owner, data: slices.Clone(data), at: w.s.opt.Now().Unix()}
	w.s.hosted[f.id] = f
	return f.id
}

// HideFiles makes files come as an id alone, or ends that: what is in them is told by files.info only, as it is with
// files from other workspaces.
func (s *Server) HideFiles(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = on
}

// ending is a file's type as Slack names it.
func (f *hosted) ending() string { return strings.TrimPrefix(strings.ToLower(path.Ext(f.name)), ".") }

// wire is the file as payloads carry it.
func (f *hosted) wire(s *Server) map[string]any {
	if s.hidden {
		return map[string]any{"id": f.id, "mode": "file_access", "file_access": "check_file_info", "created": 0, "timestamp": 0, "user": ""}
	}
	return f.whole(s)
}

func (f *hosted) whole(s *Server) map[string]any {
	team := f.owner.home.ID
	at := s.URL() + "/files-pri/" + team + "-" + f.id + "/"
	return map[string]any{
		"id": f.id, "created": f.at, "timestamp": f.at, "name": f.name, "title": f.name, "mimetype": f.kind, "filetype": f.ending(),
		"pretty_type": strings.ToUpper(f.ending()), "user": f.owner.id, "user_team": f.owner.team, "editable": false, "size": len(f.data),
		"mode": "hosted", "is_external": false, "external_type": "", "is_public": false, "public_url_shared": false, "display_as_bot": false,
		"username": "", "url_private": at + url.PathEscape(f.name), "url_private_download": at + "download/" + url.PathEscape(f.name),
		"media_display_type": "unknown", "permalink": s.URL() + "/files/" + f.owner.id + "/" + f.id + "/" + url.PathEscape(f.name),
		"is_starred": false, "has_rich_preview": false, "file_access": "visible",
	}
}

func (c *call) fileInfo() answer {
	f := c.s.hosted[c.args.str("file")]
	if f == nil || f.owner.home != c.tok.home {
		return refuse("file_not_found", "%s", c.args.str("file"))
	}
	return answer{fields: map[string]any{"file": f.whole(c.s), "comments": []any{}, "response_metadata": map[string]any{"next_cursor": ""}}}
}

// serveFile hands out a file. Who may not have it is sent to the page for signing in, as Slack does.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f, code := s.wanted(r)
	if code != "" {
		s.fault(Fault{Method: "files", Code: code, Detail: r.URL.Path})
	}
	s.mu.Unlock()
	switch {
	case code == "file_not_found":
		http.NotFound(w, r)
	case code != "":
		http.Redirect(w, r, "/signin?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
	default:
		w.Header().Set("Content-Type", f.kind)
		w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
		if strings.Contains(r.URL.Path, "/download/") {
			w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
		}
		_, _ = w.Write(f.data)
	}
}

// wanted finds the file of a request, and what is wrong with it. The caller holds mu.
func (s *Server) wanted(r *http.Request) (f *hosted, code string) {
	team, id, _ := strings.Cut(r.PathValue("file"), "-")
	if f = s.hosted[id]; f == nil || f.owner.home.ID != team {
		return nil, "file_not_found"
	}
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	tok := s.tokens[secret]
	switch code := tok.check(kindBot, s.opt.Now()); {
	case r.URL.Query().Has("token"):
		return nil, "token_in_query"
	case secret == "":
		return nil, "not_authed"
	case code != "":
		return nil, code
	case tok.home != f.owner.home:
		return nil, "another_workspace"
	case tok.missing([]string{"files:read"}):
		return nil, "missing_scope"
	}
	return f, ""
}

// serveSignIn is the page that a browser would show.
func (s *Server) serveSignIn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!DOCTYPE html><title>Sign in | Slack</title>"))
}

// attach gives the files with these ids as a file_input of a person's form reports them. The caller holds mu.
func (s *Server) attach(userID string, input args, ids []string) ([]any, error) {
	if most := input.number("max_files", 10); len(ids) > most {
		return nil, fmt.Errorf("takes %d files", most)
	}
	out := []any{}
	for _, id := range ids {
		f := s.hosted[id]
		if f == nil || f.owner.id != userID {
			return nil, fmt.Errorf("%s has no file %s", userID, id)
		}
		if types := input.list("filetypes"); len(types) > 0 && !slices.Contains(types, any(f.ending())) {
			return nil, fmt.Errorf("takes no .%s", f.ending())
		}
		out = append(out, f.wire(s))
	}
	return out, nil
}
