// Package hours says when something is open: the rows of schemas' kind
// opening_hours read as one schedule, in Italian time (Europe/Rome), with the
// public holidays of Italy. It has no clock: every question brings its time.
//
// # Flow
//
// [Parse] takes the canonical rows of a field and answers a [Schedule]. For a
// civil day it asks which rows hold on it, by these rules in turn:
//
//  1. A row with valid_from or valid_to holds on those days only, both included.
//  2. A row holds on its days of the week, and with holidays: true on public
//     holidays too, whatever the day of the week (as PublicHolidays among the
//     days of schema.org's OpeningHoursSpecification). A closed row without days
//     holds on all days, or with holidays: true on public holidays alone.
//  3. When a closed row holds, nothing opens on that day.
//  4. On a public holiday nothing opens, but by rows that say holidays: true and
//     by rows that are valid on exactly that single day.
//  5. When a dated row (one with valid_from or valid_to) opens on the day, undated
//     rows do not.
//
// A row that closes when it opens or earlier closes on the next day; it belongs
// to the day on which it opens, so what the next day says does not cut it short.
// Closing at 23:59 means midnight. A time that the clocks skip in spring is the
// moment of the change; of a time that they show twice in autumn opening takes
// the first, closing the last moment before it is later than that.
//
// The holidays are in schemas/holidays.yaml; [Easter] is computed.
package hours
