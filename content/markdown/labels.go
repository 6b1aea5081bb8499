package markdown

import "strings"

// labels are the words that rendering adds to a text, in the language of that
// text. They are part of the document, not messages to a user.
type labels struct {
	lang        string
	footnotes   string // the name of the list of notes
	footnoteRef string // before the number of a note, said at the link to it
	footnoteUp  string // before the number, said at the link back
	callouts    map[string]string
}

// calloutKinds are the kinds of callout, as GitHub has them.
var calloutKinds = []string{"note", "tip", "important", "warning", "caution"}

func calloutNames(names ...string) map[string]string {
	m := make(map[string]string, len(calloutKinds))
	for i, kind := range calloutKinds {
		m[kind] = names[i]
	}
	return m
}

var allLabels = []*labels{
	{"it", "Note", "Nota", "Torna al testo dalla nota",
		calloutNames("Nota", "Suggerimento", "Importante", "Avviso", "Attenzione")},
	{"en", "Footnotes", "Footnote", "Back to the text from footnote",
		calloutNames("Note", "Tip", "Important", "Warning", "Caution")},
	{"fr", "Notes", "Note", "Retour au texte depuis la note",
		calloutNames("Remarque", "Conseil", "Important", "Avertissement", "Attention")},
	{"es", "Notas", "Nota", "Volver al texto desde la nota",
		calloutNames("Nota", "Consejo", "Importante", "Advertencia", "Precaución")},
	{"ar", "الهوامش", "الهامش", "العودة إلى النص من الهامش",
		calloutNames("ملاحظة", "نصيحة", "هام", "تحذير", "تنبيه")},
	{"zh", "脚注", "脚注", "返回正文,脚注",
		calloutNames("注意", "提示", "重要", "警告", "小心")},
	{"bn", "পাদটীকা", "পাদটীকা", "লেখায় ফিরে যান, পাদটীকা",
		calloutNames("দ্রষ্টব্য", "পরামর্শ", "গুরুত্বপূর্ণ", "সতর্কতা", "সাবধান")},
}

// labelsFor picks the words for a BCP 47 tag by its language: Italian without a
// tag, English for a language that is not here.
func labelsFor(locale string) *labels {
	lang, _ := splitLocale(locale)
	if lang == "" {
		return allLabels[0]
	}
	for _, l := range allLabels {
		if l.lang == lang {
			return l
		}
	}
	return allLabels[1]
}

// splitLocale returns the language of a BCP 47 tag and its script, which is
// empty when the tag has none.
func splitLocale(locale string) (lang, script string) {
	parts := strings.FieldsFunc(strings.ToLower(locale), func(r rune) bool { return r == '-' || r == '_' })
	if len(parts) == 0 {
		return "", ""
	}
	lang = parts[0]
	for _, p := range parts[1:] {
		if len(p) == 4 && p[0] > '9' {
			script = p
			break
		}
		if len(p) == 1 {
			break // extensions and private use
		}
	}
	return lang, script
}
