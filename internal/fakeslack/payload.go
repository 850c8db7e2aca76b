package fakeslack

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// ValidateMessage checks the JSON of a message as chat.postMessage takes it: an object with text, blocks, metadata and
// the other arguments, or the bare list of blocks. Unlike the method it also refuses fallback text over the advised
// 4,000 characters and blocks without any. No problem means Slack takes it.
func ValidateMessage(body []byte) []Problem {
	v, err := parseJSON(body)
	if err != nil {
		return []Problem{{Code: "invalid_json", Message: err.Error()}}
	}
	if blocks, ok := v.([]any); ok {
		return validateBlocks(blocks, onMessage)
	}
	return validateMessage(v)
}

// ValidateView checks the JSON of a modal or an App Home as views.open and views.publish take it.
func ValidateView(body []byte) []Problem {
	if len(body) > maxViewBytes {
		return []Problem{{Code: "view_too_large", Message: "over 250 KB"}}
	}
	v, err := parseJSON(body)
	if err != nil {
		return []Problem{{Code: "invalid_json", Message: err.Error()}}
	}
	return validateView(v)
}

// ValidateManifest checks the JSON of an app manifest as apps.manifest.validate takes it.
func ValidateManifest(body []byte) []Problem {
	v, err := parseJSON(body)
	if err != nil {
		return []Problem{{Code: "invalid_json", Message: err.Error()}}
	}
	return validateManifest(v)
}

func validateBlocks(v any, on surface) []Problem {
	w := newWalker(on, invalidBlocks)
	w.blocks("/blocks", v)
	return w.found
}

var messageArgs = shape{
	"channel": str(1, 255), "text": str(0, textAdvised), "thread_ts": str(17, 17), "ts": str(17, 17),
	"reply_broadcast": boolean(), "unfurl_links": boolean(), "unfurl_media": boolean(), "parse": enum("none", "full", "client"),
	"link_names": boolean(), "mrkdwn": boolean(), "response_type": enum("ephemeral", "in_channel"), "replace_original": boolean(),
	"delete_original": boolean(), "user": str(1, 255),
}

func validateMessage(v any) []Problem {
	obj, ok := v.(map[string]any)
	if !ok {
		return []Problem{{Code: "invalid_message", Message: "must provide an object"}}
	}
	w := newWalker(onMessage, "invalid_message")
	w.fields("", obj, messageArgs, "blocks", "metadata", "attachments")
	if obj["blocks"] != nil {
		w.code = invalidBlocks
		w.blocks("/blocks", obj["blocks"])
	}
	s, _ := obj["text"].(string)
	switch {
	case s != "" || obj["attachments"] != nil:
	case obj["blocks"] == nil && obj["delete_original"] != true:
		w.found = append(w.found, Problem{Code: "no_text", Message: "neither text nor blocks"})
	case obj["blocks"] != nil:
		w.found = append(w.found, Problem{Code: "missing_text_in_message", Pointer: "/text", Message: "blocks without fallback text"})
	}
	if meta, ok := obj["metadata"]; ok {
		if _, no := readMetadata(meta); no != nil {
			w.found = append(w.found, Problem{Code: no.err.code, Pointer: "/metadata", Message: no.err.detail})
		}
	}
	return w.found
}

func validateView(v any) []Problem {
	const code = "invalid_arguments"
	obj, ok := v.(map[string]any)
	if !ok {
		return []Problem{{Code: code, Pointer: "/view", Message: "must provide an object"}}
	}
	kind, _ := obj["type"].(string)
	sh, known := viewShapes[kind]
	if !known {
		return []Problem{{Code: code, Pointer: "/view/type", Message: "must be a valid enum value"}}
	}
	on := onModal
	if kind == "home" {
		on = onHome
	}
	w := newWalker(on, code)
	w.fields("/view", obj, sh, "type", "blocks")
	if obj["blocks"] == nil {
		w.bad("/view", "missing required field: blocks")
	} else {
		w.blocks("/view/blocks", obj["blocks"])
	}
	if kind == "modal" && w.inputs > 0 && obj["submit"] == nil {
		w.bad("/view", "missing required field: submit")
	}
	return w.found
}

// unreachable is the pointer of the first image among the blocks that Slack could not fetch, "" for none. The caller
// holds mu.
func (s *Server) unreachable(blocks []any) string {
	w := newWalker(everywhere, invalidBlocks)
	for i, b := range blocks {
		w.block("/blocks/"+strconv.Itoa(i), b)
	}
	for _, ptr := range sortedKeys(w.images) {
		address := w.images[ptr]
		if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
			return ptr
		}
		for _, prefix := range s.badImages {
			if strings.HasPrefix(address, prefix) {
				return ptr
			}
		}
	}
	return ""
}

// BreakImages makes image URLs with these prefixes unreachable for Slack, in place of those named before; "" breaks all.
func (s *Server) BreakImages(prefixes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.badImages = prefixes
}

// cut shortens a text for a fault's detail.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
