package command_test

import "github.com/imaginebridge/imaginebridge/internal/language"

// english is what people hear whose language nobody knows.
var english language.Speaker
