// Package partners keeps who shows our content on pages of their own: a
// municipality, a school, a library.
//
//	Create, Change, End ──▶ audit's ledger: record "partner:KEY" with its entry
//	        Refresh ──────▶ what the process knows: a map, swapped whole
//	request ?partner=KEY ─▶ Lookup ─▶ Allows(origin) ─▶ Within(query) ─▶ Count
//	        Flush ────────▶ one record a day: partner → widget → how often
//
// A partner's key stands in the source of its pages. It is public and opens
// nothing that is not public: it says whose page asks, so that the page shows what
// the partner chose (Filter), in its colours (Theme), and so that somebody else's
// page does not do so in its name. Browsers say from which origin a script asks;
// that is compared with Origins, exactly.
//
// What is counted is how often a widget was shown, by day, widget and partner.
// There is no address, no browser, no page and no person in it, and nothing that
// would tell two readers from two visits of one.
package partners
