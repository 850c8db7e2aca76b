package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The states of a job.
const (
	statusPending    = "pending"
	statusGenerating = "generating"
	statusUploading  = "uploading"
	statusCompleted  = "completed"
	statusFailed     = "failed"
)

const (
	maxJobs     = 3
	maxRetries  = 3
	jobLife     = 5 * time.Minute
	failedShown = time.Hour
	queueTime   = time.Second
	uploadTime  = time.Second
)

// jobTimedOut is the message of a job that took too long.
const jobTimedOut = "Generation timed out after 5 minutes"

const (
	kindImage = "image"
	kindVideo = "video"
	kindVoice = "voice"
	kindSound = "sound_effect"
	kindMusic = "music"
)

// workTimes are how long generating takes.
var workTimes = map[string]time.Duration{
	kindImage: 5 * time.Second, kindVideo: 30 * time.Second, kindVoice: 4 * time.Second,
	kindSound: 4 * time.Second, kindMusic: 12 * time.Second,
}

// order is what a generation is asked for.
type order struct{ provider, kind, prompt, content, model string }

// job is a generation. Its whole course is laid out when it starts; the world
// walks along it as the clock goes on, whether anybody looks or not.
type job struct {
	order

	id, status, failure, result, postID string
	agent                               *agent
	retries                             int
	createdAt, completedAt, failedAt    time.Time
	course                              []step
}

// step is a state to come.
type step struct {
	at      time.Time
	status  string
	failure string
}

func (j *job) mark() mark { return markOf(j.createdAt, j.id) }

func (j *job) running() bool { return j.status != statusCompleted && j.status != statusFailed }

// start puts a job on its way.
func (w *world) start(a *agent, o order) (*job, error) {
	if err := w.check(o); err != nil {
		return nil, err
	}
	if err := a.usable(o.provider); err != nil {
		return nil, err
	}
	if err := w.room(a); err != nil {
		return nil, err
	}
	if o.model == "" {
		i := slices.IndexFunc(models, func(m model) bool { return m.provider == o.provider && m.kind == o.kind && m.IsDefault })
		o.model = models[i].ID
	}
	j := &job{order: o, id: w.ids.id(), agent: a, createdAt: w.now}
	w.jobs[j.id] = j
	a.jobs.add(j)
	w.launch(j)
	return j, nil
}

// room refuses a fourth job at once.
func (w *world) room(a *agent) error {
	n := 0
	for _, j := range w.active {
		if j.agent == a {
			n++
		}
	}
	if n < maxJobs {
		return nil
	}
	status := http.StatusTooManyRequests
	if w.opt.Quirks.TooManyJobs400 {
		status = http.StatusBadRequest
	}
	return refuse(status, "too_many_jobs", "At most %d generations can run at once", maxJobs)
}

// retry starts a failed job anew under the same id.
func (w *world) retry(j *job) error {
	switch {
	case j.status != statusFailed:
		return refuse(http.StatusBadRequest, "invalid_status", "Only failed jobs can be retried")
	case j.retries >= maxRetries:
		return refuse(http.StatusBadRequest, "max_retries_exceeded", "This job was retried %d times already; start a new one", maxRetries)
	}
	if err := j.agent.usable(j.provider); err != nil {
		return err
	}
	if err := w.room(j.agent); err != nil {
		return err
	}
	j.retries++
	j.failure = ""
	w.launch(j)
	return nil
}

// launch lays out the course and takes the first step.
func (w *world) launch(j *job) {
	begin := w.now
	if behind := w.lastStart.Sub(begin); behind >= 0 && behind < time.Second {
		begin = w.lastStart.Add(time.Millisecond) // no two jobs move in the same instant
	}
	w.lastStart = begin
	j.course = w.plan(j, begin)
	w.active = append(w.active, j)
	w.move(j, step{status: statusPending})
	if strings.Contains(j.prompt, "sandbox:instant") {
		w.settle(w.now)
	}
}

// plan is what lies before a job that begins now. Words in the prompt steer it,
// and so does the provider's key.
func (w *world) plan(j *job, begin time.Time) []step {
	says := func(word string) bool { return strings.Contains(j.prompt, "sandbox:"+word) }
	if says("instant") {
		return []step{{at: w.now, status: statusCompleted}}
	}
	scale := w.opt.JobScale
	if says("slow") {
		scale *= 10
	}
	after := func(d time.Duration) time.Duration { return time.Duration(float64(d) * scale) }
	working := begin.Add(after(queueTime))
	worked := working.Add(after(workTimes[j.kind]))
	stored := worked.Add(after(uploadTime))
	course := []step{{at: working, status: statusGenerating}, {at: worked, status: statusUploading}, {at: stored, status: statusCompleted}}

	keyFault := keyProblem(j.agent.services[j.provider].key)
	switch {
	case says("stuck"):
		course = nil
	case keyFault != "":
		course[1] = step{worked, statusFailed, keyFault}
		course = course[:2]
	case says("fail-upload"):
		course[2] = step{stored, statusFailed, "upload failed"}
	case says("fail-once") && j.retries > 0:
	case says("fail"):
		course[1] = step{worked, statusFailed, "the provider refused the prompt"}
		course = course[:2]
	}
	deadline := begin.Add(jobLife)
	course = slices.DeleteFunc(course, func(s step) bool { return !s.at.Before(deadline) })
	if n := len(course); n == 0 || (course[n-1].status != statusCompleted && course[n-1].status != statusFailed) {
		course = append(course, step{deadline, statusFailed, jobTimedOut})
	}
	return course
}

// settle walks everything that follows the clock up to now, in the order of time.
func (w *world) settle(now time.Time) {
	for {
		var next *job
		for _, j := range w.active {
			if !j.course[0].at.After(now) && (next == nil || j.course[0].at.Before(next.course[0].at)) {
				next = j
			}
		}
		if next == nil {
			break
		}
		s := next.course[0]
		next.course = next.course[1:]
		w.now = s.at
		w.move(next, s)
	}
	w.now = now
	w.collect()
}

// move takes one step; the end of a good job is a post.
func (w *world) move(j *job, s step) {
	j.status, j.failure = s.status, s.failure
	if !j.running() {
		w.active = slices.DeleteFunc(w.active, func(x *job) bool { return x == j })
	}
	switch s.status {
	case statusFailed:
		j.failedAt = w.now
	case statusCompleted:
		j.completedAt = w.now
		j.result = w.product(j)
		p := w.addPost(&post{agent: j.agent, content: j.content, mediaType: postTypeOf(j.kind), media: []string{j.result}})
		j.postID = p.id
	}
	w.tell(Happening{Agent: j.agent.handle, Kind: HappenedJob, ID: j.id, Type: j.status, Retry: j.retries, Post: j.postID})
}

func postTypeOf(kind string) string {
	switch kind {
	case kindImage:
		return "IMAGE"
	case kindVideo:
		return "VIDEO"
	default:
		return "AUDIO"
	}
}

// AddJobs gives an agent n old completed jobs, a minute apart, the newest
// olderThan ago; they have no posts. They are history: the ledger does not hold
// them. It returns their ids, newest first.
func (s *Sandbox) AddJobs(handle string, n int, olderThan time.Duration) []string {
	w := s.enter()
	defer s.leave()
	a := w.agents[handle]
	if a == nil {
		return nil
	}
	ids := make([]string, 0, n)
	for i := range n {
		t := w.now.Add(-olderThan - time.Duration(i)*time.Minute)
		j := &job{
			order: order{"OPENAI", kindImage, "an old picture", "", models[0].ID}, id: w.ids.id(), agent: a,
			status: statusCompleted, createdAt: t, completedAt: t.Add(7 * time.Second),
		}
		j.result = w.product(j)
		w.jobs[j.id] = j
		a.jobs = append(a.jobs, j)
		ids = append(ids, j.id)
	}
	a.jobs = sortedBy(a.jobs)
	return ids
}
