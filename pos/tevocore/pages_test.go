package tevocore

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
	"testing"

	"willcall/sim"
)

// packed is a document whose objects are in a compressed object stream, as most programs write them today.
func packed(objects ...string) []byte {
	var head, body, z, b bytes.Buffer
	for i, o := range objects {
		fmt.Fprintf(&head, "%d %d ", i+10, body.Len())
		body.WriteString(o + " ")
	}
	w := zlib.NewWriter(&z)
	_, _ = w.Write(append(head.Bytes(), body.Bytes()...))
	_ = w.Close()
	fmt.Fprintf(&b, "%%PDF-1.5\n1 0 obj\n<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n",
		len(objects), head.Len(), z.Len(), z.Bytes())
	return b.Bytes()
}

func TestPagesAreCountedOrNotAtAll(t *testing.T) {
	t.Parallel()
	page, root := "<</Type/Page/Parent 10 0 R/Resources<</Type/Page>>>>", "<</Type/Pages/Kids[11 0 R 12 0 R]/Count 2>>"
	two := sim.PDF("(/Type /Page)", "2")
	var circle bytes.Buffer // the objects of stream 2 are in stream 2
	fmt.Fprintf(&circle, "%%PDF-1.5\n3 0 obj\n<< /Type /XRef /Size 4 /W [1 2 1] /Root 1 0 R /Length 16 >>\nstream\n%s\nendstream\nendobj\nstartxref\n9\n%%%%EOF\n",
		"\x00\x00\x00\x00\x02\x00\x02\x00\x02\x00\x02\x00\x01\x00\x09\x00")
	for name, c := range map[string]struct {
		file []byte
		want int // 0: it cannot be said
	}{
		"One": {sim.PDF("1"), 1}, "Two": {two, 2}, "None": {sim.PDF(), 0}, "Nothing": {nil, 0},
		"Packed":          {packed(root, page, page), 2},
		"PackedUpdated":   {append(packed(root, page, page), "12 0 obj\n"+page+"\nendobj\n"...), 2},
		"PageDeleted":     {append(packed(root, page, page), "10 0 obj\n"+strings.Replace(root, "2>>", "1>>", 1)+"\nendobj\n"...), 0},
		"CountThatLies":   {packed(root, page), 0},
		"Encrypted":       {append(packed(root, page, page), "trailer <</Encrypt 5 0 R>>"...), 0},
		"OtherFilter":     {bytes.Replace(packed(root, page, page), []byte("/FlateDecode"), []byte("/LZWDecode"), 1), 0},
		"SecondFilter":    {bytes.Replace(packed(root, page, page), []byte("/FlateDecode"), []byte("[/FlateDecode /ASCIIHexDecode]"), 1), 0},
		"Circle":          {circle.Bytes(), 0},
		"Deep":            {[]byte("%PDF-1.4\n1 0 obj\n" + strings.Repeat("<<", 1<<20)), 0},
		"DeepArray":       {[]byte("%PDF-1.4\n1 0 obj\n<< /Kids " + strings.Repeat("[", 1<<20)), 0},
		"OpenString":      {[]byte("%PDF-1.4\n1 0 obj\n<< /Type /Page (" + strings.Repeat("(", 1<<20)), 0},
		"Bomb":            {packed(root, page, page, strings.Repeat(" ", maxInflated)), 0},
		"OneUponTheOther": {packed("<<"+strings.Repeat(" ", maxInflated/8)+">>", "", "", "", "", "", "", "", ""), 0},
		"NotCompressed":   {bytes.Replace(packed(root), []byte("\nstream\n"), []byte("\nstream\nnot zlib"), 1), 0},
		"StreamUnclosed":  {bytes.Replace(two, []byte("endstream"), []byte("endstrea"), -1), 0},
	} {
		n, err := pageCount(c.file)
		if n != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%s: got %d, %v; want %d", name, n, err, c.want)
		}
	}
}

// FuzzPageCount: whatever a document holds, the process survives it.
func FuzzPageCount(f *testing.F) {
	f.Add(sim.PDF("1", "2"))
	f.Add(packed("<</Type/Pages/Count 1>>", "<</Type/Page>>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if n, err := pageCount(file); err == nil && n < 1 {
			t.Errorf("pageCount: got %d, no error", n)
		}
	})
}
