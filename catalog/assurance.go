package catalog

import "github.com/prassi-cms/prassi/schemas"

// What items say of their facts, and the filter "assurance" asks for.
const (
	assuredCurrent    = "current"
	assuredUnverified = "unverified"
)

// assuranceParameter is the filter's name, and that of the key in items.
const assuranceParameter = "assurance"

// assurance tells when somebody confirmed the facts last, for types whose facts
// age.
func (l *loadedDoc) assurance() (ages bool, on string, stage schemas.Stage) {
	if l.shape == nil || !l.shape.ages {
		return false, "", ""
	}
	if a := l.doc.Assured; a != nil {
		on, stage = a.On, a.Stage
	}
	return true, on, stage
}

// assuranceStatus is a word for the public. What nobody ever confirmed is not
// verified.
func assuranceStatus(on string, stage schemas.Stage) string {
	if on == "" || stage != schemas.StageCurrent {
		return assuredUnverified
	}
	return assuredCurrent
}

// writeAssurance writes the key of an item or of a point on the map.
func (l *loadedDoc) writeAssurance(w *writer) {
	ages, on, stage := l.assurance()
	if !ages {
		return
	}
	w.key(assuranceParameter)
	w.object(func() {
		w.optional("date", on)
		w.pair("status", assuranceStatus(on, stage))
	})
}
