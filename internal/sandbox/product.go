package sandbox

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"path"
)

// Generated media are small and valid, made when somebody fetches them, the
// same for the same id.

// kinds of products: extension and content type.
var productKinds = map[string][2]string{
	kindImage: {".png", "image/png"},
	kindVideo: {".mp4", "video/mp4"},
	kindVoice: {".mp3", "audio/mpeg"},
	kindSound: {".mp3", "audio/mpeg"},
	kindMusic: {".mp3", "audio/mpeg"},
}

// product gives a finished job its file.
func (w *world) product(j *job) string {
	seconds := 5
	return w.sample(path.Join("generated", j.id+productKinds[j.kind][0]), j.kind, seconds)
}

// sample registers a made file and returns its path.
func (w *world) sample(name, kind string, seconds int) string {
	p := path.Join(mediaPrefix, name)
	w.blobs[p] = blob{contentType: productKinds[kind][1], make: func() []byte {
		switch kind {
		case kindImage:
			return drawPNG(name)
		case kindVideo:
			return filmMP4(name, seconds)
		default:
			return silentMP3(seconds)
		}
	}}
	return p
}

// drawPNG is a picture of 8 × 8 blocks, mirrored, coloured after its name.
func drawPNG(name string) []byte {
	d := digestOf(name)
	const block, side = 32, 8
	palette := color.Palette{
		color.RGBA{d[0] | 1, d[1], d[2], 255}, color.RGBA{d[3], d[4] | 1, d[5], 255}, color.RGBA{d[6], d[7], d[8] | 1, 255},
	}
	img := image.NewPaletted(image.Rect(0, 0, block*side, block*side), palette)
	for y := range block * side {
		for x := range block * side {
			bx, by := x/block, y/block
			bx = min(bx, side-1-bx)
			img.SetColorIndex(x, y, d[(by*side/2+bx)%len(d)]%3)
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // a buffer does not fail
	return b.Bytes()
}

// silentMP3 is silence: MPEG-1 layer III frames of 32 kbit/s mono with empty
// side information (ISO/IEC 11172-3).
func silentMP3(seconds int) []byte {
	const frameSize, samplesPerFrame, rate = 104, 1152, 44100
	frame := make([]byte, frameSize)
	copy(frame, []byte{0xff, 0xfb, 0x10, 0xc4})
	return bytes.Repeat(frame, seconds*rate/samplesPerFrame+1)
}

// filmMP4 is one plain colour at one frame a second: H.264 baseline with raw
// macroblocks, in an ISO base media file. Two frames take turns, because
// neighbouring key frames need different ids.
func filmMP4(name string, seconds int) []byte {
	d := digestOf(name)
	frames := [2][]byte{h264Frame(d, 0), h264Frame(d, 1)}
	data := append(append([]byte{}, frames[0]...), frames[1]...)
	ftyp := mp4Box("ftyp", []byte("isom\x00\x00\x02\x00isomiso2avc1mp41"))
	size := len(mp4Movie(frames, seconds, 0))
	offset := len(ftyp) + size + 8
	return bytes.Join([][]byte{ftyp, mp4Movie(frames, seconds, offset), mp4Box("mdat", data)}, nil)
}

const (
	filmSide = 64 // pixels
	filmMBs  = filmSide / 16
)

func be32(n ...int) []byte {
	var b []byte
	for _, x := range n {
		b = binary.BigEndian.AppendUint32(b, uint32(x))
	}
	return b
}

func mp4Box(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(be32(len(body)+8), kind...), body...)
}

// mp4Movie describes the film; offset is where its first frame begins.
func mp4Movie(frames [2][]byte, seconds, offset int) []byte {
	unity := be32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
	sizes, offsets := []byte{}, []byte{}
	for i := range seconds {
		sizes = append(sizes, be32(len(frames[i%2]))...)
		offsets = append(offsets, be32(offset+(i%2)*len(frames[0]))...)
	}
	const ms = 1000
	sps, pps := h264SPS(), h264PPS()
	avcC := bytes.Join([][]byte{{1, sps[1], sps[2], sps[3], 0xff, 0xe1, 0, byte(len(sps))}, sps, {1, 0, byte(len(pps))}, pps}, nil)
	avc1 := mp4Box("avc1", make([]byte, 6), []byte{0, 1}, make([]byte, 16), []byte{0, filmSide, 0, filmSide},
		be32(0x480000, 0x480000, 0), []byte{0, 1}, make([]byte, 32), []byte{0, 0x18, 0xff, 0xff}, mp4Box("avcC", avcC))
	table := mp4Box("stbl",
		mp4Box("stsd", be32(0, 1), avc1),
		mp4Box("stts", be32(0, 1, seconds, ms)),
		mp4Box("stsc", be32(0, 1, 1, 1, 1)),
		mp4Box("stsz", be32(0, 0, seconds), sizes),
		mp4Box("stco", be32(0, seconds), offsets))
	dinf := mp4Box("dinf", mp4Box("dref", be32(0, 1), mp4Box("url ", be32(1))))
	return mp4Box("moov",
		mp4Box("mvhd", be32(0, 0, 0, ms, seconds*ms, 0x10000, 0x1000000, 0, 0), unity, make([]byte, 24), be32(2)),
		mp4Box("trak",
			mp4Box("tkhd", be32(7, 0, 0, 1, 0, seconds*ms, 0, 0, 0, 0), unity, be32(filmSide<<16, filmSide<<16)),
			mp4Box("mdia",
				mp4Box("mdhd", be32(0, 0, 0, ms, seconds*ms, 0x55c40000)),
				mp4Box("hdlr", be32(0, 0), []byte("vide"), make([]byte, 12), []byte("Sandbox\x00")),
				mp4Box("minf", mp4Box("vmhd", be32(1, 0, 0)), dinf, table))))
}

// bits writes the bit strings of H.264 (ITU-T H.264, 7.2 and 9.1).
type bits struct {
	out  []byte
	free int // bits left in the last byte
}

func (w *bits) put(value uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.free == 0 {
			w.out = append(w.out, 0)
			w.free = 8
		}
		w.free--
		w.out[len(w.out)-1] |= byte(value>>i&1) << w.free
	}
}

// ue is the exponential Golomb code of an unsigned number.
func (w *bits) ue(v uint32) {
	n := 0
	for (v+1)>>n > 1 {
		n++
	}
	w.put(0, n)
	w.put(v+1, n+1)
}

// unit closes a network abstraction layer unit: stop bit, alignment, and the
// escape that keeps start codes out.
func (w *bits) unit(header byte) []byte {
	w.put(1, 1)
	out, zeros := []byte{header}, 0
	for _, b := range w.out {
		if zeros == 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, b)
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return out
}

func h264SPS() []byte {
	w := &bits{}
	w.put(66, 8) // baseline
	w.put(0xc0, 8)
	w.put(10, 8)        // level 1.0
	w.ue(0)             // seq_parameter_set_id
	w.ue(0)             // log2_max_frame_num - 4
	w.ue(2)             // pic_order_cnt_type
	w.ue(1)             // max_num_ref_frames
	w.put(0, 1)         // gaps in frame numbers
	w.ue(filmMBs - 1)   // width
	w.ue(filmMBs - 1)   // height
	w.put(0b1_1_0_0, 4) // frames only, 8x8 inference, no cropping, no VUI
	return w.unit(0x67)
}

func h264PPS() []byte {
	w := &bits{}
	w.ue(0)     // pic_parameter_set_id
	w.ue(0)     // seq_parameter_set_id
	w.put(0, 2) // CAVLC, no field order
	w.ue(0)     // one slice group
	w.ue(0)     // reference indices
	w.ue(0)
	w.put(0, 3) // no weighting
	w.ue(0)     // QP (signed codes of zero)
	w.ue(0)
	w.ue(0)
	w.put(0b100, 3) // deblocking control, no constrained intra, no redundant pictures
	return w.unit(0x68)
}

// h264Frame is one key frame of a plain colour, with its length in front.
func h264Frame(d digest, id uint32) []byte {
	w := &bits{}
	w.ue(0)     // first_mb_in_slice
	w.ue(7)     // I slice
	w.ue(0)     // pic_parameter_set_id
	w.put(0, 4) // frame_num
	w.ue(id)    // idr_pic_id
	w.put(0, 2) // no long-term reference marking
	w.ue(0)     // slice_qp_delta
	w.ue(1)     // no deblocking
	for range filmMBs * filmMBs {
		w.ue(25) // I_PCM
		if w.free > 0 {
			w.put(0, w.free)
		}
		for _, plane := range [][2]int{{256, 60 + int(d[0])/2}, {64, 64 + int(d[1])/2}, {64, 64 + int(d[2])/2}} {
			w.out = append(w.out, bytes.Repeat([]byte{byte(plane[1])}, plane[0])...)
		}
	}
	unit := w.unit(0x65)
	return append(be32(len(unit)), unit...)
}
