package audit

import (
	"encoding/csv"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/prassi-cms/prassi/internal/csvcell"
)

// timeLayout shows every time with the same width.
const timeLayout = "2006-01-02T15:04:05.000Z"

// CSVHeader names the columns of WriteCSV: the fields of an Entry, then one
// column a detail.
var CSVHeader = slices.Concat(
	[]string{"subject", "number", "at", "actor", "on_behalf_of", "grant", "via", "trace", "action"},
	DetailKeys,
	[]string{"prev", "hash"},
)

// WriteCSV writes entries as CSV (RFC 4180) with a header row, for spreadsheets:
// cells that a spreadsheet would take for a formula are made text. It stops at
// the first error of entries or w.
func WriteCSV(w io.Writer, entries iter.Seq2[Entry, error]) error {
	out := csv.NewWriter(w)
	if err := out.Write(CSVHeader); err != nil {
		return err
	}
	for e, err := range entries {
		if err != nil {
			return err
		}
		row := []string{e.Subject, strconv.FormatInt(e.Number, 10), e.At.UTC().Format(timeLayout), e.Actor, e.OnBehalfOf, e.Grant, e.Via, e.Trace, e.Action}
		for _, key := range DetailKeys {
			row = append(row, e.Details[key])
		}
		row = append(row, e.Prev, e.Hash)
		for i := range row {
			row[i] = csvcell.Safe(row[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteJSONL writes entries as JSON Lines, each line as it is stored: whoever has
// the file can check the hashes. It stops at the first error of entries or w.
func WriteJSONL(w io.Writer, entries iter.Seq2[Entry, error]) error {
	for e, err := range entries {
		if err != nil {
			return err
		}
		if _, err := w.Write(append(e.encode(), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// Each makes a sequence of a slice, for WriteCSV and WriteJSONL.
func Each(entries []Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}
