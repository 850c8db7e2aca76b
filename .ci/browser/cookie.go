package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// cookie is one that the browser keeps.
type cookie struct {
	Name, Domain, Path, SameSite string
	Secure, HTTPOnly             bool
	Expires                      float64 // seconds since 1970
}

// cookies are those that the browser would send to an address.
func (t *tab) cookies(ctx context.Context, address string) ([]cookie, error) {
	result, err := t.call(ctx, "Network.getCookies", map[string]any{"urls": []string{address}})
	if err != nil {
		return nil, err
	}
	var r struct{ Cookies []cookie }
	err = json.Unmarshal(result, &r)
	return r.Cookies, err
}

// bound looks at what binds an installation to its browser: one cookie, which over
// https no other host can set and which never leaves in clear; or none, when it is over.
func (v *visitor) bound(ctx context.Context, t *tab, underWay bool) error {
	all, err := t.cookies(ctx, v.site+callback)
	if err != nil {
		return err
	}
	if !underWay {
		if len(all) > 0 {
			return fmt.Errorf("a cookie stays: %+v", all)
		}
		return nil
	}
	if len(all) != 1 {
		return fmt.Errorf("the browser keeps %d cookies: %+v", len(all), all)
	}
	c, secure := all[0], strings.HasPrefix(v.site, "https://")
	life := time.Until(time.Unix(int64(c.Expires), 0))
	if c.Secure != secure || strings.HasPrefix(c.Name, "__Host-") != secure || !c.HTTPOnly || c.SameSite != "Lax" || c.Path != "/" || c.Domain != "localhost" || life <= 0 || life > 11*time.Minute {
		return fmt.Errorf("the cookie is not as it should be: %+v", c)
	}
	return nil
}
