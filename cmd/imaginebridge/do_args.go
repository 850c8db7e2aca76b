package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	maxStdin = 1 << 20 // bytes of a text from standard input
	maxKey   = 4 << 10 // bytes of a key
)

// keyInLine is the answer to a key that was typed as an argument, where the
// shell and the list of processes keep it.
const keyInLine = "Please don't type keys here: this line is in the shell's history. Revoke that key at the provider now, then leave it out: it is asked for without being shown. Or put it into a file and give --key-file FILE."

// action is one command as it was typed.
type action struct {
	p    *program
	spec *command.Spec

	values   map[string]any
	paths    map[string][]string // files by argument
	files    map[string][]command.File
	keyFiles map[string]string // where keys are read, by argument
	keyTyped bool
	wait     bool
}

// argFlag is an argument as a flag.
type argFlag struct {
	a   *action
	arg command.Arg
}

// Set implements pflag.Value.
func (f *argFlag) Set(s string) error { return f.a.set(f.arg, s) }

// String implements pflag.Value; no flag has a default of its own.
func (*argFlag) String() string { return "" }

// Type implements pflag.Value: help shows it as the value's name.
func (f *argFlag) Type() string { return valueName(f.arg) }

// keyFileFlag names the file that a key is read from.
type keyFileFlag struct {
	a    *action
	name string
}

// Set implements pflag.Value.
func (f *keyFileFlag) Set(s string) error {
	f.a.keyFiles[f.name] = s
	return nil
}

// String implements pflag.Value.
func (*keyFileFlag) String() string { return "" }

// Type implements pflag.Value.
func (*keyFileFlag) Type() string { return "FILE" }

// set takes a value as typed. A key is dropped at once.
func (a *action) set(arg command.Arg, value string) error {
	switch {
	case arg.Secret:
		a.keyTyped = true
	case arg.Kind == command.Attachment:
		a.paths[arg.Name] = append(a.paths[arg.Name], value)
	case arg.Kind == command.List:
		list, _ := a.values[arg.Name].([]string)
		a.values[arg.Name] = append(list, strings.FieldsFunc(value, func(r rune) bool { return r == ',' })...)
	case arg.Kind != command.Flag && a.given(arg.Name):
		return errors.New("it is given twice")
	default:
		a.values[arg.Name] = value
	}
	return nil
}

func (a *action) given(name string) bool {
	_, value := a.values[name]
	return value || len(a.paths[name]) > 0
}

// words takes what is typed besides flags: NAME=VALUE, and values of the
// arguments that need no name.
func (a *action) words(cmd *cobra.Command, args []string) error {
	var loose []string
	for _, word := range args {
		name, value, named := strings.Cut(word, "=")
		arg, known := a.spec.Arg(strings.ReplaceAll(name, "-", "_"))
		switch {
		case named && known:
			if err := a.set(arg, value); err != nil {
				return a.usage(cmd, name+": "+err.Error())
			}
		case named && name == "agent":
			a.p.agent = value
		case named && isName(name):
			return a.usage(cmd, a.unknown(name))
		default:
			loose = append(loose, word)
		}
	}
	for _, arg := range slots(a.spec, a.given) {
		if len(loose) == 0 {
			break
		}
		take := loose[:1]
		if arg.Kind == command.List || arg.Kind == command.Attachment && arg.Max > 1 {
			take = loose
		}
		for _, value := range take {
			if err := a.set(arg, value); err != nil {
				return a.usage(cmd, arg.Name+": "+err.Error())
			}
		}
		loose = loose[len(take):]
	}
	switch {
	case a.keyTyped, slices.ContainsFunc(loose, command.LooksLikeKey):
		return &usageError{keyInLine}
	case len(loose) > 0:
		return a.usage(cmd, fmt.Sprintf("unexpected argument %q; a text with spaces needs quotes", loose[0]))
	}
	return nil
}

// isName reports a word that could be meant as an argument's name.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_-") == ""
}

func (a *action) unknown(name string) string {
	var names []string
	for _, arg := range a.spec.Args {
		if !arg.Hidden {
			names = append(names, arg.Name)
		}
	}
	text := fmt.Sprintf("%s has no argument %q", a.spec.Name(), name)
	switch near := config.Nearest(name, names); {
	case near != "":
		return text + fmt.Sprintf("; did you mean %q?", near)
	case len(names) > 0:
		return text + "; it takes " + strings.Join(names, ", ") + "."
	}
	return text + "; it takes none."
}

// usage is wrong usage of this command.
func (a *action) usage(cmd *cobra.Command, text string) error {
	return &usageError{text + "\nUsage: " + cmd.UseLine()}
}

// completeWord completes the names of arguments and their choices.
func (a *action) completeWord(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if name, _, named := strings.Cut(typed, "="); named {
		arg, _ := a.spec.Arg(name)
		var out []string
		for _, c := range choicesOf(arg) {
			out = append(out, name+"="+c)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, arg := range a.spec.Args {
		if !arg.Hidden && !arg.Secret && !a.given(arg.Name) {
			out = append(out, arg.Name+"=\t"+arg.Summary)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// check reads texts from standard input, looks at the files, and refuses what
// the command would refuse, before anything is asked of anybody.
func (a *action) check(cmd *cobra.Command) error {
	if err := a.readTexts(); err != nil {
		return err
	}
	if err := a.openFiles(); err != nil {
		return err
	}
	trial := map[string]any{}
	for name, v := range a.values {
		if text, _ := v.(string); command.LooksLikeKey(text) {
			return &usageError{fmt.Sprintf("There is something like a key in %s. Take it out; if it was shown to anybody, revoke it at the provider.", name)}
		}
		trial[name] = v
	}
	for _, arg := range a.spec.Args {
		if arg.Secret {
			trial[arg.Name] = "asked for later"
		}
	}
	if _, err := command.Parse(a.spec, trial, a.files); err != nil {
		return a.usage(cmd, command.Explain(language.Match(a.p.locale()), err).Error())
	}
	return nil
}

// readTexts replaces the value - by standard input. Only one argument can be.
func (a *action) readTexts() error {
	read := ""
	for _, arg := range a.spec.Args {
		if a.values[arg.Name] != "-" || arg.Kind != command.Text || len(arg.Choices) > 0 {
			continue
		}
		if read != "" {
			return &usageError{fmt.Sprintf("%s and %s can't both be read from standard input.", read, arg.Name)}
		}
		read = arg.Name
		text, err := io.ReadAll(io.LimitReader(a.p.in, maxStdin))
		if err != nil {
			return fmt.Errorf("read %s from standard input: %w", arg.Name, err)
		}
		a.values[arg.Name] = string(text)
	}
	return nil
}

// openFiles looks at the files named. Their content decides what they are.
func (a *action) openFiles() error {
	a.files = map[string][]command.File{}
	for name, paths := range a.paths {
		for _, path := range paths {
			f, err := fileAt(path)
			if err != nil {
				return err
			}
			a.files[name] = append(a.files[name], f)
		}
	}
	return nil
}

func fileAt(path string) (command.File, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return command.File{}, &usageError{path + ": no such file."}
	case err != nil:
		return command.File{}, &usageError{path + " can't be read: " + reason(err) + "."}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return command.File{}, &usageError{path + " is not a file."}
	}
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	kind := http.DetectContentType(head[:n])
	if kind == "application/octet-stream" {
		kind = "" // its name has to tell
	}
	return command.File{Name: filepath.Base(path), ContentType: kind, Size: info.Size(), Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }}, nil
}

// reason is why a file can't be read, without its name, which stands before it.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// takeKeys gets the keys that the command needs: from a file, from a person who
// types unseen, or from standard input. It reports whether there are any.
func (a *action) takeKeys() (bool, error) {
	some := false
	for _, arg := range a.spec.Args {
		if !arg.Secret {
			continue
		}
		some = true
		key, err := a.key(arg)
		if err != nil {
			return false, err
		}
		if key = strings.TrimSpace(key); key == "" {
			return false, &usageError{fmt.Sprintf("%s is required: it is asked for on a terminal, or read from --%s-file FILE or standard input.", arg.Name, arg.Name)}
		}
		a.values[arg.Name] = key
	}
	return some, nil
}

func (a *action) key(arg command.Arg) (string, error) {
	in := a.p.in
	switch path := a.keyFiles[arg.Name]; path {
	case "", "-":
		if path == "" && a.p.terminal() {
			return a.p.hidden(arg.Summary + " (not shown): ")
		}
	default:
		f, err := os.Open(path)
		if err != nil {
			return "", &usageError{path + " can't be read: " + reason(err) + "."}
		}
		defer f.Close()
		in = f
	}
	key, err := io.ReadAll(io.LimitReader(in, maxKey))
	if err != nil {
		return "", fmt.Errorf("read %s: %s", arg.Name, reason(err))
	}
	return string(key), nil
}

// terminal reports whether a person can be asked.
func (p *program) terminal() bool {
	f, ok := p.in.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(f.Fd())
}

// hidden asks for what must not be seen.
func (p *program) hidden(prompt string) (string, error) {
	fmt.Fprint(p.errs, prompt)
	f, _ := p.in.(interface{ Fd() uintptr })
	key, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(p.errs)
	if err != nil {
		return "", errors.New("nothing could be read from the terminal")
	}
	return string(key), nil
}

// consents asks a question and reports a yes.
func (p *program) consents(question string) bool {
	fmt.Fprint(p.errs, question+" [y/N] ")
	line, _ := bufio.NewReader(p.in).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}
