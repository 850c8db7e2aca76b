package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// allowedHosts is the set of Host names besides loopback ones, in lower case.
func allowedHosts(names []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, name := range names {
		host := hostName(name)
		if host == "" || strings.ContainsAny(name, "/ ") {
			return nil, fmt.Errorf("host name %q is none", name)
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
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// isLoopback reports whether a Host name can only mean this machine.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// guard lets only reads of known hosts in. A page of another site whose name was
// made to point here (DNS rebinding) asks for a host that nobody listed.
func guard(hosts map[string]bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		host := hostName(r.Host)
		switch {
		case !isLoopback(host) && !hosts[host]:
			http.Error(w, "This host name is not one the bridge answers to.", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "Only reading is possible here.", http.StatusMethodNotAllowed)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
