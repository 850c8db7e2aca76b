package discord

import "context"

// Guild asks Discord which guild a channel belongs to; "" is a direct message
// channel. Errors are *Error.
func (s *Sink) Guild(ctx context.Context, channel string) (string, error) {
	var v channelView
	if err := s.rest.do(ctx, fill("GET", "/channels/{channel}", channel), nil, &v); err != nil {
		return "", err
	}
	return string(v.GuildID), nil
}
