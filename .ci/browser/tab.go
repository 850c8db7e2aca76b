package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// tab is one page of the browser, by the Chrome DevTools protocol. It is used by
// one goroutine.
type tab struct {
	conn     *websocket.Conn
	last     int
	problems []string      // errors and refusals that the browser told since they were asked for
	patience time.Duration // of until, as long as the context's where 0
	foreign  []string      // origins whose pages are none of ours
	refusal  string        // path whose answer is meant to be a 4xx, which browsers log as an error
}

// openTab opens an empty page of the browser that listens there.
func openTab(ctx context.Context, address string) (*tab, error) {
	socket, err := socketAt(ctx, http.MethodPut, "http://"+address+"/json/new?about:blank")
	if err != nil {
		return nil, err
	}
	return attach(ctx, socket)
}

// socketAt asks the browser for something that is spoken to by a socket, and
// returns the socket's address.
func socketAt(ctx context.Context, method, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var target struct {
		Socket string `json:"webSocketDebuggerUrl"`
	}
	err = json.NewDecoder(res.Body).Decode(&target)
	return target.Socket, err
}

// attach listens to a page, by the address of its socket.
func attach(ctx context.Context, socket string) (*tab, error) {
	t, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		if _, err := t.call(ctx, domain+".enable", nil); err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

func dial(ctx context.Context, socket string) (*tab, error) {
	conn, hello, err := websocket.DefaultDialer.DialContext(ctx, socket, nil)
	if err != nil {
		return nil, err
	}
	_ = hello.Body.Close()
	return &tab{conn: conn}, nil
}

func (t *tab) close() { _ = t.conn.Close() }

// message is what the browser says: an answer, or something that happened.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// call asks the browser something and hears meanwhile what happens.
func (t *tab) call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	if params == nil {
		params = struct{}{}
	}
	t.last++
	if err := t.conn.WriteJSON(map[string]any{"id": t.last, "method": method, "params": params}); err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		_ = t.conn.SetReadDeadline(end)
	}
	for {
		var m message
		if err := t.conn.ReadJSON(&m); err != nil {
			return nil, fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case m.ID == t.last && m.Error != nil:
			return nil, errors.New(method + ": " + m.Error.Message)
		case m.ID == t.last:
			return m.Result, nil
		}
		t.hear(m)
	}
}

// hear keeps what should not happen.
func (t *tab) hear(m message) {
	var p struct {
		Entry struct {
			Source, Level, Text, URL string
		} `json:"entry"`
		Details struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
		Type string          `json:"type"`
		Args json.RawMessage `json:"args"`
	}
	if json.Unmarshal(m.Params, &p) != nil {
		return
	}
	switch m.Method {
	case "Log.entryAdded":
		if (p.Entry.Level == "error" || p.Entry.Source == "security") && !t.expected(p.Entry.Source, p.Entry.URL) {
			t.problems = append(t.problems, p.Entry.Text+" "+p.Entry.URL)
		}
	case "Runtime.exceptionThrown":
		t.problems = append(t.problems, p.Details.Text+" "+p.Details.Exception.Description)
	case "Runtime.consoleAPICalled":
		if p.Type == "error" || p.Type == "assert" {
			t.problems = append(t.problems, string(p.Args))
		}
	}
}

// expected tells what is logged of other sites' pages, and of a refusal that is meant.
func (t *tab) expected(source, address string) bool {
	u, err := url.Parse(address)
	return err == nil && (slices.Contains(t.foreign, u.Scheme+"://"+u.Host) || source == "network" && t.refusal != "" && u.Path == t.refusal)
}

// said tells the problems, each once.
func (t *tab) said() string {
	all := t.problems
	t.problems = nil
	if len(all) == 0 {
		return ""
	}
	return "\n  " + strings.Join(all, "\n  ")
}

// where is the address of the page, "" where it can't be told.
func (t *tab) where(ctx context.Context) (address string) {
	_ = t.eval(ctx, `location.href`, &address)
	return address
}

// open loads a page and waits until it is there.
func (t *tab) open(ctx context.Context, address string) error {
	result, err := t.call(ctx, "Page.navigate", map[string]any{"url": address})
	if err != nil {
		return err
	}
	var r struct {
		ErrorText string `json:"errorText"`
	}
	if err := json.Unmarshal(result, &r); err != nil || r.ErrorText != "" {
		return fmt.Errorf("%s: %s", address, r.ErrorText)
	}
	return t.until(ctx, `document.readyState === "complete"`)
}

// eval runs an expression in the page.
func (t *tab) eval(ctx context.Context, expression string, into any) error {
	result, err := t.call(ctx, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "userGesture": true})
	if err != nil {
		return err
	}
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	if err := json.Unmarshal(result, &r); err != nil {
		return err
	}
	if r.Exception != nil {
		return errors.New(expression + ": " + r.Exception.Text)
	}
	if into == nil || len(r.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(r.Result.Value, into)
}

// until waits until an expression is true in the page.
func (t *tab) until(ctx context.Context, expression string) error {
	within := ctx // not the context of the calls: the page can be asked afterwards
	if t.patience > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, t.patience)
		defer cancel()
	}
	for {
		so := false
		if err := t.eval(ctx, expression, &so); err == nil && so {
			return nil
		}
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-within.Done():
			timer.Stop()
			return errors.New("it never came to: " + expression)
		case <-timer.C:
		}
	}
}

// press types one key.
func (t *tab) press(ctx context.Context, key string) error {
	for _, kind := range []string{"keyDown", "keyUp"} {
		if _, err := t.call(ctx, "Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "text": map[string]string{"keyDown": key}[kind]}); err != nil {
			return err
		}
	}
	return nil
}
