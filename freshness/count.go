package freshness

import (
	"context"
	"errors"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// kindCount are the records of how often something happened on a day, by day and
// name. All processes count in the same.
const kindCount = "freshness_count"

// count adds n to what happened today, unless there would be more than most; ok
// says that it was added.
func (k *Keeper) count(ctx context.Context, name string, n, most int) (ok bool, err error) {
	id := k.today().Format(time.DateOnly) + "/" + name
	for range 50 {
		so, version, err := read[int](ctx, k, kindCount, id)
		if err != nil || n > 0 && so+n > most {
			return false, err
		}
		if err = k.write(ctx, kindCount, id, max(0, so+n), version); !errors.Is(err, content.ErrConflict) {
			return err == nil, err
		}
	}
	return false, content.ErrConflict
}
