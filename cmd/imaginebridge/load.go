package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/mattn/go-isatty"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// defaultFile is read where it exists and no other is named.
const defaultFile = "imaginebridge.yaml"

// loaded is a configuration with where it came from.
type loaded struct {
	cfg      config.Config
	files    []string // the file, there or not, and the secrets that it names
	fromFile bool
}

// load reads the configuration: the named file, else the default one where it
// exists, and the environment.
func (p *program) load() (config.Config, error) {
	l, err := p.read()
	return l.cfg, err
}

// read is load with where everything came from.
func (p *program) read() (l loaded, err error) {
	src := config.Source{Name: p.configFile, Env: p.env}
	if src.Name == "" {
		src.Name = defaultFile
	}
	l.files = []string{src.Name}
	src.ReadFile = func(path string) ([]byte, fs.FileMode, error) {
		l.files = append(l.files, path)
		return readSecretFile(path)
	}
	file, err := os.Open(src.Name)
	switch {
	case err == nil:
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return l, &usageError{src.Name + " is a folder. Name the file in it, such as --config " + filepath.Join(src.Name, defaultFile) + "."}
		}
		src.File, l.fromFile = file, true
	case errors.Is(err, fs.ErrNotExist) && p.configFile == "":
	case errors.Is(err, fs.ErrNotExist):
		return l, &usageError{p.configFile + ": no such file. Create it from the README's example, or leave --config out to use the environment."}
	default:
		return l, &usageError{fmt.Sprintf("%s can't be read: %v.", src.Name, errors.Unwrap(err))}
	}
	l.cfg, err = config.Load(src, config.Checks{Patterns: events.Patterns(), Filter: checkFilter, Template: checkTemplate, Audience: checkAudience, Languages: language.Known()})
	return l, err
}

// checkFilter is the configuration's check that needs the heart.
func checkFilter(expression string, patterns []string) error {
	_, err := bridge.CompileFilter(expression, patterns)
	return err
}

// checkTemplate and checkAudience are likewise.
func checkTemplate(text string, patterns []string) error {
	_, err := bridge.CompileTemplate(text, patterns)
	return err
}

func checkAudience(to string, rules map[string]string) error {
	_, err := bridge.ParseAudience(bridge.ParseDestination(to), rules)
	return err
}

// readSecretFile reads what ${file:PATH} names.
func readSecretFile(path string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a file")
	}
	content, err := os.ReadFile(path)
	return content, info.Mode(), err
}

// logger makes the one logger of the process, on standard error.
func (p *program) logger(rt config.Runtime) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(rt.LogLevel)) // checked when it was loaded
	options := &slog.HandlerOptions{Level: level}
	if rt.LogFormat == "json" {
		return slog.New(trail.Handler(shortLines{slog.NewJSONHandler(p.errs, options)}))
	}
	return slog.New(trail.Handler(shortLines{slog.NewTextHandler(p.errs, options)}))
}

// colour reports whether standard output is a terminal that shows colours, and
// the person wants them (https://no-color.org).
func (p *program) colour() bool {
	if off, set := p.env("NO_COLOR"); set && off != "" {
		return false
	}
	f, ok := p.out.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(f.Fd())
}
