package sim

// tevoEvent is what a ticket group says of its event.
type tevoEvent struct {
	id, name, venueID, venue, locality, region string
}

// Invented performers, venues and people: nobody's real name may end up in a fixture.
var tevoEvents = []tevoEvent{
	{"915177", "Harbor City Herons at Lakeside Lanterns", "738", "Lantern Field", "Lakeside", "OH"},
	{"1019897", "The Paper Comets", "294", "Orchard Hall", "Millbrook", "NY"},
	{"1020414", "Velvet Anchor: The Long Night Tour", "1187", "Copper Dome", "Fairhaven", "MA"},
	{"1020415", "Ridgeview Rams vs. Stonefield Foxes", "1502", "Ridgeview Arena", "Ridgeview", "CO"},
	{"1020951", "A Winter Without Snow (Musical)", "61", "Marigold Theatre", "Brantley", "IL"},
	{"1021207", "Junipero Quartet", "2240", "Glasshouse Recital Room", "Port Alder", "WA"},
	{"1021388", "Northgate Open: Day Session", "377", "Northgate Tennis Park", "Northgate", "FL"},
	{"1022063", "Laugh Track Live with Odalys Penn", "918", "The Brick Cellar", "Kingsferry", "TX"},
	{"1022649", "Tidewater Derby", "1405", "Tidewater Downs", "Tidewater", "VA"},
	{"1023110", "Monster Haulers Weekend", "3011", "Quarry Speedway", "Quarry Bend", "TN"},
}

var firstNames = []string{
	"Ada", "Bruno", "Celeste", "Dario", "Elif", "Farida", "Gideon", "Hana", "Ines", "Jonas", "Kavya", "Lorcan",
	"Mireille", "Nils", "Oksana", "Pavel", "Quinn", "Rosalind", "Soren", "Tamsin", "Ulrich", "Vesna", "Wren", "Yusuf",
}

var lastNames = []string{
	"Abernathy", "Bellweather", "Castellan", "Dunmore", "Eastbrook", "Fenwick", "Garrowby", "Hollis", "Ironside",
	"Jessamine", "Kettering", "Loxley", "Marchbanks", "Netherby", "Oakhurst", "Pemberly", "Quillfeather",
	"Ravenscroft", "Silverthorne", "Thistlewood", "Underhill", "Vantongeren", "Winterbourne", "Yarrowfield",
}

var brokerNames = []string{
	"Bluegate Seats", "Carousel Tickets", "Dockside Admissions", "Evergreen Row", "Front Porch Tickets", "Gilded Gate Seating",
}

var sections = []string{"101", "104", "113", "118", "207", "212", "221", "305", "ORCH L", "MEZZ C", "GA", "FLOOR 2"}

var rows = []string{"A", "B", "C", "F", "K", "M", "AA", "3", "9", "12", "GA"}

// fullName picks a name; n alone decides.
func fullName(n int) string {
	return firstNames[n%len(firstNames)] + " " + lastNames[(n/len(firstNames)+n)%len(lastNames)]
}
