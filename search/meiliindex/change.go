package meiliindex

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/meilisearch/meilisearch-go"

	"github.com/prassi-cms/prassi/search"
)

// Bounds of what is sent at once.
const (
	batchRecords = 1000
	batchBytes   = 8 << 20 // about, of text
	listPage     = 5000
)

// meta is the record that says what the index is.
type meta struct {
	ID          string `json:"id"`
	Part        int    `json:"part"` // -1: no question finds it
	Position    int64  `json:"position"`
	Fingerprint string `json:"fingerprint"`
}

func (x *Index) meta(position int64) record {
	return record{"id": metaID, "part": -1, "position": position, "fingerprint": x.settings.Fingerprint}
}

// stored reads the meta record; ok is false when there is none.
func (x *Index) stored(ctx context.Context) (m meta, ok bool, err error) {
	err = x.client.Index(x.uid).GetDocumentWithContext(ctx, metaID, nil, &m)
	switch code(err) {
	case noIndex, noDocument:
		return m, false, err
	}
	return m, err == nil, err
}

// Position is part of search.Index.
func (x *Index) Position(ctx context.Context) (int64, error) {
	if err := x.begin(ctx); err != nil {
		return 0, err
	}
	m, ok, err := x.stored(ctx)
	switch {
	case code(err) == noIndex || code(err) == noDocument:
		return 0, nil
	case err != nil:
		return 0, fail(ctx, "read the position", err)
	case !ok || m.Fingerprint != x.settings.Fingerprint:
		return 0, nil
	}
	return m.Position, nil
}

// ensure makes the live index where there never was one. One that was there and
// is gone, or was made under other declarations, takes no change: written to, it
// would have a position and lack what came before. Position tells 0 of both, and
// they are rebuilt.
func (x *Index) ensure(ctx context.Context) error {
	m, ok, err := x.stored(ctx)
	switch gone := code(err); {
	case (gone == noIndex || gone == noDocument) && x.ready:
		return &search.Unavailable{Err: errors.New("meilisearch: the index is gone and must be rebuilt")}
	case gone == noIndex:
		err = x.create(ctx, x.uid)
	case gone == noDocument: // a start that was cut off
		err = x.configure(ctx, x.uid)
	case ok && m.Fingerprint != x.settings.Fingerprint:
		return &search.Unavailable{Err: errors.New("meilisearch: the index was made under other declarations and must be rebuilt")}
	}
	x.ready = x.ready || err == nil
	return err
}

func (x *Index) create(ctx context.Context, uid string) error {
	info, err := x.client.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: uid, PrimaryKey: "id"})
	if err := x.wait(ctx, info, err); err != nil && code(err) != indexExists {
		return err
	}
	return x.configure(ctx, uid)
}

func (x *Index) configure(ctx context.Context, uid string) error {
	info, err := x.client.Index(uid).UpdateSettingsWithContext(ctx, declared(x.settings))
	return x.wait(ctx, info, err)
}

// Apply is part of search.Index. Records that are put and the position are one
// task of the server, all or nothing; what is removed is a task before it, so
// that a crash between the two leaves the old position.
func (x *Index) Apply(ctx context.Context, b search.Batch) error {
	if err := x.begin(ctx); err != nil {
		return err
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.apply(ctx, b); err != nil {
		return fail(ctx, "change the index", err)
	}
	if x.building {
		x.pending = append(x.pending, b)
	}
	return nil
}

func (x *Index) apply(ctx context.Context, b search.Batch) error {
	if err := x.ensure(ctx); err != nil {
		return err
	}
	return x.write(ctx, x.uid, b)
}

// write changes an index that exists.
func (x *Index) write(ctx context.Context, uid string, b search.Batch) error {
	var put []record
	have, owners := map[string]bool{}, slices.Clone(b.Remove)
	for i := range b.Put {
		if !slices.Contains(x.settings.Locales, b.Put[i].Locale) || b.Put[i].ID == "" {
			return fmt.Errorf("document %q in locale %q", b.Put[i].ID, b.Put[i].Locale)
		}
		for _, r := range x.records(&b.Put[i]) {
			put = append(put, r)
			have[r["id"].(string)] = true
		}
		owners = append(owners, b.Put[i].ID)
	}
	gone := []string{}
	for _, id := range b.Remove {
		if !have[id] {
			gone = append(gone, id)
		}
	}
	for chunk := range slices.Chunk(owners, batchRecords) {
		parts, err := x.parts(ctx, uid, chunk)
		if err != nil {
			return err
		}
		for _, id := range parts {
			if !have[id] {
				gone = append(gone, id)
			}
		}
	}
	index := x.client.Index(uid)
	if len(gone) > 0 {
		info, err := index.DeleteDocumentsWithContext(ctx, gone, nil)
		if err := x.wait(ctx, info, err); err != nil {
			return err
		}
	}
	put = append(put, x.meta(b.Position))
	for chunk := range slices.Chunk(put, batchRecords) {
		info, err := index.AddDocumentsWithContext(ctx, chunk, nil)
		if err := x.wait(ctx, info, err); err != nil {
			return err
		}
	}
	return nil
}

// parts lists the records beyond the first that some variants have.
func (x *Index) parts(ctx context.Context, uid string, owners []string) (ids []string, err error) {
	for offset := int64(0); ; offset += listPage {
		var page meilisearch.DocumentsResult
		if err := x.client.Index(uid).GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{
			Offset: offset, Limit: listPage, Fields: []string{"id"}, Filter: "part > 0 AND " + in("owner", owners),
		}, &page); err != nil {
			return nil, err
		}
		for _, hit := range page.Results {
			var r struct {
				ID string `json:"id"`
			}
			if err := hit.DecodeInto(&r); err != nil {
				return nil, err
			}
			ids = append(ids, r.ID)
		}
		if int64(len(page.Results)) < listPage {
			return ids, nil
		}
	}
}

// Count is part of search.Index.
func (x *Index) Count(ctx context.Context) (int, error) {
	if err := x.begin(ctx); err != nil {
		return 0, err
	}
	var page meilisearch.DocumentsResult
	err := x.client.Index(x.uid).GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{Limit: 1, Fields: []string{"id"}, Filter: firstPart}, &page)
	if code(err) == noIndex {
		return 0, nil
	}
	return int(page.Total), fail(ctx, "count", err)
}

// Entries is part of search.Index. The server lists records in an order of its
// own, so the list is read at its first page and kept until the last.
func (x *Index) Entries(ctx context.Context, after string, limit int) ([]search.Entry, error) {
	if err := x.begin(ctx); err != nil {
		return nil, err
	}
	x.listing.Lock()
	defer x.listing.Unlock()
	if after == "" || x.listed == nil {
		list, err := x.list(ctx)
		if code(err) == noIndex {
			return nil, nil
		}
		if err != nil {
			return nil, fail(ctx, "list", err)
		}
		x.listed = list
	}
	at, found := slices.BinarySearchFunc(x.listed, after, func(e search.Entry, id string) int { return strings.Compare(e.ID, id) })
	if found {
		at++
	}
	page := x.listed[at:min(at+max(limit, 0), len(x.listed))]
	if len(page) == 0 {
		x.listed = nil
	}
	return page, nil
}

func (x *Index) list(ctx context.Context) (out []search.Entry, err error) {
	for offset := int64(0); ; offset += listPage {
		var page meilisearch.DocumentsResult
		if err := x.client.Index(x.uid).GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{
			Offset: offset, Limit: listPage, Fields: []string{"id", "version"}, Filter: firstPart,
		}, &page); err != nil {
			return nil, err
		}
		for _, hit := range page.Results {
			var r struct {
				ID      string `json:"id"`
				Version string `json:"version"`
			}
			if err := hit.DecodeInto(&r); err != nil {
				return nil, err
			}
			out = append(out, search.Entry{ID: r.ID, Version: r.Version})
		}
		if int64(len(page.Results)) < listPage {
			break
		}
	}
	slices.SortFunc(out, func(a, b search.Entry) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// Rebuild is part of search.Index. Batches of this process that come meanwhile
// reach the new index before the swap; another process finds the new index's
// position, which is not later than what it holds, and goes on from there.
func (x *Index) Rebuild(ctx context.Context, position int64, documents iter.Seq2[search.Document, error]) error {
	if err := x.begin(ctx); err != nil {
		return err
	}
	x.writing.Lock()
	if x.building {
		x.writing.Unlock()
		return errors.New("meiliindex: the index is being rebuilt already")
	}
	x.building, x.pending = true, nil
	x.writing.Unlock()
	source, err := x.fill(ctx, position, documents)
	if err == nil && source == nil {
		err = x.swap(ctx, position)
	}
	x.writing.Lock()
	x.building, x.pending = false, nil
	x.writing.Unlock()
	// Whatever has that name now is not the live index.
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	_ = x.drop(tidy, x.build()) // if it stays, the next rebuild begins with dropping it
	if source != nil {
		return source
	}
	return fail(ctx, "rebuild the index", err)
}

// Drop deletes the index on the server, for tests and measurements that made one
// of their own.
func (x *Index) Drop(ctx context.Context) error {
	return fail(ctx, "delete the index", x.drop(ctx, x.uid))
}

func (x *Index) drop(ctx context.Context, uid string) error {
	info, err := x.client.DeleteIndexWithContext(ctx, uid)
	if err := x.wait(ctx, info, err); err != nil && code(err) != noIndex {
		return err
	}
	return nil
}

// fill makes the new index; source is the error of who gives the documents.
func (x *Index) fill(ctx context.Context, position int64, documents iter.Seq2[search.Document, error]) (source, err error) {
	if err := x.drop(ctx, x.build()); err != nil {
		return nil, err
	}
	if err := x.create(ctx, x.build()); err != nil {
		return nil, err
	}
	var put []record
	size := 0
	flush := func() error {
		if len(put) == 0 {
			return nil
		}
		info, err := x.client.Index(x.build()).AddDocumentsWithContext(ctx, put, nil)
		put, size = nil, 0
		return x.wait(ctx, info, err)
	}
	for d, err := range documents {
		if err != nil {
			return err, nil
		}
		if !slices.Contains(x.settings.Locales, d.Locale) || d.ID == "" {
			return nil, fmt.Errorf("document %q in locale %q", d.ID, d.Locale)
		}
		put = append(put, x.records(&d)...)
		if size += 4 * (len(d.Body) + len(d.Summary) + 500); len(put) >= batchRecords || size >= batchBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	put = append(put, x.meta(position))
	return nil, flush()
}

// swap takes in what came meanwhile and makes the new index the live one.
func (x *Index) swap(ctx context.Context, position int64) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	for _, b := range x.pending {
		b.Position = max(b.Position, position)
		if err := x.write(ctx, x.build(), b); err != nil {
			return err
		}
	}
	// Swapping needs both; the first rebuild may come before the first change.
	info, err := x.client.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: x.uid, PrimaryKey: "id"})
	if err := x.wait(ctx, info, err); err != nil && code(err) != indexExists {
		return err
	}
	info, err = x.client.SwapIndexesWithContext(ctx, []*meilisearch.SwapIndexesParams{{Indexes: []string{x.uid, x.build()}}})
	if err := x.wait(ctx, info, err); err != nil {
		return err
	}
	x.ready = true
	return nil
}

// briefly bounds a search, whatever the caller's context allows.
func briefly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, searchTimeout)
}
