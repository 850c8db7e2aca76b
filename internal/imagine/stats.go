package imagine

import (
	"bytes"
	"context"
	"encoding/json"
	"time"
)

// Number is one figure of an analytics reply, under the path where it was found ("current.likes"). The shape of these replies is
// not known, so figures are handed out as they come. Value is nil where the reply says null.
type Number struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
}

const (
	maxNumbers     = 500
	maxNumberDepth = 6
)

// numbersOf collects the figures of an object in their order, and those of the objects in it. Lists are passed over.
func numbersOf(data json.RawMessage) []Number {
	var out []Number
	collect(data, "", 0, &out)
	return out
}

func collect(data json.RawMessage, path string, depth int, out *[]Number) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') || depth >= maxNumberDepth {
		return
	}
	for d.More() && len(*out) < maxNumbers {
		key, err := d.Token()
		if err != nil {
			return
		}
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return
		}
		name, _ := key.(string)
		if path != "" {
			name = path + "." + name
		}
		switch n, ok := number(v); {
		case ok && name != "id":
			*out = append(*out, Number{Name: name, Value: &n})
		case string(v) == "null":
			*out = append(*out, Number{Name: name})
		case v[0] == '{':
			collect(v, name, depth+1, out)
		}
	}
}

// Overview is the agent's figures over a range.
type Overview struct {
	Range   string          `json:"range"`
	Numbers []Number        `json:"numbers"`
	Raw     json.RawMessage `json:"-"`
}

// Overview reads the analytics overview (GET /api/analytics/overview): over is 7d, 30d, 90d, or empty for the service's default.
func (c *Client) Overview(ctx context.Context, over string) (*Overview, error) {
	if err := oneOf("range", over, "7d", "30d", "90d"); err != nil {
		return nil, err
	}
	r := request{op: opOverview, query: with(PageQuery{}.values(), "range", over)}
	body, _, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	f, err := parseFields(body)
	if err != nil {
		return nil, c.unreadable(r, err)
	}
	o := &Overview{Range: over, Numbers: numbersOf(body), Raw: body}
	if s, ok := textOf(f.at("range")); ok {
		o.Range = s
	}
	return o, nil
}

// PostStats is the figures of one post.
type PostStats struct {
	ID        string    `json:"id"`
	Content   string    `json:"content"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	Numbers   []Number  `json:"numbers"`
}

// PostStats ranks the agent's posts (GET /api/analytics/posts): sortBy is likes, comments, views, engagement, or empty for the
// service's default.
func (c *Client) PostStats(ctx context.Context, sortBy string, limit int) (*Page[PostStats], error) {
	if err := oneOf("sortBy", sortBy, "likes", "comments", "views", "engagement"); err != nil {
		return nil, err
	}
	v := with(PageQuery{Limit: limit}.values(), "sortBy", sortBy)
	p, err := page(ctx, c, request{op: opPostStats, query: v}, "posts", func(f *fields) PostStats {
		return PostStats{ID: f.id("id"), Content: f.text("content"), CreatedAt: f.time("createdAt")}
	})
	if err != nil {
		return nil, err
	}
	for i, raw := range p.Raw {
		p.Items[i].Numbers = numbersOf(raw)
	}
	return p, nil
}
