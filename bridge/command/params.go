package command

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// param says which parameter of a provider an argument becomes (API reference, "params").
type param struct {
	provider, kind, arg, key string
	value                    func(a Args, arg string) (any, error) // nil: the value as it is
}

// params is the whole table. aspectRatio and aspect_ratio are different keys of
// different providers.
func params() []param {
	return []param{
		{"OPENAI", "image", "size", "size", nil},
		{"OPENAI", "image", "quality", "quality", nil},
		{"RUNWARE", "image", "size", "", nil}, // becomes width and height
		{"RUNWARE", "image", "width", "width", steps64},
		{"RUNWARE", "image", "height", "height", steps64},
		{"RUNWARE", "video", "aspect", "aspectRatio", runwareAspect},
		{"RUNWARE", "video", "duration", "duration", nil},
		{"RUNWARE", "video", "reference", "referenceImage", httpsOnly},
		{"RUNWARE", "video", "cfg", "CFGScale", nil},
		{"FAL_AI", "image", "aspect", "image_size", falSize},
		{"GOOGLE_GEMINI", "image", "aspect", "aspect_ratio", nil},
		{"ELEVENLABS", "voice", "voice", "voice_id", nil},
		{"ELEVENLABS", "sound_effect", "seconds", "duration_seconds", nil},
		{"ELEVENLABS", "music", "seconds", "music_length_ms", milliseconds},
	}
}

// paramArgs are the arguments that only some providers take.
func paramArgs() []string {
	return []string{"size", "quality", "width", "height", "aspect", "duration", "reference", "cfg", "voice", "seconds"}
}

func steps64(a Args, arg string) (any, error) {
	n := a.Int(arg)
	if n%64 != 0 {
		return nil, &ArgError{Arg: arg, Status: "out_of_range", Reason: phrase("%s goes from %d to %d in steps of %d.", arg, 128, 2048, 64), Hint: phrase("%s would do.", strconv.Itoa((n+32)/64*64))}
	}
	return n, nil
}

func runwareAspect(a Args, arg string) (any, error) {
	choices := []string{"9:16", "16:9", "1:1"}
	if v := a.Text(arg); slices.Contains(choices, v) {
		return v, nil
	}
	return nil, &ArgError{Arg: arg, Status: "not_a_choice", Reason: phrase("Runware makes videos in %s.", anyOf(choices))}
}

// falSize gives fal's preset for a ratio, or the preset itself.
func falSize(a Args, arg string) (any, error) {
	presets := map[string]string{"1:1": "square_hd", "4:3": "landscape_4_3", "16:9": "landscape_16_9", "3:4": "portrait_4_3", "9:16": "portrait_16_9"}
	names := append(slices.Sorted(maps.Values(presets)), "square")
	v := strings.ToLower(a.Text(arg))
	switch {
	case presets[v] != "":
		return presets[v], nil
	case slices.Contains(names, v):
		return v, nil
	}
	return nil, &ArgError{Arg: arg, Status: "not_a_choice", Reason: phrase("fal makes images in %s.", anyOf(slices.Sorted(maps.Keys(presets))))}
}

func httpsOnly(a Args, arg string) (any, error) {
	if u := webURL(a.Text(arg)); strings.HasPrefix(u, "https://") {
		return u, nil
	}
	return nil, &ArgError{Arg: arg, Status: "wrong_type", Reason: phrase("%s is the https address of a picture.", arg)}
}

func milliseconds(a Args, arg string) (any, error) { return int(math.Round(a.Number(arg) * 1000)), nil }

// newJob turns arguments into what the API takes, choosing the provider where none was named.
func newJob(ctx context.Context, api *imagine.Client, a Args, kind string) (imagine.NewJob, error) {
	job := imagine.NewJob{Provider: provider(a), Prompt: a.Text("prompt"), Type: kind, Content: a.Text("post_text"), Model: a.Text("model")}
	if job.Provider == "" {
		var err error
		if job.Provider, err = chooseProvider(ctx, api, a, kind); err != nil {
			return job, err
		}
	}
	if can, known := imagine.Providers()[job.Provider]; known && !slices.Contains(can, kind) {
		return job, cannotMake(job.Provider, kind)
	}
	params, err := paramsFor(a, job.Provider, kind)
	job.Params = params
	return job, err
}

// given are the particular arguments of this command.
func given(a Args) []string {
	return slices.DeleteFunc(paramArgs(), func(arg string) bool { return !a.Has(arg) })
}

// takes lists the providers with a parameter for an argument.
func takes(kind, arg string) []string {
	var out []string
	for _, p := range params() {
		if p.kind == kind && p.arg == arg {
			out = append(out, p.provider)
		}
	}
	return out
}

// chooseProvider takes the first connected and active provider that can make
// the kind of thing and has a parameter for every argument given.
func chooseProvider(ctx context.Context, api *imagine.Client, a Args, kind string) (string, error) {
	s, err := api.Services(ctx)
	if err != nil {
		return "", err
	}
	able := ""
	for _, id := range providerOrder() {
		active := slices.ContainsFunc(s.Items, func(x imagine.Service) bool { return x.Provider == id && x.IsActive })
		if !active || !slices.Contains(imagine.Providers()[id], kind) {
			continue
		}
		if able == "" {
			able = id
		}
		if !slices.ContainsFunc(given(a), func(arg string) bool { return !slices.Contains(takes(kind, arg), id) }) {
			return id, nil
		}
	}
	if able != "" {
		return able, nil // the argument it has no parameter for makes the sentence
	}
	return "", &Problem{
		Code: 409, Status: "no_provider", Field: "provider", Message: a.say("Not started: no connected provider makes %s.", a.say(thingOf(kind).many)),
		Hint: a.say("An admin can connect %s: /ia-admin service connect.", anyOf(makers(kind))),
	}
}

// paramsFor gives the provider's parameters, spelled its way. An argument it has
// no parameter for is refused, naming the providers that have it.
func paramsFor(a Args, provider, kind string) (map[string]any, error) {
	out := map[string]any{}
	for _, arg := range given(a) {
		i := slices.IndexFunc(params(), func(p param) bool { return p.provider == provider && p.kind == kind && p.arg == arg })
		if _, known := imagine.Providers()[provider]; i < 0 && known {
			return nil, noParam(provider, kind, arg)
		}
		if i < 0 {
			out[arg] = a.values[arg] // a provider we have never heard of
			continue
		}
		if arg == "size" && provider == "RUNWARE" {
			w, h, err := pixels(a.Text("size"))
			if err != nil {
				return nil, err
			}
			out["width"], out["height"] = w, h
			continue
		}
		v, err := a.values[arg], error(nil)
		if f := params()[i].value; f != nil {
			v, err = f(a, arg)
		}
		if err != nil {
			return nil, err
		}
		out[params()[i].key] = v
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// pixels splits 1024x768.
func pixels(size string) (width, height int, err error) {
	w, h, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(size, "×", "x")), "x")
	width, err1 := strconv.Atoi(strings.TrimSpace(w))
	height, err2 := strconv.Atoi(strings.TrimSpace(h))
	if !ok || err1 != nil || err2 != nil || width < 128 || height < 128 || width > 2048 || height > 2048 || width%64 != 0 || height%64 != 0 {
		return 0, 0, &ArgError{Arg: "size", Status: "wrong_type", Reason: phrase("size is width x height, each %d to %d in steps of %d.", 128, 2048, 64), Hint: phrase("%s would do.", "1024x768")}
	}
	return width, height, nil
}

func noParam(provider, kind, arg string) error {
	e := &ArgError{Arg: arg, Status: "not_supported", Reason: phrase("%s has no %s for %s.", providerName(provider), arg, phrase(thingOf(kind).many))}
	if have := names(takes(kind, arg)); len(have) > 0 {
		e.Hint = phrase("%s: %s.", upper(arg), strings.Join(have, ", "))
	}
	return e
}

// cannotMake names what the provider makes and who makes what was asked for.
func cannotMake(provider, kind string) error {
	does := language.Phrase{}
	for i, k := range imagine.Providers()[provider] {
		switch many := phrase(thingOf(k).many); i {
		case 0:
			does = many
		case len(imagine.Providers()[provider]) - 1:
			does = phrase("%s and %s", does, many)
		default:
			does = phrase("%s, %s", does, many)
		}
	}
	return &ArgError{
		Arg: "provider", Status: "not_supported", Reason: phrase("%s makes %s, not %s.", providerName(provider), does, phrase(thingOf(kind).many)),
		Hint: phrase("%s: %s.", phrase(upper(thingOf(kind).many)), strings.Join(makers(kind), ", ")),
	}
}

// makers names the providers that make a kind of thing.
func makers(kind string) []string {
	var out []string
	for _, id := range providerOrder() {
		if slices.Contains(imagine.Providers()[id], kind) {
			out = append(out, id)
		}
	}
	return names(out)
}

func names(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, providerName(id))
	}
	return out
}

func upper(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
