package schemas

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// testTypes loads a type for each declaration, with one field, x, declared by
// those YAML lines.
func testTypes(t testing.TB, declarations ...string) []*Type {
	t.Helper()
	files := map[string]string{}
	for i, d := range declarations {
		files[fmt.Sprintf("types/probe%d.yaml", i)] = fmt.Sprintf("name: probe%d\ncollection: probes%d\n", i, i) +
			"workflow: page\nlabel: {it: Prova}\nplural: {it: Prove}\nfields:\n  - use: title\n" +
			"  - name: x\n    label: {it: X}\n    " + strings.ReplaceAll(d, "\n", "\n    ") + "\n"
	}
	r, err := Load(overlay(t, files))
	if err != nil {
		t.Fatal(err)
	}
	types := make([]*Type, len(declarations))
	for i := range declarations {
		types[i], _ = r.Type(fmt.Sprintf("probe%d", i))
	}
	return types
}

func testField(t testing.TB, declaration string) *Field {
	f, _ := testTypes(t, declaration)[0].Field("x")
	return f
}

// js decodes JSON as an HTTP body is.
func js(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// Each line: JSON in, then JSON out, or path and code of each issue after "!".
// An empty out is an absent value. "~" before the input parses loosely.
var kindTables = map[string][][2]string{
	"kind: text\nmax_chars: 10\nmin_chars: 2\nmax_words: 3": {
		{`"casa"`, `"casa"`}, {`"  casa \n  mia "`, `"casa mia"`}, {`""`, ``}, {`" \t\n"`, ``}, {`null`, ``},
		{`"cafe\u0301"`, `"café"`}, {`"\u200b\u00a0"`, ``}, {`"a\u00a0b"`, `"a\u00a0b"`},
		{`"12345678901"`, `! too_long`}, {`"èèèèèèèèèè"`, `"èèèèèèèèèè"`}, {`"a"`, `! too_short`},
		{`"a b c d"`, `! too_many_words`}, {`"住房健康"`, `! too_many_words`}, {`"a - b, c"`, `"a - b, c"`},
		{`"a\u0000b"`, `! control_character`}, {`"a\u001bb"`, `! control_character`}, {`"a\u007fb"`, `! control_character`},
		{`"a\u0090b"`, `! control_character`}, {`"a\u202eb"`, `! control_character`}, {`"a\u202db"`, `! control_character`},
		{`"a\u2066b"`, `! control_character`}, {`"a\u2066b\u2069"`, `"a\u2066b\u2069"`}, {`"a\u202cb"`, `! control_character`},
		{`"\u202bab\u2069"`, `! control_character`}, {`"a\ufffeb"`, `! control_character`}, {`"\ufeffab"`, `"ab"`}, {`"a\u2028b"`, `"a b"`},
		{`"a\u200fb"`, `"a\u200fb"`},
		{`12`, `! wrong_type`}, {`~12`, `"12"`}, {`true`, `! wrong_type`}, {`~true`, `"true"`}, {`[]`, `! wrong_type`}, {`~{}`, `! wrong_type`},
	},
	"kind: text\nrepeated: true\nmax_items: 3": {
		{`["a","b"]`, `["a","b"]`}, {`["a",null," "]`, `["a"]`}, {`[]`, ``}, {`[null]`, ``}, {`["a","a"]`, `["a","a"]`},
		{`["a","b","c","d"]`, `! too_many_items`}, {`"a"`, `! wrong_type`}, {`~"a"`, `["a"]`}, {`{"a":1}`, `! wrong_type`},
		{`["a",1,[]]`, `!/1 wrong_type !/2 wrong_type`},
	},
	"kind: text\nformat: url": {
		{`"https://Example.IT/a?b=c#d"`, `"https://example.it/a?b=c#d"`}, {`"http://a.it:8080"`, `"http://a.it:8080"`},
		{`"HTTPS://a.it/è"`, `"https://a.it/%C3%A8"`}, {`"https://città.it/"`, `"https://xn--citt-3na.it/"`},
		{`"javascript:alert(1)"`, `! invalid_url`}, {`"data:text/html,x"`, `! invalid_url`}, {`"ftp://a.it"`, `! invalid_url`},
		{`"//a.it"`, `! invalid_url`}, {`"/a"`, `! invalid_url`}, {`"https://"`, `! invalid_url`}, {`"https://user:pw@a.it"`, `! invalid_url`},
		{`"https://a.it/a b"`, `! invalid_url`}, {`"https://a.it\\@b.it"`, `! invalid_url`}, {`"https:a.it"`, `! invalid_url`},
		{`"https://a..it"`, `! invalid_url`}, {`"https://a.it:"`, `! invalid_url`}, {`"mailto:a@b.it"`, `! invalid_url`},
		{`"https://a.it/<script>"`, `! invalid_url`}, {`"java\nscript://a.it"`, `! invalid_url`}, {`"https://[::1]/"`, `! invalid_url`},
		{`"https://%ff.it/"`, `! invalid_url`}, {`"https://xn--zn7c.it/"`, `! invalid_url`},
	},
	"kind: number\nmin: -1\nmax: 10": {
		{`5`, `5`}, {`5.5`, `5.5`}, {`-0.0`, `0`}, {`1e1`, `10`}, {`11`, `! out_of_range`}, {`-2`, `! out_of_range`}, {`1e400`, `! out_of_range`},
		{`"5"`, `! wrong_type`}, {`~"5"`, `5`}, {`~"5,5"`, `! not_a_number`}, {`~"0x5"`, `! not_a_number`}, {`~"NaN"`, `! not_a_number`},
		{`~"Inf"`, `! not_a_number`}, {`~"1_0"`, `! not_a_number`}, {`~" "`, ``}, {`true`, `! wrong_type`}, {`[1]`, `! wrong_type`}, {`null`, ``},
	},
	"kind: number\ninteger: true": {
		{`5`, `5`}, {`5.0`, `5`}, {`5.5`, `! not_an_integer`}, {`9007199254740991`, `9007199254740991`}, {`9007199254740992`, `! out_of_range`},
	},
	"kind: money\nmax: 1000000": {
		{`{"amount":"1200","currency":"EUR"}`, `{"amount":"1200.00","currency":"EUR"}`}, {`{"amount":"1200.5"}`, `{"amount":"1200.50","currency":"EUR"}`},
		{`{"amount":007.10,"currency":"eur"}`, ``}, {`{"amount":"007.10","currency":"eur"}`, `{"amount":"7.10","currency":"EUR"}`},
		{`{"amount":12.3}`, `{"amount":"12.30","currency":"EUR"}`}, {`{"amount":"1","currency":"JPY"}`, `{"amount":"1","currency":"JPY"}`},
		{`{"amount":"1.5","currency":"JPY"}`, `!/amount too_precise`}, {`{"amount":"1.234"}`, `!/amount too_precise`}, {`{"amount":"1.230"}`, `{"amount":"1.23","currency":"EUR"}`},
		{`{"amount":"-1"}`, `!/amount out_of_range`}, {`{"amount":"-0"}`, `{"amount":"0.00","currency":"EUR"}`}, {`{"amount":"1000000.01"}`, `!/amount out_of_range`},
		{`{"amount":"1.000,00"}`, `!/amount not_a_number`}, {`{"amount":"1e3"}`, `!/amount not_a_number`}, {`{"amount":"x"}`, `!/amount not_a_number`},
		{`{"amount":"1","currency":"XXL"}`, `!/currency invalid_currency`}, {`{"currency":"EUR"}`, `!/amount required`}, {`{}`, ``},
		{`{"amount":"1","tip":"2"}`, `!/tip unknown_key`}, {`12`, `! wrong_type`}, {`~12.5`, `{"amount":"12.50","currency":"EUR"}`}, {`~"12"`, `{"amount":"12.00","currency":"EUR"}`},
	},
	"kind: date": {
		{`"2026-03-01"`, `"2026-03-01"`}, {`"2024-02-29"`, `"2024-02-29"`}, {`"2026-02-29"`, `! not_a_date`}, {`"2026-02-31"`, `! not_a_date`},
		{`"2026-13-01"`, `! not_a_date`}, {`"0999-01-01"`, `! not_a_date`}, {`"26-03-01"`, `! not_a_date`}, {`"2026-3-1"`, `! not_a_date`},
		{`"01/03/2026"`, `! not_a_date`}, {`"2026-03-01T10:00:00Z"`, `! not_a_date`}, {`~"2026-03-01T10:00:00Z"`, `"2026-03-01"`},
		{`"２０２６-03-01"`, `! not_a_date`}, {`20260301`, `! wrong_type`}, {`""`, ``}, {`"+2026-03-1"`, `! not_a_date`},
	},
	"kind: date_range": {
		{`{"from":"2026-01-01","to":"2026-01-01"}`, `{"from":"2026-01-01","to":"2026-01-01"}`}, {`{"from":"2026-01-01"}`, `{"from":"2026-01-01"}`},
		{`{"to":"2026-01-01"}`, `{"to":"2026-01-01"}`}, {`{"from":"2026-01-02","to":"2026-01-01"}`, `!/to wrong_order`},
		{`{"from":"2026-02-30","to":"x"}`, `!/from not_a_date !/to not_a_date`}, {`{"from":"2026-01-01T10:00"}`, `!/from not_a_date`},
		{`{}`, ``}, {`{"from":null}`, ``}, {`"2026-01-01"`, `! wrong_type`}, {`~"2026-01-01"`, `{"from":"2026-01-01"}`}, {`{"start":"2026-01-01"}`, `!/start unknown_key`},
	},
	"kind: date_range\ntimes: true": {
		{`{"from":"2026-03-01T18:00","to":"2026-03-01T20:30"}`, `{"from":"2026-03-01T18:00","to":"2026-03-01T20:30"}`},
		{`{"from":"2026-03-01 9:00"}`, `!/from not_a_date`}, {`{"from":"2026-03-01 09:00:00"}`, `{"from":"2026-03-01T09:00"}`}, {`{"from":"2026-03-01"}`, `{"from":"2026-03-01"}`},
		{`{"from":"2026-03-01T18:00","to":"2026-03-01T17:00"}`, `!/to wrong_order`}, {`{"from":"2026-03-01T18:00","to":"2026-03-02"}`, `!/to not_a_date`},
		{`{"from":"2026-03-01T24:00"}`, `!/from not_a_date`}, {`{"from":"2026-03-01T18:00Z"}`, `!/from not_a_date`}, {`{"from":"2026-02-30T18:00"}`, `!/from not_a_date`},
	},
	"kind: date_range\nlabelled: true\nrepeated: true": {
		{`[{"label":"Domande","to":"2026-03-01"}]`, `[{"label":"Domande","to":"2026-03-01"}]`}, {`[{"to":"2026-03-01"}]`, `!/0/label required`},
		{`[{"label":"Domande"}]`, `!/0/from required`},
	},
	"kind: boolean": {
		{`true`, `true`}, {`false`, `false`}, {`null`, ``}, {`"true"`, `! wrong_type`}, {`~"Sì"`, `true`}, {`~"0"`, `false`}, {`~"maybe"`, `! wrong_type`}, {`1`, `! wrong_type`}, {`~""`, ``},
	},
	"kind: choice\nrepeated: true\ntaxonomies: [service_areas]": {
		{`["work","health"]`, `["work","health"]`}, {`["WORK"]`, `["work"]`}, {`["women"]`, `!/0 unknown_term`}, {`["Lavoro"]`, `!/0 unknown_term`},
		{`~["Lavoro","job","Santé"]`, `["work","health"]`}, {`["work","work"]`, `!/1 duplicate`}, {`[1]`, `!/0 wrong_type`}, {`~"casa"`, `["housing"]`},
	},
	"kind: territory\nrepeated: true": {
		{`["MI","na","03","058"]`, `["015","063","03","058"]`}, {`["MI","015"]`, `!/1 duplicate`}, {`["XX"]`, `!/0 unknown_territory`},
		{`["015146"]`, `!/0 unknown_territory`}, {`[15]`, `!/0 wrong_type`}, {`~[15]`, `!/0 wrong_type`}, {`["Milano"]`, `!/0 unknown_territory`}, {`["../01"]`, `!/0 unknown_territory`},
	},
	"kind: territory\nlevels: [province]": {{`"mi"`, `"015"`}, {`"03"`, `! unknown_territory`}},
	"kind: place": {
		{`{"label":"CPIA","address":"Via Roma 1","municipality":"015146","lat":45.4,"lon":9.1,"approximate":true}`, `{"address":"Via Roma 1","approximate":true,"label":"CPIA","lat":45.4,"lon":9.1,"municipality":"015146"}`},
		{`{"lat":0,"lon":0}`, `{"lat":0,"lon":0}`}, {`{"lat":90,"lon":-180}`, `{"lat":90,"lon":-180}`}, {`{"lat":90.1,"lon":9}`, `!/lat out_of_range`},
		{`{"lat":45,"lon":180.5}`, `!/lon out_of_range`}, {`{"lat":45}`, `!/lon required`}, {`{"lon":9}`, `!/lat required`}, {`{"lat":"45","lon":9}`, `!/lat wrong_type`},
		{`{"label":" "}`, ``}, {`~"Via Roma 1, Milano"`, `{"address":"Via Roma 1, Milano"}`}, {`[45,9]`, `! wrong_type`}, {`{"latitude":45}`, `!/latitude unknown_key`},
	},
	"kind: reference\ntypes: [article, practice]": {
		{`"corso-di-italiano"`, `"corso-di-italiano"`}, {`"practice/orto"`, `"practice/orto"`}, {`"0195f0a2-7c1e-7cc3-98c4-dc0c0c07398f"`, `"0195f0a2-7c1e-7cc3-98c4-dc0c0c07398f"`},
		{`"../x"`, `! invalid_reference`}, {`"service/x"`, `! invalid_reference`}, {`"a b"`, `! invalid_reference`}, {`"a/b/c"`, `! invalid_reference`}, {`"/a"`, `! invalid_reference`},
		{`".."`, `! invalid_reference`}, {`"دورة"`, `"دورة"`}, {`"x\u0000"`, `! control_character`}, {`12`, `! wrong_type`},
		{`"` + strings.Repeat("a", 251) + `"`, `! invalid_reference`}, {`"` + strings.Repeat("a", 5000) + `"`, `! invalid_reference`},
	},
	"kind: media": {
		{`{"src":"/media/a.jpg","alt":"Una classe","type":"Image/JPEG"}`, `{"alt":"Una classe","src":"/media/a.jpg","type":"image/jpeg"}`},
		{`{"src":"https://a.it/b.png"}`, `{"src":"https://a.it/b.png"}`}, {`{"src":"img/foto classe.jpg"}`, `{"src":"img/foto%20classe.jpg"}`}, {`{"alt":"x"}`, `!/src required`},
		{`{"src":"../../etc/passwd"}`, `!/src invalid_url`}, {`{"src":"/a/../b"}`, `!/src invalid_url`}, {`{"src":"/a/%2e%2e/b"}`, `!/src invalid_url`},
		{`{"src":"//evil.it/x"}`, `!/src invalid_url`}, {`{"src":"/%2fevil.it/x"}`, `!/src invalid_url`}, {`{"src":"javascript:alert(1)"}`, `!/src invalid_url`}, {`{"src":"data:image/png;base64,AA"}`, `!/src invalid_url`},
		{`{"src":"a\\b"}`, `!/src invalid_url`}, {`{"src":"/a%00b"}`, `!/src invalid_url`}, {`{"src":"a.jpg","type":"jpeg"}`, `!/type invalid_media_type`}, {`~"/a.jpg"`, `{"src":"/a.jpg"}`}, {`"/a.jpg"`, `! wrong_type`},
	},
	"kind: legal_reference": {
		{`{"identifier":"urn:nir:stato:decreto.legislativo:1998-07-25;286~art5-com2"}`, `{"identifier":"urn:nir:stato:decreto.legislativo:1998-07-25;286~art5-com2","scheme":"urn:nir"}`},
		{`{"identifier":"URN:NIR:stato:legge:2002;189"}`, `{"identifier":"urn:nir:stato:legge:2002;189","scheme":"urn:nir"}`},
		{`{"identifier":"urn:nir:stato:costituzione~art10","scheme":"urn:nir"}`, `{"identifier":"urn:nir:stato:costituzione~art10","scheme":"urn:nir"}`},
		{`{"identifier":"urn:nir:ministero.interno;dipartimento.liberta.civili.immigrazione;direzione.centrale.politiche.immigrazione.asilo:circolare:2012-04-16;2649"}`,
			`{"identifier":"urn:nir:ministero.interno;dipartimento.liberta.civili.immigrazione;direzione.centrale.politiche.immigrazione.asilo:circolare:2012-04-16;2649","scheme":"urn:nir"}`},
		{`{"identifier":"urn:nir:stato:legge:1990-08-07;241@2015-01-01!vig=2020-01-01"}`, `{"identifier":"urn:nir:stato:legge:1990-08-07;241@2015-01-01!vig=2020-01-01","scheme":"urn:nir"}`},
		{`{"identifier":"32016R0679","label":"GDPR","url":"https://eur-lex.europa.eu/x"}`, `{"identifier":"32016R0679","label":"GDPR","scheme":"celex","url":"https://eur-lex.europa.eu/x"}`},
		{`{"identifier":"02016r0679-20160504"}`, `{"identifier":"02016R0679-20160504","scheme":"celex"}`}, {`{"identifier":"12012P/TXT"}`, `{"identifier":"12012P/TXT","scheme":"celex"}`},
		{`{"identifier":"http://data.europa.eu/eli/reg/2016/679/oj"}`, `{"identifier":"http://data.europa.eu/eli/reg/2016/679/oj","scheme":"eli"}`}, {`{"identifier":"eli/reg/2016/679/oj"}`, `{"identifier":"eli/reg/2016/679/oj","scheme":"eli"}`},
		{`{"identifier":"ecli:it:cost:2018:194"}`, `{"identifier":"ECLI:IT:COST:2018:194","scheme":"ecli"}`},
		{`{"identifier":"32016R0679","scheme":"eli"}`, `!/identifier invalid_identifier`}, {`{"identifier":"legge 40"}`, `!/identifier invalid_identifier`}, {`{"identifier":"urn:isbn:123"}`, `!/identifier invalid_identifier`},
		{`{"identifier":"urn:nir:stato"}`, `!/identifier invalid_identifier`}, {`{"identifier":"32016R0679","scheme":"doi"}`, `!/scheme unknown_term`}, {`{"label":"x"}`, `!/identifier required !/scheme required`},
		{`{"identifier":"32016R0679","url":"javascript:x"}`, `!/url invalid_url`}, {`~"32016R0679"`, `{"identifier":"32016R0679","scheme":"celex"}`}, {`{}`, ``},
	},
	"kind: contact": {
		{`{"name":"Sportello","role":"Accoglienza","email":"Info@Comune.IT","phone":"+39 02 1234567","web":"https://a.it"}`, `{"email":"Info@comune.it","name":"Sportello","phone":"+39 02 1234567","role":"Accoglienza","web":"https://a.it"}`},
		{`{"web":"mailto:a@b.it"}`, `{"web":"mailto:a@b.it"}`}, {`{"web":"tel:+39 02 123"}`, `{"web":"tel:+39-02-123"}`}, {`{"web":"javascript:x"}`, `!/web invalid_url`},
		{`{"email":"a@b@c"}`, `!/email invalid_email`}, {`{"email":"A <a@b.it>"}`, `!/email invalid_email`}, {`{"email":"a@localhost"}`, `{"email":"a@localhost"}`}, {`{"email":"a b@c.it"}`, `!/email invalid_email`},
		{`{"phone":"(02) 123-456"}`, `{"phone":"02 123-456"}`}, {`{"phone":"803001"}`, `{"phone":"803001"}`}, {`{"phone":"112"}`, `{"phone":"112"}`}, {`{"phone":"call me"}`, `!/phone invalid_phone`}, {`{"phone":1}`, `!/phone wrong_type`},
		{`{"fax":"1"}`, `!/fax unknown_key`}, {`{"a/b~c":"1"}`, `!/a~1b~0c unknown_key`},
	},
	"kind: opening_hours": {
		{`[{"days":["fr","mo"],"opens":"9:00","closes":"13:00"}]`, `[{"closes":"13:00","days":["mo","fr"],"opens":"09:00"}]`}, {`[{"days":["MO"],"opens":"22:00:00","closes":"02:00"}]`, `[{"closes":"02:00","days":["mo"],"opens":"22:00"}]`},
		{`[{"closed":true,"valid_from":"2026-08-01","valid_to":"2026-08-31"}]`, `[{"closed":true,"valid_from":"2026-08-01","valid_to":"2026-08-31"}]`}, {`[{"holidays":true,"opens":"10:00","closes":"12:00","closed":false}]`, `[{"closes":"12:00","holidays":true,"opens":"10:00"}]`},
		{`[{"days":["mo"],"opens":"25:00","closes":"12:00"}]`, `!/0/opens not_a_time`}, {`[{"days":["mo"]}]`, `!/0/opens required !/0/closes required`}, {`[{"opens":"10:00","closes":"12:00"}]`, `!/0/days required`},
		{`[{"closed":true,"opens":"10:00"}]`, `!/0/opens unknown_key`}, {`[{"closed":true,"valid_from":"2026-09-01","valid_to":"2026-08-31"}]`, `!/0/valid_to wrong_order`},
		{`[{"days":["mo","mo"],"opens":"10:00","closes":"12:00"}]`, `!/0/days/1 duplicate`}, {`[{"days":["monday"],"opens":"10:00","closes":"12:00"}]`, `!/0/days/0 unknown_term`},
		{`~[{"days":["Monday","lun","giovedì"],"opens":"10:00","closes":"12:00"}]`, `[{"closes":"12:00","days":["mo","th"],"opens":"10:00"}]`}, {`{}`, `! wrong_type`}, {`[{}]`, ``},
	},
	"kind: attributes": {
		{`{"b":[1,2.50,null,"",[],{}],"a":" x\u0001 "}`, `{"a":" x\u0001 ","b":[1,2.5,null,"",[],{}]}`}, {`{"n":-0,"big":12345678901234567890}`, `{"big":12345678901234567000,"n":0}`},
		{`{}`, ``}, {`[]`, `! wrong_type`}, {`"{}"`, `! wrong_type`}, {`1`, `! wrong_type`}, {`~"{\"a\":1}"`, `{"a":1}`}, {`~" "`, ``}, {`~"{\"a\":1} x"`, `! wrong_type`}, {`~"{"`, `! wrong_type`}, {`~"[1]"`, `! wrong_type`},
		{`{"a":{"b~/":[1e999]}}`, `!/a/b~0~1/0 not_a_number`},
		{strings.Repeat(`{"a":`, 16) + `1` + strings.Repeat(`}`, 16), strings.Repeat(`{"a":`, 16) + `1` + strings.Repeat(`}`, 16)},
		{strings.Repeat(`{"a":`, 17) + `1` + strings.Repeat(`}`, 17), `!` + strings.Repeat("/a", 16) + ` too_deep`}, {`{"a":` + strings.Repeat(`[`, 16) + strings.Repeat(`]`, 16) + `}`, `!/a` + strings.Repeat("/0", 15) + ` too_deep`},
		{`{"a":"` + strings.Repeat("x", MaxAttributes-8) + `"}`, `{"a":"` + strings.Repeat("x", MaxAttributes-8) + `"}`}, {`{"a":"` + strings.Repeat("x", MaxAttributes-7) + `"}`, `! too_long`},
		{`{"a":[` + strings.Repeat("1,", MaxAttributes/2) + `1]}`, `! too_long`}, {`{"a":"` + strings.Repeat("<", MaxAttributes/4) + `"}`, `! too_long`},
	},
	"kind: text\nformat: tax_code": {
		{`"80078750587"`, `"80078750587"`}, {`" IT 800.787.505-87 "`, `"80078750587"`}, {`"80078750588"`, `! tax_code_invalid`}, {`"00000000000"`, `! tax_code_invalid`},
		{`"8007875058"`, `! tax_code_invalid`}, {`"RSSMRA85T10A562S"`, `! tax_code_personal`}, {`"rss mra 85t10 a562s"`, `! tax_code_personal`}, {`"RSSMRA85T10A562X"`, `! tax_code_personal`}, {`"ASSOCIAZIONE DI MIGRANTI"`, `! tax_code_invalid`}, {`""`, ``},
		{`80078750587`, `! wrong_type`}, {`~80078750587`, `"80078750587"`},
	},
	"kind: language_list": {
		{`["it","zh-hans","EN-gb"]`, `["it","zh-Hans","en-GB"]`}, {`["iw"]`, `["he"]`}, {`["it","IT"]`, `!/1 duplicate`}, {`["english"]`, `!/0 invalid_language`}, {`["xx"]`, `!/0 invalid_language`},
		{`["und"]`, `!/0 invalid_language`}, {`["x-foo"]`, `!/0 invalid_language`}, {`["it_IT"]`, `!/0 invalid_language`}, {`[""]`, ``}, {`[1]`, `!/0 wrong_type`}, {`"it"`, `! wrong_type`}, {`~"it"`, `["it"]`},
	},
	"kind: indicators": {
		{`[{"name":"Iscritti","unit":"persone","baseline":10,"target":50,"value":62.5,"source":"Registro"}]`, `[{"baseline":10,"name":"Iscritti","source":"Registro","target":50,"unit":"persone","value":62.5}]`},
		{`[{"unit":"x"}]`, `!/0/name required`}, {`[{"name":"a"},{"name":1}]`, `!/1/name wrong_type`}, {`[{"name":"a","value":"12"}]`, `!/0/value wrong_type`}, {`[{"name":"a","result":1}]`, `!/0/result unknown_key`},
	},
	"kind: rich_list\nmax_words: 3": {
		{`[{"title":" A ","text":"b\r\nc"}]`, `[{"text":"b\nc","title":"A"}]`}, {`[{"text":"a b c d"}]`, `!/0/text too_many_words`}, {`["a"]`, `!/0 wrong_type`}, {`~["a"]`, `[{"text":"a"}]`}, {`[{}]`, ``}, {`[{"title":"a","body":"b"}]`, `!/0/body unknown_key`},
	},
	"kind: markdown\nmax_bytes: 20\nmax_words: 3": {
		{`"\n \n    code  \n"`, `"    code"`}, {`"a  \nb"`, `"a  \nb"`}, {`"a\r\nb\rc"`, `"a\nb\nc"`}, {`"a\tb"`, `"a\tb"`}, {`"# a - b"`, `"# a - b"`},
		{`"123456789012345678901"`, `! too_long`}, {`"` + strings.Repeat("a", 1000) + `"`, `! too_long`}, {`"a b c d"`, `! too_many_words`}, {`"a\u0000"`, `! control_character`}, {`"\n\n"`, ``}, {`["a"]`, `! wrong_type`},
	},
}

func TestKinds(t *testing.T) {
	tested := map[string]bool{}
	declarations := slices.Sorted(maps.Keys(kindTables))
	for i, ty := range testTypes(t, declarations...) {
		f, _ := ty.Field("x")
		tested[f.Kind] = true
		validate := compileSchema(t, f.reg, ty)
		for _, c := range kindTables[declarations[i]] {
			in, want := c[0], c[1]
			var env *Env
			if strings.HasPrefix(in, "~") {
				in, env = in[1:], &Env{Loose: true}
			}
			if !json.Valid([]byte(in)) {
				continue // 007.10 is no JSON number, and the API refuses it before
			}
			got, issues := f.Parse(js(t, in), env)
			if issues != nil {
				var s []string
				for _, i := range issues {
					s = append(s, "!"+i.Path+" "+i.Code)
					if !slices.Contains(IssueCodes, i.Code) {
						t.Errorf("%s: code %s is not in IssueCodes", f.Kind, i.Code)
					}
				}
				if strings.Join(s, " ") != want {
					t.Errorf("%s %s: %s, want %s", f.Kind, in, strings.Join(s, " "), want)
				}
				continue
			}
			if want == "" || strings.HasPrefix(want, "!") {
				if got != nil || want != "" {
					t.Errorf("%s %s: %v, want %s", f.Kind, in, got, want)
				}
				continue
			}
			if !reflect.DeepEqual(encode(t, got), encode(t, js(t, want))) {
				t.Errorf("%s %s: %s, want %s", f.Kind, in, encode(t, got), want)
			}
			again, issues := f.Parse(got, nil)
			if issues != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("%s %s: parsed again: %v %v", f.Kind, in, again, issues)
			}
			if err := validate(map[string]any{"type": ty.Name, "locale": "it", "title": "x", "x": got}); err != nil {
				t.Errorf("%s %s: the schema refuses: %v", f.Kind, in, err)
			}
		}
	}
	for _, k := range Kinds() {
		if !tested[k.Name()] {
			t.Errorf("kind %s has no table", k.Name())
		}
	}
}

func encode(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What YAML decoders give for days and numbers is taken as it is meant.
func TestYAMLValues(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if v, issues := testField(t, "kind: date").Parse(day, nil); v != "2026-03-01" || issues != nil {
		t.Errorf("%v %v", v, issues)
	}
	if v, issues := testField(t, "kind: date_range").Parse(map[string]any{"from": day}, nil); issues != nil || !reflect.DeepEqual(v, map[string]any{"from": "2026-03-01"}) {
		t.Errorf("%v %v", v, issues)
	}
	if v, issues := testField(t, "kind: date_range\ntimes: true").Parse(map[string]any{"from": day.Add(18 * time.Hour)}, nil); issues != nil || !reflect.DeepEqual(v, map[string]any{"from": "2026-03-01T18:00"}) {
		t.Errorf("%v %v", v, issues)
	}
	number := testField(t, "kind: number")
	for _, in := range []any{5, int64(5), uint64(5), 5.0, json.Number("5")} {
		if v, issues := number.Parse(in, nil); v != 5.0 || issues != nil {
			t.Errorf("%T: %v %v", in, v, issues)
		}
	}
	for _, in := range []any{math.NaN(), math.Inf(1), json.Number("x"), json.Number("")} {
		if v, issues := number.Parse(in, nil); issues == nil {
			t.Errorf("%v: %v", in, v)
		}
	}
	attributes := testField(t, "kind: attributes")
	if v, issues := attributes.Parse(map[string]any{"day": day, "time": day.Add(time.Hour), "n": 5}, nil); issues != nil || !reflect.DeepEqual(v, map[string]any{"day": "2026-03-01", "time": "2026-03-01T01:00:00Z", "n": 5.0}) {
		t.Errorf("%v %v", v, issues)
	}
	for _, in := range []any{math.NaN(), math.Inf(1), struct{}{}, map[any]any{1: 2}, "\xff", map[string]any{"\xff": 1}} {
		if v, issues := attributes.Parse(map[string]any{"a": in}, nil); issues == nil {
			t.Errorf("%v: %v", in, v)
		}
	}
	if v, issues := testField(t, "kind: language_list").Parse([]string{"it"}, nil); issues != nil || !reflect.DeepEqual(v, []any{"it"}) {
		t.Errorf("%v %v", v, issues)
	}
	text := testField(t, "kind: text")
	if _, issues := text.Parse("a\xffb", nil); len(issues) != 1 || issues[0].Code != CodeInvalidEncoding {
		t.Errorf("%v", issues)
	}
	if _, issues := text.Parse(strings.Repeat(" ", 1<<20), nil); len(issues) != 1 || issues[0].Code != CodeTooLong {
		t.Errorf("a million spaces: %v", issues)
	}
}

func TestCountWords(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, " ": 0, "una casa": 2, "l'acqua": 1, "- a\n- b": 2, "**a** *b*": 2, "---": 0, "[a](https://b.it/c d)": 2,
		"住房和健康": 5, "我们 ok": 3, "السكن والصحة": 2, "3 corsi, 40 ore.": 4, "a\u00a0b": 2, "e-mail": 1, "città è": 2,
	} {
		if got := CountWords(text); got != want {
			t.Errorf("%q: %d words, want %d", text, got, want)
		}
	}
}

// Every code constant is exported in IssueCodes, once.
func TestIssueCodesAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "issue.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Code") {
			declared = append(declared, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
		}
		return true
	})
	if !slices.Equal(declared, IssueCodes) {
		t.Errorf("constants %v\nIssueCodes %v", declared, IssueCodes)
	}
}
