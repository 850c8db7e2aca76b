package bus

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"
)

// Names of the credential files in <data>/nats.
const (
	AdminFile      = "admin.creds.json"
	SubscriberFile = "subscriber.creds.json"
)

// subscriberName is the durable consumer, user and inbox suffix of the first
// third-party subscriber.
const subscriberName = "subscriber"

// Credentials is the content of a credential file of the embedded server.
type Credentials struct {
	URL      string `json:"url"` // empty when the server listens to nobody
	User     string `json:"user"`
	Password string `json:"password"`
	Inbox    string `json:"inbox"`   // prefix of the reply subjects this user may listen on
	Stream   string `json:"stream"`  // where the events are
	Durable  string `json:"durable"` // the consumer made for this user, "" for the admin
}

// ReadCredentials reads a credential file as the embedded server writes it.
func ReadCredentials(file string) (Credentials, error) {
	var c Credentials
	text, err := os.ReadFile(file)
	if err != nil {
		return c, stateOf(Forbidden, err, "the NATS credentials file %s can't be read. Is a bridge running on this data folder?", file)
	}
	if err := json.Unmarshal(text, &c); err != nil || c.User == "" || c.Password == "" {
		return c, stateOf(Forbidden, nil, "%s is no credentials file of a bridge. Remove it and start the bridge again.", file)
	}
	return c, nil
}

// keepCredentials returns the user's credentials from the file in dir, making
// them on the first start: subscribers keep theirs over restarts.
func keepCredentials(dir, name string, fresh Credentials) (Credentials, error) {
	file := filepath.Join(dir, name)
	kept, err := ReadCredentials(file)
	switch {
	case err == nil:
		fresh.Password = kept.Password
	case errors.Is(err, fs.ErrNotExist):
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails (crypto/rand)
		fresh.Password = base64.RawURLEncoding.EncodeToString(secret)
	default:
		return fresh, err
	}
	return fresh, nil
}

// writeCredentials stores the file for its owner alone, whole or not at all.
func writeCredentials(dir, name string, c Credentials) error {
	text, err := json.MarshalIndent(c, "", "  ") //nolint:gosec // the file is where the password lives
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	next := filepath.Join(dir, name+".new")
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return folderError(dir, err)
	}
	if err := os.WriteFile(next, append(text, '\n'), 0o600); err != nil {
		return folderError(dir, err)
	}
	if err := os.Rename(next, filepath.Join(dir, name)); err != nil {
		return folderError(dir, err)
	}
	return nil
}

// user makes the server's side of credentials. The password is 32 random bytes,
// which nobody guesses, so the cheapest hash will do.
func (c Credentials) user(p *server.Permissions) (*server.User, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(c.Password), bcrypt.MinCost)
	if err != nil {
		return nil, fmt.Errorf("hash the password of %s: %w", c.User, err)
	}
	return &server.User{Username: c.User, Password: string(hash), Permissions: p}, nil
}

// subscriberPermissions let a third party read through the one durable that the
// bridge made for it, and see the republished events; nothing else. Users who may
// create consumers could make one that pushes anywhere.
func subscriberPermissions() *server.Permissions {
	on := streamEvents + "." + subscriberName
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			"$JS.API.CONSUMER.INFO." + on, "$JS.API.CONSUMER.MSG.NEXT." + on,
			"$JS.API.CONSUMER.RESET." + on, "$JS.ACK." + on + ".>",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_" + subscriberName + ".>", "ia.event.>"}},
	}
}
