// Package keyring keeps the credential of a [client.Client] in the keyring of the operating system: Keychain on macOS,
// Credential Manager on Windows, and elsewhere whoever answers as the Secret Service on the session bus, such as GNOME Keyring,
// KWallet and KeePassXC.
//
//	store, err := keyring.New("example-cli", "https://app.example", keyring.Options{})
//	c, err := client.New("https://app.example", client.WithStore(store))
//
// The keyring protects the credential while its owner is not signed in to the machine, and in its backups. It does not protect
// it from other programs of the same person: those may ask the keyring too.
//
// # Where there is no keyring
//
// A server, a container or a session by ssh has none, or one that nobody can unlock. Then every call fails with
// [ErrUnavailable]; nothing is ever written anywhere else instead. A program that prefers a file in that case says so itself:
//
//	if _, err := store.Load(ctx); errors.Is(err, keyring.ErrUnavailable) {
//		store, err = client.NewFileStore(path)
//	}
//
// # Processes
//
// Keyrings have no locks, so processes take turns by a lock file, which holds nothing. They share a credential when they have
// the same keyring, names and lock file.
package keyring
