package auth_test

import (
	"database/sql"
	"fmt"
)

// records reads every record that the SQLite file holds, whatever its kind.
func records(w *world) (out []string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", w.path)
	w.must(err)
	defer db.Close()
	rows, err := db.Query("SELECT kind, id, data FROM records")
	w.must(err)
	defer rows.Close()
	for rows.Next() {
		var kind, id, data string
		w.must(rows.Scan(&kind, &id, &data))
		out = append(out, fmt.Sprintln(kind, id, data))
	}
	w.must(rows.Err())
	if len(out) == 0 {
		w.t.Fatal("there are no records at all: this test reads the wrong place")
	}
	return out
}
