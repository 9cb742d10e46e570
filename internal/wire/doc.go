// Package wire holds the HTTP conventions that every endpoint of OneAuth shares: how bodies are read, errors and JSON
// answers written, credentials taken from a request, and how a return path, a client address and the origin of a
// request are judged. It knows no endpoint and no store.
package wire
