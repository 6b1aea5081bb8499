package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
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
	newness INTEGER NOT NULL,
	title   TEXT NOT NULL,
	due     INTEGER,
	body    BLOB NOT NULL
) STRICT;
CREATE INDEX documents_title ON documents (title, id, newness);
CREATE INDEX documents_due ON documents (due, id) WHERE due IS NOT NULL;

CREATE TABLE terms (
	term    TEXT NOT NULL,
	newness INTEGER NOT NULL,
	id      TEXT NOT NULL,
	PRIMARY KEY (term, newness, id)
) STRICT, WITHOUT ROWID;

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

// prepareFile brings the file to the last version. Processes that open it at
// once do so one after the other. A file of a newer release or of another
// program is refused as it is.
func (s *Store) prepareFile(ctx context.Context, conn *sql.Conn) error {
	if _, err := fileVersion(ctx, conn); err != nil {
		return err
	}
	// To switch a new file to WAL, SQLite does not wait while another process is
	// doing the same, so this does.
	for deadline := time.Now().Add(busyTimeout); ; time.Sleep(5 * time.Millisecond) {
		_, err := conn.ExecContext(ctx, "PRAGMA journal_mode = wal")
		if err == nil {
			return s.migrate(ctx, conn)
		}
		if resultCode(err)&0xff != sqlite3.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
	}
}

// fileVersion reads which migrations the file has seen.
func fileVersion(ctx context.Context, conn *sql.Conn) (version int, err error) {
	var owner, tables int
	err = conn.QueryRowContext(ctx, "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) "+
		"FROM pragma_user_version, pragma_application_id").Scan(&version, &owner, &tables)
	switch {
	case err != nil:
		return 0, err
	case owner != applicationID && (owner != 0 || tables != 0):
		return 0, fmt.Errorf("this is another program's database (application_id %#x)", owner)
	case version > len(migrations):
		return 0, fmt.Errorf("the database has version %d, made by a newer release; this one knows %d", version, len(migrations))
	}
	return version, nil
}

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
	version, err := fileVersion(ctx, conn)
	if err != nil {
		return err
	}
	if version < len(migrations) {
		for _, migration := range migrations[version:] {
			if err := exec(migration); err != nil {
				return err
			}
		}
		if err := exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
		if err := exec(fmt.Sprintf("PRAGMA user_version = %d", len(migrations))); err != nil {
			return err
		}
	}
	return exec("COMMIT")
}
