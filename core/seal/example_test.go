package seal_test

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/core/seal"
)

func Example() {
	current, old := secret('b'), secret('a') // 32 random bytes each, from the configuration

	yesterday, err := seal.New(rand.Reader, old)
	if err != nil {
		panic(err)
	}
	blob, err := yesterday.Seal([]byte("a signing key"), "signing_keys", "key-1", "private")
	if err != nil {
		panic(err)
	}

	today, err := seal.New(rand.Reader, current, old)
	if err != nil {
		panic(err)
	}
	if today.NeedsReseal(blob) {
		if blob, err = today.Reseal(blob, "signing_keys", "key-1", "private"); err != nil {
			panic(err)
		}
	}
	plaintext, err := today.Open(blob, "signing_keys", "key-1", "private")
	fmt.Printf("%s %v\n", plaintext, err)

	_, err = today.Open(blob, "signing_keys", "key-2", "private")
	fmt.Println(errors.Is(err, seal.ErrCorrupt))
	// Output:
	// a signing key <nil>
	// true
}

func ExampleKeyring_Subkeys() {
	keys, err := seal.New(rand.Reader, secret('b'), secret('a'))
	if err != nil {
		panic(err)
	}
	makeWith, accept := keys.Subkey("one-time-codes"), keys.Subkeys("one-time-codes")
	fmt.Println(len(accept), accept[0] == makeWith)
	// Output: 2 true
}
