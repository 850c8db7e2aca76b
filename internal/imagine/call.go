package imagine

import (
	"context"
	"errors"
	"net/url"
)

// one makes a call whose reply is a single object, wrapped under key or bare. An empty reply of a write is a success without
// anything to tell.
func one[T any](ctx context.Context, c *Client, r request, key string, read func(*fields) T) (*T, error) {
	v, _, err := oneOrAlready(ctx, c, r, key, read)
	return v, err
}

// oneOrAlready is one for calls that may be refused because it is so already.
func oneOrAlready[T any](ctx context.Context, c *Client, r request, key string, read func(*fields) T) (*T, bool, error) {
	body, already, err := c.send(ctx, r)
	if err != nil {
		return nil, false, err
	}
	if already || len(body) == 0 {
		return new(T), already, nil
	}
	f, err := single(body, key)
	if err == nil {
		v := read(f)
		if f.err == nil {
			return &v, false, nil
		}
		err = f.err
	}
	return nil, false, c.unreadable(r, err)
}

// page makes a call whose reply is a list under key.
func page[T any](ctx context.Context, c *Client, r request, key string, read func(*fields) T) (*Page[T], error) {
	body, _, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	p, err := readPage(body, key, read)
	if err != nil {
		return nil, c.unreadable(r, err)
	}
	return p, nil
}

// act makes a call of whose reply only the success matters.
func (c *Client) act(ctx context.Context, r request) error {
	_, _, err := c.send(ctx, r)
	return err
}

// unreadable is the error of a good status over a body of the wrong shape. A write has been carried out then, as far as we know.
func (c *Client) unreadable(r request, err error) *Error {
	e := endpoints[r.op]
	f := &Error{Op: e.Op, Host: c.base.Host, Message: foreign(err.Error(), r.secrets...), Uncertain: e.repeat == create, Err: ErrGarbled}
	if errors.Is(err, ErrTooLarge) {
		f.Err = ErrTooLarge
	}
	return f
}

// with adds a query parameter unless it is empty.
func with(v url.Values, key, value string) url.Values {
	if value != "" {
		v.Set(key, value)
	}
	return v
}
