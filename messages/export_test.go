package messages

// Sentence is what a message is made of, for the tests of all messages.
type Sentence struct {
	Title  string
	Parts  []string // the literal text of each part
	Params []string // in order, with ":size" or ":time" where it is shown so
}

// Sentences gives the messages of one language.
func Sentences(tag string) map[string]Sentence {
	out := map[string]Sentence{}
	for code, m := range catalogs()[tag].messages {
		s := Sentence{Title: m.title}
		for _, p := range m.parts {
			s.Parts = append(s.Parts, p.text)
			for _, name := range p.params {
				n := name.name
				if name.form != "" {
					n += ":" + name.form
				}
				s.Params = append(s.Params, n)
			}
		}
		if len(m.parts) == 0 {
			s.Parts = []string{m.text}
		}
		out[code] = s
	}
	return out
}

// Words gives how one language calls values: "parameter.value" → word.
func Words(tag string) map[string]string {
	out := map[string]string{}
	for name, values := range catalogs()[tag].words {
		for value, word := range values {
			out[name+"."+value] = word
		}
	}
	return out
}

// Joins gives the joints of lists of one language.
func Joins(tag string) (separator, last string) {
	return catalogs()[tag].list.separator, catalogs()[tag].list.last
}

// Parse reads one sentence.
func Parse(s string) error {
	_, err := parse(s)
	return err
}

// Workflows are those whose labels are used.
var Workflows = workflows
