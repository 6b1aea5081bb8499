package citation

// nir makes a national act that is known by its name.
func nir(name, label string) act {
	id := "urn:nir:" + name
	return act{scheme: SchemeNIR, id: id, label: label, url: normattiva + id}
}

// nirShort makes one that is cited by an abbreviation after its articles and by
// its full name alone.
func nirShort(name, label, full string) act {
	a := nir(name, label)
	a.short, a.name = true, full
	return a
}

func union(celex, label string) act {
	return act{scheme: SchemeCELEX, id: celex, label: label, url: celexURL(celex)}
}

func treaty(celex, label string) act {
	a := union(celex, label)
	a.treaty, a.short = true, true
	return a
}

var (
	costituzione  = nirShort("stato:costituzione", "Cost.", "Costituzione italiana")
	codiceCivile  = nirShort("stato:regio.decreto:1942-03-16;262:2", "c.c.", "Codice civile")
	preleggi      = nirShort("stato:regio.decreto:1942-03-16;262:1", "preleggi", "Disposizioni sulla legge in generale")
	codicePenale  = nirShort("stato:regio.decreto:1930-10-19;1398:1", "c.p.", "Codice penale")
	codiceProcCiv = nirShort("stato:regio.decreto:1940-10-28;1443:1", "c.p.c.", "Codice di procedura civile")
	// The code of criminal procedure has no annex in Normattiva.
	codiceProcPen  = nirShort("presidente.repubblica:decreto:1988-09-22;447", "c.p.p.", "Codice di procedura penale")
	codiceNavig    = nirShort("stato:regio.decreto:1942-03-30;327:1", "cod. nav.", "Codice della navigazione")
	codiceStrada   = nir("stato:decreto.legislativo:1992-04-30;285", "Codice della strada")
	codiceProcAmm  = nirShort("stato:decreto.legislativo:2010-07-02;104:2", "c.p.a.", "Codice del processo amministrativo")
	codicePrivacy  = nir("stato:decreto.legislativo:2003-06-30;196", "Codice in materia di protezione dei dati personali")
	codiceDigitale = nir("stato:decreto.legislativo:2005-03-07;82", "Codice dell'amministrazione digitale")
	codiceConsumo  = nir("stato:decreto.legislativo:2005-09-06;206", "Codice del consumo")
	codicePariOpp  = nir("stato:decreto.legislativo:2006-04-11;198", "Codice delle pari opportunità")
	codiceAntimaf  = nir("stato:decreto.legislativo:2011-09-06;159", "Codice antimafia")
	codiceTerzo    = nir("stato:decreto.legislativo:2017-07-03;117", "Codice del Terzo settore")
	codiceCrisi    = nir("stato:decreto.legislativo:2019-01-12;14", "Codice della crisi d'impresa e dell'insolvenza")
	tuImmigrazione = nir("stato:decreto.legislativo:1998-07-25;286", "T.U. immigrazione")
	tuEntiLocali   = nir("stato:decreto.legislativo:2000-08-18;267", "T.U. enti locali")
	tuSicurezza    = nir("stato:regio.decreto:1931-06-18;773", "T.U.L.P.S.")
	tuDocumenti    = nir("presidente.repubblica:decreto:2000-12-28;445", "T.U. documentazione amministrativa")
	tuImpiego      = nir("stato:decreto.legislativo:2001-03-30;165", "T.U. pubblico impiego")
	tuMaternita    = nir("stato:decreto.legislativo:2001-03-26;151", "T.U. maternità e paternità")
	tuLavoro       = nir("stato:decreto.legislativo:2008-04-09;81", "T.U. sicurezza sul lavoro")
	tuEdilizia     = nir("presidente.repubblica:decreto:2001-06-06;380", "T.U. edilizia")
	tuRedditi      = nir("presidente.repubblica:decreto:1986-12-22;917", "T.U.I.R.")
	tuDroga        = nir("presidente.repubblica:decreto:1990-10-09;309", "T.U. stupefacenti")
	statutoLavor   = nir("stato:legge:1970-05-20;300", "Statuto dei lavoratori")
	gdpr           = union("32016R0679", "Regolamento (UE) 2016/679")
	dublinoIII     = union("32013R0604", "Regolamento (UE) n. 604/2013")
	tfue           = treaty("12016E", "TFUE")
	tue            = treaty("12016M", "TUE")
	cartaDiritti   = treaty("12016P", "Carta dei diritti fondamentali dell'UE")
)

// unifiedTexts are the consolidated texts that "T.U. n. 286/1998" can mean, by
// number and year.
var unifiedTexts = map[string]act{
	"286/1998": tuImmigrazione, "267/2000": tuEntiLocali, "773/1931": tuSicurezza, "445/2000": tuDocumenti,
	"165/2001": tuImpiego, "151/2001": tuMaternita, "81/2008": tuLavoro, "380/2001": tuEdilizia,
	"917/1986": tuRedditi, "309/1990": tuDroga,
}

// named are acts known by a name, by the first letter of the name; longer names
// first. withArticle names mean the act only after one of its articles,
// because alone they have other meanings ("la costituzione dell'associazione").
type named struct {
	phrase      string
	act         act
	withArticle bool
}

var namedActs = map[byte][]named{
	'c': {
		{"costituzione della repubblica italiana", costituzione, false}, {"costituzione della repubblica", costituzione, false},
		{"costituzione italiana", costituzione, false}, {"costituzione", costituzione, true},
		{"codice di procedura civile", codiceProcCiv, false}, {"codice di procedura penale", codiceProcPen, false},
		{"codice procedura civile", codiceProcCiv, false}, {"codice procedura penale", codiceProcPen, false},
		{"codice civile", codiceCivile, false}, {"codice penale", codicePenale, false},
		{"codice della navigazione", codiceNavig, false}, {"codice della strada", codiceStrada, false},
		{"codice del processo amministrativo", codiceProcAmm, false},
		{"codice in materia di protezione dei dati personali", codicePrivacy, false},
		{"codice della privacy", codicePrivacy, false}, {"codice privacy", codicePrivacy, false},
		{"codice dell'amministrazione digitale", codiceDigitale, false}, {"codice del consumo", codiceConsumo, false},
		{"codice delle pari opportunità", codicePariOpp, false}, {"codice antimafia", codiceAntimaf, false},
		{"codice del terzo settore", codiceTerzo, false}, {"codice terzo settore", codiceTerzo, false},
		{"codice della crisi d'impresa", codiceCrisi, false},
		{"carta dei diritti fondamentali dell'unione europea", cartaDiritti, false},
		{"carta dei diritti fondamentali dell'ue", cartaDiritti, false},
		{"carta dei diritti fondamentali ue", cartaDiritti, false},
	},
	't': {
		{"testo unico sull'immigrazione", tuImmigrazione, false}, {"testo unico in materia di immigrazione", tuImmigrazione, false},
		{"testo unico dell'immigrazione", tuImmigrazione, false}, {"testo unico per l'immigrazione", tuImmigrazione, false},
		{"testo unico immigrazione", tuImmigrazione, false},
		{"testo unico degli enti locali", tuEntiLocali, false}, {"testo unico enti locali", tuEntiLocali, false},
		{"testo unico delle leggi di pubblica sicurezza", tuSicurezza, false},
		{"testo unico sulla documentazione amministrativa", tuDocumenti, false},
		{"testo unico sul pubblico impiego", tuImpiego, false}, {"testo unico del pubblico impiego", tuImpiego, false},
		{"testo unico sulla maternità", tuMaternita, false}, {"testo unico maternità", tuMaternita, false},
		{"testo unico sulla sicurezza sul lavoro", tuLavoro, false}, {"testo unico sicurezza sul lavoro", tuLavoro, false},
		{"testo unico dell'edilizia", tuEdilizia, false}, {"testo unico edilizia", tuEdilizia, false},
		{"testo unico delle imposte sui redditi", tuRedditi, false}, {"testo unico stupefacenti", tuDroga, false},
		{"trattato sul funzionamento dell'unione europea", tfue, false}, {"trattato sull'unione europea", tue, false},
	},
	'l': {
		{"legge turco napolitano", nir("stato:legge:1998-03-06;40", "L. 6 marzo 1998, n. 40"), false},
		{"legge bossi fini", nir("stato:legge:2002-07-30;189", "L. 30 luglio 2002, n. 189"), false},
		{"legge martelli", nir("stato:legge:1990-02-28;39", "L. 28 febbraio 1990, n. 39"), false},
		{"legge zampa", nir("stato:legge:2017-04-07;47", "L. 7 aprile 2017, n. 47"), false},
	},
	'd': {
		{"decreto cutro", nir("stato:decreto.legge:2023-03-10;20", "D.L. 10 marzo 2023, n. 20"), false},
		{"disposizioni sulla legge in generale", preleggi, false},
	},
	'p': {{"preleggi", preleggi, true}},
	'r': {
		{"regolamento dublino iii", dublinoIII, false}, {"regolamento generale sulla protezione dei dati", gdpr, false},
		{"rgpd", gdpr, false},
	},
	'g': {{"gdpr", gdpr, false}},
	's': {{"statuto dei lavoratori", statutoLavor, false}},
}

// unifiedSubjects follow the abbreviation "T.U.".
var unifiedSubjects = []struct {
	phrase string
	act    act
}{
	{"sull'immigrazione", tuImmigrazione}, {"immigrazione", tuImmigrazione}, {"in materia di immigrazione", tuImmigrazione},
	{"dell'immigrazione", tuImmigrazione}, {"imm", tuImmigrazione}, {"immigr", tuImmigrazione},
	{"degli enti locali", tuEntiLocali}, {"enti locali", tuEntiLocali}, {"edilizia", tuEdilizia},
	{"pubblico impiego", tuImpiego}, {"sicurezza sul lavoro", tuLavoro}, {"stupefacenti", tuDroga},
}

var unifiedAbbreviation = map[string]bool{"tu": true}

// shortNames are read only after an article, as they mean many other things.
// The nil acts stop a longer abbreviation from being taken for a shorter one.
var shortNames = map[string]*act{
	"cost": &costituzione, "costit": &costituzione,
	"cc": &codiceCivile, "codciv": &codiceCivile, "ccivile": &codiceCivile, "cciv": &codiceCivile,
	"cp": &codicePenale, "codpen": &codicePenale, "cpen": &codicePenale, "cpenale": &codicePenale,
	"cpc": &codiceProcCiv, "codprocciv": &codiceProcCiv,
	"cpp": &codiceProcPen, "codprocpen": &codiceProcPen,
	"cpa": &codiceProcAmm, "codnav": &codiceNavig, "cnav": &codiceNavig, "cds": &codiceStrada, "codstrada": &codiceStrada,
	"prel": &preleggi, "preleggi": &preleggi,
	"cts": &codiceTerzo, "cad": &codiceDigitale,
	"tui": &tuImmigrazione, "tuimm": &tuImmigrazione, "tuel": &tuEntiLocali, "tulps": &tuSicurezza,
	"tusl": &tuLavoro, "tuir": &tuRedditi, "tudpr": nil,
	"tfue": &tfue, "tue": &tue, "cdfue": &cartaDiritti,
	"ccnl": nil, "ccnq": nil, "cciaa": nil, "ccia": nil, "cpi": nil, "cpia": nil, "cpr": nil, "cpo": nil, "cpt": nil, "ctu": nil,
}

// foreign follow "Costituzione" and codes that are not Italy's.
var foreign = []string{"francese", "spagnola", "spagnolo", "tedesca", "tedesco", "europea", "europeo", "americana",
	"portoghese", "greca", "svizzera", "svizzero", "tunisina", "albanese", "rumena", "marocchina", "egiziana", "ucraina",
	"degli stati", "dell'unione", "della repubblica francese", "della repubblica federale", "del marocco", "dell'albania",
	"in giudizio", "di parte", "del rapporto", "dell'associazione", "della società", "di una", "di un"}

// namedAct reads an act known by its name. afterArticle tells that an article
// comes before it.
func namedAct(s string, i int, afterArticle bool) (a act, end int, ok bool) {
	if i >= len(s) {
		return a, i, false
	}
	for _, n := range namedActs[lower(s[i])] {
		if n.withArticle && !afterArticle {
			continue
		}
		j, ok := phrase(s, i, n.phrase)
		if !ok {
			continue
		}
		if _, other := anyPhrase(s, space(s, j), foreign...); other {
			return a, i, false
		}
		return n.act, j, true
	}
	// "TU", "T.U.", "t.u.", but not the pronoun.
	if _, j, ok := abbreviation(s, i, unifiedAbbreviation); ok && (s[i+1] == '.' || s[i+1] == 'U') {
		k := space(s, j)
		for _, u := range unifiedSubjects {
			if e, ok := phrase(s, k, u.phrase); ok {
				if len(u.phrase) < 7 {
					e = dot(s, e)
				}
				return u.act, e, true
			}
		}
	}
	if !afterArticle {
		return a, i, false
	}
	short, end, ok := abbreviation(s, i, shortNames)
	if !ok || short == nil {
		return a, i, false
	}
	return *short, end, true
}
