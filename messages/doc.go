// Package messages holds every sentence that Prassi says to a person because
// of a code.
//
// The other packages never write sentences into an answer. They say what
// happened by a stable code with parameters (content.Problem, schemas.Issue);
// whoever shows it to a person, the API or the command line, asks here for the
// words:
//
//	lang := messages.Negotiate(r.Header.Get("Accept-Language"))
//	messages.Title(lang, p.Code)          // "Contenuto non valido"
//	messages.Text(lang, p.Code, p.Params) // "Correggi i campi indicati e salva di nuovo."
//
// # The files
//
// Each language is a folder, such as it, the reference language, with one flat
// file an area. A key is a code; its value is the sentence, or a title and a
// text where the code names a whole problem. Sentences are plain text, never
// HTML: a page that shows one escapes it like any other text.
//
//	too_long: "Il testo è troppo lungo.[ Massimo: {max} {unit}.]"
//
// A placeholder stands in square brackets with the words that make sense only
// with it. When one of the parameters is missing, the brackets go with all they
// hold, and the sentence stays whole. {max:size} shows a number of bytes in
// larger units, {until:time} a time (RFC 3339) as day and hour in Italy, as the
// language writes them. There is no other syntax.
//
// A key with a dot is not a sentence. "unit.characters" is how the value
// "characters" of the parameter "unit" is called; "list.separator", "list.last"
// and "list.last.X" (before a word that begins with X) join lists. Names of
// types, states, transitions, taxonomies and locales are not repeated here: they
// come from the labels of their declarations.
//
// # A new code
//
// Put it into the list of the package that uses it, then into a file of each
// of the six languages.
// The tests compare the lists, the source text and the files.
package messages
