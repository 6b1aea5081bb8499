package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// language is what search knows of one language. All words are given as they
// are written and folded when the package starts.
type language struct {
	// stop are words that say nothing in a query, but in a phrase.
	stop string
	// prefixes and passes make the stem: of each list at most one rule applies,
	// the first that fits.
	prefixes rules
	passes   []rules
}

// rules are "ending>replacement" or "ending", apart by spaces; min is the number
// of letters that must be left before the ending (after the prefix). An ending
// that replaces itself protects words from the rules after it.
type rules struct {
	min  int
	text string
}

// languages are light: they take inflection away and leave derivation alone, so
// that a stem is close to the word as typed, which typos and prefixes need.
var languages = map[string]language{
	"it": {
		stop: `a ad ai al alla alle allo agli all c che chi ci come con col cui d da dal dalla dalle dallo dai dagli dall
			dei degli del dell della delle dello di dove e ed è gli ha ho i il in io l la le lo ma mi mio mia ne nei negli
			nel nell nella nelle nello non o per perché più quali qual quale quando quanto s se si sono su sui sul sull sulla sulle sugli sullo
			ti tra fra un una uno un' vorrei voglio posso devo serve cerco cosa fare`,
		passes: []rules{
			{3, "trici>tor trice>tor tori>tor tore>tor chi>c che>c ghi>g ghe>g ii io ia ie i e o a"},
		},
	},
	"en": {
		stop: `a am an and any are as at be by can do does for from get has have how i in is it looking me my need of on or s the their
			there to we what when where which who will with you your want`,
		passes: []rules{
			{2, "sses>ss ies>y ches>ch shes>sh xes>x zzes>zz ss>ss us>us is>is s"},
			{3, "ational>ate ingly ing edly ied>y eed>eed ed"},
			{2, "bb>b dd>d gg>g mm>m nn>n pp>p rr>r tt>t e y>i"},
		},
	},
	"fr": {
		stop: `à ai as au aux avec c ce ces cet cette cherche comment d dans de des du elle en est et faire faut il ils j je l la le les leur
			ma me mes mon n ne où ou par pas pour quand que quel quelle quels quelles qui s sa se ses si son sont sur ta te un une vous y`,
		passes: []rules{
			{3, "eaux>eau aux>al oux>ou eux>eur s x"},
			{3, "trice>teur euse>eur ive>if elle>el enne>en ere>er ee>e"},
			{3, "e"},
		},
	},
	"es": {
		stop: `a al busco como cómo con cual cuál cuando cuándo de del donde dónde e el en es está la las le les lo los me mi mis
			necesito no o para pero por puedo que qué quien quién quiero se si sin son su sus te tu un una uno unos unas y ya`,
		passes: []rules{
			{3, "ces>z iones>ion ores>or ales>al eles>el ades>ad s"},
			{3, "triz>tor dora>dor ora>or a e o"},
		},
	},
	"ar": {
		stop:     `من في على إلى عن مع هل ما ماذا كيف أين متى هو هي هذا هذه ذلك تلك التي الذي أو و ثم أن إن كان لا لم لن قد كل أي أنا أبحث`,
		prefixes: rules{3, "وال بال كال فال لل ال و"},
		passes:   []rules{{2, "ها ان ات ون ين ية ه ي"}},
	},
	"bn": {
		stop:   `এবং ও এর এই সেই কি কী কোথায় কিভাবে কীভাবে কখন জন্য থেকে করতে করা হয় আমি আমার আপনার একটি খুঁজছি`,
		passes: []rules{{3, "গুলোর গুলির গুলো গুলি দেরকে দের য়ের ের কে তে টি টা রা ে"}},
	},
	"ur": {
		stop:   `اور کا کی کے میں سے پر کو ہے ہیں یہ وہ کیا کیسے کہاں کب لیے نے تک یا بھی`,
		passes: []rules{{2, "یاں یوں وں یں ے"}},
	},
	"de": {
		stop:   `am an auf aus bei das dem den der des die ein eine einen einer es für ich im in ist mit nach und von vom was wie wo zu zum zur`,
		passes: []rules{{4, "innen ern en er em es e s n"}},
	},
	"pt": {
		stop:   `a ao as com como da das de do dos e em eu na nas no nos o onde os ou para por qual quando que se um uma`,
		passes: []rules{{3, "coes>cao oes>ao ais>al eis>el res>r s"}, {3, "a e o"}},
	},
	"ro": {
		stop:   `a al ale am ce cu cum de din eu în la o pe pentru pot sau se si și un unde unei unui`,
		passes: []rules{{4, "urilor elor ilor ului urile iile uri ile lor ul ii le ei a i e u"}},
	},
}

// rule is one rule ready for use.
type rule struct{ ending, replacement string }

type stemmer struct {
	stop      map[string]bool
	prefixes  []rule
	prefixMin int
	passes    [][]rule
	mins      []int
}

var stemmers = func() map[string]*stemmer {
	out := map[string]*stemmer{}
	for tag, l := range languages {
		s := &stemmer{stop: map[string]bool{}, prefixMin: l.prefixes.min, prefixes: prepare(l.prefixes)}
		for _, t := range Tokens(nil, l.stop) {
			s.stop[t.Term] = true
		}
		for _, pass := range l.passes {
			s.passes = append(s.passes, prepare(pass))
			s.mins = append(s.mins, pass.min)
		}
		out[tag] = s
	}
	return out
}()

func prepare(r rules) (out []rule) {
	for _, word := range strings.Fields(r.text) {
		ending, replacement, _ := strings.Cut(word, ">")
		out = append(out, rule{foldWord(ending, false), foldWord(replacement, false)})
	}
	return out
}

// base is the language of a tag: zh of zh-Hans.
func base(locale string) string {
	tag, _, _ := strings.Cut(locale, "-")
	return tag
}

// Stop reports that a folded word says nothing in a query of a locale.
func Stop(locale, term string) bool {
	s := stemmers[base(locale)]
	return s != nil && s.stop[term]
}

// Stem gives the stem of a folded word in a locale; in a language without rules,
// and of a word with a digit, the word itself.
func Stem(locale, term string) string {
	s := stemmers[base(locale)]
	if s == nil || strings.ContainsAny(term, "0123456789") {
		return term
	}
	for _, r := range s.prefixes {
		if rest, ok := strings.CutPrefix(term, r.ending); ok && utf8.RuneCountInString(rest) >= s.prefixMin {
			term = rest
			break
		}
	}
	for i, pass := range s.passes {
		if at := slices.IndexFunc(pass, func(r rule) bool { return strings.HasSuffix(term, r.ending) }); at >= 0 {
			for _, r := range pass[at:] { // a longer ending that leaves too little lets a shorter one try
				rest, ok := strings.CutSuffix(term, r.ending)
				if ok && utf8.RuneCountInString(rest) >= s.mins[i] {
					term = rest + r.replacement
					break
				}
			}
		}
	}
	return term
}
