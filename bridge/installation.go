package bridge

import (
	"encoding/json"
	"log/slog"
	"time"
)

// WholeOrganisation stands for every workspace of an organisation, in the place of
// one in an Installation.
const WholeOrganisation = "*"

// Installation is an app as a workspace granted it, or an organisation for all of
// its workspaces. It is a value: who changes one stores another over it. Printed or
// logged, it shows no secret.
type Installation struct {
	Platform   string `json:"platform"`             // "slack"
	Enterprise string `json:"enterprise,omitempty"` // the organisation, "" for none
	Team       string `json:"team"`                 // the workspace, or WholeOrganisation
	Name       string `json:"name,omitempty"`       // of the workspace or organisation

	Teams []string `json:"teams,omitempty"` // of WholeOrganisation: the workspaces that it is known to serve

	App       string    `json:"app,omitempty"`      // the app's id
	BotUser   string    `json:"bot_user,omitempty"` // its user there
	BotID     string    `json:"bot_id,omitempty"`
	Scopes    []string  `json:"scopes,omitempty"` // that were granted
	Installer Person    `json:"installer,omitzero"`
	Installed time.Time `json:"installed,omitzero"` // by the platform's clock

	Ended time.Time `json:"ended,omitzero"` // when its tokens were erased; zero: it is there
	Why   string    `json:"why,omitempty"`  // the platform's word for it

	Bot     string    `json:"-"`                 // the token
	Refresh string    `json:"-"`                 // buys the next one, once; "" where tokens don't rotate
	Expires time.Time `json:"expires,omitzero"`  // of Bot; zero: never
	Renewer string    `json:"renewer,omitempty"` // the process that buys the next one
	Renewal time.Time `json:"renewal,omitzero"`  // until when it alone may

	Rev uint64 `json:"-"` // of the store; 0 for one that is not stored yet

	// Sealed are the secrets as they are stored. Where it is set, this process can't
	// open them.
	Sealed string `json:"sealed,omitempty"`

	newer Newer // fields that this version does not know
}

// plainInstallation is an Installation without its ways to be written and read.
type plainInstallation Installation

// MarshalJSON writes the record with the fields that came from a newer version.
func (i Installation) MarshalJSON() ([]byte, error) { return i.newer.Onto(plainInstallation(i)) }

// UnmarshalJSON reads the record and keeps the fields that it does not know.
func (i *Installation) UnmarshalJSON(data []byte) error {
	var plain plainInstallation
	if err := json.Unmarshal(data, &plain); err != nil {
		return err
	}
	newer, err := NewerThan[plainInstallation](data)
	plain.newer = newer
	*i = Installation(plain)
	return err
}

// Inherit takes over from the record that this one is stored over what the grant says
// nothing of, and what a newer version wrote there.
func (i *Installation) Inherit(old Installation) {
	i.Rev, i.Teams, i.newer = old.Rev, old.Teams, old.newer
}

// Live reports that the app is installed and its token can be used.
func (i Installation) Live() bool { return i.Ended.IsZero() && i.Bot != "" }

// String names the installation.
func (i Installation) String() string {
	if i.Enterprise == "" {
		return i.Platform + " " + i.Team
	}
	return i.Platform + " " + i.Enterprise + " " + i.Team
}

// GoString is String, so that no verb prints a token.
func (i Installation) GoString() string { return i.String() }

// LogValue is String, for logs.
func (i Installation) LogValue() slog.Value { return slog.StringValue(i.String()) }
