package poller

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// job is a job made at noon in a state of its first try, retried n times.
func job(id, status string, retry int) imagine.Job {
	j := imagine.Job{ID: id, Status: status, RetryCount: retry, CreatedAt: noon}
	if status == imagine.JobCompleted {
		j.PostID = "p"
	}
	return j
}

// look is what one look shows, and when.
type sight struct {
	after time.Duration
	jobs  []imagine.Job
}

func TestTheLifeOfAJob(t *testing.T) {
	t.Parallel()
	const s = time.Second
	bare := job("j", "completed", 0)
	bare.PostID = ""
	for name, tc := range map[string]struct {
		looks []sight
		want  []string
	}{
		"every state": {
			[]sight{{s, []imagine.Job{job("j", "pending", 0)}}, {2 * s, []imagine.Job{job("j", "generating", 0)}}, {3 * s, []imagine.Job{job("j", "uploading", 0)}}, {4 * s, []imagine.Job{job("j", "completed", 0)}}},
			[]string{"j 0 pending first", "j 0 generating", "j 0 uploading", "j 0 completed"},
		},
		"states skipped":               {[]sight{{s, []imagine.Job{job("j", "uploading", 0)}}, {2 * s, []imagine.Job{job("j", "failed", 0)}}}, []string{"j 0 uploading first", "j 0 failed"}},
		"ended before it was seen":     {[]sight{{s, []imagine.Job{job("j", "completed", 0)}}}, []string{"j 0 completed first"}},
		"shown by both lists":          {[]sight{{s, []imagine.Job{job("j", "generating", 0), job("j", "generating", 0)}}}, []string{"j 0 generating first"}},
		"an older look":                {[]sight{{s, []imagine.Job{job("j", "uploading", 0)}}, {2 * s, []imagine.Job{job("j", "generating", 0)}}}, []string{"j 0 uploading first"}},
		"failed stays listed":          {[]sight{{s, []imagine.Job{job("j", "failed", 0)}}, {2 * s, []imagine.Job{job("j", "failed", 0)}}}, []string{"j 0 failed first"}},
		"retried":                      {[]sight{{s, []imagine.Job{job("j", "failed", 0)}}, {2 * s, []imagine.Job{job("j", "pending", 1)}}, {3 * s, []imagine.Job{job("j", "completed", 1)}}}, []string{"j 0 failed first", "j 1 pending first", "j 1 completed"}},
		"an unknown state":             {[]sight{{s, []imagine.Job{job("j", "pending", 0)}}, {2 * s, []imagine.Job{job("j", "POLISHING", 0)}}, {3 * s, []imagine.Job{job("j", "completed", 0)}}}, []string{"j 0 pending first", "j 0 POLISHING", "j 0 completed"}},
		"its post comes later":         {[]sight{{s, []imagine.Job{job("j", "uploading", 0)}}, {2 * s, []imagine.Job{bare}}, {3 * s, []imagine.Job{job("j", "completed", 0)}}}, []string{"j 0 uploading first", "j 0 completed"}},
		"its post never comes":         {[]sight{{s, []imagine.Job{job("j", "uploading", 0)}}, {2 * s, []imagine.Job{bare}}, {17 * s, []imagine.Job{bare}}, {20 * s, []imagine.Job{bare}}}, []string{"j 0 uploading first", "j 0 completed"}},
		"gone for one look":            {[]sight{{s, []imagine.Job{job("j", "generating", 0)}}, {2 * s, nil}, {3 * s, []imagine.Job{job("j", "completed", 0)}}}, []string{"j 0 generating first", "j 0 completed"}},
		"gone for good":                {[]sight{{s, []imagine.Job{job("j", "generating", 0)}}, {5 * time.Minute, nil}, {7 * time.Minute, nil}, {8 * time.Minute, nil}}, []string{"j 0 generating first", "j 0 failed"}},
		"found after it was given up":  {[]sight{{s, []imagine.Job{job("j", "generating", 0)}}, {7 * time.Minute, nil}, {8 * time.Minute, []imagine.Job{job("j", "completed", 0)}}}, []string{"j 0 generating first", "j 0 failed"}},
		"stuck stays one":              {[]sight{{s, []imagine.Job{job("j", "generating", 0)}}, {6 * time.Minute, []imagine.Job{job("j", "generating", 0)}}, {7 * time.Minute, []imagine.Job{job("j", "failed", 0)}}}, []string{"j 0 generating first", "j 0 failed"}},
		"history before the beginning": {[]sight{{s, []imagine.Job{{ID: "old", Status: "completed", PostID: "p", CreatedAt: noon.Add(-2 * time.Hour)}}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := workshop{Floor: noon.Add(-time.Hour), Running: map[string]run{}}
			var told []string
			for _, look := range tc.looks {
				fresh, _ := w.advance(look.jobs, noon.Add(look.after))
				for _, f := range fresh {
					line := fmt.Sprintf("%s %d %s", f.ID, f.RetryCount, f.Status)
					if f.first {
						line += " first"
					}
					told = append(told, line)
				}
			}
			require.Equal(t, tc.want, told)
		})
	}
}

func TestEndedJobsStayBoundedAndAreNotToldAgain(t *testing.T) {
	t.Parallel()
	w := workshop{Running: map[string]run{}}
	var jobs []imagine.Job
	for i := range 2 * maxEnded {
		j := job(strconv.Itoa(i), "completed", 0)
		j.CreatedAt = noon.Add(time.Duration(i) * time.Second)
		jobs = append(jobs, j)
	}
	fresh, _ := w.advance(jobs, noon.Add(time.Hour))
	require.Len(t, fresh, 2*maxEnded)
	require.Len(t, w.Ended, maxEnded)
	fresh, _ = w.advance(jobs, noon.Add(time.Hour))
	require.Empty(t, fresh)
}
