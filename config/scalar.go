package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a span of time written with its unit: 10s, 1m, 720h, 30d.
type Duration time.Duration

// Std returns the duration as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes the duration as it would be typed: 10s, 1m, 720h.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if d == 0 || strings.Contains(text, ".") {
		return text
	}
	text = strings.TrimSuffix(text, "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	if text == "" || strings.HasSuffix(time.Duration(d).String(), "0s") && text[len(text)-1] >= '0' && text[len(text)-1] <= '9' {
		return time.Duration(d).String()
	}
	return text
}

// Set reads a span as it is typed in the file and after a flag; the error quotes it
// and says what to write.
func (d *Duration) Set(text string) error { return d.parse(text) }

// Type names the kind of value in the help of a flag.
func (*Duration) Type() string { return "duration" }

// Count is a whole number from 0 on.
type Count int

func (c *Count) parse(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1_000_000 {
		return fmt.Errorf("%q is not a number from 0 to 1000000; write one such as 50", text)
	}
	*c = Count(n)
	return nil
}

func seconds(n int) Duration { return Duration(time.Duration(n) * time.Second) }

var days = regexp.MustCompile(`^([0-9]+)d$`)

func (d *Duration) parse(text string) error {
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err == nil && n <= 36500 {
			*d = Duration(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	v, err := time.ParseDuration(text)
	switch {
	case err == nil && v < 0:
		return fmt.Errorf("%q is negative; write a span such as 10s or 1m", text)
	case err == nil:
		*d = Duration(v)
		return nil
	case isNumber(text):
		return fmt.Errorf("%q has no unit; write %ss or 1m", text, text)
	default:
		return fmt.Errorf("%q is not a duration; write a number with a unit, such as 10s or 1m", text)
	}
}

// Size is a number of bytes written with its unit: 64MiB, 1GiB.
type Size int64

var sizeForm = regexp.MustCompile(`^([0-9]{1,9})\s*(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)$`)

var sizeUnits = map[string]int64{
	"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

func (s *Size) parse(text string) error {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		if isNumber(text) {
			return fmt.Errorf("%q has no unit; write %sMiB or 1GiB", text, text)
		}
		return fmt.Errorf("%q is not a size; write a number with a unit, such as 512MiB or 1GiB", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > (1<<62)/sizeUnits[m[2]] {
		return fmt.Errorf("%q is too large", text)
	}
	*s = Size(n * sizeUnits[m[2]])
	return nil
}

// String writes the size in the largest binary unit that divides it.
func (s Size) String() string {
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if n := sizeUnits[unit]; s != 0 && int64(s)%n == 0 {
			return strconv.FormatInt(int64(s)/n, 10) + unit
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// Sync is how often the embedded server flushes to disk.
type Sync struct {
	Always bool     // after every write
	Every  Duration // otherwise
}

func (s *Sync) parse(text string) error {
	if text == "always" {
		*s = Sync{Always: true}
		return nil
	}
	var every Duration
	if err := every.parse(text); err != nil {
		return errors.New(err.Error() + `, or "always"`)
	}
	if every == 0 {
		return errors.New(`0s would never flush; write an interval such as 1s, or "always"`)
	}
	*s = Sync{Every: every}
	return nil
}

// String writes the setting as it would be typed.
func (s Sync) String() string {
	if s.Always {
		return "always"
	}
	return s.Every.String()
}

func (s *Secret) parse(text string) error { //nolint:unparam // the interface parsed wants an error
	s.value = text
	return nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
