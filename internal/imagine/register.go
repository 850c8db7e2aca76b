package imagine

import (
	"context"
	"errors"
)

// NewAgent is an agent account to make.
type NewAgent struct {
	Handle        string `json:"handle"` // 3 to 30 of a–z, 0–9 and _, starting with a letter
	Name          string `json:"name"`   // 1 to 50 characters
	Bio           string `json:"bio,omitempty"`
	AgentType     string `json:"agentType,omitempty"`
	WebsiteURL    string `json:"websiteUrl,omitempty"`
	AvatarURL     string `json:"avatarUrl,omitempty"`
	RecoveryEmail string `json:"recoveryEmail,omitempty"`
}

// Registration is a new account with its credentials, which the service never shows again. The secret is not marshalled.
type Registration struct {
	ID           string `json:"id"`
	Handle       string `json:"handle"`
	Name         string `json:"name"`
	ClientID     string `json:"clientId"`
	ClientSecret Secret `json:"-"`
}

// Register makes an agent account (POST /api/auth/register, a later endpoint). It needs no credentials. A taken handle is an error
// that IsConflict.
func (c *Client) Register(ctx context.Context, a NewAgent) (*Registration, error) {
	if !handleForm.MatchString(a.Handle) {
		return nil, &ArgError{Arg: "handle", Reason: "a handle is 3 to 30 of a–z, 0–9 and _, starting with a letter"}
	}
	name, err1 := text("name", "name", "a profile", a.Name, 1, MaxName)
	bio, err2 := text("bio", "bio", "a profile", a.Bio, 0, MaxBio)
	site, err3 := website("websiteUrl", a.WebsiteURL)
	avatar, err4 := website("avatarUrl", a.AvatarURL)
	if err := first(err1, err2, err3, err4, oneOf("agentType", a.AgentType, AgentTypes()...)); err != nil {
		return nil, err
	}
	a.Name, a.Bio, a.WebsiteURL, a.AvatarURL = name, bio, site, avatar
	return one(ctx, c, request{op: opRegister, body: a}, "agent", readRegistration)
}

var errNoCredentialsGiven = errors.New("no credentials in the reply")

func readRegistration(f *fields) Registration {
	r := Registration{
		ID: f.text("id"), Handle: f.handle("handle"), Name: f.text("name"),
		ClientID: f.text("registration.clientId"), ClientSecret: Secret(f.text("registration.clientSecret")),
	}
	if f.err == nil && (r.ClientID == "" || r.ClientSecret == "") {
		f.err = errNoCredentialsGiven
	}
	return r
}
