package sandbox

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// controlPrefix is where the emulator is driven from outside; never under /api.
const controlPrefix = "/_sandbox/"

// control is one control call: what it is sent, and what it answers.
type control func(s *Sandbox, query url.Values, body []byte) (any, error)

// controls are the control calls, by method and name.
func controls() map[string]control {
	return map[string]control{
		"GET state":      func(s *Sandbox, _ url.Values, _ []byte) (any, error) { return s.State(), nil },
		"GET clock":      func(s *Sandbox, _ url.Values, _ []byte) (any, error) { return s.readClock(), nil },
		"POST clock":     func(s *Sandbox, _ url.Values, body []byte) (any, error) { return s.turnClock(body) },
		"POST act":       func(s *Sandbox, _ url.Values, body []byte) (any, error) { return s.actOn(body) },
		"POST crowd":     func(s *Sandbox, _ url.Values, body []byte) (any, error) { return s.changeCrowd(body) },
		"POST bulk":      func(s *Sandbox, _ url.Values, body []byte) (any, error) { return s.addBulk(body) },
		"POST limits":    func(s *Sandbox, _ url.Values, body []byte) (any, error) { return s.changeLimits(body) },
		"POST reset":     func(s *Sandbox, _ url.Values, _ []byte) (any, error) { return success{true}, s.Reset() },
		"GET journal":    func(s *Sandbox, query url.Values, _ []byte) (any, error) { return s.readJournal(query) },
		"GET happenings": func(s *Sandbox, query url.Values, _ []byte) (any, error) { return s.readLedger(query) },
		"GET faults":     func(s *Sandbox, _ url.Values, _ []byte) (any, error) { return s.listFaults(), nil },
		"POST faults":    func(s *Sandbox, _ url.Values, body []byte) (any, error) { return s.addFault(body) },
		"DELETE faults":  func(s *Sandbox, query url.Values, _ []byte) (any, error) { return s.dropFault(query) },
	}
}

// serveControl answers the control calls, which are off unless asked for. They
// need no bearer, so only this machine may call, under a name of this machine
// (a page elsewhere could otherwise have its own name point here), and no
// browser on behalf of another site.
func (s *Sandbox) serveControl(w http.ResponseWriter, r *http.Request) {
	var guard http.CrossOriginProtection
	x := &exchange{header: http.Header{}}
	name := strings.TrimPrefix(r.URL.Path, controlPrefix)
	do := controls()[r.Method+" "+name]
	switch {
	case !s.opt.Control:
		x.refuse(notFound("No such endpoint"))
	case !isLoopback(address(r)) || (r.RemoteAddr != noSocket && !isLoopback(r.Host)) || guard.Check(r) != nil || r.Header.Get("X-Forwarded-For") != "":
		x.refuse(forbidden("Control calls are for this machine only"))
	case do == nil:
		x.refuse(notFound("No such control: %s %s", r.Method, name))
	default:
		x.control(s, do, r)
	}
	x.at = s.clock.Now()
	x.write(w)
}

func (x *exchange) control(s *Sandbox, do control, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSON+1))
	if err != nil || len(body) > maxJSON {
		x.refuse(invalid("the body could not be read, or is larger than %d bytes", maxJSON))
		return
	}
	answer, err := do(s, r.URL.Query(), body)
	if err != nil {
		x.refuse(asRefusal(err))
		return
	}
	x.reply(reply{status: http.StatusOK, body: answer})
}

// isLoopback takes an address or a Host header.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}

// command reads the body of a control call, all of whose fields must be known.
func command[T any](body []byte) (v T, err error) {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, invalid("%v", err)
	}
	return v, nil
}

// span is a duration as control calls write it: "90s".
type span time.Duration

// UnmarshalJSON reads Go's spelling of durations.
func (d *span) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	v, err := time.ParseDuration(text)
	*d = span(v)
	return err
}

// MarshalJSON writes Go's spelling.
func (d span) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

type clockView struct {
	Now stamp `json:"now"`
}

func (s *Sandbox) readClock() clockView { return clockView{stamp(s.clock.Now())} }

func (s *Sandbox) turnClock(body []byte) (any, error) {
	o, err := command[struct {
		Advance span       `json:"advance"`
		Set     *time.Time `json:"set"`
		Scale   float64    `json:"scale"`
		Freeze  *bool      `json:"freeze"`
	}](body)
	if err != nil {
		return nil, err
	}
	if o.Set != nil {
		s.clock.Set(*o.Set)
	}
	if o.Advance != 0 {
		s.clock.Advance(time.Duration(o.Advance))
	}
	if o.Scale != 0 {
		s.clock.Scale(o.Scale)
	}
	if o.Freeze != nil {
		s.clock.Freeze(*o.Freeze)
	}
	return s.readClock(), nil
}

func (s *Sandbox) actOn(body []byte) (any, error) {
	o, err := command[struct {
		Action

		Late span `json:"late"`
	}](body)
	if err != nil {
		return nil, err
	}
	o.Action.Late = time.Duration(o.Late)
	return s.Act(o.Action)
}

// rate is "12/m", "2/s" or a number a minute.
type rate float64

// UnmarshalJSON reads a number, or a text of number and unit.
func (r *rate) UnmarshalJSON(raw []byte) error {
	text, unit, _ := strings.Cut(strings.Trim(string(raw), `"`), "/")
	n, err := strconv.ParseFloat(text, 64)
	perMinute, known := map[string]float64{"": 1, "m": 1, "s": 60}[unit]
	if err != nil || !known || n < 0 {
		return invalid(`rate must look like "12/m"`)
	}
	*r = rate(n * perMinute)
	return nil
}

func (s *Sandbox) changeCrowd(body []byte) (any, error) {
	o, err := command[struct {
		On   *bool  `json:"on"`
		Rate rate   `json:"rate"`
		Seed uint64 `json:"seed"`
	}](body)
	if err != nil {
		return nil, err
	}
	c := Crowd{On: o.On == nil || *o.On, Rate: float64(o.Rate), Seed: o.Seed}
	if !c.On {
		c = Crowd{}
	}
	s.SetCrowd(c)
	return success{true}, nil
}
