package activities

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"willcall/sim"
)

func file(tickets string, pages ...string) ticketFile {
	return ticketFile{media: "application/pdf", content: sim.PDF(pages...), tickets: strings.Fields(tickets)}
}

func files(all ...ticketFile) []ticketFile { return all }

// drawn is a PDF whose one page is set by these operators, in a font without widths.
func drawn(operators string) ticketFile {
	set := "BT /F1 14 Tf " + operators + "\nET"
	content := sim.PDF(strings.Repeat("x", len(set)))
	begin, end := bytes.Index(content, []byte("BT\n")), bytes.Index(content, []byte("\nendstream"))
	copy(content[begin:end], set+strings.Repeat(" ", end-begin-len(set)))
	return ticketFile{media: "application/pdf", content: content}
}

func TestWhichPageIsWhoseTicket(t *testing.T) {
	t.Parallel()
	two := place{quantity: 2, section: "Lower Level 104", row: "F", seats: []string{"12", "13"}, tickets: []string{"t12", "t13"}}
	public := place{quantity: 2} // general admission
	numbered := place{quantity: 2, tickets: []string{"t1", "t2"}}
	apart := place{quantity: 2, seats: []string{"12", "13"}, tickets: []string{"t1", "t2"}, apart: true}
	letters := place{quantity: 2, row: "AA", seats: []string{"A", "B"}}
	const unread = "2 pages for 2 tickets, and their text does not tell the seats"
	for name, c := range map[string]struct {
		files []ticketFile
		want  place
		found found
	}{
		"ThePOSNamesEachFilesTicket":      {files(file("t13", "a"), file("t12", "b")), two, found{pages: []int{2, 1}}},
		"ThePOSNamesThePages":             {files(file("t13 t12", "a", "b")), two, found{pages: []int{2, 1}}},
		"OneHasNotCome":                   {files(file("t13", "a")), two, found{pages: []int{1}}},
		"NamedPartlyAndReadPartly":        {files(file("t13", "a"), file("", "Seat 12")), two, found{pages: []int{2, 1}}},
		"MorePagesThanTheFileNames":       {files(file("t12 t13", "cover", "Seat 13", "Seat 12")), two, found{pages: []int{3, 2}}},
		"TheSameTicketTwice":              {files(file("t12", "a"), file("t12", "b")), two, found{unclear: "two pages are said to be one ticket"}},
		"ATicketOfAnotherLine":            {files(file("t12", "a"), file("t99", "b")), two, found{unclear: "a file holds a ticket that is not of this line"}},
		"ThePOSSaysOneSeatThePageAnother": {files(file("t12", "Seat 13"), file("t13", "Seat 12")), two, found{unclear: "a page names another seat than the POS says"}},

		"TheTextTells":              {files(file("", "Row F Seat 13", "Row F Seat 12")), two, found{pages: []int{2, 1}}},
		"CoversAreLeftOut":          {files(file("", "Welcome!", "SEAT: 12", "Seat No. 13", "Buy our hats")), two, found{pages: []int{2, 3}}},
		"TheStubRepeatsIt":          {files(file("", "Seat 12\nstub\nSeat #12", "Seat 13")), two, found{pages: []int{1, 2}}},
		"LeadingZeros":              {files(file("", "Seat 012", "Seat 0013")), two, found{pages: []int{1, 2}}},
		"TheSameSectionAndRow":      {files(file("", "Sec 104 Row F Seat 12", "Section: Lower Level 104, Row F, Seat 13")), two, found{pages: []int{1, 2}}},
		"SeatsAreLetters":           {files(file("", "Row AA Seat B, your seat is safe", "Row AA Seat A")), letters, found{pages: []int{2, 1}}},
		"AnotherRow":                {files(file("", "Row G Seat 12", "Row F Seat 13")), two, found{unclear: unread, ordered: true}},
		"AnotherRowOfLetters":       {files(file("", "Row BB Seat A", "Row AA Seat B")), letters, found{unclear: unread, ordered: true}},
		"AnotherSection":            {files(file("", "Section 105 Seat 12", "Section 104 Seat 13")), two, found{unclear: unread, ordered: true}},
		"TwoSeatsOnAPage":           {files(file("", "Seat 12\nSeat 13", "Seat 13")), two, found{unclear: unread, ordered: true}},
		"ASeatAndAStrangersOnAPage": {files(file("", "Seat 12\nSeat 14", "Seat 13")), two, found{unclear: unread, ordered: true}},
		"ARange":                    {files(file("", "Seat 12 - 14", "Seat 13")), two, found{unclear: unread, ordered: true}},
		"SeatsSeveral":              {files(file("", "Seats 12, 13", "Seats 12, 13 ")), two, found{unclear: unread, ordered: true}},
		"OneSeatOnTwoPages":         {files(file("", "Seat 12", "Seat 12 ")), two, found{unclear: unread, ordered: true}},
		"AnotherNumberGoesOn":       {files(file("", "Seat 12 3", "Seat 13")), two, found{unclear: unread, ordered: true}},
		"TheNumberIsLonger":         {files(file("", "Seat 120", "Seat 13")), two, found{unclear: unread, ordered: true}},
		"ATableHeadIsNoSeat":        {files(file("", "SECTION ROW SEAT\n12 F 13", "SECTION ROW SEAT\n13 F 12")), two, found{unclear: unread, ordered: true}},
		"ThreePagesNobodyReads": {files(file("", "a", "b", "c")), two,
			found{unclear: "3 pages for 2 tickets, and their text does not tell the seats"}},
		"OneOfTwoIsReadAndOneIsNot": {files(file("", "Seat 12", "a", "b")), two,
			found{unclear: "3 pages for 2 tickets, and their text does not tell the seats"}},
		"OneOfTwoHasCome": {files(file("", "Seat 13")), two, found{pages: []int{1}}},

		"NoSeatsAndAsManyPages":     {files(file("", "a"), file("", "b")), public, found{pages: []int{1, 2}}},
		"NoSeatsAndMorePages":       {files(file("", "a", "b", "c")), public, found{unclear: "3 pages for 2 tickets, and the seats are not known"}},
		"NoSeatsAndFewer":           {files(file("", "a")), public, found{unclear: "1 page for 2 tickets, and the seats are not known"}},
		"NoSeatsButTickets":         {files(file("t2", "a"), file("t1", "b")), numbered, found{pages: []int{2, 1}}},
		"NoSeatsAndTheFilesName":    {files(file("t2", "a"), file("t1", "b")), public, found{pages: []int{1, 2}}},
		"NoSeatsAndOneTicketIsSaid": {files(file("t2", "a"), file("", "b")), numbered, found{unclear: "2 pages for 2 tickets, and the seats are not known", ordered: true}},

		"WhichIsWhichSeatIsNotKnown":  {files(file("t2", "Seat 12"), file("t1", "Seat 13")), apart, found{pages: []int{2, 1}}},
		"WhichIsWhichSeatIsInTheText": {files(file("t2", "Seat 13"), file("", "Seat 12")), apart, found{pages: []int{2, 1}}},

		"TheSameFileTwice": {files(file("t12", "a"), file("t13", "a")), two, found{unclear: "file 2 of 2 is the same as one before it"}},
		"AnImage":          {files(ticketFile{media: "image/png", content: []byte("x")}), public, found{unclear: "file 1 of 1 is no PDF"}},
		"NoMediaType":      {files(ticketFile{content: sim.PDF("a", "b")}), public, found{unclear: "file 1 of 1 is no PDF"}},
		"MediaTypeWithParameters": {files(ticketFile{media: "Application/PDF; charset=binary", content: sim.PDF("a", "b")}), public,
			found{pages: []int{1, 2}}},
		"NotReadable": {files(ticketFile{media: "application/pdf", content: []byte("%PDF-1.4")}), public, found{unclear: "file 1 of 1: it is no PDF that can be read"}},
		"Empty":       {files(ticketFile{media: "application/pdf"}), public, found{unclear: "file 1 of 1: it is no PDF that can be read"}},
		"NoPages":     {files(file("")), public, found{unclear: "file 1 of 1: it is no PDF that can be read"}},
		"Encrypted": {files(ticketFile{media: "application/pdf", content: bytes.Replace(sim.PDF("a"), []byte("/Root"), []byte("/Encrypt 3 0 R /Root"), 1)}), public,
			found{unclear: "file 1 of 1: it is encrypted"}},
		"Large": {files(ticketFile{media: "application/pdf", content: make([]byte, maxPDF+1)}), public, found{unclear: "file 1 of 1: it is larger than tickets are"}},

		// Without widths it is not known where a glyph ends: what may belong together is not taken apart, nor the other way round.
		"SetApart":          {files(drawn("(Seat 1) Tj 200 0 Td (2 of 4) Tj"), file("", "Seat 13")), two, found{unclear: unread, ordered: true}},
		"SetBelow":          {files(drawn("(Seat 12) Tj 0 -18 Td (3 of 4) Tj"), file("", "Seat 13")), two, found{pages: []int{1, 2}}},
		"SetTogether":       {files(drawn("(Seat 1) Tj (2) Tj"), file("", "Seat 13")), two, found{pages: []int{1, 2}}},
		"SetGlyphByGlyph":   {files(drawn("(Seat 12) Tj 55 0 Td (3) Tj"), file("", "Seat 13")), two, found{unclear: unread, ordered: true}},
		"LabelAndValueSet":  {files(drawn("(Seat) Tj 90 0 Td (12) Tj"), file("", "Seat 13")), two, found{pages: []int{1, 2}}},
		"KernedInAString":   {files(drawn("[(S)30(eat)-278(1)20(2)] TJ"), file("", "Seat 13")), two, found{pages: []int{1, 2}}},
		"TheBoundaryUnsure": {files(drawn("(Seat 12) Tj 40 0 Td (Gate 3) Tj"), file("", "Seat 13")), two, found{unclear: unread, ordered: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := findPages(c.files, c.want); !reflect.DeepEqual(got, c.found) {
				t.Errorf("got %+v; want %+v", got, c.found)
				for _, f := range c.files {
					text, err := readPDF(f.content, time.Now().Add(pdfPatience))
					t.Logf("text %q %v", text, err)
				}
			}
		})
	}
}

// TestDocumentsThatHarmTheReader: a worker that died of a file would be given the same file again, for ever.
func TestDocumentsThatHarmTheReader(t *testing.T) {
	t.Parallel()
	good := sim.PDF("Seat 12")
	change := func(old, with string) []byte {
		t.Helper()
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q in the document", old)
		}
		return bytes.Replace(good, []byte(old), []byte(with), 1)
	}
	squeezed := func(n int) []byte {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		_, _ = z.Write(bytes.Repeat([]byte("1 "), n))
		_ = z.Close()
		return b.Bytes()
	}
	withStream := func(dict string, data []byte) []byte {
		var b bytes.Buffer
		b.WriteString("%PDF-1.5\n")
		at := b.Len()
		fmt.Fprintf(&b, "1 0 obj\n<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\n", dict, len(data), data)
		fmt.Fprintf(&b, "%s\nstartxref\n%d\n%%%%EOF\n", strings.Repeat(" ", 100), at)
		return b.Bytes()
	}
	for name, content := range map[string][]byte{
		"HugeTable":      change("0 6\n", "0 2000000000\n"),
		"FarTable":       change("xref\n0 6\n", "xref\n1999999999 1\n0000000000 65535 f \n0 6\n"),
		"HiddenInRemark": change("xref\n0 6\n", "xref %\n1999999999 1\n"),
		"HugeSize":       withStream("/Type /XRef /Size 99999999999 /W [1 1 1]", []byte{1, 1, 1}),
		"HugeSizeHidden": withStream("/Type /XRef /S#69ze 99999999999 /W [1 1 1]", []byte{1, 1, 1}),
		"HugeWidth":      withStream("/Type /XRef /Size 2 /W [1 1 99999999999]", []byte{1, 1, 1}),
		"SelfReference":  withStream("/Type /XRef /Size 2 /W [1 1 1] /Root 1 0 R", []byte{2, 1, 0, 2, 1, 0}),
		"Bomb":           withStream("/Type /XRef /Size 2 /W [1 1 1] /Filter /FlateDecode", squeezed(maxInflated)),
		"NoEnd":          change("%%EOF", "%%E"),
		"PagesInPages":   change("/Kids [4 0 R]", "/Kids [2 0 R]"),
		"ManyPages":      change("/Count 1", "/Count 9"),
		"PreviousIsSame": change("/Root 1 0 R", fmt.Sprintf("/Prev %d /Root 1 0 R", bytes.LastIndex(good, []byte("xref\n0")))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if pages, err := readPDF(content, time.Now().Add(100*time.Millisecond)); err == nil {
				t.Errorf("got %d pages; want it refused", len(pages))
			}
		})
	}
}

// TestAPageThatCannotBeReadHasNoText: its document is read all the same.
func TestAPageThatCannotBeReadHasNoText(t *testing.T) {
	t.Parallel()
	for name, operators := range map[string]string{
		"OpenString":   "<536561742031",
		"OpenBracket":  "(Seat 12",
		"NoOperand":    "Tj",
		"OverPopped":   "Q Q",
		"NotAnOpening": "(Seat 12) Tj <",
	} {
		content := bytes.Replace(drawn(operators).content, []byte("\nET"), []byte("\n  "), 1) // nothing but blanks behind it
		pages, err := readPDF(content, time.Now().Add(100*time.Millisecond))
		if err != nil || len(pages) != 1 || strings.Contains(pages[0], "12") {
			t.Errorf("%s: got %q %v; want a page without text", name, pages, err)
		}
	}
}

// TestBrokenFilesAreReadOrRefused: soon, and without a crash.
func TestBrokenFilesAreReadOrRefused(t *testing.T) {
	t.Parallel()
	good := sim.PDF("Row F Seat 12", "Row F Seat 13")
	r := rand.New(rand.NewPCG(1, 2))
	begun, readable := time.Now(), 0
	for range 3000 {
		c := bytes.Clone(good)
		for range 1 + r.IntN(4) {
			i := r.IntN(len(c))
			n := r.IntN(len(c)-i) / 6
			switch r.IntN(3) {
			case 0:
				c[i] = byte(r.IntN(256))
			case 1:
				c = slices.Delete(c, i, i+n)
			case 2:
				c = slices.Concat(c[:i+n], c[i:])
			}
		}
		if pages, err := readPDF(c, time.Now().Add(time.Second)); err == nil && len(pages) > 0 {
			readable++
		}
	}
	if took := time.Since(begun); took > 30*time.Second || readable == 0 {
		t.Errorf("took %s, and %d were read; want it sooner, and some", took, readable)
	}
}

func FuzzFindPages(f *testing.F) {
	f.Add(sim.PDF("Row F Seat 12", "Row F Seat 13"), "t12 t13", uint8(2))
	f.Add(sim.PDF("cover", "Seat 12"), "", uint8(1))
	f.Add([]byte("%PDF-1.4\n%%EOF"), "", uint8(1))
	f.Fuzz(func(t *testing.T, content []byte, tickets string, quantity uint8) {
		want := place{quantity: int(quantity%8) + 1, section: "104", row: "F"}
		for i := range want.quantity {
			want.seats = append(want.seats, fmt.Sprint(12+i))
			want.tickets = append(want.tickets, fmt.Sprint("t", 12+i))
		}
		got := findPages(files(ticketFile{"application/pdf", content, strings.Fields(tickets)}), want)
		if got.unclear != "" && got.pages != nil || got.unclear == "" && got.ordered || len(got.pages) > want.quantity {
			t.Errorf("got %+v", got)
		}
		seen := map[int]bool{}
		for _, p := range got.pages {
			if p < 1 || p > maxPages || seen[p] {
				t.Errorf("got pages %v", got.pages)
			}
			seen[p] = true
		}
	})
}
