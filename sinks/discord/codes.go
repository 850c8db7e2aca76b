package discord

// JSON error codes that mean something to us (docs, "JSON Error Codes").
const (
	codeUnknownChannel  = 10003
	codeUnknownGuild    = 10004
	codeUnknownMessage  = 10008
	codeUnknownWebhook  = 10015
	codeUnknownVisit    = 10062
	codeSlowmode        = 20016
	codeChannelWrites   = 20028
	codeGuildWrites     = 20029
	codeOldEdits        = 30046
	codeTooLarge        = 40005
	codeAcknowledged    = 40060
	codeManyFollowUps   = 40094
	codeInternalNetwork = 40333
	codeMissingAccess   = 50001
	codeEmptyMessage    = 50006
	codeDMClosed        = 50007
	codeNotText         = 50008
	codeMissingPerm     = 50013
	codeChannelType     = 50024
	codeTokenOver       = 50027
	codeInvalidForm     = 50035
	codeArchived        = 50083
	codeNoMutualGuild   = 50278
	codeNoHistory       = 160002
	codeThreadExists    = 160004
	codeThreadLocked    = 160005
	codeManyThreads     = 160006
	codeAutoMod         = 200000
	codeHarmfulLink     = 240000
)
