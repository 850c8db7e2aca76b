package main

import (
	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// cardsOf makes cards in the language of the bridge's channels: many read one
// card, so that their own languages can't decide.
func cardsOf(cfg config.Config) bridge.Cards {
	return bridge.Cards{In: language.Match(cfg.Cards.Language)}
}

// actionsOf makes the buttons of those cards.
func actionsOf(cfg config.Config) func(events.Event) []bridge.Action {
	return func(e events.Event) []bridge.Action { return command.Actions(language.Match(cfg.Cards.Language), e) }
}

// stateOf shows a state of a generation to who started it, in their language; to
// those of whom none is known in that of the channels.
func stateOf(cfg config.Config, e events.Event) bridge.Localized {
	return func(locale string) bridge.Message {
		in := language.Match(locale, cfg.Cards.Language)
		m := bridge.Cards{In: in}.Layout(e)
		m.Actions = bridge.Merge(command.Actions(in, e), m.Actions)
		return m
	}
}
