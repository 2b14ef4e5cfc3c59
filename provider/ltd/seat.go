package ltd

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // London's clock must not depend on what the machine has installed
	"unicode"

	"willcall/provider/wire"
)

// A place is one seat of one performance, as any type of message describes it. No message has an id of a ticket, so a line is
// known by what all of them say: when, where, and of which show.
type place struct {
	day       performance
	show      string // EventName
	text      string // row and seat in one, letters and digits alone
	row, seat string // "" where they cannot be told apart
}

// performance is when a show begins.
type performance struct {
	wall string    // on London's clocks, "2006-01-02T1504"; "" where the document says nothing
	at   time.Time // zero where the document says nothing
}

var london = func() *time.Location {
	l, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err) // cannot be: time/tzdata is linked in
	}
	return l
}()

// performanceOf reads a time of a performance. ok is false where something is there that is no time.
//
// Assumption: a time without a zone is London's, for the tickets say so to people who go there. One with a zone is taken at
// its word.
func performanceOf(s wire.Scalar) (p performance, ok bool) {
	if !s.Given() {
		return performance{}, true
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04"} {
		wall, err := time.Parse(layout, s.Text)
		if err != nil {
			continue
		}
		if wall.Year() < 1970 || wall.Year() > 9998 { // beyond that JSON cannot write it
			return performance{}, false
		}
		return performance{wall: wall.Format(wallLayout), at: inLondon(wall)}, true
	}
	at, ok := s.Moment()
	if !ok || at.Year() > 9998 {
		return performance{}, false
	}
	return performance{wall: at.In(london).Format(wallLayout), at: at}, true
}

const wallLayout = "2006-01-02T1504"

// inLondon is the moment at which London's clocks show the fields of wall. In autumn they show an hour twice, and the first is
// taken: tickets that come early do no harm. In spring they skip an hour, and a time within is read on the clock of the
// winter, which is what a watch that nobody has set shows. time.ParseInLocation promises neither.
func inLondon(wall time.Time) time.Time {
	for _, ahead := range []time.Duration{time.Hour, 0} {
		t := wall.Add(-ahead)
		if t.In(london).Format(time.DateTime) == wall.Format(time.DateTime) {
			return t.UTC()
		}
	}
	return wall.UTC()
}

// seatInfo reads row and seat from one text such as "E15". (Transaction changed, SeatInfo)
func (p *place) seatInfo(text string) {
	p.text = squeeze(text)
	letters := strings.TrimRightFunc(p.text, unicode.IsDigit)
	if letters != "" && letters != p.text && strings.IndexFunc(letters, unicode.IsDigit) < 0 {
		p.row, p.seat = letters, p.text[len(letters):]
	}
}

// names reads them from two fields. ("Scheduled E-tickets Available", TicketName1 and TicketName2)
func (p *place) names(row, seat wire.Scalar) {
	p.row, p.seat = squeeze(plain(row)), squeeze(plain(seat))
	p.text = p.row + p.seat
}

// plain is the text of a scalar; a number that is whole is written so.
func plain(s wire.Scalar) string {
	if whole, frac, ok := strings.Cut(s.Text, "."); ok && s.Kind == 'n' && strings.Trim(frac, "0") == "" {
		return whole
	}
	return s.Text
}

// squeeze makes one of "N40", "n 40", "N-40" and "Row N Seat 40".
func squeeze(text string) string {
	words := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var out strings.Builder
	for i, w := range words {
		if (w == "ROW" || w == "SEAT") && i+1 < len(words) {
			continue
		}
		out.WriteString(w)
	}
	return wire.Cut(out.String())
}

// id is the same in all messages that mean this place; places that are not numbered, or that two areas of a house number
// alike, share one. It can stand in paths and keys.
//
// A seat that one message has as the number 4 is "04" where another has a string, so that zeros behind the row do not count.
//
// A booking that is moved to another seat or performance has another line then: its old one leaves with the snapshot that no
// longer names it, and the new one waits for a ticket of its own.
func (p place) id() string {
	name := sha256.Sum256([]byte(squeezeName(p.show)))
	return p.when() + "-" + p.where() + "-" + hex.EncodeToString(name[:3])
}

func (p place) when() string {
	if p.day.wall == "" {
		return "undated"
	}
	return p.day.wall
}

// where is row and seat as the id has them.
func (p place) where() string {
	text := p.text
	if text == "" {
		return "unreserved"
	}
	if letters := strings.TrimRightFunc(text, unicode.IsDigit); letters != "" && letters != text {
		if digits := strings.TrimLeft(text[len(letters):], "0"); digits != "" {
			text = letters + digits
		}
	}
	if len(text) > 24 || !wire.IsID(text) {
		sum := sha256.Sum256([]byte(text))
		return "x" + hex.EncodeToString(sum[:6])
	}
	return text
}

// squeezeName drops what two writers of one name may differ in: letter case, blanks and punctuation.
func squeezeName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// numbered gives each place of one document an id of its own. Of places that share one the first keeps it, the second gets
// "_2". The live ones come first: of two places that cannot be told apart it does not matter which is cancelled, but it matters
// that the next document does not cancel the other one only because it lists them in another order.
//
// Assumption: all e-tickets of places that share an id come in one ScheduledEticketDelivery, as it is sent once a basket ("Scheduled
// E-tickets Available", Scope). Were they sent in two, those of the second would pass for those of the first, and the order would
// wait for the rest until a person is asked.
func numbered(places []place, cancelled func(i int) bool) []string {
	ids := make([]string, len(places))
	count := map[string]int{}
	for _, gone := range []bool{false, true} {
		for i, p := range places {
			if cancelled(i) != gone {
				continue
			}
			id := p.id()
			count[id]++
			ids[i] = id
			if n := count[id]; n > 1 {
				ids[i] = fmt.Sprintf("%s_%d", id, n)
			}
		}
	}
	return ids
}
