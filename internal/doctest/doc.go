// Package doctest holds the documents to what the code does: the endpoints and errors in docs/openapi.yaml and
// docs/errors.md, every block of code (compiled, or run with its output compared; docs/start.md is typed as a reader would),
// the tests that docs/security.md and NEXT_STEPS.md name, docs/llms.txt, and the links between the documents. It has nothing
// but tests.
package doctest
