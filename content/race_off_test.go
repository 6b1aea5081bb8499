//go:build !race

package content_test

const racing = false
