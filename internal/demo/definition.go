package demo

import (
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// definition is a sequence or segment of the demo.
type definition struct {
	name, description, record, text string
	sequence                        int // of a segment: position of its sequence, -1 for none
}

// Positions of the sequences in sequenceTexts.
const (
	sameDay = iota
	enterprise
	inbound
	fair
	closing
	none = -1
)

// sequenceTexts returns the sequences by their positions.
func sequenceTexts() []definition {
	return []definition{
		sameDay: {"Hot lead, same-day call", "A call today, and a written offer before the week is over.", name.Lead, `[
			{"type":"phonecall","name":"Call within the hour","description":"Confirm the need, the date and who decides."},
			{"type":"condition","name":"Reached?","if":{"call":["Made","Received"]},
			 "yes":[{"type":"email","name":"Send what was agreed","description":"One page, with the date of the next call."}],
			 "no":[{"type":"email","name":"Propose two times for a call"}]},
			{"type":"wait","name":"One day","wait":{"days":1}},
			{"type":"phonecall","name":"Ask for the decision"},
			{"type":"wait","name":"Two days","wait":{"days":2}},
			{"type":"task","name":"Hand over or close","description":"Qualify the lead, or disqualify it with a reason."}]`, 0},
		enterprise: {"Enterprise introduction", "Several people, several weeks, research first.", name.Lead, `[
			{"type":"task","name":"Research the organisation","description":"Who buys, who uses, who signs."},
			{"type":"linkedin","name":"Connect with the sponsor"},
			{"type":"wait","name":"Two days","wait":{"days":2}},
			{"type":"email","name":"Introduce ourselves"},
			{"type":"wait","name":"Three days","wait":{"days":3}},
			{"type":"phonecall","name":"Ask for a first meeting"},
			{"type":"wait","name":"A week","wait":{"days":7}},
			{"type":"email","name":"Send a reference of the same industry"},
			{"type":"wait","name":"Four days","wait":{"days":4}},
			{"type":"phonecall","name":"Agree on the next step"}]`, 0},
		inbound: {"Inbound nurture", "Answer at once, then stay in touch without pressing.", name.Lead, `[
			{"type":"email","name":"Answer the request"},
			{"type":"wait","name":"Half a day","wait":{"hours":12}},
			{"type":"phonecall","name":"First call"},
			{"type":"wait","name":"Three days","wait":{"days":3}},
			{"type":"textmessage","name":"Offer two dates"},
			{"type":"wait","name":"A week","wait":{"days":7}},
			{"type":"email","name":"Send the buying guide"}]`, 0},
		fair: {"After the trade show", "Remind them of the talk while it is fresh.", name.Lead, `[
			{"type":"email","name":"Thank for the visit"},
			{"type":"wait","name":"Two days","wait":{"days":2}},
			{"type":"phonecall","name":"Go through the notes of the stand"},
			{"type":"wait","name":"Five days","wait":{"days":5}},
			{"type":"task","name":"Invite to a demonstration"}]`, 0},
		closing: {"Closing plan", "What has to happen before the signature.", name.Opportunity, `[
			{"type":"task","name":"Write the closing plan together with the customer"},
			{"type":"phonecall","name":"Go through the proposal"},
			{"type":"wait","name":"Three days","wait":{"days":3}},
			{"type":"email","name":"Send the final proposal"},
			{"type":"wait","name":"Two days","wait":{"days":2}},
			{"type":"phonecall","name":"Ask for the signature"}]`, 0},
	}
}

// segmentTexts returns the segments, highest priority first within a record type.
func segmentTexts() []definition {
	return []definition{
		{"Hot leads", "Whoever wants to buy now, wherever from.", name.Lead, `{"type":"and","items":[
			{"attribute":"leadqualitycode","operator":"eq","values":[1]},
			{"attribute":"donotphone","operator":"ne","values":[true]}]}`, sameDay},
		{"Enterprise", "Large by revenue or by staff.", name.Lead, `{"type":"or","items":[
			{"attribute":"revenue","operator":"ge","values":[25000000]},
			{"attribute":"numberofemployees","operator":"ge","values":[500]}]}`, enterprise},
		{"Referrals", "Somebody recommended us, and the lead is not cold.", name.Lead, `{"type":"and","items":[
			{"attribute":"leadsourcecode","operator":"in","values":[2,3,9]},
			{"attribute":"leadqualitycode","operator":"ne","values":[3]}]}`, sameDay},
		{"Trade show, industry", "Met at a show or seminar, or an industrial company of central Europe.", name.Lead, `{"type":"or","items":[
			{"attribute":"leadsourcecode","operator":"in","values":[6,7]},
			{"type":"and","items":[
				{"attribute":"address1_country","operator":"in","values":["Germany","Austria","Switzerland"]},
				{"type":"or","items":[
					{"attribute":"companyname","operator":"contains","values":["industries"]},
					{"attribute":"companyname","operator":"contains","values":["works"]}]}]}]}`, fair},
		{"Web and advertising", "Came by themselves, and may be written to.", name.Lead, `{"type":"and","items":[
			{"attribute":"leadsourcecode","operator":"in","values":[1,8]},
			{"attribute":"emailaddress1","operator":"not-null"},
			{"attribute":"donotemail","operator":"ne","values":[true]},
			{"attribute":"leadqualitycode","operator":"ne","values":[3]}]}`, inbound},
		{"To be researched", "Cold, and the size is not known: no sequence until somebody has looked.", name.Lead, `{"type":"and","items":[
			{"attribute":"leadqualitycode","operator":"eq","values":[3]},
			{"attribute":"revenue","operator":"null"}]}`, none},
		{"Large deals", "A quarter of a million or more, or rated hot.", name.Opportunity, `{"type":"or","items":[
			{"attribute":"estimatedvalue","operator":"ge","values":[250000]},
			{"attribute":"opportunityratingcode","operator":"eq","values":[1]}]}`, closing},
		{"Late stage", "A proposal is out and likely to be taken.", name.Opportunity, `{"type":"and","items":[
			{"attribute":"salesstage","operator":"in","values":[2,3]},
			{"attribute":"closeprobability","operator":"between","values":[50,100]}]}`, closing},
	}
}

func sequences(seed uint64) []Row {
	var rows []Row
	for i, d := range sequenceTexts() {
		rows = append(rows, Row{name.Sequence, rowID(seed, name.Sequence, i), values{
			name.MsdynName: schema.Text(d.name), name.MsdynDescription: schema.Text(d.description),
			name.MsdynRegardingentityname: schema.Text(d.record), name.MsdynDefinition: schema.Text(d.text),
			name.Ownerid: schema.Ref(user(rowID(seed, name.User, 0))),
		}})
	}
	return rows
}

func segments(seed uint64) []Row {
	var rows []Row
	for i, d := range segmentTexts() {
		v := values{
			name.MsdynName: schema.Text(d.name), name.MsdynDescription: schema.Text(d.description),
			name.MsdynObjecttype: schema.Text(d.record), name.MsdynEntityfilter: schema.Text(d.text),
			name.Ownerid: schema.Ref(user(rowID(seed, name.User, 0))),
		}
		if d.sequence != none {
			v[name.MsdynSequence] = schema.Ref(schema.Lookup{Table: name.Sequence, ID: rowID(seed, name.Sequence, d.sequence)})
		}
		rows = append(rows, Row{name.Segment, rowID(seed, name.Segment, i), v})
	}
	return rows
}

func user(id string) schema.Lookup { return schema.Lookup{Table: name.User, ID: id} }
