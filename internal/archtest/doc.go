// Package archtest keeps the architecture true: which room of the module may import what, where time and randomness
// come from, which modules the root go.mod may require, and how long a file may be. docs/architecture.md explains the
// rules to people; rooms.go and sources.go are the rules.
//
// To break a rule on purpose, change the table in the same commit and say why in it.
package archtest
