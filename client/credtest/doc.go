// Package credtest is the suite of tests that every [client.Store] passes: what it keeps, that Updates take turns in one process
// and in many, that a process which is killed loses nothing, and that clients which share it refresh once per expiry. Whoever
// writes a store runs it from the tests of the store:
//
//	func open(place string) (client.Store, error) { return newStore(place) }
//
//	func TestMain(m *testing.M) {
//		credtest.Work(open)
//		os.Exit(m.Run())
//	}
//
//	func TestStore(t *testing.T) {
//		credtest.Run(t, credtest.Suite{Open: open, Place: func(t testing.TB) string { return t.TempDir() }})
//	}
//
// The tests with several processes start the test's own program again, which Work is for.
// STORETEST_KILLS says how often a process is killed, 3 times by default.
package credtest
