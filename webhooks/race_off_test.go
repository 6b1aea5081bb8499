//go:build !race

package webhooks

// raced says that the race detector watches: all is several times as slow.
const raced = false
