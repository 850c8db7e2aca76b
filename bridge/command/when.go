package command

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxAhead is how far ahead something may be scheduled.
const maxAhead = 366 * 24 * time.Hour

// clockForm is a time of day: 18:30, 6pm, 6:30 pm.
var clockForm = regexp.MustCompile(`^([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}))? ?(am|pm)?$`)

// spanForm is one part of a stretch of time: 2h, 90 min.
var spanForm = regexp.MustCompile(`^([0-9]{1,6}) ?([a-z]+) ?`)

// spans are the words for stretches of time, of those who write English and
// those who write German.
var spans = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second, "sekunde": time.Second, "sekunden": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute, "minuten": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour, "std": time.Hour, "stunde": time.Hour, "stunden": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "tag": 24 * time.Hour, "tage": 24 * time.Hour, "tagen": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour, "woche": 7 * 24 * time.Hour, "wochen": 7 * 24 * time.Hour,
}

// weekdays are their names and usual short forms.
var weekdays = map[string]time.Weekday{
	"sunday": time.Sunday, "sun": time.Sunday, "monday": time.Monday, "mon": time.Monday, "tuesday": time.Tuesday, "tue": time.Tuesday,
	"wednesday": time.Wednesday, "wed": time.Wednesday, "thursday": time.Thursday, "thu": time.Thursday, "friday": time.Friday, "fri": time.Friday,
	"saturday": time.Saturday, "sat": time.Saturday,
}

// When reads a moment as people type it: 18:30, tomorrow 9:00, friday 6pm,
// 2026-12-01 09:00, in 2h, or RFC 3339. now is when it was typed; zone is whose
// clock is meant where the text names none. What it gives is in that zone, or the
// one that was named. The error is an *ArgError without
// Spec and Arg, of status not_a_time, passed or too_far.
func When(text string, now time.Time, zone *time.Location) (time.Time, error) {
	text = strings.Join(strings.Fields(text), " ")
	at, err := moment(text, now, zone)
	switch {
	case err != nil:
		return time.Time{}, err
	case at.Before(now.Add(-time.Minute)):
		e := &ArgError{Status: "passed", Reason: phrase("%s has passed; it is %s now.", Moment(at, zone), Moment(now, zone))}
		if clockForm.MatchString(strings.ToLower(text)) {
			e.Hint = phrase("Did you mean tomorrow %s?", text)
		}
		return time.Time{}, e
	case at.After(now.Add(maxAhead)):
		return time.Time{}, &ArgError{Status: "too_far", Reason: phrase("%s is more than a year ahead.", Moment(at, zone)), Hint: phrase("Choose a nearer time.")}
	}
	return at, nil
}

// Moment writes a moment for people of every language, with its zone: "2026-11-26 18:30 CET".
func Moment(at time.Time, zone *time.Location) string {
	return at.In(zone).Format("2006-01-02 15:04 MST")
}

func notATime(text string) *ArgError {
	return &ArgError{
		Status: "not_a_time", Reason: phrase("%q is not a time.", cut(text, 64)),
		Hint: phrase("Write 18:30, tomorrow 9:00, 2026-12-01 09:00 or in 2h."),
	}
}

func moment(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, strings.ToUpper(text)); err == nil {
		return at.In(zone), nil
	}
	words := strings.Fields(text)
	if len(words) > 1 { // the last word may say whose clock it is
		if named, ok := zoneNamed(words[len(words)-1]); ok {
			zone, words = named, words[:len(words)-1]
		}
	}
	plain := strings.ToLower(strings.Join(words, " "))
	if rest, ok := strings.CutPrefix(plain, "in "); ok {
		span, ok := stretch(rest)
		if !ok {
			return time.Time{}, notATime(text)
		}
		return now.In(zone).Add(span), nil
	}
	day, clock := dayOf(plain, now.In(zone))
	hour, minute, second, ok := clockOf(clock)
	if !ok || day.IsZero() {
		return time.Time{}, notATime(text)
	}
	at := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, zone)
	if at.Hour() != hour || at.Minute() != minute {
		return time.Time{}, &ArgError{
			Status: "not_a_time", Reason: phrase("There is no %02d:%02d on that day in %s: the clocks go forward then.", hour, minute, zone),
			Hint: phrase("Choose another time."),
		}
	}
	return at, nil
}

// zoneNamed finds a zone by its name, such as Europe/Berlin, or UTC.
func zoneNamed(word string) (*time.Location, bool) {
	if upper := strings.ToUpper(word); upper == "UTC" || upper == "GMT" || upper == "Z" {
		return time.UTC, true
	}
	if !strings.Contains(word, "/") {
		return nil, false
	}
	zone, err := time.LoadLocation(word)
	return zone, err == nil
}

// stretch reads "2h", "90 min", "1 h 30 min".
func stretch(text string) (time.Duration, bool) {
	var sum time.Duration
	for text != "" {
		m := spanForm.FindStringSubmatch(text)
		if m == nil || spans[m[2]] == 0 {
			return 0, false
		}
		n, _ := strconv.Atoi(m[1]) // at most six digits
		if unit := spans[m[2]]; time.Duration(n) > 10*maxAhead/unit {
			sum += 10 * maxAhead // whatever it is, it is too far ahead
		} else {
			sum += time.Duration(n) * unit
		}
		if sum > 10*maxAhead {
			sum = 10 * maxAhead
		}
		text = text[len(m[0]):]
	}
	return sum, sum > 0
}

// dayOf splits off the day that a text begins with, today where it names none.
// The zero day says that it names one that does not exist.
func dayOf(text string, today time.Time) (day time.Time, rest string) {
	text = strings.NewReplacer(" at ", " ", " um ", " ", " uhr", "").Replace(text)
	text = strings.TrimPrefix(strings.TrimPrefix(text, "at "), "um ")
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "today", "heute":
		return today, rest
	case "tomorrow", "morgen":
		return today.AddDate(0, 0, 1), rest
	}
	if wanted, ok := weekdays[strings.TrimSuffix(word, ",")]; ok {
		ahead := (int(wanted) - int(today.Weekday()) + 7) % 7
		if ahead == 0 {
			ahead = 7 // today has its own word
		}
		return today.AddDate(0, 0, ahead), rest
	}
	if date, clock, ok := strings.Cut(text, "t"); ok && len(date) == len(time.DateOnly) {
		word, rest = date, clock // 2026-12-01t09:00
	}
	if strings.Count(word, "-") == 2 {
		day, err := time.ParseInLocation(time.DateOnly, word, today.Location())
		if err != nil {
			return time.Time{}, rest
		}
		return day.Add(12 * time.Hour), rest // noon: midnight may not exist
	}
	return today, text
}

func clockOf(text string) (hour, minute, second int, ok bool) {
	m := clockForm.FindStringSubmatch(text)
	if m == nil || m[2] == "" && m[4] == "" {
		return 0, 0, 0, false // a bare number is no time
	}
	hour, _ = strconv.Atoi(m[1])
	minute, _ = strconv.Atoi(m[2])
	second, _ = strconv.Atoi(m[3])
	if m[4] != "" {
		if hour < 1 || hour > 12 {
			return 0, 0, 0, false
		}
		if hour %= 12; m[4] == "pm" {
			hour += 12
		}
	}
	return hour, minute, second, hour < 24 && minute < 60 && second < 60
}
