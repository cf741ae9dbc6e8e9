// Package apiclient is a client of the API in Go, as oapi-codegen makes it of
// api/openapi.yaml for anyone, and in testdata a caller of the TypeScript types
// that openapi-typescript makes of it. It is for tests only: they show that the
// specification is good for clients in both languages.
package apiclient

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config client.yaml ../../api/openapi.yaml
