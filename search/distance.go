package search

// TyposAllowed is how many typos a word may have and still be found: none in
// words of up to three letters or with a digit, one up to seven, two beyond.
// Engines set their own limits by it.
func TyposAllowed(term string) int {
	n := 0
	for _, r := range term {
		if r >= '0' && r <= '9' || ideograph(r) {
			return 0
		}
		n++
	}
	switch {
	case n < OneTypo:
		return 0
	case n < TwoTypos:
		return 1
	}
	return 2
}

// The lengths, in letters, from which a word may have one typo and two.
const (
	OneTypo  = 4
	TwoTypos = 8
)

// Distance is the number of letters to insert, delete, replace or swap with
// their neighbour (restricted Damerau-Levenshtein) to make b of a, or limit+1
// when it is more than limit. With prefix, the beginning of b that is nearest
// to a counts.
func Distance(a, b []rune, limit int, prefix bool) int {
	if len(a)-len(b) > limit || !prefix && len(b)-len(a) > limit {
		return limit + 1
	}
	if prefix && len(b) > len(a)+limit {
		b = b[:len(a)+limit]
	}
	if len(a) > maxTerm || len(b) > maxTerm+2 {
		return limit + 1
	}
	var rows [3][maxTerm + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(a) + 1 {
		last[j] = j
	}
	best := last[len(a)]
	for i := 1; i <= len(b); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(a); j++ {
			cost := 1
			if a[j-1] == b[i-1] {
				cost = 0
			}
			d := min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[j-1] == b[i-2] && a[j-2] == b[i-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least > limit && (!prefix || best > limit) {
			return limit + 1
		}
		best = min(best, row[len(a)])
		before, last, row = last, row, before
	}
	if !prefix {
		best = last[len(a)]
	}
	return min(best, limit+1)
}
