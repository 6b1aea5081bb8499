//go:build race

package markdown

// slowdown is how much slower the race detector makes a single goroutine:
// tests of speed take inputs shorter by it.
const slowdown = 8
