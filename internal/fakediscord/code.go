package fakediscord

import "net/http"

// Discord's JSON error codes, from its docs "JSON Error Codes".
const (
	codeUnknownChannel     = 10003
	codeUnknownGuild       = 10004
	codeUnknownMember      = 10007
	codeUnknownMessage     = 10008
	codeUnknownUser        = 10013
	codeUnknownEmoji       = 10014
	codeUnknownWebhook     = 10015
	codeUnknownInteraction = 10062
	codeUnknownCommand     = 10063
	codeTooLarge           = 40005
	codeAcknowledged       = 40060
	codeFollowupCap        = 40094
	codeMissingAccess      = 50001
	codeForeignMessage     = 50005
	codeEmptyMessage       = 50006
	codeDMClosed           = 50007
	codeNotText            = 50008
	codeMissingPermission  = 50013
	codeChannelType        = 50024
	codeInvalidToken       = 50027
	codeInvalidForm        = 50035
	codeArchivedThread     = 50083
	codeInvalidJSON        = 50109
	codeNoHistory          = 160002
	codeThreadExists       = 160004
	codeThreadLocked       = 160005
	codeTooManyThreads     = 160006
	codeOldEdits           = 30046
	codeDailyCommands      = 30034
	codeChannelWrites      = 20028
)

type errorRow struct {
	status  int
	message string
}

// errorTable gives the status and text of a code, those that [Refuse] may
// name included.
func errorTable(code int) errorRow {
	rows := map[int]errorRow{
		codeUnknownChannel:     {http.StatusNotFound, "Unknown Channel"},
		codeUnknownGuild:       {http.StatusNotFound, "Unknown Guild"},
		codeUnknownMember:      {http.StatusNotFound, "Unknown Member"},
		codeUnknownMessage:     {http.StatusNotFound, "Unknown Message"},
		codeUnknownUser:        {http.StatusNotFound, "Unknown User"},
		codeUnknownEmoji:       {http.StatusBadRequest, "Unknown Emoji"},
		codeUnknownWebhook:     {http.StatusNotFound, "Unknown Webhook"},
		codeUnknownInteraction: {http.StatusNotFound, "Unknown interaction"},
		codeUnknownCommand:     {http.StatusNotFound, "Unknown application command"},
		20016:                  {http.StatusTooManyRequests, "This action cannot be performed due to slowmode rate limit"},
		codeChannelWrites:      {http.StatusTooManyRequests, "The write action you are performing on the channel has hit the write rate limit"},
		20029:                  {http.StatusTooManyRequests, "The write action you are performing on the server has hit the write rate limit"},
		codeDailyCommands:      {http.StatusBadRequest, "Max number of daily application command creates has been reached (200)"},
		codeOldEdits:           {http.StatusTooManyRequests, "Maximum number of edits to messages older than 1 hour reached. Try again later"},
		codeTooLarge:           {http.StatusRequestEntityTooLarge, "Request entity too large"},
		codeAcknowledged:       {http.StatusBadRequest, "Interaction has already been acknowledged."},
		codeFollowupCap:        {http.StatusBadRequest, "This interaction has hit the maximum number of follow up messages"},
		40333:                  {http.StatusForbidden, "internal network error"},
		codeMissingAccess:      {http.StatusForbidden, "Missing Access"},
		codeForeignMessage:     {http.StatusForbidden, "Cannot edit a message authored by another user"},
		codeEmptyMessage:       {http.StatusBadRequest, "Cannot send an empty message"},
		codeDMClosed:           {http.StatusForbidden, "Cannot send messages to this user"},
		codeNotText:            {http.StatusBadRequest, "Cannot send messages in a non-text channel"},
		codeMissingPermission:  {http.StatusForbidden, "Missing Permissions"},
		codeChannelType:        {http.StatusBadRequest, "Cannot execute action on this channel type"},
		codeInvalidToken:       {http.StatusUnauthorized, "Invalid Webhook Token"},
		codeInvalidForm:        {http.StatusBadRequest, "Invalid Form Body"},
		codeArchivedThread:     {http.StatusBadRequest, "Thread is archived"},
		codeInvalidJSON:        {http.StatusBadRequest, "The request body contains invalid JSON."},
		50278:                  {http.StatusForbidden, "Cannot send messages to this user due to having no mutual guilds"},
		codeNoHistory:          {http.StatusBadRequest, "Cannot reply without permission to read message history"},
		codeThreadExists:       {http.StatusBadRequest, "A thread has already been created for this message"},
		codeThreadLocked:       {http.StatusBadRequest, "Thread is locked"},
		codeTooManyThreads:     {http.StatusBadRequest, "Maximum number of active threads reached"},
		200000:                 {http.StatusBadRequest, "Message was blocked by automatic moderation"},
		240000:                 {http.StatusBadRequest, "Message blocked by harmful links filter"},
	}
	if row, ok := rows[code]; ok {
		return row
	}
	return errorRow{http.StatusBadRequest, "Unknown error"}
}
