package hsds

// Page is the envelope of a page of objects (HSDS 3.1, API reference). Its
// contents follow it as one more member, contents.
type Page struct {
	TotalItems int  `json:"total_items"`
	TotalPages int  `json:"total_pages"`
	PageNumber int  `json:"page_number"` // from 1
	Size       int  `json:"size"`        // of this page
	FirstPage  bool `json:"first_page"`
	LastPage   bool `json:"last_page"`
	Empty      bool `json:"empty"`
}

// Envelope describes page number of pages, which has size of the items.
func Envelope(items, pages, number, size int) Page {
	return Page{items, pages, number, size, number <= 1, number >= pages, size == 0}
}
