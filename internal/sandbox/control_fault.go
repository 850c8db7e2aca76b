package sandbox

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

// ruleForm is a rule as control calls write it.
type ruleForm struct {
	Rule

	Wait  span `json:"wait,omitzero"`
	After span `json:"after,omitzero"`
	For   span `json:"for,omitzero"`
}

// injectionView is a rule and what became of it.
type injectionView struct {
	ID int `json:"id"`
	ruleForm
	Matched int  `json:"matched"`
	Hits    int  `json:"hits"`
	Stopped bool `json:"stopped,omitempty"`
}

func (i *Injection) view(id int) injectionView {
	i.mu.Lock()
	defer i.mu.Unlock()
	r := i.rule
	return injectionView{id, ruleForm{r, span(r.Wait), span(r.After), span(r.For)}, i.matched, i.hits, i.stopped}
}

func (s *Sandbox) addFault(body []byte) (any, error) {
	o, err := command[ruleForm](body)
	if err != nil {
		return nil, err
	}
	r := o.Rule
	r.Wait, r.After, r.For = time.Duration(o.Wait), time.Duration(o.After), time.Duration(o.For)
	if !slices.Contains(Faults(), r.Fault) {
		return nil, invalid("fault must be one of %v", Faults())
	}
	if r.Chance < 0 || r.Chance > 1 || min(r.Count, r.Every, r.Skip) < 0 || (r.Status != 0 && (r.Status < 200 || r.Status > 599)) {
		return nil, invalid("chance must be 0 to 1, count, every and skip not negative, status 200 to 599")
	}
	i := s.Inject(r)
	return i.view(slices.Index(s.Injections(), i) + 1), nil
}

// listFaults shows the rules and how often they hit, zero too.
func (s *Sandbox) listFaults() any {
	out := []injectionView{}
	for n, i := range s.Injections() {
		out = append(out, i.view(n+1))
	}
	return struct {
		Faults []injectionView `json:"faults"`
	}{out}
}

// dropFault stops the one with ?id=, or all.
func (s *Sandbox) dropFault(query url.Values) (any, error) {
	list := s.Injections()
	if id := query.Get("id"); id != "" {
		n, err := strconv.Atoi(id)
		if err != nil || n < 1 || n > len(list) {
			return nil, notFound("No such fault: %s", id)
		}
		list = list[n-1 : n]
	}
	for _, i := range list {
		i.Stop()
	}
	return s.listFaults(), nil
}
