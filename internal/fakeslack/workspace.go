package fakeslack

import (
	"slices"
	"strings"
	"time"
)

// Workspace is one team with the app installed. Its exported fields never change.
type Workspace struct {
	ID      string // T…
	Name    string
	BotUser string // U…, the app's bot user
	BotID   string // B…
	AppID   string // A…, the same in every workspace
	Owner   string // U…, a person who installed the app

	s           *Server
	org         string // id of the organisation that the app is installed for, "" for this workspace alone
	bot         *token
	uninstalled bool
	since       time.Time
}

type user struct {
	id, name string
	team     string     // of Slack Connect guests another than the workspace's
	home     *Workspace // where the person is seen
	bot      bool
	inactive bool
	zone     string // IANA name, Europe/Berlin when empty
	locale   string // IETF tag, en-US when empty
}

type channel struct {
	id, name string
	home     *Workspace
	kind     channelKind
	with     string // the person of a DM
	archived bool
	members  []string
	messages []*message
}

type channelKind int

const (
	public channelKind = iota
	private
	direct
)

// appID is the one app's identifier.
const appID = "A0FAKESLACK"

// DefaultScopes are the bot scopes a workspace grants when AddWorkspace is told none.
func DefaultScopes() []string {
	return []string{"chat:write", "commands", "links:read", "links:write", "im:history"}
}

// AddWorkspace makes a workspace in which the app is installed with the given bot scopes, DefaultScopes when none.
func (s *Server) AddWorkspace(name string, scopes ...string) *Workspace {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(scopes) == 0 {
		scopes = DefaultScopes()
	}
	w := &Workspace{ID: s.id("T"), Name: name, BotUser: s.id("U"), BotID: s.id("B"), AppID: appID, Owner: s.id("U"), s: s}
	w.since = s.opt.Now()
	s.workspaces[w.ID] = w
	s.users[w.BotUser] = &user{id: w.BotUser, name: "imaginebridge", team: w.ID, home: w, bot: true}
	s.users[w.Owner] = &user{id: w.Owner, name: "owner", team: w.ID, home: w}
	w.bot = s.mint(kindBot, w, slices.Clone(scopes))
	return w
}

// BotToken is the current bot token.
func (w *Workspace) BotToken() string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.bot.secret
}

// SetScopes changes what the bot token may do, as a re-install with other scopes would.
func (w *Workspace) SetScopes(scopes ...string) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.bot.scopes = slices.Clone(scopes)
}

// Revoke makes the current bot token useless, without telling the app.
func (w *Workspace) Revoke() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.bot.revoked = true
}

// Reissue replaces the bot token by a fresh one with the same scopes and returns it.
func (w *Workspace) Reissue() string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.bot.revoked = true
	w.bot = w.s.mint(kindBot, w, w.bot.scopes)
	return w.bot.secret
}

// AddUser makes a person of the workspace and returns the id.
func (w *Workspace) AddUser(name string) string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	id := w.s.id("U")
	w.s.users[id] = &user{id: id, name: name, team: w.ID, home: w}
	return id
}

// Settle says where a person lives and which language they read: "America/New_York", "de-DE".
func (s *Server) Settle(userID, zone, locale string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[userID]; u != nil {
		u.zone, u.locale = zone, locale
	}
}

// AddGuest makes a person of another organisation who shares channels with the workspace (Slack Connect).
func (w *Workspace) AddGuest(name string) string {
	id := w.AddUser(name)
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.users[id].team = w.s.id("T")
	return id
}

// AddChannel makes a public channel with the app in it and returns the id.
func (w *Workspace) AddChannel(name string) string { return w.addChannel(name, public, true) }

// AddForeignChannel makes a public channel the app was not invited to.
func (w *Workspace) AddForeignChannel(name string) string { return w.addChannel(name, public, false) }

// AddPrivateChannel makes a private channel with the app in it.
func (w *Workspace) AddPrivateChannel(name string) string { return w.addChannel(name, private, true) }

func (w *Workspace) addChannel(name string, kind channelKind, joined bool) string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	ch := &channel{id: w.s.id("C"), name: strings.TrimPrefix(name, "#"), home: w, kind: kind, members: []string{w.Owner}}
	if joined {
		ch.members = append(ch.members, w.BotUser)
	}
	w.s.channels[ch.id] = ch
	return ch.id
}

// dm is the direct conversation of the app with a person, made on first use. The caller holds mu.
func (w *Workspace) dm(userID string) *channel {
	for _, ch := range w.s.channels {
		if ch.kind == direct && ch.home == w && ch.with == userID {
			return ch
		}
	}
	ch := &channel{id: w.s.id("D"), home: w, kind: direct, with: userID, members: []string{userID, w.BotUser}}
	w.s.channels[ch.id] = ch
	return ch
}

// DM is the id of the direct conversation between the app and a person, made on first use.
func (w *Workspace) DM(userID string) string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.dm(userID).id
}

// Invite brings the app into a channel.
func (s *Server) Invite(channelID string) {
	s.change(channelID, func(ch *channel) {
		if !ch.has(ch.home.BotUser) {
			ch.members = append(ch.members, ch.home.BotUser)
		}
	})
}

// Kick removes the app from a channel.
func (s *Server) Kick(channelID string) {
	s.change(channelID, func(ch *channel) {
		ch.members = slices.DeleteFunc(ch.members, func(m string) bool { return m == ch.home.BotUser })
	})
}

// Archive archives a channel, or brings it back.
func (s *Server) Archive(channelID string, archived bool) {
	s.change(channelID, func(ch *channel) { ch.archived = archived })
}

// DeleteChannel removes a channel with everything in it.
func (s *Server) DeleteChannel(channelID string) {
	s.change(channelID, func(*channel) { delete(s.channels, channelID) })
}

func (s *Server) change(channelID string, do func(*channel)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[channelID]; ch != nil {
		do(ch)
		s.touch()
	}
}

func (ch *channel) has(userID string) bool { return slices.Contains(ch.members, userID) }
