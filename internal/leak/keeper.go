package leak

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// keeper collects what is written and the secrets that must not be in it. Its
// zero value is ready.
type keeper struct {
	mu      sync.Mutex
	written map[string]*bytes.Buffer // by the stream's name
	secrets map[string]string        // where each was told of
}

func (k *keeper) add(secret, place string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.secrets == nil {
		k.secrets = map[string]string{}
	}
	if _, known := k.secrets[secret]; !known {
		k.secrets[secret] = place
	}
}

// stream is one place to write to.
type stream struct {
	keeper *keeper
	name   string
}

func (k *keeper) stream(name string) io.Writer { return stream{k, name} }

func (s stream) Write(p []byte) (int, error) {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	if s.keeper.written == nil {
		s.keeper.written = map[string]*bytes.Buffer{}
	}
	b := s.keeper.written[s.name]
	if b == nil {
		b = new(bytes.Buffer)
		s.keeper.written[s.name] = b
	}
	return b.Write(p)
}

// tee lets everything that is written to os.Stdout and os.Stderr pass through
// the keeper, until end is called. The trace of a panic does not: the runtime
// writes it itself, and the run has failed.
func (k *keeper) tee() (end func(), err error) {
	var ends []func()
	end = func() {
		for _, e := range ends {
			e()
		}
	}
	for _, s := range []struct {
		name string
		file **os.File
	}{{"standard output", &os.Stdout}, {"standard error", &os.Stderr}} {
		real := *s.file
		reader, writer, err := os.Pipe()
		if err != nil {
			end()
			return nil, err
		}
		*s.file = writer
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(io.MultiWriter(k.stream(s.name), real), reader)
			_, _ = io.Copy(real, reader) // should the keeper fail, nobody must wait
		}()
		ends = append(ends, func() {
			*s.file = real
			writer.Close()
			<-done
			reader.Close()
		})
	}
	return end, nil
}

// search returns one sentence for each secret in each line of what was written,
// without the secret.
func (k *keeper) search() (found []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	net := newNet(k.secrets)
	for name, b := range k.written {
		text := b.Bytes()
		hits := net.search(text)
		said := map[string]bool{}
		for _, h := range hits {
			line := 1 + bytes.Count(text[:h.from], []byte("\n"))
			what := fmt.Sprintf("%s, line %d: %s, after %q", name, line, h.what, masked(text, hits, h.from))
			if !said[what] {
				said[what] = true
				found = append(found, what)
			}
		}
	}
	slices.Sort(found)
	return found
}

// masked is what stands on the line before a place, without the secrets in it.
func masked(text []byte, hits []hit, to int) string {
	from := bytes.LastIndexByte(text[:to], '\n') + 1
	from = max(from, to-200)
	var out strings.Builder
	for _, h := range hits {
		if h.to > from && h.from < to {
			if h.from > from {
				out.Write(text[from:h.from])
			}
			out.WriteString("[secret]")
			from = h.to
		}
	}
	if from < to {
		out.Write(text[from:to])
	}
	return out.String()
}
