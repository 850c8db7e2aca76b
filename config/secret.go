package config

import "log/slog"

// dots is what every secret looks like from outside.
const dots = "••••••"

// Secret is a value that never shows: fmt, slog, JSON, YAML and errors print
// dots. Reveal opens it, in the composition root only.
type Secret struct{ value string }

// NewSecret hides a value.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal returns the value itself.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns dots, or nothing for an empty secret.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return dots
}

// GoString returns what String does, for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue returns what String does, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns what String does, for JSON, YAML and others.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
