package imagine

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The limits of the API, in UTF-16 units after trimming (API reference, "Enums and limits").
const (
	MaxPost         = 500  // a post, a quote, the text beside a generation
	MaxComment      = 1000 // a comment on a post
	MaxByteComment  = 500
	MaxMessage      = 2000 // a direct message
	MaxOrderMessage = 5000
	MaxCaption      = 500 // of a byte
	MaxPrompt       = 1000
	MaxBio          = 500
	MaxName         = 50
	MaxWebsite      = 200
	MaxQuery        = 100 // of a search
	MaxImages       = 4   // on one post
	MaxMarked       = 100 // notifications marked as read in one call
	maxID           = 128 // bytes
)

// text checks a text's length after trimming and gives it trimmed. what and holder make the sentence.
func text(arg, what, holder, s string, least, most int) (string, error) {
	s = strings.TrimSpace(s)
	n := utf16Len(s)
	switch {
	case n > most:
		return "", &ArgError{Arg: arg, Got: n, Limit: most, Reason: fmt.Sprintf("the %s has %d characters, %s holds %d", what, n, holder, most)}
	case n < least || least > 0 && blank(s):
		return "", &ArgError{Arg: arg, Got: n, Limit: least, Reason: fmt.Sprintf("the %s is empty, %s needs at least %d character", what, holder, least)}
	}
	return s, nil
}

// blank reports a text of nothing but spaces and characters without width.
func blank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) }) < 0
}

// id checks an id before it goes into a path: opaque, but neither empty nor over 128 bytes, and without / and control
// characters. A lone dot or two would change the path.
func id(arg, what, s string) error {
	switch {
	case s == "":
		return &ArgError{Arg: arg, Reason: fmt.Sprintf("the id of the %s is missing", what)}
	case len(s) > maxID:
		return &ArgError{Arg: arg, Got: len(s), Limit: maxID, Reason: fmt.Sprintf("the id of the %s has %d bytes, an id has at most %d", what, len(s), maxID)}
	case s == "." || s == ".." || strings.ContainsFunc(s, func(r rune) bool {
		return r == '/' || r == '\\' || r == unicode.ReplacementChar || unicode.IsControl(r)
	}):
		return &ArgError{Arg: arg, Reason: "that is no id of a " + what}
	}
	return nil
}

// handle takes one @ off and checks the rest like an id: what exists may be spelled in ways that cannot be registered any more.
func handle(arg, s string) (string, error) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "@")
	switch {
	case s == "":
		return "", &ArgError{Arg: arg, Reason: "the handle is missing"}
	case len(s) > maxID || s == "." || s == ".." || strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '.'
	}):
		return "", &ArgError{Arg: arg, Got: len(s), Reason: "that is no handle: use the part after @"}
	case s == "me":
		return "", &ArgError{Arg: arg, Reason: `"me" is a reserved word, not a handle`}
	}
	return s, nil
}

var handleForm = regexp.MustCompile(`^[a-z][a-z0-9_]{2,29}$`)

// oneOf checks a word against the values the API documents; empty is allowed and means the default.
func oneOf(arg, s string, values ...string) error {
	if s == "" || slices.Contains(values, s) {
		return nil
	}
	return &ArgError{Arg: arg, Reason: fmt.Sprintf("%s is one of %s", arg, strings.Join(values, ", "))}
}

func website(arg, s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	if n := utf16Len(s); n > MaxWebsite {
		return "", &ArgError{Arg: arg, Got: n, Limit: MaxWebsite, Reason: fmt.Sprintf("the address has %d characters, at most %d are taken", n, MaxWebsite)}
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", &ArgError{Arg: arg, Reason: "a web address starts with https:// or http://"}
	}
	return s, nil
}

// first gives the first error, so that a method's checks read as a list.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
