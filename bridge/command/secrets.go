package command

import (
	"regexp"
	"strings"
)

// keyShapes are how the keys look that people hold: of AI providers, of
// ImagineAnything, of the chat platforms.
var keyShapes = regexp.MustCompile(`\b(?:sk|xi|pk|rk)[-_][A-Za-z0-9_\-]{16,}|\bAIza[A-Za-z0-9_\-]{30,}|\b(?:gsk|r8|hf|ghp|iat|iar|ias|ia_secret|ia_client)_[A-Za-z0-9_\-]{12,}|\bfal[-_][A-Za-z0-9_\-]{20,}|\bxox[abeprs]-[A-Za-z0-9\-]{12,}|\bxapp-[A-Za-z0-9\-]{12,}|\bwhsec_[A-Za-z0-9+/=]{16,}|\b[0-9a-f]{8}-?[0-9a-f]{8,}:[0-9a-f]{16,}`)

// LooksLikeKey reports that a text holds something that looks like a key.
func LooksLikeKey(text string) bool {
	for _, found := range keyShapes.FindAllString(text, -1) {
		if strings.ContainsAny(found, "0123456789") {
			return true
		}
	}
	return false
}

// secrets refuses keys where others read them: a secret argument typed in the
// open, and a key inside any other argument.
func secrets(spec *Spec, q Request) error {
	for _, arg := range spec.Args {
		v, given := q.Values[arg.Name]
		switch {
		case !given || v == nil || typed(v) == "":
		case arg.Secret && q.Open:
			return typedInTheOpen(spec, arg)
		case !arg.Secret && LooksLikeKey(typed(v)):
			if q.Open {
				return typedInTheOpen(spec, arg)
			}
			return &ArgError{
				Spec: spec, Arg: arg.Name, Status: "key_in_text", Reason: phrase("%s: there is something like a key in %s.", phrase(spec.failed()), arg.Name),
				Hint: phrase("Take it out; if it was shown to anybody, revoke it at the provider."),
			}
		}
	}
	return nil
}

func typedInTheOpen(spec *Spec, arg Arg) *ArgError {
	e := &ArgError{
		Spec: spec, Arg: arg.Name, Status: "secret_in_open",
		Reason: phrase("Please don't type keys here: this line is in the channel's history."),
		Hint:   phrase("Revoke that key at the provider now."),
	}
	if arg.Secret {
		e.Hint = phrase("Revoke that key at the provider now, then press [Enter key] for a private form.")
	}
	return e
}
