package bus

import (
	"context"
	"path/filepath"
	"time"
)

// Info is what there is to know about the store.
type Info struct {
	Version   string // of the server
	URL       string // without credentials; of the embedded server what it listens on, "" with "off"
	Embedded  bool
	Connected bool
	Sync      string // "always" or a duration; "" where it can't be seen
	Store     int64  // bytes the bridge may use
	Streams   []StreamInfo
	// AdminFile and SubscriberFile are the credential files of the embedded server.
	AdminFile, SubscriberFile string
	Member                    string // this process among the members
	Members                   int    // processes that share the work, as seen by this one
}

// StreamInfo is the size of a stream or bucket.
type StreamInfo struct {
	Name        string
	Messages    uint64
	Bytes       uint64
	MaxBytes    int64
	Replicas    int
	First, Last uint64 // sequences
	FirstTime   time.Time
}

// Share is how much of its bounds the stream fills, 0 to 1.
func (s StreamInfo) Share() float64 {
	if s.MaxBytes <= 0 {
		return 0
	}
	return float64(s.Bytes) / float64(s.MaxBytes)
}

// Info asks the server how things are. The error is a *StateError where the
// store refuses or does not answer; what is known without it is filled in then.
func (b *Bus) Info(ctx context.Context) (Info, error) {
	in := Info{
		Version: b.nc.ConnectedServerVersion(), URL: redact(b.opts.URL), Connected: b.nc.IsConnected(),
		Store: b.opts.Store, Member: b.me, Members: b.members.count(),
	}
	if h := b.host; h != nil {
		in.Embedded, in.Sync, in.URL = true, b.opts.Sync, h.admin.URL
		in.AdminFile, in.SubscriberFile = filepath.Join(h.dir, AdminFile), filepath.Join(h.dir, SubscriberFile)
	}
	if h := b.host; h != nil {
		if e := h.diskTrouble(); e != nil {
			return in, e
		}
	}
	for _, a := range b.opts.assets() {
		s, err := b.streamInfo(ctx, a.Name)
		if err != nil {
			return in, err
		}
		in.Streams = append(in.Streams, s)
	}
	return in, nil
}

func (b *Bus) streamInfo(ctx context.Context, name string) (StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := b.js.Stream(ctx, name)
	if err != nil {
		return StreamInfo{}, b.explain("look at stream "+name, err)
	}
	i := s.CachedInfo()
	return StreamInfo{
		Name: name, Messages: i.State.Msgs, Bytes: i.State.Bytes, MaxBytes: i.Config.MaxBytes, Replicas: i.Config.Replicas,
		First: i.State.FirstSeq, Last: i.State.LastSeq, FirstTime: i.State.FirstTime,
	}, nil
}
