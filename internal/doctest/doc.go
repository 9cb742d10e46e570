// Package doctest holds the documents to what the code does: the endpoints and errors in docs/openapi.yaml and
// docs/errors.md, the programs in every document, the tests that docs/security.md and NEXT_STEPS.md name, and the links
// between the documents. It has nothing but tests.
package doctest
