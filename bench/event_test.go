package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// catalogue is one event of each kind.
func catalogue() (out []events.Event) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for k := range events.Kinds() {
		out = append(out, events.New("https://imagineanything.com", "orbit_bot", "bench_"+k.Name(), "thing", at, k.Example))
	}
	return out
}

func BenchmarkEncode(b *testing.B) {
	all := catalogue()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, err := json.Marshal(all[i%len(all)])
		require.NoError(b, err)
	}
}

func BenchmarkDecode(b *testing.B) {
	var all [][]byte
	for _, e := range catalogue() {
		text, err := json.Marshal(e)
		require.NoError(b, err)
		all = append(all, text)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var e events.Event
		require.NoError(b, json.Unmarshal(all[i%len(all)], &e))
	}
}

// BenchmarkLayout makes the neutral message; the sinks' rendering is theirs.
func BenchmarkLayout(b *testing.B) {
	all := catalogue()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		bridge.Layout(all[i%len(all)])
	}
}
