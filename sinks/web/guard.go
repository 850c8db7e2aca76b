package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// allowedHosts is the set of Host names besides those of this machine.
func allowedHosts(names []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, name := range names {
		host := hostName(name)
		if host == "" || strings.ContainsAny(name, "/ @") {
			return nil, optionError("Hosts", name, errNoHost)
		}
		out[host] = true
	}
	return out, nil
}

// hostName is a Host header without port, brackets and final dot, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isLocal reports whether a Host name can only mean this machine: loopback
// addresses and the names reserved for them (RFC 6761 §6.3).
func isLocal(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// readOnly refuses everything but reads, besides what the console's forms do, and
// forbids guessing at what is read.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		form := r.Method == http.MethodPost && slices.Contains(forms, r.URL.Path)
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !form {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Only reading is possible here.", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forms are the paths that take forms of the console's own pages.
var forms = []string{actPath, loginPath, logoutPath}

// private keeps the pages of other sites out. A page whose name was made to point
// here (DNS rebinding) asks for a host that nobody listed; one that embeds or
// fetches ours says so in Sec-Fetch-Site. Health and metrics stand outside, see
// probed.
func (s *Server) private(hosts map[string]bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.csp)
		h.Set("Referrer-Policy", "same-origin") // with none at all, forms would not say where they come from
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		switch host := hostName(r.Host); {
		case !isLocal(host) && !hosts[host] && (!s.o.Remote || !isAddress(host)):
			http.Error(w, "The console does not answer to this host name. Open it as localhost, or set http.public_url to the address you use.", http.StatusMisdirectedRequest)
		case r.Method == http.MethodPost && !ownForm(r), r.Method != http.MethodPost && foreign(r):
			http.Error(w, "The console can't be used from the pages of another site.", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// probed keeps rebound names from health and metrics too, which tell of agents and
// failures. Probes may ask by any address: a page can't, since the browser names
// the host that the page was loaded from, and a rebound one is always a name.
func probed(hosts map[string]bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostName(r.Host)
		if !isAddress(host) && !isLocal(host) && !hosts[host] {
			http.Error(w, "Health and metrics do not answer to this host name. Ask by address or as localhost, or set http.public_url to the name you use.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isAddress reports a Host that no look-up of a name leads to: a page that asks by
// it was loaded by it.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// ownForm reports a form that was sent by a page of the console itself, by what
// browsers say of it (Fetch Metadata, or else Origin); what says nothing is none.
func ownForm(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		return false
	}
	return http.NewCrossOriginProtection().Check(r) == nil
}

// foreign reports whether a page of another site asks, other than by a link that
// somebody followed (Fetch Metadata, W3C). Programs that are no browser say
// nothing.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

// contentPolicy lets a page use what this server serves, images of the allowed
// origins, and nothing else.
func contentPolicy(l look) string {
	images := append([]string{"'self'"}, l.list()...)
	return "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src " + strings.Join(images, " ") +
		"; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}
