package sandbox

import (
	"maps"
	"slices"
)

// Fault is one way of going wrong.
type Fault string

// The faults. Where a fault needs a time or a number, Rule.Wait and Rule.Amount
// say it, and the default stands here.
const (
	FaultDelay            Fault = "delay"              // Wait, 1 s, before anything happens
	FaultHang             Fault = "hang"               // until the client gives up; nothing happens
	FaultHangAfterEffect  Fault = "hang_after_effect"  // the same, but it has happened
	FaultCloseBefore      Fault = "close_before"       // nothing happens, the connection breaks
	FaultCloseAfterEffect Fault = "close_after_effect" // it happens, the reply is lost
	FaultCloseWithin      Fault = "close_within"       // it happens, the connection breaks within the body
	FaultCloseAfter       Fault = "close_after"        // the reply is whole, the connection ends
	FaultSlowBody         Fault = "slow_body"          // the body takes Wait, 2 s
	FaultGzip             Fault = "gzip"               // the body is compressed, where the client takes it

	FaultStatus       Fault = "status"        // Rule.Status, 500, with a HTML page
	FaultUnavailable  Fault = "unavailable"   // 503 with Retry-After, Wait, 2 s
	FaultLimited      Fault = "limited"       // 429, Retry-After in seconds, Wait, 5 s
	FaultLimitedDate  Fault = "limited_date"  // 429, Retry-After as an HTTP date
	FaultLimitedBody  Fault = "limited_body"  // 429 without Retry-After: the body says it
	FaultLimitedBare  Fault = "limited_bare"  // 429 without any header, and a body without a time
	FaultUnauthorized Fault = "unauthorized"  // 401; with Count 1 once
	FaultRevoked      Fault = "revoked"       // 401 on every call, also for a new token
	FaultSuspended    Fault = "suspended"     // 403
	FaultEmptyBody    Fault = "empty_body"    // the status, and nothing
	FaultTruncated    Fault = "truncated"     // half of the JSON, in a well-formed reply
	FaultNullList     Fault = "null_list"     // null where a list belongs
	FaultNoList       Fault = "no_list"       // the list is missing
	FaultBare         Fault = "bare"          // what is wrapped elsewhere comes bare
	FaultExtraFields  Fault = "extra_fields"  // in every object
	FaultTextNumbers  Fault = "text_numbers"  // "7" instead of 7
	FaultUnknownEnums Fault = "unknown_enums" // types and states nobody has heard of
	FaultAtHandles    Fault = "at_handles"    // "@" before handles
	FaultFlatCounts   Fault = "flat_counts"   // profiles without stats
	FaultStatsOnly    Fault = "stats_only"    // profiles without flat counts
	FaultLongIDs      Fault = "long_ids"      // of 128 bytes; they are taken back too
	FaultNoFraction   Fault = "no_fraction"   // times in whole seconds
	FaultMicroseconds Fault = "microseconds"  // times with six digits
	FaultOffsetTimes  Fault = "offset_times"  // +00:00 instead of Z

	FaultTwice        Fault = "twice"         // a page begins with the last item of the one before
	FaultShifted      Fault = "shifted"       // the same, because something arrived in between
	FaultLateItem     Fault = "late_item"     // something arrives, dated Wait, 90 s, back
	FaultSameTime     Fault = "same_time"     // times in steps of Wait, a minute
	FaultGone         Fault = "gone"          // the newest item is missing in this look
	FaultOldestFirst  Fault = "oldest_first"  // pages upside down
	FaultBadCursor    Fault = "bad_cursor"    // cursors are refused
	FaultNoCursor     Fault = "no_cursor"     // hasMore, but no cursor
	FaultEndless      Fault = "endless"       // after the last page comes the first
	FaultLimitIgnored Fault = "limit_ignored" // pages of Amount, 20, whatever was asked

	FaultFetchReads  Fault = "fetch_marks_read" // looking into a conversation marks it read
	FaultPreviewCut  Fault = "preview_cut"      // last messages are cut to Amount, 100, characters
	FaultListCapped  Fault = "list_capped"      // conversations end after Amount, 20, without a cursor
	FaultJobSkips    Fault = "job_skips"        // a job is not seen generating
	FaultNeverListed Fault = "never_pending"    // the list of pending jobs is empty
	FaultPostLater   Fault = "post_later"       // a completed job has no post for Wait, 10 s
	FaultJobStuck    Fault = "job_stuck"        // a job that is started does not move
	FaultJobAbsent   Fault = "job_absent"       // the newest job is missing in this look
	FaultOnlyDone    Fault = "only_done"        // history without running jobs

	FaultPurseSpent  Fault = "purse_spent"   // somebody else spends Amount, all, of the agent's purse
	FaultResetMillis Fault = "reset_millis"  // the rate window's end in milliseconds
	FaultClockOff    Fault = "clock_off"     // all the service's times are Wait, 90 s, ahead
	FaultLimitNow    Fault = "limit_now"     // the class has a limit of Amount, 20, from now on
	FaultSeedOnly    Fault = "seed_only"     // later endpoints are unknown
	FaultNoFalAI     Fault = "no_fal_ai"     // FAL_AI is refused
	FaultNoMediaURLs Fault = "no_media_urls" // media URLs in posts are refused
)

// Faults lists all there are, in alphabetical order.
func Faults() []Fault { return slices.Sorted(maps.Keys(troubles)) }

// troubles is how each is done.
var troubles = map[Fault]trouble{
	FaultDelay: {before: delay}, FaultHang: {before: hang}, FaultHangAfterEffect: {after: hangAfter},
	FaultCloseBefore: {before: closeBefore}, FaultCloseAfterEffect: {after: closeAfterEffect},
	FaultCloseWithin: {after: closeWithin}, FaultCloseAfter: {after: closeAfter},
	FaultSlowBody: {after: slowBody}, FaultGzip: {after: compress},

	FaultStatus: instead(page), FaultUnavailable: instead(unavailable),
	FaultLimited: instead(limitedSeconds), FaultLimitedDate: instead(limitedDate),
	FaultLimitedBody: instead(limitedBody), FaultLimitedBare: instead(limitedBare),
	FaultUnauthorized: instead(refuseBearer), FaultRevoked: instead(refuseAll), FaultSuspended: instead(suspend),

	FaultEmptyBody: {after: emptyBody}, FaultTruncated: {after: truncate},
	FaultNullList: rewritten(nullList), FaultNoList: rewritten(noList), FaultBare: rewritten(bare),
	FaultExtraFields: rewritten(extraFields), FaultTextNumbers: rewritten(textNumbers),
	FaultUnknownEnums: rewritten(unknownEnums), FaultAtHandles: rewritten(atHandles),
	FaultFlatCounts: rewritten(flatCounts), FaultStatsOnly: rewritten(statsOnly), FaultLongIDs: rewritten(longIDs),
	FaultNoFraction: retimed(noFraction), FaultMicroseconds: retimed(microseconds), FaultOffsetTimes: retimed(offsetTimes),

	FaultTwice: {after: repeatLast}, FaultShifted: {before: arriveBetween, after: repeatLast},
	FaultLateItem: {before: arriveLate}, FaultSameTime: {after: sameTime}, FaultGone: rewritten(newestGone),
	FaultOldestFirst: rewritten(oldestFirst), FaultBadCursor: {before: refuseCursor}, FaultNoCursor: rewritten(noCursor),
	FaultEndless: {before: beginAgain, after: endless}, FaultLimitIgnored: {before: ignoreLimit},

	FaultFetchReads: {after: fetchReads}, FaultPreviewCut: {after: cutPreviews}, FaultListCapped: {after: capList},
	FaultJobSkips: {after: skipState}, FaultNeverListed: {after: neverPending}, FaultPostLater: {after: postLater},
	FaultJobStuck: {after: stickJob}, FaultJobAbsent: {after: jobAbsent}, FaultOnlyDone: {after: onlyDone},

	FaultPurseSpent: {before: spendPurse}, FaultResetMillis: {after: resetMillis}, FaultClockOff: {after: clockOff},
	FaultLimitNow: {before: limitNow}, FaultSeedOnly: {before: seedOnly}, FaultNoFalAI: {before: noFalAI},
	FaultNoMediaURLs: {before: noMediaURLs},
}
