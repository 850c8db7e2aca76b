package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
)

// looks are the ways in which people see a page.
var looks = []struct {
	name   string
	width  int
	scheme string
}{{"light", 1280, "light"}, {"dark", 1280, "dark"}, {"phone", 390, "light"}, {"phone-dark", 390, "dark"}}

// picture looks at the page in each way and puts a picture of it into the folder that
// BROWSER_PICTURES names, for people to look at; without it, it does nothing.
func (t *tab) picture(ctx context.Context, name string) error {
	folder := os.Getenv("BROWSER_PICTURES")
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, l := range looks {
		if err := t.as(ctx, l.width, l.scheme); err != nil {
			return err
		}
		result, err := t.call(ctx, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true})
		if err != nil {
			return err
		}
		var shot struct{ Data []byte }
		if err := json.Unmarshal(result, &shot); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name+"."+l.name+".png"), shot.Data, 0o600); err != nil {
			return err
		}
	}
	return t.as(ctx, 1280, "light")
}

// as makes the page as wide and as light as somebody has it.
func (t *tab) as(ctx context.Context, width int, scheme string) error {
	size := map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 800}
	if _, err := t.call(ctx, "Emulation.setDeviceMetricsOverride", size); err != nil {
		return err
	}
	_, err := t.call(ctx, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
	return err
}
