package webhook

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf"
)

// ports are those a webhook may be at, unless private addresses are allowed.
var ports = []uint16{80, 443, 8443}

// guarded makes a transport whose every dial is checked after the name was
// resolved, so that neither a name nor a redirect nor a second look-up leads
// into a private network. Proxy variables are not read: a proxy would dial
// unchecked.
func guarded(allowPrivate bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !allowPrivate {
		dialer.Control = ssrf.New(ssrf.WithPorts(ports...)).Safe
	}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: timeout, IdleConnTimeout: time.Minute,
		MaxIdleConnsPerHost: 4, MaxResponseHeaderBytes: 64 << 10,
	}
}
