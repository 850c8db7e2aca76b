package fakediscord

import (
	"fmt"
	"html"
	"html/template"
	"net/http"
)

const authorizePath = "/oauth2/authorize"

var consentPage = template.Must(template.New("consent").Parse(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Discord</title></head><body>
<h1>{{.Bot}} wants to be added to your server</h1>
<form method="post">
<label>Add to server <select name="guild_id">{{range .Guilds}}<option value="{{.ID}}">{{.Name}}</option>{{end}}</select></label>
<button>Authorize</button>
</form></body></html>
`))

// authorizePage is what a browser sees behind an install link: the guilds that the
// bot may be added to, as their owners see them.
func (s *Server) authorizePage(w http.ResponseWriter, r *http.Request) {
	type choice struct{ ID, Name string }
	var page struct {
		Bot    string
		Guilds []choice
	}
	s.mu.Lock()
	_, err := s.asked(r.URL.Query())
	page.Bot = s.world.bot.Username
	for _, id := range s.world.order {
		if g := s.world.guilds[id]; g != nil && !g.present {
			page.Guilds = append(page.Guilds, choice{g.id, g.name})
		}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err != nil {
		refuseConsent(w, err)
		return
	}
	_ = consentPage.Execute(w, page) // the browser may be gone
}

// authorized is the owner's press on Authorize. A page that names no redirect_uri
// ends at Discord (docs, "Bot Authorization Flow").
func (s *Server) authorized(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	chosen := r.PostFormValue("guild_id")
	owner, name := "", ""
	s.mu.Lock()
	if g := s.theGuild(chosen); g != nil {
		owner, name = s.world.users[g.owner].Username, g.name
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := s.Authorize(owner, r.URL.String(), chosen); err != nil {
		refuseConsent(w, err)
		return
	}
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html><html lang=\"en\"><title>Discord</title><h1>Added to %s</h1>", html.EscapeString(name)) // the browser may be gone
}

func refuseConsent(w http.ResponseWriter, err error) {
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, "<h1>%s</h1>", html.EscapeString(err.Error())) // the browser may be gone
}
