package bridge

import (
	"crypto/sha256"
	"strings"
	"sync"
	"time"
)

const (
	mirrorTime = time.Minute // that words count as just shown
	longWords  = 20          // runes: nobody types so many again by chance
	maxMirror  = 5000        // words that are kept in mind
)

// Mirror knows the words that places were shown lately. Words that come back from
// a place as they went there may be another program's: two that repeat each other
// would never end. The zero value is ready.
type Mirror struct {
	mu    sync.Mutex
	shown map[[sha256.Size]byte]reflection
}

type reflection struct {
	at   time.Time
	back bool // short ones may come back once: people say "thanks" to "thanks"
}

// Show notes words that a place is shown now.
func (m *Mirror) Show(place, words string) {
	key, n := reflected(place, words)
	if n == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if len(m.shown) >= maxMirror {
		for key, r := range m.shown {
			if now.Sub(r.at) > mirrorTime {
				delete(m.shown, key)
			}
		}
	}
	if m.shown == nil || len(m.shown) >= maxMirror {
		m.shown = map[[sha256.Size]byte]reflection{}
	}
	before := m.shown[key]
	m.shown[key] = reflection{at: now, back: before.back && now.Sub(before.at) <= mirrorTime}
}

// Returns reports that words are, as they are, what the place was shown less than
// a minute ago; of a few words, that they come back for the second time.
func (m *Mirror) Returns(place, words string) bool {
	key, n := reflected(place, words)
	m.mu.Lock()
	defer m.mu.Unlock()
	r, there := m.shown[key]
	if !there || time.Since(r.at) > mirrorTime {
		return false
	}
	again := r.back
	r.back = true
	m.shown[key] = r
	return again || n >= longWords
}

// reflected is what words are known by, however they were spaced, escaped or
// written large, and how many runes they have.
func reflected(place, words string) (key [sha256.Size]byte, runes int) {
	words = strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(words, `\`, "")), " "))
	return sha256.Sum256([]byte(place + "\x00" + words)), len([]rune(words))
}
