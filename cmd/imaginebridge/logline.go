package main

import (
	"context"
	"log/slog"
	"unicode/utf8"
)

// maxLogLine is how much text the attributes of one log line hold together, in bytes.
const maxLogLine = 8 << 10

// shortLines is a handler whose lines stay short, whatever an error quotes: texts and
// errors are cut where a line would hold more than it may.
type shortLines struct{ slog.Handler }

// Handle implements slog.Handler.
func (h shortLines) Handle(ctx context.Context, r slog.Record) error {
	room, long := maxLogLine-len(r.Message), false
	r.Attrs(func(a slog.Attr) bool {
		room -= len(longText(a.Value))
		long = room < 0
		return !long
	})
	if !long {
		return h.Handler.Handle(ctx, r)
	}
	room = maxLogLine - min(len(r.Message), maxLogLine)
	short := slog.NewRecord(r.Time, r.Level, cutBytes(r.Message, maxLogLine), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if text := longText(a.Value); text != "" {
			a.Value = slog.StringValue(cutBytes(text, room))
			room = max(0, room-len(text))
		}
		short.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, short)
}

// WithAttrs implements slog.Handler.
func (h shortLines) WithAttrs(list []slog.Attr) slog.Handler {
	return shortLines{h.Handler.WithAttrs(list)}
}

// WithGroup implements slog.Handler.
func (h shortLines) WithGroup(name string) slog.Handler {
	return shortLines{h.Handler.WithGroup(name)}
}

// longText is what may be long of a value: a text, or an error's. "" for others.
func longText(v slog.Value) string {
	switch v = v.Resolve(); v.Kind() {
	case slog.KindString:
		return v.String()
	case slog.KindAny:
		if err, is := v.Any().(error); is && err != nil {
			return err.Error()
		}
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindTime, slog.KindUint64, slog.KindGroup, slog.KindLogValuer:
	}
	return ""
}

// cutBytes shortens a text to so many bytes, between letters, with a mark.
func cutBytes(text string, most int) string {
	const mark = "…"
	if len(text) <= most {
		return text
	}
	end := max(0, most-len(mark))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}
