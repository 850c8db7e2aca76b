package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func FuzzControl(f *testing.F) {
	for name, body := range map[string]string{
		"clock": `{"advance":"90s","scale":10,"freeze":true}`, "act": `{"as":"nova_ai","do":"like","handle":"orbit_bot","late":"1s"}`,
		"crowd": `{"on":true,"rate":"12/m","seed":7}`, "bulk": `{"handle":"orbit_bot","notifications":2,"conversations":1,"messages":2,"jobs":1}`,
		"limits": `{"class":"read","per_minute":20,"agent":"orbit_bot","spend":1}`,
		"faults": `{"fault":"status","status":502,"path":"/api/*","every":2,"chance":0.5,"for":"1m"}`, "reset": ``,
	} {
		f.Add(name, body)
	}
	f.Fuzz(func(t *testing.T, name, body string) {
		if strings.ContainsAny(name, "?#%\x00 \\") || strings.Contains(body, "0000") { // no waits for thousands of things
			return
		}
		c := nobody(t, open(t, sandbox.Options{Control: true, Empty: true}))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.box.BaseURL()+"/_sandbox/"+name, strings.NewReader(body))
		if err != nil {
			return
		}
		if got := c.do(req); got.status != 200 && (got.status < 400 || got.status >= 500 || got.str("error") == "") {
			t.Fatalf("%d %s", got.status, got.text)
		}
	})
}
