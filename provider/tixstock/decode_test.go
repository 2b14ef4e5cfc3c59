package tixstock

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/providertest"
	"willcall/provider/wire"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		t.Run(f.Name, func(t *testing.T) {
			out, _ := Decode(f.wire(), settings)
			a, err := Answer(f.wire(), out, f.standing(t))
			if err != nil {
				t.Fatalf("Answer: %v", err)
			}
			f.Check(t, "want", decoded(f.wire()))
			f.Check(t, "answer", a)
		})
	}
}

func TestTypesHaveFixtures(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, f := range fixtures(t) {
		out, _ := Decode(f.wire(), settings)
		seen[out.Type] = true
	}
	if !slices.IsSorted(Types()) || len(Types()) != 11 {
		t.Errorf("got types %v; want 11, sorted", Types())
	}
	for _, typ := range Types() {
		if !seen[typ] {
			t.Errorf("no fixture of %s", typ)
		}
	}
}

// TestDecodeDrift writes the same webhook in the ways in which documents and programs disagree, and others like them.
func TestDecodeDrift(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fixture, patch string }{
		{"eticket_seated", `order_id = 3100004401`},
		{"eticket_seated", `order_id = " 3100004401 "`},
		{"eticket_seated", `id = 15000042`},
		{"eticket_seated", `general_admission = false`},
		{"eticket_seated", `general_admission = "0"`},
		{"eticket_seated", `general_admission = "false"`},
		{"eticket_seated", `general_admission = "False"`},
		{"eticket_seated", `general_admission = null`},
		{"eticket_seated", `general_admission = ""`},
		{"eticket_seated", `general_admission delete`},
		{"eticket_seated", `row = "v"`},
		{"eticket_seated", `row = " V\u0000 "`},
		{"eticket_seated", `seat = 100`},
		{"eticket_seated", `proof_file_url = null`},
		{"eticket_seated", `proof_file_url = ""`},
		{"eticket_seated", `proof_file_url = {}`},
		{"eticket_seated", `proof_file_url = [null, "", {}, ["https://tickets.example.com/p/1"]]`},
		{"eticket_seated", `proof_file_url delete`},
		{"eticket_seated", `file = "data:application/pdf;base64,@pdf:one"`},
		{"eticket_seated", `file = "DATA:application\/pdf;name=a.pdf;base64,@php:one"`},
		{"eticket_seated", `file = "  @pdf:one\r\n"`},
		{"eticket_seated", `file = "\u0020@php:one\u000d\u000A\t"`},
		{"eticket_seated", `additional_file = null`},
		{"eticket_seated", `additional_file = "@txt:map"`},
		{"eticket_seated", `additional_file = ["@png:map"]`},
		{"eticket_seated", `additional_file = ""`},
		{"eticket_seated", `unheard = {"of": [1, 2]}`},
		{"eticket_seated", `.meta.request_id = "1"`},
		{"eticket_ga", `general_admission = true`},
		{"eticket_ga", `general_admission = "true"`},
		{"eticket_ga", `general_admission = "1"`},
		{"eticket_ga", `general_admission = null`},
		{"eticket_ga", `general_admission = 0`}, // without a seat it cannot be told apart by one
		{"eticket_ga", `row = "V"`},
		{"eticket_ga", "row = \"V\"\nseat = \"100\""},
		{"eticket_ga", "general_admission = 0\nseat = \"100\""},
		{"eticket_ga", "row = \"\"\nseat = \" \""},
		{"eticket_ga", `file = "@php:one"`},
		{"mobile_proofs_ga", `proof_file_url = ["https://tickets.example.com/p/1", " https://tickets.example.com/p/2?a=1&b=2 "]`},
		{"mobile_proofs_ga", `proof_file_url = {"0": "https://tickets.example.com/p/1", "2": "https://tickets.example.com/p/2?a=1\u0026b=2"}`},
		{"mobile_proofs_ga", `file = ""`},
		{"mobile_proofs_ga", `file = "  "`},
		{"mobile_proofs_ga", `file delete`},
		{"mobile_proofs_seated", `proof_file_url = "https://tickets.example.com/p/1"`},
		{"order_update_approved", `id = 3100004401`},
		{"order_update_approved", `status = "accepted"`},
		{"order_update_approved", `status = " Pending  Review "`},
		{"order_update_approved", `status = "PENDING APPROVAL"`},
		{"order_update_approved", `status = "Sale on Hold"`},
		{"order_update_approved", "status = null\norder_status = \"Approved\""},
		{"order_update_approved", "status delete\norder_status = \"approved\""},
		{"order_update_approved", `order_status = "Cancelled"`}, // the field of the sample counts
		{"order_update_approved", `items = null`},
		{"order_update_approved", `customer = []`},
		{"order_update_approved", `external_id = null`},
		{"order_update_approved", `external_id = ""`},
		{"order_update_cancelled", `status = "Canceled"`},
		{"order_update_delivered", `status = "commissionable"`},
		{"order_update_delivered", `status = "Completed"`},
		{"order_update_delivered", `status = ""`},
		{"order_update_delivered", `status = null`},
		{"event_update", `id = 9000001`},
		{"event_update", `datetime = "2026-09-27T18:30:00Z"`},
		{"event_update", `datetime = "2026-09-27 18:30:00"`},
		{"event_update", `status = "Cancelled"`},
		{"event_cancel", `status = "Cancelled"`},
	} {
		base := sample(t, c.fixture)
		got := decoded(delivery("1", with(t, base, c.patch)))
		want := decoded(delivery("1", base))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s: got %s; want %s", c.fixture, c.patch, providertest.Pretty(t, got), providertest.Pretty(t, want))
		}
	}
}

// TestDecodeWhateverTheOrderOfFields: JSON has none.
func TestDecodeWhateverTheOrderOfFields(t *testing.T) {
	t.Parallel()
	want := decoded(delivery("1", sample(t, "mobile_seated")))
	fields := []string{
		`"order_id": "3100004401"`, `"id": "15000042"`, `"general_admission": 0`, `"row": "V"`, `"seat": "100"`,
		filled(`"file": "@pdf:one"`), `"proof_file_url": ["https://tickets.example.com/p/2","https://tickets.example.com/p/1"]`,
	}
	providertest.Permutations(len(fields), func(perm []int) {
		shuffled := make([]string, len(fields))
		for i, p := range perm {
			shuffled[i] = fields[p]
		}
		data := `"data" : {` + strings.Join(shuffled, " , ") + `}`
		for _, body := range []string{`{` + data + `,"meta":{"type":"order.mobile_ticket_fulfilment"}}`, ` {"meta": {"type": "order.mobile_ticket_fulfilment"}, ` + data + "}\n"} {
			if got := decoded(delivery("1", body)); !reflect.DeepEqual(got, want) {
				t.Fatalf("%v: got %s; want %s", perm, providertest.Pretty(t, got), providertest.Pretty(t, want))
			}
		}
	})
}

func TestDecodeUnusable(t *testing.T) {
	t.Parallel()
	whole := pdf("one")
	large := append(bytes.Repeat([]byte("%PDF-1.4\n"), 1), make([]byte, maxTicket)...)
	copy(large[len(large)-6:], "%%EOF\n")
	exact := slices.Clone(large[:maxTicket])
	copy(exact[len(exact)-6:], "%%EOF\n")
	linearized := append(slices.Clone(whole), make([]byte, 9000)...)
	for i := len(whole); i < len(linearized); i++ {
		linearized[i] = 'x'
	}
	rubbish := append(bytes.Repeat([]byte("x"), 1000), whole...)
	for _, c := range []struct {
		name, file, want string
	}{
		{"Absent", `null`, noFile},
		{"Empty", `""`, noFile},
		{"Blank", `"   "`, noFile},
		{"BlankEscaped", `"\n\t"`, notPDF},
		{"ZeroBytes", `"data:application/pdf;base64,"`, notPDF},
		{"Number", `5`, notBase64},
		{"False", `false`, notBase64},
		{"List", `["@pdf:one"]`, notBase64},
		{"Object", `{"name": "a.pdf", "content": "@pdf:one"}`, notBase64},
		{"Words", `"base64 PDF file..."`, notBase64},
		{"OneCharacter", `"J"`, notBase64},
		{"FiveCharacters", `"JVBER"`, notBase64},
		{"PaddingWithin", `"JVA=ERi0="`, notBase64},
		{"PaddingAlone", `"="`, notBase64},
		{"PaddingOfNothing", `"JVBE="`, notBase64},
		{"TooMuchPadding", `"JV==="`, notBase64},
		{"AnotherEscape", `"JVBE\u00e9"`, notBase64},
		{"AnEscapedQuote", `"JVBE\""`, notBase64},
		{"NotASCII", `"JVBEé"`, notBase64},
		{"DataURIWithoutComma", `"data:application/pdf;base64"`, notBase64},
		{"Link", `"https://tickets.example.com/ticket.pdf"`, notBase64},
		{"Text", `"@txt:one"`, notPDF},
		{"Picture", `"@png:one"`, notPDF},
		{"Twice", quoted(b64([]byte(b64(whole)))), notPDF},
		{"HeadTooLate", quoted(b64(append(bytes.Repeat([]byte("x"), 1024), whole...))), notPDF},
		{"RubbishBeforeTheHead", quoted(b64(rubbish)), ""},
		{"CutShort", quoted(b64(whole[:len(whole)-60])), unfinished},
		{"CutShortBehindAFirstTrailer", quoted(b64(linearized)), unfinished},
		{"TrailerWithoutEnd", quoted(b64(whole[:len(whole)-20])), ""},
		{"BlanksBehindTheEnd", quoted(b64(append(slices.Clone(whole), make([]byte, 9000)...))), ""},
		{"WithoutPadding", quoted(base64.RawStdEncoding.EncodeToString(append(whole, '\n'))), ""},
		{"URLAlphabet", quoted(base64.URLEncoding.EncodeToString(whole)), ""},
		{"URLAlphabetWithoutPadding", quoted(base64.RawURLEncoding.EncodeToString(whole)), ""},
		{"LinesOf76", quoted(lines(b64(whole), 76)), ""},
		{"LinesOf7", quoted(lines(b64(whole), 7)), ""},
		{"EveryCharacterEscaped", quoted(escaped(b64(whole))), ""},
		{"TooLargeAndEscaped", quoted(strings.Repeat("J\\u0056BE", maxTicket/3+1)), tooLarge},
		{"AnEscapedControlCharacter", `"JVBE\u0000"`, notBase64},
		{"AsLargeAsAllowed", quoted(b64(exact)), ""},
		{"OneByteMore", quoted(b64(append(exact, '\n'))), tooLarge},
		{"MuchMore", quoted(b64(append(large, large...))), tooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := `{"meta":{"type":"order.eticket_fulfilment"},"data":{"order_id":"1","id":"2","file":` + filled(c.file) + `}}`
			out, err := Decode(delivery("1", body), settings)
			if err != nil || out.Disposition != provider.Forward || !out.Ask || out.Event == nil {
				t.Fatalf("got %s, %v; want it forwarded and answered", out.Disposition, err)
			}
			if out.Event.Unusable != c.want {
				t.Errorf("got %q; want %q", out.Event.Unusable, c.want)
			}
			if bad := c.want != ""; bad != (len(out.Event.Lines) == 0) || bad != (len(out.Files) == 0) {
				t.Errorf("got %d lines and %d files; want one of each if and only if it can be used", len(out.Event.Lines), len(out.Files))
			}
		})
	}
}

func quoted(s string) string { return `"` + s + `"` }

// escaped writes every character of s as JSON may.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, `\u%04X`, c)
	}
	return b.String()
}

// lines breaks s as MIME does, as JSON escapes it.
func lines(s string, n int) string {
	var b strings.Builder
	for chunk := range slices.Chunk([]byte(s), n) {
		b.Write(chunk)
		b.WriteString(`\r\n`)
	}
	return b.String()
}

func TestDecodeHoldsToMaxTicket(t *testing.T) {
	t.Parallel()
	size := len(pdf("one"))
	for limit, want := range map[int]string{size: "", size - 1: tooLarge, 1: tooLarge, 0: "", -1: ""} {
		out, err := Decode(delivery("1", sample(t, "eticket_seated")), Settings{MaxTicket: limit})
		if err != nil || out.Event.Unusable != want {
			t.Errorf("MaxTicket %d: got %+v, %v; want %q", limit, out.Event, err, want)
		}
	}
}

func TestDecodeAdditionalFiles(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		`"@pdf:map"`: "application/pdf", `"@png:map"`: "image/png", `"@txt:map"`: "", `"/9j/4AAQSkZJRgABAQ=="`: "image/jpeg",
		quoted(b64([]byte("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"))): "", `7`: "", `"?"`: "",
	} {
		out, err := Decode(delivery("1", with(t, sample(t, "eticket_ga"), "additional_file = "+file)), settings)
		if err != nil || out.Event.Unusable != "" {
			t.Fatalf("%s: got %+v, %v; want a good ticket", file, out.Event, err)
		}
		got := ""
		if len(out.Files) == 2 {
			got = out.Files[1].MediaType
		}
		if got != want {
			t.Errorf("%s: got %q; want %q", file, got, want)
		}
	}
}

func TestDecodeStatus(t *testing.T) {
	t.Parallel()
	words := map[string]order.Status{"awaiting transfer": order.StatusPending, "cancelled": "", "gone": order.StatusCancelled}
	for _, c := range []struct {
		word    string
		want    order.Status
		unknown string
	}{
		{"Approved", order.StatusPending, ""}, {"Accepted", order.StatusPending, ""}, {"Pending Review", order.StatusPending, ""},
		{"Sale on Hold", order.StatusPending, ""}, {"Pending Approval", order.StatusPending, ""},
		{"Commissionable", "", ""}, {"Delivered", "", ""}, {"Completed", "", ""},
		{"Rejected", order.StatusRejected, ""}, {"Refunded", order.StatusCancelled, ""}, {"Canceled", order.StatusCancelled, ""},
		{"Awaiting Transfer", order.StatusPending, ""}, {"GONE", order.StatusCancelled, ""},
		{"Cancelled", "", ""}, // the settings win
		{"Lost", "", "lost"},
		{strings.Repeat("é", 300), "", strings.Repeat("é", wire.MaxText/2)},
	} {
		out, err := Decode(delivery("1", with(t, sample(t, "order_update_approved"), fmt.Sprintf("status = %q", c.word))), Settings{Words: words})
		if err != nil || out.Event.Status != c.want || out.Event.Unknown != c.unknown {
			t.Errorf("%s: got %+v, %v; want %q, unknown %q", c.word, out.Event, err, c.want, c.unknown)
		}
	}
}

func TestDecodeNamesTheOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		patch, order, concern string
		refs                  []string
	}{
		{`id = "456"`, "456", "tixstock-order:456", nil},
		{"id = \"456\"\nexternal_id = \"9\"", "9", "", []string{"tixstock-order:456"}},
		{"id = \"456\"\nexternal_id = 456", "456", "", nil},
		{"id = null\nexternal_id = \"9\"", "9", "", nil},
	} {
		out, err := Decode(delivery("1", with(t, sample(t, "order_update_approved"), c.patch)), settings)
		if err != nil || out.OrderID != c.order || out.Concern != c.concern || !slices.Equal(out.Event.Refs, c.refs) {
			t.Errorf("%s: got %+v, %+v, %v; want order %q, concern %q, refs %v", c.patch, out, out.Event, err, c.order, c.concern, c.refs)
		}
	}
}

func TestDecodeKeys(t *testing.T) {
	t.Parallel()
	key := func(row, seat string) (key, file string) {
		t.Helper()
		out, err := Decode(delivery("1", with(t, sample(t, "eticket_seated"), fmt.Sprintf("row = %q\nseat = %q", row, seat))), settings)
		if err != nil {
			t.Fatal(err)
		}
		return out.Event.Lines[0].Tickets[0], out.Files[0].Name
	}
	seen := map[string]string{}
	for _, c := range []struct{ row, seat, want, file string }{
		{"V", "100", "V/100", "ticket V 100"},
		{"row  5", "1 a", "ROW 5/1 A", "ticket ROW 5 1 A"},
		{"A/B", "1", "A%2FB/1", ""},
		{"A", "B/1", "A/B%2F1", ""},
		{"A%2FB", "1", "A%252FB/1", ""},
		{"..", "1", "../1", ""},
		{"Ä", "1", "Ä/1", ""},
	} {
		got, file := key(c.row, c.seat)
		if got != c.want || c.file != "" && file != c.file || strings.ContainsAny(file, "/%Ä") || strings.Contains(file, "..") {
			t.Errorf("row %q, seat %q: got key %q, file %q; want %q, %q", c.row, c.seat, got, file, c.want, c.file)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("rows and seats %q and %q have the same key %q", other, c.row+", "+c.seat, got)
		}
		seen[got] = c.row + ", " + c.seat
	}
	long, _ := key(strings.Repeat("r", 300), "1")
	longer, _ := key(strings.Repeat("r", 301), "1")
	if !strings.HasPrefix(long, "sha256:") || len(long) != 71 || long == longer {
		t.Errorf("long rows: got %q and %q; want two digests", long, longer)
	}
}
