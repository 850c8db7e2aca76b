package slack

import (
	"testing"

	"go.uber.org/goleak"
)

// S38: whatever Slack does, nothing stays behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
