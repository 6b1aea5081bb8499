//go:build race

package content_test

// racing: the race detector looks on, and everything takes ten times as long.
const racing = true
