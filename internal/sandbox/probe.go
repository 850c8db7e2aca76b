package sandbox

import (
	"bytes"
	"encoding/binary"
	"image"
	_ "image/gif"  // for probe
	_ "image/jpeg" // for probe
	_ "image/png"  // for probe
	"math"
)

// fileInfo is what a file's header tells; zero is unknown.
type fileInfo struct {
	width, height int
	seconds       float64
}

// sniff judges a file by its content; "" is a kind that is not taken.
func sniff(b []byte) string {
	has := func(at int, magic string) bool {
		return len(b) >= at+len(magic) && string(b[at:at+len(magic)]) == magic
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return "image/jpeg"
	case has(0, "\x89PNG\r\n\x1a\n"):
		return "image/png"
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return "image/gif"
	case has(0, "RIFF") && has(8, "WEBP"):
		return "image/webp"
	case has(4, "ftypqt  "):
		return "video/quicktime"
	case has(4, "ftyp"):
		return "video/mp4"
	case has(0, "\x1aE\xdf\xa3") && bytes.Contains(b[:min(len(b), 64)], []byte("webm")):
		return "video/webm"
	default:
		return ""
	}
}

// probe reads size or duration from a header, as far as there is one.
func probe(b []byte, contentType string) fileInfo {
	switch contentType {
	case "image/jpeg", "image/png", "image/gif":
		if c, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil {
			return fileInfo{width: c.Width, height: c.Height}
		}
	case "video/mp4", "video/quicktime":
		return fileInfo{seconds: mp4Seconds(b)}
	case "video/webm":
		return fileInfo{seconds: webmSeconds(b)}
	}
	return fileInfo{}
}

// box is one box of an ISO base media file (ISO/IEC 14496-12).
func box(b []byte, kind string) []byte {
	for len(b) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		switch size {
		case 0:
			size = uint64(len(b))
		case 1:
			if len(b) < 16 {
				return nil
			}
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < head || size > uint64(len(b)) {
			return nil
		}
		if string(b[4:8]) == kind {
			return b[head:size]
		}
		b = b[size:]
	}
	return nil
}

// mp4Seconds is the duration in the movie header, 0 where there is none.
func mp4Seconds(b []byte) float64 {
	h := box(box(b, "moov"), "mvhd")
	var scale uint32
	var duration uint64
	switch {
	case len(h) >= 20 && h[0] == 0:
		scale, duration = binary.BigEndian.Uint32(h[12:]), uint64(binary.BigEndian.Uint32(h[16:]))
	case len(h) >= 32 && h[0] == 1:
		scale, duration = binary.BigEndian.Uint32(h[20:]), binary.BigEndian.Uint64(h[24:])
	}
	if scale == 0 {
		return 0
	}
	return float64(duration) / float64(scale)
}

// Ids of the EBML elements on the way to a WebM's duration (Matroska, RFC 9559).
const (
	ebmlSegment  = 0x18538067
	ebmlInfo     = 0x1549A966
	ebmlScale    = 0x2AD7B1
	ebmlDuration = 0x4489
)

// webmSeconds is the duration in the segment's information, 0 where there is none.
func webmSeconds(b []byte) float64 {
	info := element(element(b, ebmlSegment), ebmlInfo)
	scale := uint64(1_000_000)
	if s := element(info, ebmlScale); len(s) > 0 && len(s) <= 8 {
		scale = 0
		for _, x := range s {
			scale = scale<<8 | uint64(x)
		}
	}
	var ticks float64
	switch d := element(info, ebmlDuration); len(d) {
	case 4:
		ticks = float64(math.Float32frombits(binary.BigEndian.Uint32(d)))
	case 8:
		ticks = math.Float64frombits(binary.BigEndian.Uint64(d))
	}
	if s := ticks * float64(scale) / 1e9; s > 0 && !math.IsInf(s, 0) {
		return s
	}
	return 0
}

// element finds an EBML element and returns its data; one of unknown size
// reaches to the end.
func element(b []byte, want uint64) []byte {
	for len(b) > 0 {
		id, n := vint(b, true)
		if n == 0 {
			return nil
		}
		size, m := vint(b[n:], false)
		if m == 0 {
			return nil
		}
		data := b[n+m:]
		unknown := size == 1<<(7*m)-1
		if unknown || size > uint64(len(data)) {
			size = uint64(len(data))
		}
		if id == want {
			return data[:size]
		}
		b = data[size:]
	}
	return nil
}

// vint reads a variable-length integer; an id keeps its length marker.
func vint(b []byte, id bool) (value uint64, n int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n = 1
	for mask := byte(0x80); b[0]&mask == 0; mask >>= 1 {
		n++
	}
	if n > len(b) {
		return 0, 0
	}
	value = uint64(b[0])
	if !id {
		value &= 1<<(8-n) - 1
	}
	for _, x := range b[1:n] {
		value = value<<8 | uint64(x)
	}
	return value, n
}
