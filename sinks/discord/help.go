package discord

import (
	"strings"
)

const maxHelpFields = 25

// help lists all commands, a field for each group; those that everybody uses can
// be clicked where their id is known.
func (v *visit) help() reply {
	r, in := sentence(""), v.reader()
	e := embed{Title: in.Say("What you can do"), Description: in.Say("Start typing a command: Discord completes it. Long texts get a form when you leave them out."), Color: 0x5865F2}
	ids := map[string]string{}
	if known := v.commandIDs.Load(); known != nil {
		ids = *known
	}
	for _, c := range appCommands(v.table, false) {
		var own []string
		for _, o := range c.Options {
			if o.Type == optionVerb {
				own = append(own, clickable(c.Name+" "+o.Name, ids[c.Name]))
				continue
			}
			var verbs []string
			for _, verb := range o.Options {
				verbs = append(verbs, clickable(c.Name+" "+o.Name+" "+verb.Name, ids[c.Name]))
			}
			if c.Name == adminCommand { // few need them, and an embed has no room for so many fields and links
				own = append(own, o.Name+": `"+strings.Join(names(o.Options), "` `")+"`")
				continue
			}
			e.add("/"+c.Name+" "+o.Name, verbs)
		}
		e.add("/"+c.Name, own)
	}
	r.Embeds = []embed{e}
	return r
}

func names(options []appOption) []string {
	var out []string
	for _, o := range options {
		out = append(out, o.Name)
	}
	return out
}

// clickable is a command that opens when it is clicked (docs, "Message
// Formatting"); without its id it is shown as it is typed.
func clickable(name, id string) string {
	if id == "" {
		return "`/" + name + "`"
	}
	return "</" + name + ":" + id + ">"
}

// add lists words in a field, as far as there is room in it and in the embed.
func (e *embed) add(name string, words []string) {
	value := ""
	for _, w := range words {
		next := strings.TrimPrefix(value+" · "+w, " · ")
		if units(next) > maxFieldValue-2 || e.size()+units(name)+units(next) > maxEmbeds-units(more)-2 {
			value += " " + more
			break
		}
		value = next
	}
	if value != "" && len(e.Fields) < maxHelpFields {
		e.Fields = append(e.Fields, embedField{Name: name, Value: value})
	}
}
