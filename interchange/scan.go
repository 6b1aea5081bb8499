package interchange

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// chunk is the text of one variant inside a file.
type chunk struct {
	data []byte
	// line and column are the place of data's first byte.
	line, column int
	offset       int64
}

// splitter reads a file once, from front to back, and hands out the text of one
// item after the other without holding more than one. Nothing is parsed here
// beyond what finding the end of an item needs.
type splitter struct {
	r      *bufio.Reader
	buf    []byte
	offset int64 // of the next byte
	line   int   // of the next byte
	column int
	over   bool // the item at hand is longer than MaxItem
}

// newSplitter starts after a byte-order mark, if there is one.
func newSplitter(r io.Reader) *splitter {
	s := &splitter{r: bufio.NewReaderSize(r, 64<<10), line: 1, column: 1}
	if head, err := s.r.Peek(len(byteOrderMark)); err == nil && bytes.Equal(head, byteOrderMark) {
		n, _ := s.r.Discard(len(head))
		s.offset = int64(n)
	}
	return s
}

// next takes one byte into the item at hand.
func (s *splitter) next(keep bool) (byte, error) {
	c, err := s.r.ReadByte()
	if err == nil {
		s.taken(c, keep)
	}
	return c, err
}

// taken counts a byte that was read.
func (s *splitter) taken(c byte, keep bool) {
	s.offset++
	switch {
	case c == '\n':
		s.line, s.column = s.line+1, 1
	case c&0xc0 != 0x80: // columns count characters
		s.column++
	}
	if keep {
		if len(s.buf) < MaxItem {
			s.buf = append(s.buf, c)
		} else {
			s.over = true
		}
	}
}

// begin starts an item at the present position.
func (s *splitter) begin() chunk {
	s.buf, s.over = s.buf[:0], false
	return chunk{line: s.line, column: s.column, offset: s.offset}
}

// finish completes the item. Its data is only good until the next one begins.
func (s *splitter) finish(c chunk) (chunk, *fault) {
	if s.over {
		return c, faultAt(place{c.line, c.column}, CodeItemTooLong, "max", MaxItem)
	}
	c.data = s.buf
	return c, nil
}

// hand hands out the line or row at hand, unless it is blank.
func (s *splitter) hand(c chunk, yield func(chunk, *fault) error) error {
	if len(bytes.TrimSpace(s.buf)) == 0 && !s.over {
		return nil
	}
	return yield(s.finish(c))
}

// lines hands out every line that is not blank.
func (s *splitter) lines(yield func(chunk, *fault) error) error {
	for {
		c := s.begin()
		// Whole pieces at a time: this is the path of large imports.
		var err error
		for {
			var piece []byte
			piece, err = s.r.ReadSlice('\n')
			s.offset += int64(len(piece))
			if room := MaxItem + 1 - len(s.buf); len(piece) > room {
				s.over = true
				piece = piece[:max(room, 0)]
			}
			s.buf = append(s.buf, piece...)
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		s.line++
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if stop := s.hand(c, yield); stop != nil || err != nil {
			return stop
		}
	}
}

// elements hands out the one object of a JSON file, or the elements of its array.
func (s *splitter) elements(yield func(chunk, *fault) error) error {
	c, err := s.skip()
	if err != nil {
		return ignoreEOF(err)
	}
	wrong := func(detail string) error {
		return yield(chunk{line: s.line, column: s.column}, faultAt(place{s.line, s.column}, CodeSyntax, "notation", "JSON", "detail", detail))
	}
	if c != '[' {
		if err := s.element(yield); err != nil {
			return err
		}
		if _, err := s.skip(); err == nil {
			return wrong("text after the value")
		}
		return nil
	}
	if err := s.array(yield); err != nil {
		return err
	}
	if _, err := s.skip(); err == nil {
		return wrong("text after the array")
	}
	return nil
}

// array hands out the elements of the array that begins here.
func (s *splitter) array(yield func(chunk, *fault) error) error {
	wrong := func(detail string) error {
		err := yield(chunk{line: s.line, column: s.column}, faultAt(place{s.line, s.column}, CodeSyntax, "notation", "JSON", "detail", detail))
		return cmp.Or(err, errStop)
	}
	if _, err := s.next(false); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := s.skip()
		if err != nil {
			return wrong("the array is not closed")
		}
		switch {
		case c == ']':
			_, err := s.next(false)
			return err
		case !first && c != ',':
			return wrong("a comma or ] was expected")
		case !first:
			if _, err := s.next(false); err != nil {
				return err
			}
			if c, err = s.skip(); err != nil || c == ']' {
				return wrong("a value was expected")
			}
		}
		if err := s.element(yield); err != nil {
			return err
		}
	}
}

// skip passes over white space and peeks at what follows.
func (s *splitter) skip() (byte, error) {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, s.r.UnreadByte()
		}
		s.offset++
		s.column++
		if c == '\n' {
			s.line, s.column = s.line+1, 1
		}
	}
}

// element hands out one JSON value by counting brackets outside strings.
func (s *splitter) element(yield func(chunk, *fault) error) error {
	item := s.begin()
	depth, inText, escaped := 0, false, false
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			break
		}
		if !inText && depth == 0 && len(s.buf) > 0 && (c == ',' || c == ']' || c == '}' || c <= ' ') {
			if err := s.r.UnreadByte(); err != nil {
				return err
			}
			break
		}
		s.taken(c, true)
		switch {
		case escaped:
			escaped = false
		case inText:
			inText = c != '"'
			escaped = c == '\\'
		case c == '"':
			inText = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 && (c == '}' || c == ']') && !inText {
			break
		}
	}
	return yield(s.finish(item))
}

// records hands out the rows of a CSV file, the header first.
func (s *splitter) records(yield func(chunk, *fault) error) error {
	for {
		item := s.begin()
		quoted := false
		var err error
		for {
			var c byte
			c, err = s.next(true)
			if err != nil {
				break
			}
			if c == '"' {
				quoted = !quoted
			}
			if c == '\n' && !quoted {
				break
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if stop := s.hand(item, yield); stop != nil || err != nil {
			return stop
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// csvHeader is the first row of a CSV file.
type csvHeader struct {
	comma rune
	keys  []string
	at    []place
}

// readHeader reads the header row and guesses the separator by it: Italian
// spreadsheets write semicolons.
func readHeader(c chunk) (*csvHeader, *fault) {
	if bad := checkText(c.data, c.line); bad != nil {
		return nil, bad
	}
	h := &csvHeader{comma: ','}
	most := 0
	for _, comma := range []rune{',', ';', '\t'} {
		if n := bytes.Count(c.data, []byte(string(comma))); n > most {
			h.comma, most = comma, n
		}
	}
	cells, at, bad := readRow(c, h.comma)
	if bad != nil {
		return nil, bad
	}
	for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	seen := map[string]bool{}
	for i, key := range cells {
		key = strings.TrimSpace(key)
		switch {
		case key == "":
			return nil, faultAt(at[i], CodeCSVHeader)
		case seen[key]:
			return nil, faultAt(at[i], CodeDuplicateKey, "key", key)
		}
		seen[key] = true
		h.keys = append(h.keys, key)
	}
	h.at = at[:len(h.keys)]
	if len(h.keys) == 0 {
		return nil, faultAt(place{c.line, c.column}, CodeCSVHeader)
	}
	return h, nil
}

// readRow reads one row (RFC 4180) and says where each cell stands.
func readRow(c chunk, comma rune) ([]string, []place, *fault) {
	r := csv.NewReader(bytes.NewReader(c.data))
	r.Comma = comma
	r.FieldsPerRecord = -1
	cells, err := r.Read()
	if err != nil {
		at, detail := place{c.line, c.column}, "an empty row"
		if p, ok := errors.AsType[*csv.ParseError](err); ok {
			at, detail = place{c.line + p.Line - 1, p.Column}, p.Err.Error()
		}
		return nil, nil, faultAt(at, CodeSyntax, "notation", "CSV", "detail", detail)
	}
	// Columns of the reader are bytes; count characters on from cell to cell.
	lines := bytes.Split(c.data, []byte{'\n'})
	places := make([]place, len(cells))
	last, from, count := 0, 0, 0
	for i := range cells {
		line, column := r.FieldPos(i)
		if line != last {
			last, from, count = line, 0, 0
		}
		text := lines[line-1]
		to := max(from, min(column-1, len(text)))
		count += utf8.RuneCount(text[from:to])
		from = to
		places[i] = place{c.line + line - 1, count + 1}
	}
	return cells, places, nil
}

// row makes an object of a row. A dot in a column's name makes a part of a
// structured value: place.lat. An empty cell says nothing.
func (h *csvHeader) row(c chunk) (node, *fault) {
	cells, at, bad := readRow(c, h.comma)
	if bad != nil {
		return node{}, bad
	}
	root := node{kind: objectNode, at: place{c.line, c.column}}
	for i, cell := range cells {
		if strings.TrimSpace(cell) == "" {
			continue
		}
		if i >= len(h.keys) {
			return node{}, faultAt(at[i], CodeSyntax, "notation", "CSV", "detail", "more cells than columns")
		}
		n := &root
		steps := strings.Split(h.keys[i], ".")
		if len(steps) > MaxDepth {
			return node{}, faultAt(h.at[i], CodeTooDeep, "max", MaxDepth)
		}
		for j, step := range steps {
			p := n.get(step)
			if p == nil {
				n.pairs = append(n.pairs, pair{key: step, at: at[i]})
				p = &n.pairs[len(n.pairs)-1]
				if j < len(steps)-1 {
					p.value = node{kind: objectNode, at: at[i]}
				}
			}
			n = &p.value
			if n.kind == scalarNode {
				return node{}, faultAt(at[i], CodeKeyTwice, "key", h.keys[i], "other", step)
			}
		}
		if n.kind == objectNode {
			return node{}, faultAt(at[i], CodeKeyTwice, "key", h.keys[i], "other", h.keys[i])
		}
		*n = scalar(unguard(cell), at[i])
	}
	return root, nil
}
