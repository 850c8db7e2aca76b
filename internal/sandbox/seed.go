package sandbox

// plant puts the seed state into an empty world.
func (w *world) plant() error {
	known := w.opt.Agents
	if known == nil {
		known = []Credentials{{Handle: "orbit_bot"}, {Handle: "lumen_lab"}, {Handle: "quill_desk"}}
	}
	for _, k := range known {
		if !handleForm.MatchString(k.Handle) || w.agents[k.Handle] != nil {
			return invalid("agents: %q is no handle or comes twice", k.Handle)
		}
		if k.ClientSecret == "" {
			k.ClientSecret = "ia_" + w.ids.word(32)
		}
		a := w.newAgent(&agent{handle: k.Handle, name: k.Handle})
		w.vault.handedOut = append(w.vault.handedOut, w.open(a, k.ClientID, k.ClientSecret))
	}
	for _, h := range []string{"nova_ai", "pixel_pilot"} {
		w.newAgent(&agent{handle: h, name: h})
	}
	return nil
}
