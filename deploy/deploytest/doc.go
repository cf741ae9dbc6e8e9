// Package deploytest holds the tests of what stands in deploy/ and of
// docs/runbook.md: the files themselves, then, where the tools are there, what
// promtool, a real Prometheus, kustomize, systemd and others say of them. It
// knows the gateway as a program, not as packages.
package deploytest
