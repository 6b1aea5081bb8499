package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
)

// applicationID marks the file as Prassi's ("PRAS").
const applicationID = 0x50524153

// migrations lead from one user_version to the next: the first makes version 1
// of an empty file. A release never changes an old one, it appends.
var migrations = []string{`
-- due and newness are milliseconds; newness is minus updated_at, so that
-- ascending order is newest first and a page starts by one row comparison.
CREATE TABLE documents (
	id      TEXT NOT NULL UNIQUE,
	version INTEGER NOT NULL,
	due     INTEGER,
	body    BLOB NOT NULL
) STRICT;
CREATE INDEX documents_due ON documents (due, id) WHERE due IS NOT NULL;

CREATE TABLE terms (
	term    TEXT NOT NULL,
	newness INTEGER NOT NULL,
	id      TEXT NOT NULL,
	title   TEXT NOT NULL,
	PRIMARY KEY (term, newness, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX terms_title ON terms (term, title, id);

CREATE TABLE slugs (
	slug TEXT NOT NULL PRIMARY KEY,
	id   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revisions (
	hash     TEXT NOT NULL UNIQUE,
	document TEXT NOT NULL,
	locale   TEXT NOT NULL,
	number   INTEGER NOT NULL,
	body     BLOB NOT NULL
) STRICT;
CREATE INDEX revisions_history ON revisions (document, locale, number DESC, hash);

-- seq is the row's own number: the next one is the greatest plus one, decided
-- inside the transaction, so the log has no gap.
CREATE TABLE events (
	seq      INTEGER PRIMARY KEY,
	document TEXT NOT NULL,
	body     BLOB NOT NULL
) STRICT;
CREATE INDEX events_document ON events (document, seq DESC);

CREATE TABLE records (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	at      INTEGER NOT NULL,
	data    BLOB NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
`}

// migrate brings the file to the last version. Processes that open the file at
// once do it one after the other. A file of a newer release or of another
// program is refused.
func (s *Store) migrate(ctx context.Context, conn *sql.Conn) (err error) {
	exec := func(statement string) error {
		s.step(statement)
		_, err := conn.ExecContext(ctx, statement)
		return err
	}
	if err := exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	var version, owner, tables int
	for pragma, value := range map[string]*int{
		"PRAGMA user_version":                &version,
		"PRAGMA application_id":              &owner,
		"SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if err := conn.QueryRowContext(ctx, pragma).Scan(value); err != nil {
			return err
		}
	}
	switch {
	case owner != applicationID && (owner != 0 || tables != 0):
		return fmt.Errorf("this is another program's database (application_id %#x)", owner)
	case version > len(migrations):
		return fmt.Errorf("the database has version %d, made by a newer release; this one knows %d", version, len(migrations))
	case version == len(migrations):
		return exec("COMMIT")
	}
	for _, migration := range migrations[version:] {
		if err := exec(migration); err != nil {
			return err
		}
	}
	if err := exec(fmt.Sprintf("PRAGMA user_version = %d", len(migrations))); err != nil {
		return err
	}
	if err := exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return err
	}
	return exec("COMMIT")
}
