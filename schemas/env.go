package schemas

// Env is what Parse may know beyond the declarations. A nil Env is valid.
type Env struct {
	// Territories replaces the registry's own set, for example by one with
	// municipalities.
	Territories *Territories
	// Loose takes what front matter, CSV files and other systems give: one value
	// for a list, words for numbers and booleans, a term's label or alias for
	// its identifier, a title for a rich list's row. What comes out is as
	// canonical as ever. Duplicates in sets are dropped instead of refused.
	Loose bool
}

func (e *Env) loose() bool { return e != nil && e.Loose }

func (e *Env) territories(f *Field) *Territories {
	if e != nil && e.Territories != nil {
		return e.Territories
	}
	return f.reg.Territories()
}
