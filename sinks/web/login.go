package web

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	sessionCookie = "imaginebridge_console"
	sessionTime   = 12 * time.Hour
	loginPath     = "/console/login"
	logoutPath    = "/console/logout"
	actPath       = "/console/do"
)

// keeper knows who is signed in, and lets nobody try tokens for long. A session is
// its end and a mark that only the token makes: every process with that token knows
// it, also after a restart.
type keeper struct {
	token string // "" lets nobody in

	mu       sync.Mutex
	left     map[string]time.Time   // sessions that were ended here before their end, which is kept
	failures map[string][]time.Time // of the last minute, by where they came from
}

func newKeeper(token string) *keeper {
	return &keeper{token: token, left: map[string]time.Time{}, failures: map[string][]time.Time{}}
}

// Attempts to sign in that may fail in a minute: from one place, and in all.
const (
	maxFailures    = 5
	maxAllFailures = 60
)

// enter checks a token and makes a session. Wait is how long the place has to keep
// still where it tried too often; the token is not looked at then.
func (k *keeper) enter(token, from string, now time.Time) (session string, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if wait := k.blocked(from, now); wait > 0 {
		return "", wait
	}
	typed, right := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(k.token))
	if k.token == "" || subtle.ConstantTimeCompare(typed[:], right[:]) != 1 {
		k.failures[from] = append(k.failures[from], now)
		return "", 0
	}
	delete(k.failures, from)
	plain := strconv.FormatInt(now.Add(sessionTime).Unix(), 10) + "." + rand.Text()
	return plain + "." + k.mark(plain), 0
}

// mark is what makes a session one of the token's.
func (k *keeper) mark(plain string) string {
	h := hmac.New(sha256.New, []byte(k.token))
	_, _ = h.Write([]byte("imaginebridge console session " + plain)) // a hash never fails
	return hex.EncodeToString(h.Sum(nil))
}

// blocked forgets failures of more than a minute ago and says how long a place has
// to wait for the oldest of the others to become one.
func (k *keeper) blocked(from string, now time.Time) time.Duration {
	all, oldest := 0, now
	for place, times := range k.failures {
		for len(times) > 0 && now.Sub(times[0]) >= time.Minute {
			times = times[1:]
		}
		if len(times) == 0 {
			delete(k.failures, place)
			continue
		}
		k.failures[place] = times
		all += len(times)
		if times[0].Before(oldest) {
			oldest = times[0]
		}
	}
	switch own := k.failures[from]; {
	case len(own) >= maxFailures:
		return time.Minute - now.Sub(own[0])
	case all >= maxAllFailures:
		return time.Minute - now.Sub(oldest)
	}
	return 0
}

// known reports whether a session is open.
func (k *keeper) known(session string, now time.Time) bool {
	end, ok := k.end(session)
	k.mu.Lock()
	defer k.mu.Unlock()
	_, left := k.left[session]
	return ok && now.Before(end) && !left
}

// end is when a session ends that the token made; ok is false for any other.
func (k *keeper) end(session string) (end time.Time, ok bool) {
	i := strings.LastIndexByte(session, '.')
	if k.token == "" || i < 0 || !hmac.Equal([]byte(session[i+1:]), []byte(k.mark(session[:i]))) {
		return end, false
	}
	seconds, _, _ := strings.Cut(session, ".")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(unix, 0), err == nil
}

// leave ends a session. Those whose time is over are forgotten.
func (k *keeper) leave(session string, now time.Time) {
	end, ok := k.end(session)
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.left, func(_ string, end time.Time) bool { return !now.Before(end) })
	if ok && now.Before(end) {
		k.left[session] = end
	}
}

// needsLogin reports a request that may come from somewhere else than this machine.
func (s *Server) needsLogin(r *http.Request) bool {
	return s.o.Remote || !isLocal(hostName(r.Host)) || forwarded(r)
}

// forwarded reports what a proxy has passed on, whatever Host it was given.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// admitted reports whether the request may see the console.
func (s *Server) admitted(r *http.Request) bool {
	if !s.needsLogin(r) {
		return true
	}
	c, err := r.Cookie(sessionCookie)
	return err == nil && s.keeper.known(c.Value, time.Now())
}

// signedIn lets those through who may see the console, and shows the others where
// to sign in.
func (s *Server) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.admitted(r):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") != "empty" && !strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
			http.Redirect(w, r, loginPath+"?back="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			http.Error(w, "Sign in at "+loginPath+" first.", http.StatusUnauthorized)
		}
	})
}

// loginView is the page to sign in at.
type loginView struct {
	Version, Back, Problem string
}

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) {
	if s.admitted(r) {
		http.Redirect(w, r, within(r.URL.Query().Get("back")), http.StatusSeeOther) //nolint:gosec // G710: within lets paths of the console through only
		return
	}
	s.show(w, r, http.StatusOK, "login", loginView{Version: s.o.Version, Back: r.URL.Query().Get("back")})
}

// login takes the token and opens a session.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	v := loginView{Version: s.o.Version, Back: r.PostFormValue("back")}
	session, wait := s.keeper.enter(strings.TrimSpace(r.PostFormValue("token")), placeOf(r), time.Now())
	switch {
	case wait > 0:
		w.Header().Set("Retry-After", "60")
		v.Problem = reader(r).Say("Too many attempts. Wait a minute.")
		s.log.Warn("sign-in to the console refused", "remote", placeOf(r), "retry_in", wait)
		s.show(w, r, http.StatusTooManyRequests, "login", v)
	case session == "":
		v.Problem = reader(r).Say("That is not the token.")
		s.log.Warn("sign-in to the console refused", "remote", placeOf(r))
		s.show(w, r, http.StatusForbidden, "login", v)
	default:
		s.log.Info("signed in to the console", "remote", placeOf(r))
		http.SetCookie(w, s.cookie(r, session, int(sessionTime.Seconds())))
		http.Redirect(w, r, within(v.Back), http.StatusSeeOther)
	}
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		s.keeper.leave(c.Value, time.Now())
	}
	http.SetCookie(w, s.cookie(r, "", -1))
	http.Redirect(w, r, loginPath, http.StatusSeeOther)
}

func (s *Server) cookie(r *http.Request, value string, seconds int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: it is Secure wherever the console is reached by https
		Name: sessionCookie, Value: value, Path: "/console", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || s.o.HTTPS && !isLocal(hostName(r.Host)),
	}
}

// placeOf is where a request comes from, for limits and the audit: an address, of
// IPv6 the network that one line is given.
func placeOf(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		return cmp.Or(host, "unknown")
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		if net64, err := ip.Prefix(64); err == nil {
			return net64.Masked().String()
		}
	}
	return ip.String()
}

// within is a path of the console's own, for whatever a form says.
func within(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Path != "/console/" && !strings.HasPrefix(u.Path, "/console/") || strings.Contains(back, `\`) || strings.Contains(u.Path, "..") {
		return "/console/"
	}
	return u.RequestURI()
}
