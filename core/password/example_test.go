package password_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/oneauth-go/oneauth/core/password"
)

func Example() {
	ctx := context.Background()
	hasher, err := password.NewHasher(password.DefaultParams(), password.Limits{}, rand.Reader)
	if err != nil {
		panic(err)
	}
	policy := password.DefaultPolicy()

	// Sign-up: judge, then hash.
	err = policy.Check("alice@example.com", password.Alone, "alice@example.com")
	var refused *password.PolicyError
	if errors.As(err, &refused) {
		fmt.Println(refused.Reason)
	}
	if err := policy.Check("purple-otter-sings-at-dawn", password.Alone, "alice@example.com"); err != nil {
		panic(err)
	}
	stored, err := hasher.Hash(ctx, "purple-otter-sings-at-dawn")
	if err != nil {
		panic(err)
	}

	// Sign-in: verify, and hash again where that is due.
	ok, rehash, err := hasher.Verify(ctx, stored, "purple-otter-sings-at-dawn")
	fmt.Println(ok, rehash, err)

	// Sign-in to an account that does not exist: the same work.
	fmt.Println(hasher.VerifyDummy(ctx, "purple-otter-sings-at-dawn"))
	// Output:
	// contains_context
	// true false <nil>
	// <nil>
}

func ExampleHasher_Verify_imported() {
	ctx := context.Background()
	hasher, err := password.NewHasher(password.DefaultParams(), password.Limits{}, rand.Reader)
	if err != nil {
		panic(err)
	}
	imported := "pbkdf2_sha256$1000$seasalt$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A="
	fmt.Println(password.Importable(imported))
	fmt.Println(hasher.Verify(ctx, imported, "lètmein"))
	// Output:
	// <nil>
	// true true <nil>
}

func ExampleStrength() {
	fmt.Println(password.Strength("passwordpassword").Score, password.Strength("purple-otter-sings-at-dawn").Score)
	// Output: 0 4
}
