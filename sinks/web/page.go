package web

import (
	"html/template"
	"net/http"
)

var pageTemplate = template.Must(template.New("console").Parse(`<!doctype html><title>ImagineBridge</title>
<h1>ImagineBridge {{.Version}}</h1>
<ul>{{range .Conditions}}<li>{{.Component}} {{.Agent}}: {{.State}} {{.Reason}} {{.Next}}</li>{{end}}</ul>
<ul>{{range .Lanes}}<li>{{.Subscription}} → {{.To}}: {{.State}}, {{.Delivered}} delivered, {{.Dead}} dead {{.Reason}}</li>{{end}}</ul>
{{range .Hint}}<p>{{.}}</p>{{end}}
`))

// console shows the page.
func (s *Server) console(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
	err := pageTemplate.Execute(w, struct {
		Version    string
		Conditions []Condition
		Lanes      []Lane
		Hint       []string
	}{s.o.Version, s.o.Conditions(), s.o.Lanes(), s.o.Hint})
	if err != nil {
		s.log.Debug("page not written", "err", err)
	}
}
