package interchange

import "github.com/prassi-cms/prassi/schemas"

// order puts documents after those that they refer to. A circle is broken at a
// reference that a draft may lack: that document comes first without it and
// once more at the end with it. A circle of references that are always required
// cannot be imported.
func (p *Plan) order() {
	const (
		unseen = iota
		open
		done
	)
	state := make([]uint8, len(p.groups))
	refused := make([]bool, len(p.groups))
	var later []step
	var visit func(g int)
	visit = func(g int) {
		state[g] = open
		strip := map[string]bool{}
		for _, d := range p.groups[g].deps {
			if state[d.group] == unseen {
				visit(d.group)
			}
			if state[d.group] != open {
				continue
			}
			if d.ref.field.Required == schemas.Always {
				refused[g] = true
				p.units[d.unit].at = d.ref.at
				p.refuseUnit(d.unit, CodeReferenceCycle, "field", d.ref.field.Name)
			}
			strip[d.ref.field.Name] = true
		}
		state[g] = done
		switch {
		case refused[g]:
			p.Documents--
			p.Variants -= len(p.groups[g].units)
			for _, i := range p.groups[g].units {
				p.refuseUnit(i, CodeReferenceCycle, "field", "")
			}
		case len(strip) > 0:
			p.steps = append(p.steps, step{group: g, strip: strip})
			later = append(later, step{group: g, again: true})
		default:
			p.steps = append(p.steps, step{group: g})
		}
	}
	for g := range p.groups {
		if state[g] == unseen {
			visit(g)
		}
	}
	p.steps = append(p.steps, later...)
}
