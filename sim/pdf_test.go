package sim

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What a reader of PDF needs: the table of offsets points at each object, streams are as long as they say, and there is a page
// for each text.
func TestPDFIsWhatAReaderFollows(t *testing.T) {
	t.Parallel()
	for _, pages := range [][]string{nil, {"Row 7, seat 11"}, {"A (1)\nRow \\ B", "Zoë", ""}} {
		t.Run(fmt.Sprintf("%dPages", len(pages)), func(t *testing.T) {
			t.Parallel()
			doc := PDF(pages...)
			start := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(doc)
			if start == nil {
				t.Fatalf("got no end of file in %q", doc)
			}
			at, _ := strconv.Atoi(string(start[1]))
			table := string(doc[at:])
			rows := regexp.MustCompile(`(?m)^(\d{10}) 00000 n $`).FindAllStringSubmatch(table, -1)
			if want := fmt.Sprintf("xref\n0 %d\n", len(rows)+1); !strings.HasPrefix(table, want) || len(rows) != 3+2*len(pages) {
				t.Fatalf("table: got %q with %d objects; want it to begin with %q", table, len(rows), want)
			}
			for i, row := range rows {
				offset, _ := strconv.Atoi(row[1])
				if head := fmt.Sprintf("%d 0 obj\n", i+1); !bytes.HasPrefix(doc[offset:], []byte(head)) {
					t.Errorf("object %d: got %q at %d", i+1, doc[offset:offset+20], offset)
				}
			}
			streams := regexp.MustCompile(`(?s)/Length (\d+) >>\nstream\n(.*?)\nendstream`).FindAllSubmatch(doc, -1)
			if len(streams) != len(pages) {
				t.Fatalf("streams: got %d; want %d", len(streams), len(pages))
			}
			for i, s := range streams {
				if n, _ := strconv.Atoi(string(s[1])); n != len(s[2]) {
					t.Errorf("stream %d: got a length of %d; want %d", i, n, len(s[2]))
				}
			}
		})
	}
}

func TestPDFHoldsEachPagesText(t *testing.T) {
	t.Parallel()
	doc := PDF("Row (7)\nSeat 11", "Zoë")
	for _, want := range []string{`(Row \(7\)) Tj`, "(Seat 11) Tj", "(Zo?) Tj", "/Count 2"} {
		if !bytes.Contains(doc, []byte(want)) {
			t.Errorf("got no %q in %s", want, doc)
		}
	}
}
