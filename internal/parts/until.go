package parts

import (
	"testing"
	"time"
)

// Until asks every few milliseconds whether something that other processes do is done. After a minute the test fails.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("not within a minute: " + what)
		}
	}
}
