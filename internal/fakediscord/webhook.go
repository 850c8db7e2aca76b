package fakediscord

// byHook finds the interaction of a webhook path.
func (s *Server) byHook(c *call) (*Interaction, *reply) {
	if c.PathValue("webhook_id") != s.opts.ApplicationID {
		return nil, new(refuse(codeUnknownWebhook))
	}
	in := s.calls.byToken[c.PathValue("webhook_token")]
	switch {
	case in == nil:
		return nil, new(refuse(codeInvalidToken))
	case c.at.Sub(in.at) > tokenLife:
		return nil, new(refuse(codeInvalidToken))
	case in.response == 0:
		return nil, new(refuse(codeUnknownWebhook))
	}
	return in, nil
}

func (s *Server) followupRules(c *call, r *report) {
	s.messageRules(c, r, "", c.raw, rulesFor{flags: flagSuppressEmbeds | flagEphemeral | flagSilent | flagV2})
}

func (s *Server) webhookEditRules(c *call, r *report) {
	var old *Message
	if in := s.calls.byToken[c.PathValue("webhook_token")]; in != nil {
		old = s.responseOf(in, c.PathValue("message_id"))
	}
	s.messageRules(c, r, "", c.raw, rulesFor{flags: flagSuppressEmbeds | flagV2, edited: old})
}

// followup is "Create Followup Message". After a deferred response the first
// one silently becomes its edit and keeps its ephemeral choice
// (discord-api-docs #2866).
func (s *Server) followup(c *call) reply {
	in, refusal := s.byHook(c)
	if refusal != nil {
		return *refusal
	}
	if in.pending {
		s.log.fault(c.at, "followup", c.entry.Seq, "becomes the edit of a deferred response; edit @original instead")
		return s.edited(c, in, in.original)
	}
	if in.followups++; in.userOnly && in.followups > 5 {
		return refuse(codeFollowupCap)
	}
	b := decode[messageBody](c.raw)
	m := s.responseMessage(in, b.Flags)
	m.Type = 0
	if refusal := s.fill(c, in.channel, m, b); refusal != nil {
		return *refusal
	}
	s.post(in.channel, m)
	return ok(s.present(m))
}

// responseOf finds a response's message, "" being @original.
func (s *Server) responseOf(in *Interaction, id string) *Message {
	if id == "" {
		if in.original == nil {
			return nil
		}
		id = in.original.ID
	}
	m := in.channel.message(id)
	if m == nil || m.Author.ID != s.world.bot.ID {
		return nil
	}
	return m
}

func (s *Server) openResponse(c *call) (*Interaction, *Message, *reply) {
	in, refusal := s.byHook(c)
	if refusal != nil {
		return nil, nil, refusal
	}
	m := s.responseOf(in, c.PathValue("message_id"))
	if m == nil {
		return nil, nil, new(refuse(codeUnknownMessage))
	}
	return in, m, nil
}

func (s *Server) getResponse(c *call) reply {
	_, m, refusal := s.openResponse(c)
	if refusal != nil {
		return *refusal
	}
	return ok(s.present(m))
}

func (s *Server) editResponse(c *call) reply {
	in, m, refusal := s.openResponse(c)
	if refusal != nil {
		return *refusal
	}
	return s.edited(c, in, m)
}

// edited changes a response; the first edit ends "is thinking".
func (s *Server) edited(c *call, in *Interaction, m *Message) reply {
	if refusal := s.change(c, in.channel, m); refusal != nil {
		return *refusal
	}
	if in.pending && m == in.original {
		m.Flags &^= flagLoading
		in.pending = false
		close(in.settled)
	}
	return ok(s.present(m))
}

func (s *Server) deleteResponse(c *call) reply {
	in, m, refusal := s.openResponse(c)
	if refusal != nil {
		return *refusal
	}
	if in.pending && m == in.original {
		in.pending = false
		close(in.settled)
	}
	s.erase(in.channel, m)
	return noContent()
}
