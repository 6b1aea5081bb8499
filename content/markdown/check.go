package markdown

import "unicode/utf8"

// Check says whether Render would accept the source, for a part of its cost. Its
// errors are Render's.
func Check(src []byte, opt Options) error {
	_, err := read(src, opt)
	return err
}

// read parses the source within the bounds.
func read(src []byte, opt Options) (*document, error) {
	limit := opt.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxBytes
	}
	if len(src) > limit {
		return nil, tooLarge(limit)
	}
	if !utf8.Valid(src) {
		return nil, &Error{Code: "invalid_utf8", Line: invalidLine(src), err: ErrInvalidUTF8}
	}
	root, err := parse(src)
	if err != nil {
		return nil, err
	}
	d := &document{src: src, root: root, words: labelsFor(opt.Locale)}
	d.untag()
	return d, d.measure()
}
