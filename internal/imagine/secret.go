package imagine

// Secret is a text from the service that must not be shown: it prints, logs and marshals as dots.
type Secret string

const dots = "•••"

// Reveal gives the text itself.
func (s Secret) Reveal() string { return string(s) }

// String is dots, or nothing where there is no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return dots
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String; it serves JSON and slog too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
