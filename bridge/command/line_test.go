package command_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func lastShown(s command.Source) string {
	return map[command.Source]string{command.Posts: "p9", command.Conversations: "c9", command.Jobs: "j9"}[s]
}

func TestLinesAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`post create Hello world`:          `post create text=Hello world`,
		`POST Create "Hello world"`:        `post create text=Hello world`,
		`post Hello world`:                 `post create text=Hello world`,
		`post "like this"`:                 `post create text=like this`,
		`post like p1`:                     `post like post=p1`,
		`like last`:                        `post like post=p9`,
		`like post:last`:                   `post like post=p9`,
		`reply p1 How heavy is it?`:        `post comment post=p1 text=How heavy is it?`,
		`post comment p1 don't "quote" me`: `post comment post=p1 text=don't "quote" me`,
		`post comment --post p1 text:"two words" reply_to:c3`: `post comment post=p1 reply_to=c3 text=two words`,
		`post comment text:two words post:p1`:                 `post comment post=p1 text=two words`,
		`post comment p1 see --reply_to=c3 you`:               `post comment post=p1 reply_to=c3 text=see you`,
		`post create -- --media is a word`:                    `post create text=--media is a word`,
		`post create look: https://x.example/a?b=c#d`:         `post create text=look: https://x.example/a?b=c#d`,
		`post create note:this is text`:                       `post create text=note:this is text`,
		"post create one\n\ntwo   three":                      "post create text=one\n\ntwo   three",
		`dm @nova See you at dock 3`:                          `dm start handle=@nova text=See you at dock 3`,
		`dm send last “At noon”`:                              `dm send conversation=c9 text=At noon`,
		`follow https://imagineanything.com/agent/nova`:       `agent follow handle=https://imagineanything.com/agent/nova`,
		`agent list type:CREATIVE --limit 5 --verified`:       `agent list limit=5 type=CREATIVE verified=on`,
		`agent list --verified no orbit`:                      `agent list search=orbit verified=no`,
		`agent followers nova 5`:                              `agent followers handle=nova limit=5`,
		`inbox`:                                               `dm list`,
		`feed`:                                                `feed home`,
		`feed home 5`:                                         `feed home limit=5`,
		`find brass lantern`:                                  `search find query=brass lantern`,
		`image a fox «in snow» size:1024x1024`:                `generate image prompt=a fox «in snow» size=1024x1024`,
		`retry last`:                                          `generate retry job=j9`,
		`stats`:                                               `stats overview`,
		`stats posts views`:                                   `stats posts sort=views`,
		`notify mark-read n1 n2 n3`:                           `notify mark-read notifications=n1 n2 n3`,
		`notify mark-read --all`:                              `notify mark-read all=on`,
		`service connect OPENAI sk-proj-0123456789abcdefghij`: `service connect key=sk-proj-0123456789abcdefghij provider=OPENAI`,
		`order update o1 deliver Here it is`:                  `order update action=deliver deliverables=Here it is order=o1`,
		`agent:luna me`:                                       ``,
		`me agent:@Luna`:                                      `profile show @Luna`,
		`post hi --agent luna`:                                `post create @luna text=hi`,
		`help post`:                                           `help post`,
		`?`:                                                   `help`,
		``:                                                    `help`,
		`help`:                                                `help`,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			l, p := command.ParseLine(english, line, lastShown)
			if want == "" {
				require.NotNil(t, p)
				return
			}
			require.Nil(t, p)
			require.Equal(t, want, written(l))
		})
	}
}

// written is a line in one canonical form.
func written(l command.Line) string {
	if l.Help {
		return strings.Join(append([]string{"help"}, l.Words...), " ")
	}
	out := []string{l.Group, l.Verb}
	if l.Agent != "" {
		out = append(out, "@"+l.Agent)
	}
	return strings.Join(append(out, sortedValues(l.Values)...), " ")
}

func sortedValues(values map[string]any) []string {
	var out []string
	for _, k := range sortedNames(values) {
		out = append(out, fmt.Sprintf("%s=%v", k, values[k]))
	}
	return out
}

func TestLinesThatMeanNothing(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`lik`:                     `No command "lik". Did you mean /ia post like? /ia help lists all. [post like]`,
		`agnet show nova`:         `No command "agnet". Did you mean /ia agent show? /ia help lists all. [agent show]`,
		`agent shwo nova`:         `No command "agent shwo". Did you mean /ia agent show? /ia help lists all. [agent show]`,
		`post delet p1`:           `No command "post delet". Did you mean /ia post delete? /ia help lists all. [Post this text]`,
		`xyzzy`:                   `No command "xyzzy". /ia help lists all.`,
		`agent show nova and me`:  `I don't know what to do with "and". agent show HANDLE`,
		`agent list --sort x`:     `agent list has no argument "sort". It takes search, type, verified and limit.`,
		`agent list --limit`:      `--limit needs a value. agent list [search:…] [type:…] [verified:…] [limit:…]`,
		`post comment last hello`: ``,
		`byte show`:               ``,
	} {
		l, p := command.ParseLine(english, line, lastShown)
		if want == "" {
			require.Nil(t, p, line)
			require.NotEmpty(t, l.Verb)
			continue
		}
		require.NotNil(t, p, line)
		require.Equal(t, want, sentence(p), line)
	}
	_, p := command.ParseLine(english, "like last", nil)
	require.Equal(t, "Nothing here yet that “last” could mean for post. post like POST", sentence(p))
	_, p = command.ParseLine(english, "post "+strings.Repeat("y", 4000), nil)
	require.Equal(t, "That is 4,005 characters; a command holds 4,000.", sentence(p))
}

// TestAVerbWinsOverTextButOffersIt: "post show me" shows a post, and may have been meant as one.
func TestAVerbWinsOverTextButOffersIt(t *testing.T) {
	t.Parallel()
	_, p := command.ParseLine(english, "post show me the way", nil)
	require.Equal(t, `I don't know what to do with "the". post show POST [Post this text]`, sentence(p), "show takes one word")
	l, p := command.ParseLine(english, "post show me", nil)
	require.Nil(t, p)
	require.Equal(t, "show", l.Verb)
	require.Equal(t, "Post this text", l.Instead.Label)
	require.Equal(t, "post create", l.Instead.Command)
	require.Equal(t, map[string]string{"text": "show me"}, l.Instead.Args)
	l, _ = command.ParseLine(english, "agent show nova", nil)
	require.Nil(t, l.Instead)
}

func FuzzParseLine(f *testing.F) {
	for _, s := range []string{
		"", "?", "post", "post hello", `dm @nova "unclosed`, "image a fox --size 1x1", "post comment p1 text:'a b' -- --x", "agent:luna like last", "post “a” „b“ «c»",
		"--", "name:", "a:b:c", "post text:", "notify mark-read all:yes n1", "service connect OPENAI sk-0123456789abcdefghij", "\x00\xff post", "post create --text", "help post create",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		l, p := command.ParseLine(english, line, lastShown)
		if p != nil {
			require.NotEmpty(t, p.Message)
			require.NotZero(t, p.Code)
			return
		}
		if l.Help {
			return
		}
		s, ok := command.Find(l.Group, l.Verb)
		require.True(t, ok)
		for name, v := range l.Values {
			_, known := s.Arg(name)
			require.True(t, known, name)
			require.IsType(t, "", v)
		}
		if _, err := command.Parse(s, l.Values, nil); err != nil {
			require.NotEmpty(t, command.Explain(english, err).Message)
		}
	})
}
