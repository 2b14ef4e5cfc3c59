package sim

import (
	"bytes"
	"fmt"
	"strings"
)

// PDF makes a document such as ticket files are: one page for each text, its lines set in Helvetica, nothing compressed. A
// character outside of ASCII is set as a question mark. Without a text it is a document without pages.
// The form is that of ISO 32000-1 sections 7.5 (file structure) and 9.4 (text objects).
func PDF(pages ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var offsets []int
	add := func(body string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), body)
	}
	const first = 4 // the number of the first page's object; its text is the next one
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", first+2*i))
	}
	add("<< /Type /Catalog /Pages 2 0 R >>")
	add(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(pages)))
	add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	for i, text := range pages {
		add(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 298] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>",
			first+2*i+1))
		var set strings.Builder
		set.WriteString("BT\n/F1 14 Tf\n18 TL\n36 250 Td\n")
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(&set, "(%s) Tj T*\n", pdfString(line))
		}
		set.WriteString("ET")
		add(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", set.Len(), set.String()))
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1) // 20 bytes for each, the line's end included
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)
	return b.Bytes()
}

// pdfString is s as it stands between the parentheses of a literal string.
func pdfString(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
