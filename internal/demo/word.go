package demo

import "strings"

// words is what invented names are made of. Lists that are picked from with skew
// have the frequent ones first.
type words struct {
	first, last, places, trades, forms, titles, interests, uses []string
	countries                                                   []country
}

type country struct {
	name   string
	cities []string
}

func newWords() words {
	return words{
		first: strings.Fields(`Ada Alma Amir Anouk Arjun Asta Bela Bruno Carla Ceri Dario Delia Dora Edda
			Elio Emre Enzo Erika Farid Fiona Gita Goran Greta Hanna Hugo Ida Ilja Imani Ines Ivo Jana Jonas
			Juno Kaito Kira Lars Leila Lena Lior Luca Maia Malik Mara Marek Mina Nadia Nils Nora Odin Olga
			Orla Pablo Petra Priya Rafa Rania Remi Rosa Sami Sanna Selin Sven Tara Tariq Tilda Tomas Uma
			Vera Viggo Wanda Yara Yusuf Zara Zeno`),
		last: strings.Fields(`Abend Acker Albers Amato Arden Arnaud Ashby Bakker Barros Beck Bellini Berg
			Birk Blom Boone Brandt Brook Bryce Calder Castro Colby Conti Dahl Darzi Dekker Deval Drake Dunne
			Eklund Ellis Engel Faber Falk Farro Fenn Flores Forster Frey Gallo Garner Ghosh Grau Haas Hale
			Hansen Harlow Hegde Heller Holt Hsu Iqbal Jansen Jarvis Kaya Keller Khan Kline Koval Krall Lang
			Larsen Leclerc Lind Lowe Lund Maier Marsh Mehta Moreau Nagy Noor Novak Okafor Orban Ortiz Palm
			Parr Petrov Quist Rahman Reyes Ritter Rossi Sato Seidel Silva Sorel Stahl Tan Thorne Tobin Ueda
			Varga Vidal Vogel Walsh Weiss Winter Yilmaz Zeller`),
		places: strings.Fields(`Alder Amber Anchor Arrow Aspen Beacon Birch Bluff Brook Canyon Cedar Cliff
			Cobalt Copper Coral Crane Drift Elm Ember Falcon Fern Fjord Flint Gale Glen Granite Grove
			Harbor Hazel Heron Hollow Iris Juniper Lagoon Larch Linden Maple Marble Meadow Mesa Moss North
			Oak Ochre Orchard Otter Pebble Pine Plover Quarry Raven Reed Ridge River Rowan Sable
			Spruce Summit Tern Thistle Tundra Vale Willow Wren`),
		trades: strings.Fields(`Analytics Bearing Brewing Building Cable Catering Ceramics Chemical Cleaning
			Clinic Dairy Data Design Energy Engineering Express Fabric Farming Fastener Finance Freight Glass
			Health Hydraulics Insurance Irrigation Learning Lighting Logistics Marine Media Metal Milling
			Mobility Optics Packaging Paper Pharma Plastics Power Printing Pump Rail Retail Robotics Security
			Software Solar Steel Storage Supply Systems Telecom Textile Timber Tool Transport Valve Water`),
		forms:  strings.Fields(`Group Industries Services Works Partners Company Labs Cooperative Holding`),
		titles: strings.Split("Purchasing Manager,Operations Manager,Managing Director,IT Manager,Head of Sales,Plant Manager,Office Manager,Chief Financial Officer,Project Lead,Owner", ","),
		interests: strings.Split("Service contract,Spare parts,New line,Replacement,Trial,Pilot project,Volume licence,Framework agreement,"+
			"Extension,Training,Consulting days,Maintenance,Migration,Demonstration,Price request", ","),
		uses: strings.Split("the main plant,two branches,a new warehouse,the service team,all locations,the field staff,one department,"+
			"the head office,the spring season,the workshop,the call centre,the export business", ","),
		countries: []country{
			{"United States", []string{"Austin", "Boston", "Columbus", "Denver", "Portland", "Raleigh"}},
			{"Germany", []string{"Bremen", "Dresden", "Essen", "Hamburg", "Ulm"}},
			{"United Kingdom", []string{"Bristol", "Leeds", "London", "York"}},
			{"France", []string{"Lille", "Lyon", "Nantes", "Paris"}},
			{"Canada", []string{"Calgary", "Halifax", "Toronto"}},
			{"Netherlands", []string{"Breda", "Delft", "Utrecht"}},
			{"Austria", []string{"Graz", "Linz", "Wien"}},
			{"Switzerland", []string{"Basel", "Bern", "Chur"}},
			{"Spain", []string{"Bilbao", "Madrid", "Sevilla"}},
			{"India", []string{"Chennai", "Mumbai", "Pune"}},
			{"Australia", []string{"Hobart", "Perth", "Sydney"}},
			{"Japan", []string{"Kobe", "Osaka", "Sendai"}},
		},
	}
}
