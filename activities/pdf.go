package activities

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ledongthuc/pdf"
)

// What a ticket file may be at most. Real ones have a few pages and some hundred kilobytes.
const (
	maxPDF      = 16 << 20        // bytes of one file
	maxPages    = 200             // of all files of a line
	maxInflated = 64 << 20        // bytes of one file's streams
	maxObjects  = 200_000         // numbers of objects
	maxDrawn    = 1 << 20         // bytes of one page's operators, or of one font's table
	pdfPatience = 5 * time.Second // for all files of a line: documents that refer to themselves are read for ever
)

var (
	errNotPDF    = errors.New("it is no PDF that can be read")
	errEncrypted = errors.New("it is encrypted")
	errLargePDF  = errors.New("it is larger than tickets are")
)

// readPDF gives the text of each page: its lines as they are set, with a blank where there is one to be seen, and with [unsure]
// where it cannot be told whether two glyphs stand together. A page whose text cannot be read has none. Nothing of the text is in
// an error. It ends soon after until.
//
// Package pos/tevocore counts pages by itself: it needs no text, and so none of what the library must be kept from.
func readPDF(content []byte, until time.Time) (pages []string, err error) {
	if len(content) > maxPDF {
		return nil, errLargePDF
	}
	if err := safePDF(content); err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil { // the library's way to refuse
			pages, err = nil, errNotPDF
		}
	}()
	r, err := pdf.NewReader(&patience{from: bytes.NewReader(content), until: until}, int64(len(content)))
	if err != nil || !finite(r) {
		return nil, errNotPDF
	}
	n := r.NumPage()
	switch {
	case n < 1:
		return nil, errNotPDF
	case n > maxPages:
		return nil, errLargePDF
	}
	for i := range n {
		p := r.Page(i + 1)
		if p.V.IsNull() { // it has fewer than it says
			return nil, errNotPDF
		}
		pages = append(pages, pageText(p))
	}
	return pages, nil
}

// patience ends the reading of a document that is not to be read to its end.
type patience struct {
	from  io.ReaderAt
	reads int
	until time.Time
}

func (p *patience) ReadAt(b []byte, off int64) (int, error) {
	if p.reads++; p.reads%100 == 0 && time.Now().After(p.until) {
		return 0, errLargePDF
	}
	if off < 0 {
		return 0, io.EOF
	}
	return p.from.ReadAt(b, off)
}

// unsure stands between two glyphs of which it cannot be told whether they stand together.
const unsure = '\x01'

// pageText puts the text together from where its glyphs are set. Without that "Seat 1" over "2 of 4" would read "Seat 12".
func pageText(p pdf.Page) (text string) {
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	if !closed(p.V.Key("Contents")) {
		return ""
	}
	for _, name := range p.Fonts() {
		if table := p.Font(name).V.Key("ToUnicode"); table.Kind() == pdf.Stream && !closed(table) {
			return ""
		}
	}
	var b strings.Builder
	var last pdf.Text
	set := 0       // glyphs since the last one whose place is certain
	certain := 0.0 // that place
	for _, t := range p.Content().Text {
		if t.S == "\n" { // the library's own, after each operator
			continue
		}
		size := max(t.FontSize, -t.FontSize, 1)
		dx, dy := t.X-last.X, t.Y-last.Y
		between := ""
		switch {
		case set == 0:
		case max(dy, -dy) > size/2:
			between = "\n"
		case last.W > 0: // the glyph's width is known
			switch gap := dx - last.W; {
			case gap < -size/2:
				between = "\n"
			case gap > 0.15*size:
				between = " "
			}
		case dx < -0.15*size:
			between = "\n"
		case dx > 0.15*size:
			// A font without widths: glyphs of one string all stand where it begins. A glyph is between a fifth of the size and
			// the size wide.
			switch width := t.X - certain; {
			case width > (float64(set)+0.3)*size:
				between = " "
			case width < 0.2*float64(set)*size: // moved within a string
				b.WriteString(" ")
			default:
				between = string(unsure)
			}
		}
		if between != "" || set == 0 || last.W > 0 {
			set, certain = 0, t.X
		}
		b.WriteString(between)
		b.WriteString(t.S)
		set++
		last = t
	}
	return b.String()
}

// closed reports whether a program is not too long, and none of its strings open at its end: the library would look for the end
// of such a one for ever.
func closed(program pdf.Value) bool {
	parts := []pdf.Value{program}
	if program.Kind() == pdf.Array {
		parts = nil
		for i := range program.Len() {
			parts = append(parts, program.Index(i))
		}
	}
	var all []byte
	for _, p := range parts {
		if p.Kind() != pdf.Stream {
			return false
		}
		text, _ := io.ReadAll(io.LimitReader(p.Reader(), maxDrawn)) // what cannot be read the library refuses, too
		if all = append(all, text...); len(all) >= maxDrawn {
			return false
		}
	}
	return stringsEnd(all)
}

func stringsEnd(program []byte) bool {
	return bytes.LastIndexByte(program, '<') <= bytes.LastIndexByte(program, '>')
}

var (
	pdfName  = regexp.MustCompile(`/[^\s/<>\[\](){}%]*#[^\s/<>\[\](){}%]*`)
	pdfSizes = regexp.MustCompile(`/(?:Size|Index|Columns|W)\b[^/>]*`)
	pdfTwice = regexp.MustCompile(`FlateDecode[^>]{0,100}FlateDecode`)
	pdfMany  = regexp.MustCompile(`(\d+)\s+begin(?:bfchar|bfrange|codespacerange)`)
	pdfInt   = regexp.MustCompile(`\d+`)
	pdfEnd   = regexp.MustCompile(`^\s*\d+\s*%%EOF`)
)

// safePDF refuses what the library would use up the memory for, which nobody can recover from: the numbers after which it makes
// its tables, and streams that are much larger than their file.
func safePDF(content []byte) error {
	if bytes.Contains(content, []byte("/Encrypt")) {
		return errEncrypted
	}
	for _, name := range pdfName.FindAll(content, -1) {
		switch unescaped(name) {
		case "/Encrypt", "/Size", "/Index", "/Columns", "/W", "/FlateDecode", "/ASCII85Decode", "/ObjStm": // nobody writes them so
			return errNotPDF
		}
	}
	if pdfTwice.Match(content) {
		return errNotPDF
	}
	for _, entry := range pdfSizes.FindAll(content, -1) {
		if bytes.IndexByte(entry, '%') >= 0 || !small(entry) {
			return errNotPDF
		}
	}
	for rest := content; ; {
		i := bytes.Index(rest, []byte("xref"))
		if i < 0 {
			break
		}
		start := i >= 5 && string(rest[i-5:i]) == "start"
		rest = rest[i+len("xref"):]
		if start && pdfEnd.Match(rest[:min(len(rest), 64)]) {
			continue
		}
		if !smallTable(rest) {
			return errNotPDF
		}
	}
	return safeStreams(content)
}

func unescaped(name []byte) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '#' && i+2 < len(name) {
			if n, err := strconv.ParseUint(string(name[i+1:i+3]), 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

func small(text []byte) bool {
	for _, digits := range pdfInt.FindAll(text, -1) {
		if n, err := strconv.Atoi(string(digits)); err != nil || n > maxObjects {
			return false
		}
	}
	return true
}

// smallTable reports whether what follows is no table of objects, or one that is not too large.
func smallTable(text []byte) bool {
	next := func() string {
		text = bytes.TrimLeft(text, " \t\r\n\f\x00")
		end := bytes.IndexAny(text, " \t\r\n\f\x00")
		if end < 0 {
			end = len(text)
		}
		token := string(text[:end])
		text = text[end:]
		return token
	}
	for {
		token := next()
		first, err := strconv.Atoi(token)
		if err != nil {
			return !strings.Contains(token, "%")
		}
		token = next()
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 {
			return !strings.Contains(token, "%")
		}
		if first < 0 || first > maxObjects || n > maxObjects-first {
			return false
		}
		for range 3 * n {
			if next() == "" {
				return true
			}
		}
	}
}

// safeStreams inflates whatever may be a stream.
func safeStreams(content []byte) error {
	total := 0
	for rest := content; ; {
		i := bytes.Index(rest, []byte("stream"))
		if i < 0 {
			return nil
		}
		objects := bytes.Contains(rest[max(i-400, 0):i], []byte("/ObjStm"))
		rest = rest[i+len("stream"):]
		data := bytes.TrimLeft(rest, "\r\n")
		out := inflate(bytes.NewReader(data), maxInflated-total)
		if out == nil {
			if end := bytes.Index(data, []byte("~>")); end >= 0 {
				out = inflate(ascii85.NewDecoder(bytes.NewReader(data[:end])), maxInflated-total)
			}
		}
		if total += len(out); total >= maxInflated {
			return errLargePDF
		}
		if out == nil {
			out = data[:max(bytes.Index(data, []byte("endstream")), 0)]
		}
		if objects && !stringsEnd(out) {
			return errNotPDF
		}
		for _, many := range pdfMany.FindAllSubmatch(out, -1) {
			if n, err := strconv.Atoi(string(many[1])); err != nil || n > maxObjects {
				return errNotPDF
			}
		}
	}
}

func inflate(from io.Reader, limit int) []byte {
	z, err := zlib.NewReader(from)
	if err != nil {
		return nil
	}
	out, _ := io.ReadAll(io.LimitReader(z, int64(limit)))
	return out
}

// finite reports whether no stream of objects lies in a stream of objects: such a one is looked for until the stack overflows,
// which nobody can recover from. The library keeps its table to itself, so this looks at it from the outside; where the table is
// not what it was, nothing is finite.
func finite(r *pdf.Reader) bool {
	table := reflect.ValueOf(r).Elem().FieldByName("xref")
	if table.Kind() != reflect.Slice {
		return false
	}
	for i := range table.Len() {
		entry := table.Index(i)
		if !entry.FieldByName("inStream").Bool() {
			continue
		}
		holder := int(entry.FieldByName("stream").FieldByName("id").Uint())
		if holder < table.Len() && table.Index(holder).FieldByName("inStream").Bool() {
			return false
		}
	}
	return true
}
