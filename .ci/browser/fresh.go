package main

import (
	"context"
	"encoding/json"
	"net/http"
)

// openFresh opens an empty page that shares no cookie with any other, as another
// person's browser would.
func openFresh(ctx context.Context, address string) (*tab, error) {
	socket, err := socketAt(ctx, http.MethodGet, "http://"+address+"/json/version")
	if err != nil {
		return nil, err
	}
	whole, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	defer whole.close()
	var made struct {
		Context string `json:"browserContextId"`
		Target  string `json:"targetId"`
	}
	for _, do := range []struct {
		method string
		params func() any
	}{
		{"Target.createBrowserContext", func() any { return nil }},
		{"Target.createTarget", func() any { return map[string]any{"url": "about:blank", "browserContextId": made.Context} }},
	} {
		result, err := whole.call(ctx, do.method, do.params())
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(result, &made); err != nil {
			return nil, err
		}
	}
	return attach(ctx, "ws://"+address+"/devtools/page/"+made.Target)
}
