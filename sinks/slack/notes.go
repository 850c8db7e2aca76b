package slack

import "context"

// ownNotes are Notes of this process alone, for a sink that was given none.
type ownNotes struct{ of *memory[[]byte] }

func (n *ownNotes) Note(_ context.Context, key string) ([]byte, error) {
	value, _ := n.of.get(key)
	return value, nil
}

func (n *ownNotes) PutNote(_ context.Context, key string, value []byte) error {
	n.of.put(key, value)
	return nil
}

func (n *ownNotes) CreateNote(_ context.Context, key string, value []byte) (bool, error) {
	return n.of.create(key, value), nil
}
