// Package doctest keeps the documents true. It runs every command of README.md
// and docs/*.md, compares what they show with what is printed, and compares
// their tables with the program. It has only tests and knows the gateway as
// its users do: by its program, its routes and its documents.
package doctest
