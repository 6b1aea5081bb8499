package interchange

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar gives a progress function that draws on a terminal, or nil when f is none,
// so that logs and pipes stay clean.
func Bar(f *os.File) func(done, total int) {
	if f == nil || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int) {
		if bar == nil {
			bar = progressbar.NewOptions(total,
				progressbar.OptionSetWriter(f), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
				progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
		}
		// A bar that cannot be drawn is no reason to stop an import.
		_ = bar.Set(done)
	}
}
