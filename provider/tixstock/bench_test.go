package tixstock

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDecode reads tickets as large as brokers upload them, also as PHP writes them, with every slash escaped.
func BenchmarkDecode(b *testing.B) {
	for _, mb := range []int{1, 18} {
		file := pdf("large")
		noise := make([]byte, mb<<20-len(file))
		x := uint32(1)
		for i := range noise { // bytes of any value, so that base64 has its share of slashes
			x = x*1664525 + 1013904223
			noise[i] = byte(x >> 24)
		}
		file = append(append(file[:len(file)-6:len(file)-6], noise...), "%%EOF\n"...)
		for name, text := range map[string]string{"Plain": b64(file), "Escaped": strings.ReplaceAll(b64(file), "/", `\/`)} {
			d := delivery("1", `{"data":{"order_id":"1","id":"2","general_admission":0,"row":"V","seat":"100","file":"`+text+
				`","proof_file_url":[]},"meta":{"type":"order.eticket_fulfilment"}}`)
			b.Run(fmt.Sprintf("%dMB/%s", mb, name), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(d.Body)))
				for b.Loop() {
					if out, err := Decode(d, Settings{}); err != nil || len(out.Files) != 1 {
						b.Fatalf("got %d files, %v", len(out.Files), err)
					}
				}
			})
		}
	}
}
