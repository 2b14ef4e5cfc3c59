package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"willcall/dev/stack"
	"willcall/sim"
)

// TestTheCommandsOfTheREADME runs every curl of the README that posts a webhook, as somebody would who has just read it: with
// bash, openssl and sed. Only addresses differ, and the secret of the point of sale.
func TestTheCommandsOfTheREADME(t *testing.T) {
	s := setup(t)
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s.POS.Sell("3434341233", "Ada Sample", sim.POSInvoiceLine{InventoryID: "15454542", Quantity: 1, Total: sim.POSMoney{Amount: "45.00", Currency: "GBP"}})
	ran := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)\n```\n(.*?)\n```\n").FindAllStringSubmatch(string(raw), -1) {
		m := regexp.MustCompile(`http://127\.0\.0\.1:8080/webhooks/(\w+)`).FindStringSubmatch(block[1])
		if m == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		script := strings.NewReplacer("127.0.0.1:8080", s.webhooks, strings.TrimPrefix(stack.POSSecret, "whsec_"), strings.TrimPrefix(posEventSecret, "whsec_")).Replace(block[1])
		cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
		cmd.Dir = ".."
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "HTTP/1.1 200") {
			t.Errorf("%s: got %v and\n%s\nwant 200 from\n%s", m[1], err, out, block[1])
		}
		if m[1] == "tixstock" && !strings.Contains(string(out), `"order_status":"Delivered"`) {
			t.Errorf("tixstock: got\n%s\nwant the order delivered, as the README says", out)
		}
		ran[m[1]] = true
	}
	if got := fmt.Sprint(len(ran), ran); len(ran) != 5 {
		t.Errorf("the README has webhooks of %s; want one of each provider and one of the POS", got)
	}
	s.awaitState(t, "order:tixstock:3434341233", "fulfilled")
}
