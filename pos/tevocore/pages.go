package tevocore

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"regexp"
	"strconv"
)

// Documents come from whoever sold the tickets, so that they are read with suspicion: no references are followed, for a document
// that refers to itself in a circle must not end the process, and what is compressed is read up to a limit.
//
// Package activities reads documents, too, by a library: it needs the text of each page. Here only their number is, and an exact one,
// for by it each seat gets its page; that library takes the document's word for it, and has to be kept from documents that it would
// read for ever.

// maxInflated bounds what is read of the compressed objects of one document, in bytes: to inflate them, and to look at them.
const maxInflated = 32 << 20

var (
	errDocument = errors.New("a file cannot be read as a PDF document")

	objectBegin = regexp.MustCompile(`(\d{1,9})\s+\d{1,5}\s+obj\b`)
	streamBegin = regexp.MustCompile(`^\s*stream\r?\n`)
	ofObjects   = regexp.MustCompile(`/Type\s*/ObjStm\b`)
	ofPage      = regexp.MustCompile(`/Type\s*/Page\b`)
	ofPages     = regexp.MustCompile(`/Type\s*/Pages\b`)
	countOf     = regexp.MustCompile(`/Count\s+(\d{1,9})\b`)
	firstOf     = regexp.MustCompile(`/First\s+(\d{1,9})\b`)
	filtered    = regexp.MustCompile(`/Filter\b`)
	inflatable  = regexp.MustCompile(`/Filter\s*(/FlateDecode\b|\[\s*/FlateDecode\s*\])`)
	predicted   = regexp.MustCompile(`/DecodeParms\b`)
)

// pageCount counts the pages of a document in two ways, which must agree: its page objects, the last of each number, and what the
// root of its page tree says. (ISO 32000-1, sections 7.3.10, 7.5.7 and 7.7.3.) A document of which that cannot be said, such as one
// that is encrypted or from which pages were deleted, is one for a person.
func pageCount(file []byte) (int, error) {
	if !bytes.HasPrefix(file, []byte(signature)) || bytes.Contains(file, []byte("/Encrypt")) {
		return 0, errDocument
	}
	objects := map[int][]byte{}
	budget := int64(maxInflated)
	for rest := file; ; {
		at := objectBegin.FindSubmatchIndex(rest)
		if at == nil {
			break
		}
		number, _ := strconv.Atoi(string(rest[at[2]:at[3]]))
		rest = rest[at[1]:]
		dict, n := dictionary(rest)
		objects[number], rest = dict, rest[n:]
		begin := streamBegin.FindIndex(rest)
		if dict == nil || begin == nil {
			continue
		}
		rest = rest[begin[1]:]
		end := bytes.Index(rest, []byte("endstream"))
		if end < 0 {
			return 0, errDocument
		}
		if ofObjects.Match(dict) {
			if err := unpack(dict, rest[:end], objects, &budget); err != nil {
				return 0, err
			}
		}
		rest = rest[end:]
	}
	pages, said := 0, 0
	for _, dict := range objects {
		switch {
		case ofPage.Match(dict):
			pages++
		case ofPages.Match(dict):
			said = max(said, member(countOf, dict))
		}
	}
	if pages == 0 || pages != said {
		return 0, errDocument
	}
	return pages, nil
}

// unpack adds the objects of an object stream.
func unpack(dict, stream []byte, objects map[int][]byte, budget *int64) error {
	if filtered.Match(dict) {
		if !inflatable.Match(dict) || predicted.Match(dict) {
			return errDocument
		}
		z, err := zlib.NewReader(bytes.NewReader(stream))
		if err != nil {
			return errDocument
		}
		if stream, err = io.ReadAll(io.LimitReader(z, *budget+1)); err != nil || int64(len(stream)) > *budget {
			return errDocument
		}
		*budget -= int64(len(stream))
	}
	first := member(firstOf, dict)
	if first <= 0 || first > len(stream) {
		return errDocument
	}
	numbers := bytes.Fields(stream[:first])
	for i := 0; i+1 < len(numbers); i += 2 {
		number, err := strconv.Atoi(string(numbers[i]))
		offset, err2 := strconv.Atoi(string(numbers[i+1]))
		if err != nil || err2 != nil || offset < 0 || offset > len(stream)-first {
			return errDocument
		}
		n := 0
		objects[number], n = dictionary(stream[first+offset:])
		// Objects that lie upon each other would be read over and over.
		if *budget -= int64(n); *budget < 0 {
			return errDocument
		}
	}
	return nil
}

// member is the number that a dictionary has; -1 where it has none.
func member(of *regexp.Regexp, dict []byte) int {
	m := of.FindSubmatch(dict)
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// dictionary is what stands in the dictionary that b begins with, without the strings and dictionaries in it, and where it ends;
// nil where b begins with something else.
func dictionary(b []byte) (dict []byte, end int) {
	i := len(b) - len(bytes.TrimLeft(b, " \t\r\n\f\x00"))
	if !bytes.HasPrefix(b[i:], []byte("<<")) {
		return nil, 0
	}
	dict = []byte{}
	for depth := 0; i < len(b); {
		switch {
		case bytes.HasPrefix(b[i:], []byte("<<")):
			depth, i = depth+1, i+2
			dict = append(dict, ' ')
		case bytes.HasPrefix(b[i:], []byte(">>")):
			if depth, i = depth-1, i+2; depth == 0 {
				return dict, i
			}
		case b[i] == '(':
			i = afterString(b, i)
		default:
			if depth == 1 {
				dict = append(dict, b[i])
			}
			i++
		}
	}
	return nil, len(b)
}

// afterString is the place behind the literal string that begins at i.
func afterString(b []byte, i int) int {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}
