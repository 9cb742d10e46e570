package file_test

import (
	"os"
	"strconv"
)

// rounds says how often to repeat a test that crashes at a random moment: ONEAUTH_TEST_ROUNDS (200 before a release), or
// else the given number.
func rounds(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("ONEAUTH_TEST_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return otherwise
}
