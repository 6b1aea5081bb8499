package sqlitestore

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// maxGroup bounds how many calls share one transaction.
	maxGroup = 256
	// checkpointAfter is about how many bytes of log (in pages, as estimated by
	// the writer) make a checkpoint worth while; idleCheckpoint is after how long
	// a rest the remainder follows.
	checkpointAfter = 16 << 20
	idleCheckpoint  = time.Second
)

// job is one call that writes. Whoever moves its state first, the writer or the
// cancelled caller, decides whether it happens.
type job struct {
	run   func(*transaction) error
	state atomic.Int32
	done  chan error // buffered: the writer never waits for a caller
}

const (
	waiting int32 = iota
	claimed
	abandoned
)

// transaction is what a job may do: everything in it is committed with the
// jobs of other callers. A job that finds that it must refuse does so before
// its first change.
type transaction struct {
	store *Store
	pages int64 // estimate of what the log grew, in bytes
}

// exec runs a statement, telling the step hook before.
func (t *transaction) exec(step, query string, arguments ...any) (changed int64, err error) {
	t.store.step(step)
	statement, err := t.store.write.prepare(query)
	if err != nil {
		return 0, err
	}
	// Not the caller's context: a transaction that several callers share is not
	// interrupted for one of them.
	result, err := statement.ExecContext(context.Background(), arguments...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row reads one row, telling the step hook before.
func (t *transaction) row(step, query string, arguments []any, into ...any) error {
	t.store.step(step)
	return t.store.write.row(context.Background(), query, arguments, into...)
}

// change has the writer run a job and waits until it is durable. An error of
// run is an engine's failure and undoes the whole transaction.
func (s *Store) change(ctx context.Context, run func(*transaction) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.refused(); err != nil {
		return err
	}
	j := &job{run: run, done: make(chan error, 1)}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return s.refused()
	}
	var instead error
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		instead = ctx.Err()
	case <-s.done:
		instead = s.refused()
	}
	if j.state.CompareAndSwap(waiting, abandoned) {
		return instead
	}
	return <-j.done
}

// writer runs until Close, one transaction after the other.
func (s *Store) writer() {
	defer close(s.done)
	var log int64 // bytes of log since the last checkpoint, as estimated
	idle := time.NewTimer(time.Hour)
	defer idle.Stop()
	for {
		var group []*job
		select {
		case j := <-s.jobs:
			group = append(group, j)
		case <-idle.C:
			if log > 0 {
				s.checkpoint()
				log = 0
			}
			continue
		case <-s.quit:
			return
		}
	gather:
		for len(group) < maxGroup {
			select {
			case j := <-s.jobs:
				group = append(group, j)
			default:
				break gather
			}
		}
		log += s.commit(group)
		if log >= checkpointAfter {
			s.checkpoint()
			log = 0
		}
		idle.Reset(idleCheckpoint)
	}
}

// commit runs the jobs in one transaction and answers them. It returns about
// how many bytes the log grew.
func (s *Store) commit(group []*job) int64 {
	t := &transaction{store: s}
	begun := false
	err := s.refused()
	if err == nil {
		_, err = t.exec("begin", "BEGIN IMMEDIATE")
		begun = err == nil
	}
	// Only now: as long as another process holds the lock, callers may leave.
	mine := group[:0]
	for _, j := range group {
		if j.state.CompareAndSwap(waiting, claimed) {
			mine = append(mine, j)
			if err == nil {
				err = j.run(t)
			}
		}
	}
	if err == nil {
		_, err = t.exec("commit", "COMMIT")
	}
	if err != nil {
		if begun {
			_, _ = t.exec("rollback", "ROLLBACK") // fails when SQLite has done so itself
		}
		err = s.judge(err)
	}
	for _, j := range mine {
		j.done <- err
	}
	return t.pages
}

// checkpoint copies the log into the file, as far as readers allow, and syncs.
func (s *Store) checkpoint() {
	if s.broken.Load() != nil {
		return
	}
	t := &transaction{store: s}
	var busy, log, moved int
	if err := t.row("checkpoint", "PRAGMA wal_checkpoint(PASSIVE)", nil, &busy, &log, &moved); err != nil {
		_ = s.judge(err)
	}
}
