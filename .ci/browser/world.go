package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// The Slack app's credentials at the emulator.
const (
	slackClient = "1111111111.2222222222"
	slackSecret = "fakeslack-client-secret"
)

// world is a bridge with all that it talks to, on loopback.
type world struct {
	slack   *fakeslack.Server
	discord *fakediscord.Server
	site    string // the bridge as browsers reach it, its http.public_url
	other   string // the same by another name
	log     string // file
	ends    []func()
}

// newWorld runs a bridge that nobody added anywhere yet. Browsers reach it through a
// proxy, by the name localhost: so its address is known before it runs, and the
// emulators, which are 127.0.0.1, are other sites to the browser, as they are in life.
// With an identity the proxy speaks https.
func newWorld(ctx context.Context, bridge, folder string, who *identity) (_ *world, err error) {
	w := &world{log: filepath.Join(folder, "bridge.log")}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		return nil, err
	}
	api, err := w.serve(ctx, box, nil)
	if err != nil {
		return nil, err
	}
	box.SetBaseURL("http://" + api)
	if w.slack, err = fakeslack.New(fakeslack.Options{RotateTokens: true, Limits: fakeslack.Limits{Off: true}}); err != nil {
		return nil, err
	}
	w.ends = append(w.ends, w.slack.Close)
	if w.discord, err = fakediscord.New(fakediscord.Options{IdentifyEvery: -1}); err != nil {
		return nil, err
	}
	w.ends = append(w.ends, w.discord.Close)

	var behind atomic.Value // where the bridge listens
	behind.Store("")
	front, err := w.serve(ctx, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: behind.Load().(string)})
		r.Out.Host = r.In.Host
	}}, who)
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(front)
	scheme := "http://"
	if who != nil {
		scheme = "https://"
	}
	w.site, w.other = scheme+"localhost:"+port, scheme+front
	file := filepath.Join(folder, "imaginebridge.yaml")
	text := fmt.Sprintf(`imagineanything: {base_url: "http://%s"}
nats: {listen: "127.0.0.1:0", store: 64MiB}
http: {listen: "127.0.0.1:0", public_url: %q}
slack: {client_id: %q, client_secret: %s, signing_secret: %s, api_url: %q}
discord: {bot_token: %q, api_url: %q}
`, api, w.site, slackClient, slackSecret, w.slack.SigningSecret(), w.slack.URL(), fakediscord.DefaultToken, w.discord.URL())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	address, err := w.run(ctx, bridge, file, folder)
	if err != nil {
		return nil, fmt.Errorf("the bridge: %w", err)
	}
	behind.Store(address)
	return w, nil
}

// run starts the bridge and waits until it is ready.
func (w *world) run(ctx context.Context, bridge, file, folder string) (address string, err error) {
	kept, err := os.Create(w.log)
	if err != nil {
		return "", err
	}
	cmd := command(ctx, bridge, "run", "--config", file)
	cmd.Env = []string{"IMAGINEBRIDGE_DATA_DIR=" + filepath.Join(folder, "data"), "HOME=" + folder, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.StderrPipe()
	if err != nil {
		return "", err
	}
	address, end, err := start(cmd, io.TeeReader(out, kept), regexp.MustCompile(`msg=ready.* console=http://(127\.0\.0\.1:\d+)/console/`))
	if err != nil {
		return "", err
	}
	w.ends = append(w.ends, end)
	return address, nil
}

// serve answers on loopback until the world is closed; by https where who is given.
func (w *world) serve(ctx context.Context, h http.Handler, who *identity) (address string, err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address = l.Addr().String()
	if who != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{who.cert}, MinVersion: tls.VersionTLS13})
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(l) }() // ends with close
	w.ends = append(w.ends, func() { _ = server.Close() })
	return address, nil
}

// close ends all of it, what came last first.
func (w *world) close() {
	for _, end := range slices.Backward(w.ends) {
		end()
	}
}

// tail is the end of the bridge's log.
func (w *world) tail() string {
	text, err := os.ReadFile(w.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
