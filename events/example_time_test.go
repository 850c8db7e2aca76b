package events_test

import "time"

var exampleTime = time.Date(2026, 2, 6, 13, 36, 48, 120e6, time.UTC)
