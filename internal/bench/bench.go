// Package bench compares the gateway with what does the same job with less:
// it holds only benchmarks, whose table docs/performance.md explains. They
// run the real program, and know of its insides no more than its settings.
package bench
