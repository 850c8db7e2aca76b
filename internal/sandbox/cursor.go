package sandbox

import (
	"encoding/base64"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultPage = 20
	maxPage     = 100
)

// pageRequest is limit and cursor of a list call.
type pageRequest struct {
	limit int
	after *mark // items older than this
	list  string
	scope string // what the cursor is bound to: path, query and, on private lists, the agent
}

// pageEnd closes every list reply.
type pageEnd struct {
	NextCursor *string `json:"nextCursor"`
	HasMore    bool    `json:"hasMore"`
}

// cursorScope fingerprints what a cursor belongs to.
func cursorScope(owner, path string, query url.Values) string {
	rest := url.Values{}
	for k, v := range query {
		if k != "limit" && k != "cursor" {
			rest[k] = v
		}
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(owner + "\x00" + path + "\x00" + rest.Encode()))
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// encodeCursor is "older than this pair": it stays good when items arrive, and
// when the item it names is gone.
func encodeCursor(list, scope string, m mark) string {
	text := list + ":" + strconv.FormatInt(m.ms, 10) + ":" + m.id + ":" + scope
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// decodeCursor refuses a cursor of another list, agent or query.
func decodeCursor(cursor, list, scope string) (mark, bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return mark{}, false
	}
	parts := strings.Split(string(text), ":")
	if len(parts) != 4 || parts[0] != list || parts[3] != scope || parts[2] == "" {
		return mark{}, false
	}
	ms, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return mark{}, false
	}
	return mark{ms, parts[2]}, true
}

// cut takes one page out of a timeline, newest first; keep drops items that are
// not of this list, nil keeps all.
func cut[T marked](items timeline[T], p pageRequest, keep func(T) bool) ([]T, pageEnd) {
	end := len(items)
	if p.after != nil {
		end, _ = items.find(*p.after)
	}
	page := make([]T, 0, p.limit)
	for i := end - 1; i >= 0; i-- {
		if keep != nil && !keep(items[i]) {
			continue
		}
		if len(page) == p.limit {
			next := encodeCursor(p.list, p.scope, page[len(page)-1].mark())
			return page, pageEnd{NextCursor: &next, HasMore: true}
		}
		page = append(page, items[i])
	}
	return page, pageEnd{}
}
