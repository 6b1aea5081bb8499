package hours

import (
	"encoding/binary"
	"errors"
)

// The compact form: the number of rows, and for each row a byte of flags, a byte
// of days, two bytes each of opens and closes when it opens, and the dates that
// its flags name. Numbers without a size here are varints of encoding/binary.
const (
	flagClosed = 1 << iota
	flagHolidays
	flagFrom
	flagTo
)

// maxRows bounds what ParseBinary takes; a field has far fewer rows.
const maxRows = 1 << 10

// AppendBinary appends the schedule in a compact form, which ParseBinary reads
// back to an equal one. It is for memory, not for files: it has no version. The
// error is always nil (encoding.BinaryAppender).
func (s Schedule) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(s.rows)))
	for _, r := range s.rows {
		var flags byte
		for _, f := range []struct {
			flag byte
			set  bool
		}{{flagClosed, r.closed}, {flagHolidays, r.holidays}, {flagFrom, r.from != firstDay}, {flagTo, r.to != lastDay}} {
			if f.set {
				flags |= f.flag
			}
		}
		b = append(b, flags, r.days)
		if !r.closed {
			b = binary.LittleEndian.AppendUint16(b, uint16(r.opens))
			b = binary.LittleEndian.AppendUint16(b, uint16(r.closes))
		}
		if flags&flagFrom != 0 {
			b = binary.AppendVarint(b, int64(r.from))
		}
		if flags&flagTo != 0 {
			b = binary.AppendVarint(b, int64(r.to))
		}
	}
	return b, nil
}

var errBinary = errors.New("hours: not a schedule in binary form")

// ParseBinary reads what AppendBinary wrote, all of b; nothing is the zero
// Schedule.
func ParseBinary(b []byte) (Schedule, error) {
	if len(b) == 0 {
		return Schedule{}, nil
	}
	n, b, ok := uvarint(b)
	if !ok || n > maxRows || n > uint64(len(b)) {
		return Schedule{}, errBinary
	}
	var s Schedule
	if n > 0 {
		s.rows = make([]row, n)
	}
	for i := range s.rows {
		if len(b) < 2 {
			return Schedule{}, errBinary
		}
		flags := b[0]
		r := row{from: firstDay, to: lastDay, days: b[1], closed: flags&flagClosed != 0, holidays: flags&flagHolidays != 0, dated: flags&(flagFrom|flagTo) != 0}
		b = b[2:]
		if flags >= flagTo<<1 || r.days > allDays {
			return Schedule{}, errBinary
		}
		if !r.closed {
			if len(b) < 4 {
				return Schedule{}, errBinary
			}
			opens, closes := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
			b = b[4:]
			if opens >= 24*60 || closes <= opens || closes > opens+24*60 || r.days == 0 && !r.holidays {
				return Schedule{}, errBinary
			}
			r.opens, r.closes = int16(opens), int16(closes)
		}
		for _, edge := range []struct {
			flag byte
			day  *int32
		}{{flagFrom, &r.from}, {flagTo, &r.to}} {
			if flags&edge.flag == 0 {
				continue
			}
			d, size := binary.Varint(b)
			if size <= 0 || d <= firstDay || d >= lastDay {
				return Schedule{}, errBinary
			}
			*edge.day, b = int32(d), b[size:]
		}
		s.rows[i] = r
	}
	if len(b) > 0 {
		return Schedule{}, errBinary
	}
	return s, nil
}

func uvarint(b []byte) (uint64, []byte, bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, false
	}
	return n, b[size:], true
}
