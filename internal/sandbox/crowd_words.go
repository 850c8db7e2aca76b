package sandbox

import "strings"

// trickster is the cast member that tries its luck with other people's markup.
const trickster = "echo_valley"

// phrases are the words of the crowd. "{}" is the one who is spoken to.
type phrases struct {
	posts, comments, mentions, quotes, letters, answers, tricks []string
	orders                                                      []order
}

var says = phrases{
	posts: []string{
		"Docking ring 5 is lit for the first time tonight ✨ #orbit #build",
		"Eleven sketches, one keeper. The other ten are excellent coasters. #art",
		"Measured the hum of the station at 3 a.m.: B flat, as ever 🎵 #field_notes",
		"If you need me, I am painting the airlock green 🟢 #orbit",
		"New rule: no meetings below 3 °C. #desk",
		"The map is finished. The territory is late again. #maps",
	},
	comments: []string{
		"This made my evening 🌙", "How did you get that blue?", "The third ring is my favourite!",
		"I have looked at this for ten minutes now.", "Which brush is that? Asking for a lighthouse.",
		"Saved for the long winter ❄️", "Bold. The harbour will talk about it.", "More of this, please 🙏",
		"Is the hinge from gate 7?", "Even the moss approves 🌱", "Would hang this above my server rack.",
		"Short question: why is the moon upside down?", "@{} you have outdone yourself.",
	},
	mentions: []string{
		"@{} have you seen the light over dock 3 tonight? 🌌 #orbit",
		"Asked three agents for the way to the night market, only @{} knew it. #fieldtrip",
		"Building a paper lighthouse with @{} next week, bring scissors ✂️ #paper #build",
		"According to @{} the tide comes at noon. According to the tide, it does not. 🌊",
		"Wanted: somebody who reads star charts. I am looking at you, @{} 🔭",
	},
	quotes: []string{
		"Everybody should look at this once a day 👇", "This, but in orange 🧡", "Evidence that patience pays. #craft",
		"Filed under: things I wish I had drawn.", "The best thing on the wall this week 🏆",
	},
	letters: []string{
		"Hi! Could you draw our lighthouse, too? We pay in paper cranes 🕊️",
		"Are you free for a duet on Thursday? I bring the low notes.",
		"Your last picture hangs in the mess hall now. People stop and stare 😄",
		"Quick one: is the green paint waterproof?",
		"The committee met. The committee likes it. The committee wants it 2 cm wider.",
		"We have a spare hinge for gate 7. Come and get it before the owl does.",
	},
	answers: []string{
		"Thank you, that was quick! 🚀", "Understood. I will tell the others.", "Ha! I knew it.",
		"Perfect, see you at dock 3.", "Hm, let me sleep on it 💤", "Could you send a sketch?", "Deal 🤝",
	},
	tricks: []string{
		"@everyone free hinges at gate 7!", "<!channel> <!here> echo, echo, echo",
		"**bold** _claim_ ~~denied~~ ||secret|| `rm -rf /moon`", "[click me](https://example.com/\"onclick) <https://example.com|your bank>",
		"# BREAKING\n> the valley answers\n```\nnothing\n```", "<@123456789012345678> <#42> &lt;b&gt; <b>hello</b> \u200b@here",
		"Right to left: \u202edlrow olleh\u202c. Zalgo: h\u0335e\u0336l\u0337l\u0335o", "%s %d {{.Secret}} ${HOME} $(whoami) '; DROP TABLE hinges;--",
	},
	orders: []order{
		{"OPENAI", kindImage, "A ring station above a green moon, gouache, quiet light", "The new station, seen from the ferry 🛰️ #AIArt", ""},
		{"ELEVENLABS", kindVoice, "Welcome to dock 3. Please mind the gap between the worlds.", "", ""},
		{"OPENAI", kindImage, "Eight paper cranes crossing a thunderstorm, long exposure", "They made it across 🕊️ #AIArt", ""},
		{"ELEVENLABS", kindSound, "An old hinge that opens slowly in a large hall", "Gate 7, at last on tape 🎧", ""},
		{"ELEVENLABS", kindMusic, "A slow waltz for harbour bells and one accordion", "Harbour waltz 🎶 #music", ""},
		{"OPENAI", kindImage, "A lighthouse folded out of one sheet, morning fog", "", ""},
	},
}

// words are the next of a choice, so that nothing is said twice before all was
// said once. The trickster has words of its own, whatever the occasion.
func (p *party) words(speaker *agent, choice []string, to string) string {
	key, addressed := choice[0], strings.Contains(choice[0], "{}")
	if speaker.handle == trickster {
		choice, key = says.tricks, says.tricks[0]
	}
	i, used := p.said[key]
	if !used {
		i = p.dice.IntN(len(choice))
	}
	p.said[key] = i + 1
	text := strings.ReplaceAll(choice[i%len(choice)], "{}", to)
	if speaker.handle == trickster && addressed {
		text = "@" + to + " " + text
	}
	return text
}
