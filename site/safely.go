package site

import (
	"fmt"
	"runtime/debug"
)

// safely is do, for a goroutine of a build: a fault of the program in one page is an
// error of that build, for a panic there would end the server and all else it does.
func (s *Site) safely(do func() error) func() error {
	return func() (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				s.log.Error("panic", "cause", cause, "stack", string(debug.Stack()))
				err = fmt.Errorf("panic: %v", cause)
			}
		}()
		return do()
	}
}
