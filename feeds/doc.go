// Package feeds writes what is published as feeds that other programs follow:
// RSS 2.0, Atom (RFC 4287), JSON Feed 1.1 and iCalendar (RFC 5545).
//
// # Flow
//
//	Query ── Source.Find ─────────▶ Channel ── Append(format) ──▶ bytes
//	      └─ Source.FindCalendar ─▶ Calendar ── Append ─────────▶ bytes
//	                                   │
//	                                   └ Tag, Modified: cheap, for caches
//
//	catalogue ── Pinger.Round: tags that differ ──▶ WebSub hub
//
// Everything comes from the catalogue, so a feed can say no more than the public
// may know. The bytes follow from what is published and, for calendars, from the
// day; there is no clock in them, so the static site and the API give the same.
//
// # Which feeds there are
//
// Each type whose declaration says route.feed has one in every locale, and "all"
// has them together; each type with route.calendar has a calendar, and "deadlines"
// holds every labelled span of days of the types with a feed. Each exists for the
// whole country, for a territory and for a topic:
//
//	/feeds/{locale}/{name}.{rss|atom|json|ics}
//	/feeds/{locale}/territories/{ISTAT}/{name}.…
//	/feeds/{locale}/topics/{term}/{name}.…
//
// # Identity
//
// An item is known for ever by a UUID that is made of its document and its
// language (RFC 9562, section 5.5); a deadline's is made of its words too, so it
// stays itself when its day is moved. No identifier holds an address: a site may
// move to another domain.
package feeds
