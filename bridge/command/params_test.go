package command_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// TestArgumentsBecomeTheProvidersParameters holds the API reference's table of parameters, spelling and types included.
func TestArgumentsBecomeTheProvidersParameters(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		verb     string
		provider string
		args     map[string]any
		want     string // params as sent; "" for none
	}{
		"OpenAI image":               {"image", "OPENAI", map[string]any{"size": "1536x1024", "quality": "high"}, `{"size":"1536x1024","quality":"high"}`},
		"Runware image, by size":     {"image", "RUNWARE", map[string]any{"size": "1024×768"}, `{"width":1024,"height":768}`},
		"Runware image, by sides":    {"image", "RUNWARE", map[string]any{"width": "512", "height": 640}, `{"width":512,"height":640}`},
		"Gemini image":               {"image", "GOOGLE_GEMINI", map[string]any{"aspect": "21:9"}, `{"aspect_ratio":"21:9"}`},
		"fal image, by ratio":        {"image", "FAL_AI", map[string]any{"aspect": "16:9"}, `{"image_size":"landscape_16_9"}`},
		"fal image, by preset":       {"image", "FAL_AI", map[string]any{"aspect": "square"}, `{"image_size":"square"}`},
		"Runware video":              {"video", "RUNWARE", map[string]any{"aspect": "16:9", "duration": 6, "reference": "https://cdn.example/a.png", "cfg": "7.5"}, `{"aspectRatio":"16:9","duration":6,"referenceImage":"https://cdn.example/a.png","CFGScale":7.5}`},
		"fal video":                  {"video", "FAL_AI", nil, ""},
		"ElevenLabs voice":           {"voice", "ELEVENLABS", map[string]any{"voice": "EXAVITQu4vr4xnSDxMaL"}, `{"voice_id":"EXAVITQu4vr4xnSDxMaL"}`},
		"ElevenLabs sound":           {"sound", "ELEVENLABS", map[string]any{"seconds": 0.5}, `{"duration_seconds":0.5}`},
		"ElevenLabs music":           {"music", "ELEVENLABS", map[string]any{"seconds": "12.3456"}, `{"music_length_ms":12346}`},
		"ElevenLabs music, by words": {"music", "eleven labs", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, p := range []string{"OPENAI", "RUNWARE", "FAL_AI", "GOOGLE_GEMINI", "ELEVENLABS"} {
				connect(p)(w)
			}
			values := map[string]any{"prompt": "a ring", "provider": tc.provider}
			maps.Copy(values, tc.args)
			w.do("generate "+tc.verb, values)
			var sent struct {
				Params json.RawMessage `json:"params"`
			}
			body := w.writes("POST /api/generate")[0].Body
			require.NoError(t, json.Unmarshal([]byte(body), &sent))
			if tc.want == "" {
				require.Empty(t, sent.Params)
			} else {
				require.JSONEq(t, tc.want, string(sent.Params))
			}
		})
	}
}

func TestAParameterAProviderLacksIsRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		verb   string
		values map[string]any
		want   string
	}{
		"no quality at Runware":      {"image", map[string]any{"provider": "runware", "quality": "high"}, "Runware has no quality for images. Quality: OpenAI."},
		"no voice for a picture":     {"image", map[string]any{"provider": "elevenlabs"}, "ElevenLabs makes voice, sound effects and music, not images. Images: OpenAI, Runware, fal, Gemini."},
		"no such aspect at Runware":  {"video", map[string]any{"provider": "RUNWARE", "aspect": "4:3"}, "Runware makes videos in 9:16, 16:9 or 1:1."},
		"no such aspect at fal":      {"image", map[string]any{"provider": "fal", "aspect": "5:4"}, "fal makes images in 16:9, 1:1, 3:4, 4:3 or 9:16."},
		"a side between two steps":   {"image", map[string]any{"provider": "RUNWARE", "width": 1000}, "width goes from 128 to 2,048 in steps of 64. 1024 would do."},
		"a size that is none":        {"image", map[string]any{"provider": "RUNWARE", "size": "big"}, "size is width x height, each 128 to 2,048 in steps of 64. 1024x768 would do."},
		"a reference that is none":   {"video", map[string]any{"provider": "RUNWARE", "reference": "file:///etc/passwd"}, "reference is the https address of a picture."},
		"music that never ends":      {"music", map[string]any{"seconds": 601}, "seconds goes from 3 to 600."},
		"a sound that is none":       {"sound", map[string]any{"seconds": 0.4}, "seconds goes from 0.5 to 30."},
		"models of what it can't do": {"", map[string]any{"provider": "OPENAI", "type": "music"}, "OpenAI makes images, not music. Music: ElevenLabs."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			verb := "generate models"
			if tc.verb != "" {
				verb, tc.values["prompt"] = "generate "+tc.verb, "a ring"
			}
			a := w.try(verb, tc.values)
			require.NotNil(t, a.Problem)
			require.Equal(t, tc.want, a.Problem.Error())
			require.Empty(t, w.writes("POST /api/generate"))
		})
	}
}

// TestTheProviderIsTheFirstConnectedOneThatFits: nobody has to name one.
func TestTheProviderIsTheFirstConnectedOneThatFits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, p := range []string{"OPENAI", "RUNWARE", "GOOGLE_GEMINI"} {
		connect(p)(w)
	}
	for _, tc := range []struct {
		values map[string]any
		want   string
	}{
		{map[string]any{"prompt": "one"}, "Making an image with OpenAI."},
		{map[string]any{"prompt": "two", "aspect": "1:1"}, "Making an image with Gemini."},
		{map[string]any{"prompt": "three", "width": 512}, "Making an image with Runware."},
	} {
		require.Equal(t, tc.want, w.do("generate image", tc.values).Text)
	}
	w.do("service toggle", map[string]any{"provider": "OPENAI", "active": false})
	w.box.Clock().Advance(60e9)
	require.Equal(t, "Making an image with Runware.", w.do("generate image", map[string]any{"prompt": "four"}).Text)
}

func TestFilesAtTheirLimit(t *testing.T) {
	t.Parallel()
	sized := func(name, kind string, n int64) command.File { f := file(name, kind, nil); f.Size = n; return f }
	for name, tc := range map[string]struct {
		spec, arg string
		f         command.File
		want      string // "" where it fits
	}{
		"an image":             {"media image", "file", sized("a.png", "image/png", 10_000_000), ""},
		"an image, one more":   {"media image", "file", sized("a.png", "image/png", 10_000_001), "An image may have 10 MB; this has 10.1."},
		"a video":              {"media video", "file", sized("a.mov", "", 50_000_000), ""},
		"a video, one more":    {"media video", "file", sized("a.mov", "", 50_000_001), "A video may have 50 MB; this has 50.1."},
		"a byte":               {"byte create", "file", sized("a.webm", "video/webm", 100_000_000), ""},
		"a byte, one more":     {"byte create", "file", sized("a.webm", "video/webm", 100_000_001), "A video may have 100 MB; this has 100.1."},
		"an avatar":            {"profile avatar", "file", sized("a.webp", "image/webp; q=1", 5_000_000), ""},
		"an avatar, one more":  {"profile avatar", "file", sized("a.webp", "image/webp", 5_000_001), "An image may have 5 MB; this has 5.1."},
		"a drawing":            {"media image", "file", sized("a.svg", "image/svg+xml", 10), "JPEG, PNG, GIF or WebP, please."},
		"a page that says PNG": {"media image", "file", sized("a.png", "text/html", 10), "JPEG, PNG, GIF or WebP, please."},
		"a song":               {"post create", "files", sized("a.mp3", "audio/mpeg", 10), "JPEG, PNG, GIF, WebP, MP4, WebM or MOV, please."},
		"of unknown type":      {"media image", "file", sized("photo", "", 10), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := command.Parse(spec(t, tc.spec), nil, map[string][]command.File{tc.arg: {tc.f}})
			if tc.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tc.want)
			}
		})
	}
}
