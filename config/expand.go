package config

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// maxSecretFile bounds a secret file in bytes.
const maxSecretFile = 64 << 10

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// expander fills ${NAME} and ${file:PATH} into scalar values.
type expander struct {
	env      func(name string) (string, bool)
	readFile func(path string) ([]byte, fs.FileMode, error)
}

// expand returns the text with its variables filled in, and a warning about a
// secret file that others can read.
func (x expander) expand(text string) (out, warning string, err error) {
	out = variable.ReplaceAllStringFunc(text, func(ref string) string {
		name := ref[2 : len(ref)-1]
		if path, isFile := strings.CutPrefix(name, "file:"); isFile {
			value, warn, failure := x.file(path)
			warning, err = warn, errors.Join(err, failure)
			return value
		}
		value, ok := x.env(name)
		if !ok {
			err = errors.Join(err, fmt.Errorf("%s: this environment variable is not set. Set it, or remove the line.", ref))
		}
		return value
	})
	if strings.Contains(variable.ReplaceAllString(text, ""), "${") {
		err = errors.Join(err, errors.New("a ${ has no } behind it; write ${NAME} or ${file:PATH}."))
	}
	return out, warning, err
}

func (x expander) file(path string) (value, warning string, err error) {
	content, mode, err := x.readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("%s: no such file. Create it, or remove the line.", path)
	case errors.Is(err, fs.ErrPermission):
		return "", "", fmt.Errorf("%s: this user may not read it. Change its owner or mode.", path)
	case err != nil:
		return "", "", fmt.Errorf("%s: it can't be read.", path)
	case len(content) > maxSecretFile:
		return "", "", fmt.Errorf("%s: it has %d bytes; a secret file may have %d.", path, len(content), maxSecretFile)
	}
	if mode.Perm()&0o004 != 0 {
		warning = path + " can be read by every user of this machine; chmod 600 it."
	}
	return strings.TrimRight(string(content), "\r\n"), warning, nil
}
