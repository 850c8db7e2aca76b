package bridge

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// ellipsis marks what was cut.
const ellipsis = "…"

// shorten trims text and cuts it to at most n letters as people count them
// (grapheme clusters), the mark of the cut included. Letters heaped with marks
// count by their bytes too: the result has at most 8n bytes.
func shorten(text string, n int) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= n {
		return text
	}
	end, size, letters, state, rest := 0, 0, 0, -1, text
	for rest != "" {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		letters++
		size += len(cluster)
		if letters > n || size > 8*n {
			return strings.TrimSpace(text[:end]) + ellipsis
		}
		if letters < n && size <= 8*n-len(ellipsis) {
			end = size // the mark would still fit behind this letter
		}
	}
	return text
}

// oneLine joins the words of a text with single spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// webURL returns a web address unchanged and anything else as "": what is no
// http address, hides credentials or has no host never becomes a link.
func webURL(text string) string {
	if text == "" || len(text) > 2000 {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// lasted says how long something took, "41 s" or "2 min 5 s"; "" when unknown.
func lasted(from, to time.Time) string {
	d := to.Sub(from).Round(time.Second)
	switch {
	case from.IsZero() || to.IsZero() || d < time.Second || d > 24*time.Hour:
		return ""
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// joined puts a middle dot between the parts that are not empty.
func joined(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " · ")
}
