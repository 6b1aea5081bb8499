package catalog

// Kept finds the public document that stands for one, by id: Found is itself,
// Moved the last that it was merged into. Gone was public once; of NotFound the
// catalogue knows nothing.
func (c *Catalog) Kept(id string) (kept string, outcome Outcome) {
	s := c.snap.Load()
	r := s.docs.get(id)
	if r == nil {
		return "", NotFound
	}
	switch to := s.kept(r); {
	case len(to.variants) == 0:
		return "", Gone
	case to == r:
		return r.id, Found
	default:
		return to.id, Moved
	}
}
