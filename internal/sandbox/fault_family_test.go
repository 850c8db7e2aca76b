package sandbox_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func transportFaults() map[sandbox.Fault]func(scene) {
	return map[sandbox.Fault]func(scene){
		sandbox.FaultDelay: func(s scene) {
			begin := time.Now()
			s.write(http.StatusCreated)
			require.Equal(s.t, time.Second, time.Since(begin))
		},
		sandbox.FaultHang: func(s scene) {
			require.ErrorIs(s.t, s.try(time.Minute), context.DeadlineExceeded)
			synctest.Wait()
			require.Zero(s.t, s.written())
		},
		sandbox.FaultHangAfterEffect: func(s scene) {
			require.ErrorIs(s.t, s.try(time.Minute), context.DeadlineExceeded)
			require.Equal(s.t, 1, s.written())
		},
		sandbox.FaultCloseBefore: func(s scene) {
			require.ErrorContains(s.t, s.try(time.Minute), "closed")
			require.Zero(s.t, s.written())
		},
		sandbox.FaultCloseAfterEffect: func(s scene) {
			require.ErrorContains(s.t, s.try(time.Minute), "closed")
			require.Equal(s.t, 1, s.written())
		},
		sandbox.FaultCloseWithin: func(s scene) {
			require.ErrorIs(s.t, s.try(time.Minute), io.ErrUnexpectedEOF)
			require.Equal(s.t, 1, s.written())
		},
		sandbox.FaultCloseAfter: func(s scene) {
			require.Equal(s.t, "close", s.write(http.StatusCreated).header.Get("Connection"))
		},
		sandbox.FaultSlowBody: func(s scene) {
			begin := time.Now()
			require.NotEmpty(s.t, s.write(http.StatusCreated).str("post.id"))
			require.Equal(s.t, 2*time.Second, time.Since(begin))
		},
		sandbox.FaultGzip: func(s scene) {
			req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.box.BaseURL()+"/api/posts", nil)
			require.NoError(s.t, err)
			req.Header.Set("Accept-Encoding", "gzip")
			resp, err := s.box.Client().Do(req)
			require.NoError(s.t, err)
			defer resp.Body.Close()
			z, err := gzip.NewReader(resp.Body)
			require.NoError(s.t, err)
			require.NoError(s.t, json.NewDecoder(z).Decode(&map[string]any{}))
		},
	}
}

func statusFaults() map[sandbox.Fault]func(scene) {
	return map[sandbox.Fault]func(scene){
		sandbox.FaultStatus: func(s scene) {
			got := s.write(http.StatusInternalServerError)
			require.Contains(s.t, got.text, "<h1>500 Internal Server Error</h1>")
			require.Zero(s.t, s.written())
		},
		sandbox.FaultUnavailable: func(s scene) {
			require.Equal(s.t, "2", s.write(http.StatusServiceUnavailable).header.Get("Retry-After"))
		},
		sandbox.FaultLimited: func(s scene) {
			got := s.write(http.StatusTooManyRequests)
			require.Equal(s.t, "5", got.header.Get("Retry-After"))
			require.Equal(s.t, "0", got.header.Get("X-RateLimit-Remaining"))
			require.EqualValues(s.t, 5, got.body["retryAfter"])
		},
		sandbox.FaultLimitedDate: func(s scene) {
			at, err := http.ParseTime(s.write(http.StatusTooManyRequests).header.Get("Retry-After"))
			require.NoError(s.t, err)
			require.WithinDuration(s.t, time.Now().Add(5*time.Second), at, time.Second)
		},
		sandbox.FaultLimitedBody: func(s scene) {
			got := s.write(http.StatusTooManyRequests)
			require.Empty(s.t, got.header.Get("Retry-After"))
			require.EqualValues(s.t, 5, got.body["retryAfter"])
		},
		sandbox.FaultLimitedBare: func(s scene) {
			got := s.write(http.StatusTooManyRequests)
			require.Empty(s.t, got.header.Get("Retry-After")+got.header.Get("X-RateLimit-Reset"))
			require.NotContains(s.t, got.body, "retryAfter")
		},
		sandbox.FaultUnauthorized: func(s scene) {
			require.Equal(s.t, "unauthorized", s.write(http.StatusUnauthorized).str("error"))
		},
		sandbox.FaultRevoked: func(s scene) {
			s.write(http.StatusUnauthorized)
			got := s.me.post("/api/auth/token", `{"grant_type":"client_credentials","client_id":"x","client_secret":"y"}`)
			require.Equal(s.t, "invalid_client", got.str("error"))
		},
		sandbox.FaultSuspended: func(s scene) {
			require.Equal(s.t, "account_suspended", s.write(http.StatusForbidden).str("error"))
		},
	}
}

func bodyFaults() map[sandbox.Fault]func(scene) {
	stamp := func(form string) func(scene) {
		return func(s scene) {
			require.Regexp(s.t, `^`+form+`$`, s.ok("/api/posts/MINE").str("post.createdAt"))
		}
	}
	return map[sandbox.Fault]func(scene){
		sandbox.FaultEmptyBody: func(s scene) { require.Empty(s.t, s.ok(notes).text) },
		sandbox.FaultTruncated: func(s scene) {
			require.True(s.t, strings.HasPrefix(s.ok(notes).text, `{"notifications":[`))
			require.False(s.t, json.Valid([]byte(s.ok(notes).text)))
		},
		sandbox.FaultNullList: func(s scene) { require.Contains(s.t, s.ok(notes).text, `"notifications":null`) },
		sandbox.FaultNoList:   func(s scene) { require.NotContains(s.t, s.ok(notes).body, "notifications") },
		sandbox.FaultBare: func(s scene) {
			require.True(s.t, strings.HasPrefix(s.ok(notes).text, `[{`))
			require.NotEmpty(s.t, s.ok("/api/posts/MINE").str("id"))
		},
		sandbox.FaultExtraFields: func(s scene) {
			require.Equal(s.t, true, s.ok(notes).at("notifications.0.actor.sandboxExtra.itIsNew"))
		},
		sandbox.FaultTextNumbers:  func(s scene) { require.Equal(s.t, "0", s.ok("/api/posts/MINE").str("post.likeCount")) },
		sandbox.FaultUnknownEnums: func(s scene) { require.Equal(s.t, "SOMETHING_NEW", s.ok(notes).str("notifications.0.type")) },
		sandbox.FaultAtHandles:    func(s scene) { require.Equal(s.t, "@orbit_bot", s.ok("/api/agents/me").str("agent.handle")) },
		sandbox.FaultFlatCounts: func(s scene) {
			me := s.ok("/api/agents/me")
			require.NotNil(s.t, me.at("agent.postCount"))
			require.Nil(s.t, me.at("agent.stats"))
		},
		sandbox.FaultStatsOnly: func(s scene) {
			me := s.ok("/api/agents/me")
			require.Nil(s.t, me.at("agent.postCount"))
			require.NotNil(s.t, me.at("agent.stats.posts"))
		},
		sandbox.FaultLongIDs: func(s scene) {
			id := s.ok(talks).str("conversations.0.id")
			require.Len(s.t, id, 128)
			require.Equal(s.t, http.StatusCreated, s.me.post(talks+"/"+id+"/messages", `{"content":"Found you"}`).status)
			note := s.ok(notes).str("notifications.0.id")
			require.EqualValues(s.t, 1, s.me.post(notes+"/read", `{"ids":["`+note+`"]}`).body["count"])
		},
		sandbox.FaultNoFraction:   stamp(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`),
		sandbox.FaultMicroseconds: stamp(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`),
		sandbox.FaultOffsetTimes:  stamp(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00`),
	}
}

// ids of a page, and the cursor to the next.
func (s scene) page(path, key string) (ids []string, next string) {
	s.t.Helper()
	got := s.ok(path)
	for _, item := range list(got, key) {
		id, _ := item["id"].(string)
		ids = append(ids, id)
	}
	return ids, got.str("nextCursor")
}

func listFaults() map[sandbox.Fault]func(scene) {
	overlap := func(s scene) {
		first, next := s.page(notes+"?limit=3", "notifications")
		second, _ := s.page(notes+"?limit=3&cursor="+next, "notifications")
		require.Equal(s.t, first[2], second[0])
		require.Len(s.t, second, 4)
	}
	return map[sandbox.Fault]func(scene){
		sandbox.FaultTwice: overlap,
		sandbox.FaultShifted: func(s scene) {
			before := len(s.box.Happenings("orbit_bot"))
			overlap(s)
			require.Len(s.t, s.box.Happenings("orbit_bot"), before+1, "something arrived in between")
		},
		sandbox.FaultLateItem: func(s scene) {
			told := len(s.box.Happenings("orbit_bot"))
			for _, path := range []string{notes, talks + "/TALK/messages", talks} {
				s.ok(path)
			}
			late := s.box.Happenings("orbit_bot")[told:]
			require.Len(s.t, late, 3)
			for _, h := range late {
				require.Equal(s.t, 90*time.Second, s.box.Clock().Now().Sub(h.At))
			}
			s.ok("/api/feed")
			s.ok("/api/posts")
			require.Equal(s.t, 5, s.fault.Hits())
		},
		sandbox.FaultSameTime: func(s scene) {
			act(s.t, s.box, sandbox.Action{As: "nova_ai", Do: "mention", Handle: "orbit_bot", Content: "one"})
			synctest.Wait()
			got := list(s.ok(notes), "notifications")
			require.Equal(s.t, got[0]["createdAt"], got[1]["createdAt"])
			require.Contains(s.t, got[0]["createdAt"], ":00.000Z")
		},
		sandbox.FaultGone: func(s scene) {
			less, _ := s.page(notes, "notifications")
			s.fault.Stop()
			whole, _ := s.page(notes, "notifications")
			require.NotContains(s.t, less, whole[0])
			require.Contains(s.t, less, whole[1])
		},
		sandbox.FaultOldestFirst: func(s scene) {
			got := list(s.ok(notes), "notifications")
			require.Less(s.t, got[0]["createdAt"], got[len(got)-1]["createdAt"])
		},
		sandbox.FaultBadCursor: func(s scene) {
			_, next := s.page(notes+"?limit=2", "notifications")
			require.Equal(s.t, "invalid_cursor", s.me.get(notes+"?limit=2&cursor="+next).str("error"))
		},
		sandbox.FaultNoCursor: func(s scene) {
			got := s.ok(notes)
			require.Equal(s.t, true, got.at("hasMore"))
			require.Nil(s.t, got.at("nextCursor"))
		},
		sandbox.FaultEndless: func(s scene) {
			first, next := s.page(notes+"?limit=100", "notifications")
			again, next := s.page(notes+"?limit=100&cursor="+next, "notifications")
			require.Equal(s.t, first, again)
			require.NotEmpty(s.t, next)
		},
		sandbox.FaultLimitIgnored: func(s scene) {
			ids, _ := s.page("/api/posts?limit=3", "posts")
			require.Len(s.t, ids, 20)
		},
	}
}

func messageAndJobFaults() map[sandbox.Fault]func(scene) {
	start := func(s scene, prompt string) string {
		got := s.me.post("/api/generate", `{"provider":"OPENAI","generationType":"image","prompt":"`+prompt+`"}`)
		require.Equal(s.t, http.StatusAccepted, got.status, got.text)
		return got.str("jobId")
	}
	return map[sandbox.Fault]func(scene){
		sandbox.FaultFetchReads: func(s scene) {
			before := s.ok(talks).at("conversations.0.unreadCount")
			s.ok(talks + "/TALK/messages")
			require.NotZero(s.t, before)
			require.EqualValues(s.t, 0, s.ok(talks).at("conversations.0.unreadCount"))
		},
		sandbox.FaultPreviewCut: func(s scene) {
			act(s.t, s.box, sandbox.Action{As: "nova_ai", Do: "dm", Handle: "orbit_bot", Content: strings.Repeat("ä", 300)})
			require.Equal(s.t, strings.Repeat("ä", 100), s.ok(talks).str("conversations.0.lastMessage.content"))
		},
		sandbox.FaultListCapped: func(s scene) {
			s.box.AddConversations("orbit_bot", 30, 1, time.Hour)
			ids, next := s.page(talks+"?limit=100", "conversations")
			require.Len(s.t, ids, 20)
			require.Empty(s.t, next)
		},
		sandbox.FaultJobSkips: func(s scene) {
			start(s, "a ring")
			time.Sleep(3 * time.Second)
			require.Equal(s.t, "generating", s.box.Happenings("orbit_bot")[len(s.box.Happenings("orbit_bot"))-1].Type)
			require.Equal(s.t, "pending", s.ok("/api/generate/pending").str("jobs.0.status"))
		},
		sandbox.FaultNeverListed: func(s scene) {
			start(s, "a ring")
			require.Empty(s.t, s.ok("/api/generate/pending").list("jobs"))
		},
		sandbox.FaultPostLater: func(s scene) {
			start(s, "sandbox:instant")
			require.Nil(s.t, s.ok("/api/generate/history").at("jobs.0.postId"))
			time.Sleep(11 * time.Second)
			require.NotNil(s.t, s.ok("/api/generate/history").at("jobs.0.postId"))
		},
		sandbox.FaultJobStuck: func(s scene) {
			start(s, "a ring")
			time.Sleep(4 * time.Minute)
			require.Equal(s.t, "pending", s.ok("/api/generate/pending").str("jobs.0.status"))
			time.Sleep(time.Minute)
			require.Equal(s.t, "failed", s.ok("/api/generate/pending").str("jobs.0.status"))
		},
		sandbox.FaultJobAbsent: func(s scene) {
			id := start(s, "a ring")
			for _, path := range []string{"/api/generate/pending", "/api/generate/history"} {
				ids, _ := s.page(path, "jobs")
				require.NotContains(s.t, ids, id)
			}
		},
		sandbox.FaultOnlyDone: func(s scene) {
			id := start(s, "a ring")
			ids, _ := s.page("/api/generate/history", "jobs")
			require.NotEmpty(s.t, ids)
			require.NotContains(s.t, ids, id)
		},
	}
}

func limitFaults() map[sandbox.Fault]func(scene) {
	return map[sandbox.Fault]func(scene){
		sandbox.FaultPurseSpent: func(s scene) { s.write(http.StatusTooManyRequests) },
		sandbox.FaultResetMillis: func(s scene) {
			at, err := strconv.ParseInt(s.ok(notes).header.Get("X-RateLimit-Reset"), 10, 64)
			require.NoError(s.t, err)
			require.WithinDuration(s.t, time.Now().Add(time.Minute), time.UnixMilli(at), 2*time.Second)
			s.box.Spend("orbit_bot", sandbox.ClassRead, 100)
			require.Greater(s.t, s.me.get(notes).at("reset"), 1e11)
		},
		sandbox.FaultClockOff: func(s scene) {
			got := s.write(http.StatusCreated)
			at, err := http.ParseTime(got.header.Get("Date"))
			require.NoError(s.t, err)
			require.WithinDuration(s.t, time.Now().Add(90*time.Second), at, time.Second)
			made, err := time.Parse(time.RFC3339, got.str("post.createdAt"))
			require.NoError(s.t, err)
			require.WithinDuration(s.t, at, made, time.Second)
		},
		sandbox.FaultLimitNow: func(s scene) {
			require.Equal(s.t, "20", s.ok(notes).header.Get("X-RateLimit-Limit"))
			s.fault.Stop()
			require.Equal(s.t, "100", s.ok(notes).header.Get("X-RateLimit-Limit"))
		},
		sandbox.FaultSeedOnly: func(s scene) {
			require.Equal(s.t, "not_found", s.me.post("/api/auth/register", `{"handle":"new_one","name":"New"}`).str("error"))
		},
		sandbox.FaultNoFalAI: func(s scene) {
			require.Equal(s.t, "invalid_provider", s.me.get("/api/generate/models?provider=FAL_AI&type=image").str("error"))
			require.Equal(s.t, "invalid_provider", s.me.post("/api/settings/services", `{"provider":"FAL_AI","apiKey":"fal-0123456789"}`).str("error"))
			require.Equal(s.t, "invalid_provider", s.me.delete("/api/settings/services/FAL_AI").str("error"))
		},
		sandbox.FaultNoMediaURLs: func(s scene) {
			got := s.me.post("/api/posts", `{"content":"x","mediaUrls":["https://example.com/a.png"]}`)
			require.Equal(s.t, "validation_error", got.str("error"))
		},
	}
}
