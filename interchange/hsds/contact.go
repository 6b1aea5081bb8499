package hsds

import "github.com/prassi-cms/prassi/schemas"

// contacts are whom to turn to. HSDS has them in three places: contacts with
// their own telephones, telephones of the service, and its e-mail address. The
// last two make a row of their own unless a contact says the same.
func contacts() piece {
	return piece{
		field: "contacts", path: "contacts[]",
		get: func(r *reader, o map[string]any) any {
			rows, _ := r.contacts(o)
			return rows
		},
		put: putContacts,
	}
}

// contacts reads rows, and the contact that each came from (nil for others).
func (r *reader) contacts(o map[string]any) (rows any, from []map[string]any) {
	f, _ := r.typ.Field("contacts")
	var list []any
	mails, phones := map[string]bool{}, map[string]bool{}
	add := func(row map[string]any, origin map[string]any) {
		if len(row) == 0 {
			return
		}
		if s, ok := row["email"].(string); ok {
			mails[s] = true
		}
		if s, ok := row["phone"].(string); ok {
			phones[s] = true
		}
		list, from = append(list, row), append(from, origin)
	}
	for _, c := range objects(o["contacts"]) {
		row := map[string]any{}
		r.part(f, row, "name", c["name"], "contacts[].name")
		r.part(f, row, "role", c["title"], "contacts[].title")
		r.part(f, row, "email", c["email"], "contacts[].email")
		r.part(f, row, "web", c["url"], "contacts[].url")
		for _, p := range objects(c["phones"]) {
			if row["phone"] == nil && speaks(p) {
				r.part(f, row, "phone", phoneOf(p), "contacts[].phones[].number")
			}
		}
		add(row, c)
	}
	for _, p := range objects(o["phones"]) {
		row := map[string]any{}
		if r.part(f, row, "phone", phoneOf(p), "phones[].number"); row["phone"] == nil || phones[row["phone"].(string)] || !speaks(p) {
			continue
		}
		r.part(f, row, "role", p["description"], "phones[].description")
		add(row, nil)
	}
	row := map[string]any{}
	if r.part(f, row, "email", o["email"], "email"); row["email"] != nil && !mails[row["email"].(string)] {
		add(row, nil)
	}
	if list == nil {
		return nil, nil
	}
	return list, from
}

// part takes one part of a structured value when it fits.
func (r *reader) part(f *schemas.Field, row map[string]any, name string, v any, path string) {
	p, ok := f.Part(name)
	if !ok || !filled(v) {
		return
	}
	got, bad := p.Parse(v, r.env)
	switch {
	case bad != nil:
		r.kept(path, bad[0].Code, v)
	case got != nil:
		row[name] = got
	}
}

// speaks says that one can talk on a telephone.
func speaks(phone map[string]any) bool {
	switch text(phone["type"]) {
	case "fax", "pager", "textphone", "tty":
		return false
	}
	return true
}

func phoneOf(phone map[string]any) any {
	n := idText(phone["number"])
	// The specification's own example has the number in quotes.
	if len(n) > 1 && n[0] == '"' && n[len(n)-1] == '"' {
		n = n[1 : len(n)-1]
	}
	return n
}

// putContacts writes every row as a contact, so that their order is kept, and
// takes away the telephones and the address that no row names any more.
func putContacts(w *writer, o map[string]any, want any) {
	r := &reader{Lens: w.Lens, kind: w.kind, typ: w.types[w.kind]}
	is, from := r.contacts(o)
	was := listOf(is)
	silent := without(o["contacts"], from) // contacts that made no row stay
	used := make([]bool, len(was))
	origin := func(fits func(old map[string]any) bool) (map[string]any, map[string]any) {
		for i, x := range was {
			if old := x.(map[string]any); !used[i] && from[i] != nil && fits(old) {
				used[i] = true
				return from[i], old
			}
		}
		return nil, nil
	}
	rows := listOf(want)
	made := make([]map[string]any, len(rows))
	for i, x := range rows { // what stays as it is comes first
		made[i], _ = origin(func(old map[string]any) bool { return equal(old, x) })
	}
	mails, phones := map[any]bool{}, map[any]bool{}
	var list []any
	for i, x := range rows {
		row := x.(map[string]any)
		mails[row["email"]], phones[row["phone"]] = true, true
		c := made[i]
		if c == nil {
			var old map[string]any
			c, old = origin(func(old map[string]any) bool {
				return old["name"] != nil && old["name"] == row["name"] || old["email"] != nil && old["email"] == row["email"] ||
					old["phone"] != nil && old["phone"] == row["phone"]
			})
			if c == nil {
				c = map[string]any{"id": w.newID("contact", words1(row["name"]), words1(row["email"]), words1(row["phone"]), words1(row["web"]))}
			}
			for part, member := range map[string]string{"name": "name", "role": "title", "email": "email", "web": "url"} {
				if row[part] != old[part] {
					set(c, member, row[part])
				}
			}
			if row["phone"] != old["phone"] {
				delete(c, "phones")
				if row["phone"] != nil {
					c["phones"] = []any{map[string]any{"id": w.newID("phone", words1(row["phone"])), "number": row["phone"]}}
				}
			}
		}
		list = append(list, c)
	}
	setList(o, "contacts", append(list, silent...))
	// A number or address that no row names would come back as a row.
	f, _ := r.typ.Field("contacts")
	var kept []any
	for _, x := range listOf(o["phones"]) {
		p, ok := x.(map[string]any)
		row := map[string]any{}
		if ok && speaks(p) {
			r.part(f, row, "phone", phoneOf(p), "")
		}
		if row["phone"] == nil || phones[row["phone"]] {
			kept = append(kept, x)
		}
	}
	setList(o, "phones", kept)
	row := map[string]any{}
	if r.part(f, row, "email", o["email"], ""); row["email"] != nil && !mails[row["email"]] {
		delete(o, "email")
	}
	if w.fresh { // others look for it here
		for _, x := range rows {
			if mail := x.(map[string]any)["email"]; mail != nil && !filled(o["email"]) {
				o["email"] = mail
			}
		}
	}
}

func words1(v any) string {
	s, _ := v.(string)
	return s
}
