package interchange

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/prassi-cms/prassi/content"
)

// Library keeps the pictures and documents that content uses; *media.Library is
// one. What a packed item is, it alone knows.
type Library interface {
	// Pack gives an item as files, the same each time, or the problem not_found.
	Pack(ctx context.Context, id string, put func(file string, data []byte) error) error
	// Unpack checks an item, of which names lists the files. It writes nothing;
	// store does, and is nil when the item is there already. A problem is about the
	// file at.
	Unpack(ctx context.Context, id string, names []string, read func(file string, most int64) ([]byte, error)) (store func(context.Context, content.Actor) error, at string, err error)
}

// mediaFolder is where an export has the packed items, each in a folder of its id;
// parcelFile marks such a folder.
const (
	mediaFolder = "media"
	parcelFile  = "item.json"
)

var parcelID = regexp.MustCompile(`^[a-z2-7]{26}$`)

// parcel is a packed item in an import: files that are no content.
type parcel struct {
	shown string // its folder
	id    string
	names []string
	files map[string]*source // by name in the folder
}

// parcelFolders gives the folders of packed items among files: those in a folder
// media that are called like an id, or hold what marks them.
func parcelFolders(names []string) map[string]bool {
	folders := map[string]bool{}
	for _, name := range names {
		for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
			if path.Base(path.Dir(dir)) == mediaFolder && (parcelID.MatchString(path.Base(dir)) || name == path.Join(dir, parcelFile)) {
				folders[dir] = true
			}
		}
	}
	return folders
}

// parcelOf gives the outermost of the folders that a file is in, or "".
func parcelOf(folders map[string]bool, name string) (folder string) {
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if folders[dir] {
			folder = dir
		}
	}
	return folder
}

// takeParcels notes the packed items among files and gives the other files. base
// stands before each name, for an import of the folder media itself.
func (w *walker) takeParcels(fsys fs.FS, shown, base string, names []string) (others []string) {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = path.Join(base, name)
	}
	folders := parcelFolders(full)
	var last *parcel
	var lastFolder string
	for i, name := range names {
		folder := parcelOf(folders, full[i])
		if folder == "" {
			others = append(others, name)
			continue
		}
		if last == nil || folder != lastFolder { // names come in the order of folders
			within := strings.TrimPrefix(strings.TrimPrefix(folder, base), "/")
			last, lastFolder = &parcel{shown: path.Join(shown, within), id: path.Base(folder), files: map[string]*source{}}, folder
			w.parcels = append(w.parcels, last)
		}
		file := strings.TrimPrefix(full[i], folder+"/")
		last.names = append(last.names, file)
		last.files[file] = &source{name: last.shown + "/" + file, fsys: fsys, path: name}
	}
	return others
}

// read gives at most so many bytes of a file. Its error is an *Error.
func (p *parcel) read(name string, most int64) ([]byte, error) {
	src, ok := p.files[name]
	if !ok {
		return nil, &Error{Finding{Source: p.shown + "/" + name, Code: CodeUnreadable}}
	}
	data, bad := src.readAll(most)
	if bad != nil {
		return nil, &Error{bad.in(src.name)}
	}
	return data, nil
}

// Media gives the ids of the packed items in the import.
func (p *Plan) Media() []string {
	ids := make([]string, len(p.parcels))
	for i, x := range p.parcels {
		ids[i] = x.id
	}
	return ids
}

// media brings the packed items in, before the content that uses them: all are
// checked before one is stored. It is false when one was refused, and then
// nothing at all is to be imported.
func (r *run) media(ctx context.Context) (bool, error) {
	if r.opt.Library == nil {
		return true, nil
	}
	stores := make([]func(context.Context, content.Actor) error, len(r.plan.parcels))
	fine := true
	for i, p := range r.plan.parcels {
		store, at, err := r.opt.Library.Unpack(ctx, p.id, p.names, p.read)
		if err != nil {
			if err := r.refusedFile(p, at, err); err != nil {
				return false, err
			}
			fine = false
			continue
		}
		stores[i] = store
	}
	for i, p := range r.plan.parcels {
		f := Finding{Source: p.shown, Code: CodeReportMediaAdded}
		switch {
		case !fine:
			continue
		case stores[i] == nil:
			if f.Code = CodeReportMediaUnchanged; !r.opt.Verbose {
				continue
			}
		default:
			if !r.opt.DryRun {
				if err := stores[i](ctx, r.opt.Actor); err != nil {
					if err := r.refusedFile(p, "", err); err != nil {
						return false, err
					}
					fine = false
					continue
				}
			}
			r.sum.Media++
		}
		r.line(f)
	}
	if !fine {
		r.line(Finding{Code: CodeReportStopped})
	}
	return fine, r.err
}

// refusedFile reports why an item is not taken, or gives back an error that is not
// the item's.
func (r *run) refusedFile(p *parcel, at string, err error) error {
	f := Finding{Source: path.Join(p.shown, at)}
	var bad *Error
	if errors.As(err, &bad) {
		f = bad.Finding
	} else {
		problem := content.AsProblem(err)
		if !slices.Contains([]content.Class{content.Invalid, content.TooLarge, content.Conflict}, problem.Class) {
			return err
		}
		f.Code, f.Params = problem.Code, problem.Params
	}
	r.sum.Refused++
	r.line(f)
	return nil
}

// media writes the items that the written content uses.
func (e *exporter) media(ctx context.Context) error {
	if e.opt.Library == nil {
		return nil
	}
	for _, id := range sortedKeys(e.used) {
		err := e.opt.Library.Pack(ctx, id, func(file string, data []byte) error {
			return e.out.write(path.Join(mediaFolder, id, file), string(data))
		})
		if p := content.AsProblem(err); p != nil && p.Class == content.NotFound {
			e.sum.Findings = append(e.sum.Findings, Finding{Source: e.used[id], Code: "media_not_found", Params: map[string]any{"id": id}})
			continue
		}
		if err != nil {
			return err
		}
		e.sum.Media++
	}
	return nil
}
