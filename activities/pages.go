package activities

import (
	"crypto/sha256"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// ticketFile is a file as the POS has it.
type ticketFile struct {
	media   string
	content []byte
	tickets []string // ids of the tickets on its pages, in their order; none where the POS does not say
}

// place is what a line's pages must name. seats and tickets have one for each ticket, and are nil where they are not known.
type place struct {
	quantity     int
	section, row string
	seats        []string
	tickets      []string // the POS's ids, parallel to seats
	apart        bool     // they are not parallel: which ticket is which seat is not known
}

// found is which pages of the files, one after the other and counted from 1, are the tickets of a line.
type found struct {
	pages   []int  // in the order of the seats; fewer than the quantity where not all have come
	unclear string // why a person must look; it quotes no page
	ordered bool   // the pages are as many as the tickets
}

// findPages says which page is whose ticket, or that it cannot be told. A buyer who gets another's ticket enters in his place, so
// it does not guess: a page counts for a seat because the POS says so of its file, or because its text names that seat and no other.
func findPages(files []ticketFile, want place) found {
	texts, marks, unclear := readFiles(files, want)
	if unclear != "" {
		return found{unclear: unclear}
	}
	if want.apart { // one of the two must do
		if slices.Contains(marks, "") {
			want.tickets = nil
		} else {
			want.seats = nil
		}
	}
	m := matching{place: want, texts: texts, marks: marks, page: make([]int, want.quantity), taken: map[int]bool{}}
	m.ticketsSay()
	if m.unclear == "" {
		m.textSays()
	}
	return m.result()
}

// readFiles gives the texts of all pages and, for each, the id of the ticket that the POS says it is, or "".
func readFiles(files []ticketFile, want place) (texts, marks []string, unclear string) {
	until, seen := time.Now().Add(pdfPatience), map[[sha256.Size]byte]bool{}
	for i, f := range files {
		if media, _, err := mime.ParseMediaType(f.media); err != nil || media != "application/pdf" {
			return nil, nil, fmt.Sprintf("file %d of %d is no PDF", i+1, len(files))
		}
		sum := sha256.Sum256(f.content)
		if seen[sum] {
			return nil, nil, fmt.Sprintf("file %d of %d is the same as one before it", i+1, len(files))
		}
		seen[sum] = true
		pages, err := readPDF(f.content, until)
		if err != nil {
			return nil, nil, fmt.Sprintf("file %d of %d: %s", i+1, len(files), err)
		}
		if len(texts)+len(pages) > maxPages {
			return nil, nil, fmt.Sprintf("more than %d pages for %d tickets", maxPages, want.quantity)
		}
		texts = append(texts, pages...)
		if len(f.tickets) == len(pages) {
			marks = append(marks, f.tickets...)
		} else {
			marks = append(marks, make([]string, len(pages))...)
		}
	}
	return texts, marks, ""
}

// matching gives pages to the tickets of a line.
type matching struct {
	place
	texts, marks []string
	page         []int // by ticket; 0: none yet
	taken        map[int]bool
	unclear      string
	wrong        bool // the files are contradictory: an operator cannot approve them as they are
}

func (m *matching) give(ticket, page int) {
	if m.page[ticket] != 0 {
		m.unclear, m.wrong = "two pages are said to be one ticket", true
		return
	}
	m.page[ticket], m.taken[page] = page, true
}

func (m *matching) ticketsSay() {
	order := m.tickets
	if order == nil { // the invoice does not name them; the files may name as many as there are
		for _, id := range m.marks {
			if id != "" && !slices.Contains(order, id) {
				order = append(order, id)
			}
		}
		if len(order) != m.quantity || m.seats != nil {
			return
		}
	}
	for i, id := range m.marks {
		if id == "" {
			continue
		}
		ticket := slices.Index(order, id)
		if ticket < 0 {
			m.unclear, m.wrong = "a file holds a ticket that is not of this line", true
			return
		}
		if named := m.named(m.texts[i]); len(named) > 0 && m.seats != nil && !slices.Contains(named, ticket) {
			m.unclear, m.wrong = "a page names another seat than the POS says", true
			return
		}
		if m.give(ticket, i+1); m.unclear != "" {
			return
		}
	}
}

// textSays looks at what is left. Pages that name no seat of the line are covers and advertisements, but only if every seat has
// its page.
func (m *matching) textSays() {
	left := m.quantity - len(m.taken)
	if left == 0 {
		return
	}
	if m.seats == nil {
		if len(m.taken) == 0 && len(m.texts) == m.quantity {
			for i := range m.texts {
				m.give(i, i+1)
			}
			return
		}
		if len(m.taken) == len(m.texts) { // the POS says of each which it is; the others have not come
			return
		}
		m.unclear = fmt.Sprintf("%s for %s, and the seats are not known", count(len(m.texts), "page"), count(m.quantity, "ticket"))
		return
	}
	cannot := fmt.Sprintf("%s for %s, and their text does not tell the seats", count(len(m.texts), "page"), count(m.quantity, "ticket"))
	strays := 0
	for i, text := range m.texts {
		if m.taken[i+1] {
			continue
		}
		named := m.named(text)
		switch {
		case len(named) == 0:
			strays++
		case len(named) > 1 || m.page[named[0]] != 0:
			m.unclear = cannot
			return
		default:
			m.give(named[0], i+1)
		}
	}
	if strays > 0 && len(m.taken) < m.quantity {
		m.unclear = cannot
	}
}

func (m *matching) result() found {
	if m.unclear != "" {
		return found{unclear: m.unclear, ordered: !m.wrong && len(m.texts) == m.quantity}
	}
	var pages []int
	for _, p := range m.page {
		if p != 0 {
			pages = append(pages, p)
		}
	}
	return found{pages: pages}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprint(n, " ", what, "s")
}

// named are the line's tickets that a page names. A page that names several seats, also such as are not the line's, names them
// all, or twice the first: it is none's ticket.
func (m *matching) named(text string) (tickets []int) {
	if m.seats == nil || !m.here(text) {
		return nil
	}
	said, sure := mentions(seatLabel, text, m.seats)
	for i, seat := range m.seats {
		if slices.Contains(said, plain(seat)) {
			tickets = append(tickets, i)
		}
	}
	if len(tickets) > 0 && (!sure || len(said) > len(tickets)) {
		tickets = append(tickets, tickets[0])
	}
	return tickets
}

// here reports whether the page names no other row or section than the line's.
func (m *matching) here(text string) bool {
	for label, value := range map[*regexp.Regexp]string{rowLabel: m.row, sectionLabel: m.section} {
		value = lastWord(value)
		if value == "" {
			continue
		}
		said, _ := mentions(label, text, []string{value})
		for _, s := range said {
			if s != plain(value) {
				return false
			}
		}
	}
	return true
}

// lastWord of "Lower Level 104" is what pages call the section: the words before it are set apart, or left out.
func lastWord(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

var (
	seatLabel    = label(`seat`)
	rowLabel     = label(`row`)
	sectionLabel = label(`section|sect?`)
	goesOn       = regexp.MustCompile(`^(?:` + string(unsure) + `|[ ]*\d|[-–—/&+.][\pL\pN]|[ ]*(?:[-–—/&+,]|to\b|and\b|thru\b|through\b)[ ]*\pL{0,2}\d)`)
)

// label finds "Seat", "SEAT:", "Seat No. ", "Seat #" with the word that follows on the same line. What follows on the next line may
// belong to another column of a table.
func label(word string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^\pL\pN` + string(unsure) + `])(?:` + word + `)(?:[ ]*(?:no|nr|num|number)\b)?[ ]*[.:#]?[ ]*([\pL\pN]+)`)
}

// mentions are the values that a label has on a page, each once. sure is false where one of them goes on in a way that may make
// it another: "Seat 12 - 14", or glyphs of which it cannot be told whether they belong to it. Words that are no value, as in "seat
// is", are left out.
func mentions(label *regexp.Regexp, text string, known []string) (values []string, sure bool) {
	sure = true
	letters := label != seatLabel || slices.ContainsFunc(known, func(k string) bool { return !strings.ContainsFunc(k, unicode.IsDigit) })
	for _, at := range label.FindAllStringSubmatchIndex(text, -1) {
		word, rest := text[at[2]:at[3]], text[at[3]:]
		value := plain(word)
		isKnown := slices.ContainsFunc(known, func(k string) bool { return plain(k) == value })
		if !strings.ContainsFunc(word, unicode.IsDigit) && (word != strings.ToUpper(word) || !isKnown && (!letters || len(word) > 2)) {
			continue
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
		sure = sure && !goesOn.MatchString(rest)
	}
	return values, sure
}

// plain makes "012" and "12", "a" and "A" the same.
func plain(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if t := strings.TrimLeft(s, "0"); t != "" && t[0] >= '0' && t[0] <= '9' {
		return t
	}
	return s
}
