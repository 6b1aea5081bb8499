//go:build !linux

package interchange

func exchange(a, b string) error { return swapByRename(a, b) }
