package fetch

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"code.dny.dev/ssrf"
)

// Guarded makes a transport whose every dial is checked after the name was
// resolved, so that neither a name nor a redirect nor a second look-up leads
// into a private network; nor to a port other than 80, 443 and 8443. Proxy
// variables are not read: a proxy would dial unchecked. answer bounds the wait
// for an answer's head.
func Guarded(allowPrivate bool, answer time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !allowPrivate {
		dialer.Control = ssrf.New(ssrf.WithPorts(80, 443, 8443)).Safe
	}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: answer, IdleConnTimeout: time.Minute,
		MaxIdleConnsPerHost: 4, MaxResponseHeaderBytes: 64 << 10,
	}
}

// Refused reports that the guard did not let a request through.
func Refused(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) || errors.Is(err, ssrf.ErrProhibitedNetwork)
}
