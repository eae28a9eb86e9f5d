package schedule_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// rules are what every commit has to obey, under a policy.
func commitRules(policy sales.Policy) []rule {
	return []rule{
		newVersion, guarded(policy), ownColumns, endedStaysEnded,
		keptAsLong(policy), connectedOnce, connectedToActive, endedForCause, endedAsAsked, unlinkedForCause, nextStep,
	}
}

// newVersion: what a condition compares never repeats, in any life of a row.
func newVersion(h *history, c *commit, ch change) string {
	if ch.new == nil {
		return ""
	}
	version := ch.new["versionnumber"].Int()
	if h.versions[ch.ref] == nil {
		h.versions[ch.ref] = map[int64]int{}
	}
	before, repeated := h.versions[ch.ref][version]
	h.versions[ch.ref][version] = c.number
	if repeated {
		return fmt.Sprintf("version %d was that of commit %d", version, before)
	}
	return ""
}

// keptAsLong: a target or step names until when it is kept from the commit that ends it,
// once and for all, and none that has not ended does.
func keptAsLong(policy sales.Policy) rule {
	return func(_ *history, _ *commit, ch change) string {
		if ch.ref.Table != name.SequenceTarget && ch.ref.Table != name.SequenceTargetStep || ch.new == nil {
			return ""
		}
		ended := ch.new[name.Statecode].Int() != 0
		old, until := ch.old[schema.ExpiresAttribute], ch.new[schema.ExpiresAttribute]
		switch {
		case until.Kind() == store.Number != (ended && policy.Retention > 0):
			return fmt.Sprintf("ended: %v, kept until %v", ended, until)
		case old.Kind() == store.Number && old != until:
			return fmt.Sprintf("it was kept until %v, now until %v", old, until)
		}
		return ""
	}
}

// guarded: a record's guard names its live targets, after every commit.
func guarded(policy sales.Policy) rule {
	return func(h *history, _ *commit, ch change) string {
		ref := ch.ref
		if ref.Table == name.SequenceTarget {
			item := ch.new
			if item == nil {
				item = ch.old
			}
			ref = recordOf(item)
		}
		if !isRecord(ref.Table) {
			return ""
		}
		record, live := h.items[ref], h.live(ref)
		guard := salestest.GuardOf(record["segue_live"].Text())
		switch {
		case record == nil && len(live) > 0:
			return fmt.Sprintf("%v is not there and has the live targets %v", ref, live)
		case record == nil:
			return ""
		case !maps.Equal(guard, live):
			return fmt.Sprintf("%v has the guard %v and the live targets %v", ref, guard, live)
		case record["segue_connected"].True() != (len(live) > 0):
			return fmt.Sprintf("%v: segue_connected %t, live targets %v", ref, record["segue_connected"].True(), live)
		case !isOpen(record) && len(live) > 0:
			return fmt.Sprintf("%v is closed and has live targets %v", ref, live)
		case len(live) > 1 && !policy.Several:
			return fmt.Sprintf("%v has %d live targets", ref, len(live))
		}
		return ""
	}
}

// live is the live targets of a record, by sequence.
func (h *history) live(record rows.Ref) map[string]string {
	live := map[string]string{}
	for _, ref := range h.rows {
		if ref.Table != name.SequenceTarget {
			continue
		}
		item := h.items[ref]
		if item == nil || !isOpen(item) || recordOf(item) != record {
			continue
		}
		sequence := lookup(item, "msdyn_parentsequence")
		if live[sequence] != "" {
			live["twice"] = sequence
		}
		live[sequence] = ref.ID
	}
	return live
}

// userColumns are the columns that users alone write.
func userColumns(table string) []string {
	switch table {
	case "lead":
		return []string{"subject", "lastname", "jobtitle", "leadsourcecode", "leadqualitycode", "address1_city", "statecode", "statuscode", "ownerid"}
	case "opportunity":
		return []string{"name", "description", "statecode", "statuscode", "ownerid"}
	case name.Sequence:
		return []string{"msdyn_name", "msdyn_regardingentityname", "msdyn_definition", "statecode", "statuscode", "ownerid"}
	case name.Segment:
		return []string{"msdyn_name", "msdyn_objecttype", "msdyn_entityfilter", "msdyn_sequence", "msdyn_isresegmentationenabled", "statecode", "statuscode", "ownerid"}
	case name.SequenceTargetStep:
		return []string{"msdyn_description"}
	}
	return nil
}

// isVersion reports whether an item, which may be nil, is a version of a sequence.
func isVersion(item store.Item) bool { return item["msdyn_type"].Int() == 1 }

// ownColumns: a commit changes of what users write no more than it was asked to.
// So nothing that was acknowledged is undone by somebody who wrote back what he
// had read before.
func ownColumns(_ *history, c *commit, ch change) string {
	watched := userColumns(ch.ref.Table)
	if len(watched) == 0 || c.deed == nil {
		return ""
	}
	switch {
	case ch.ref.Table == name.SequenceTargetStep && (ch.old == nil || ch.new == nil):
		return ""
	case ch.old == nil || ch.new == nil:
		if isVersion(ch.old) || isVersion(ch.new) { // an activation makes it, and it goes with its sequence
			return ""
		}
		if engine := ch.new["segue_isdefault"].True() || ch.ref.Table == name.Sequence && ch.new == nil && ch.old["segue_phase"].Text() != ""; engine || c.deed.makes[ch.ref] {
			return ""
		}
		return "it was not asked to make or remove " + ch.ref.String()
	}
	for _, column := range watched {
		if ch.old[column] != ch.new[column] && !slices.Contains(c.deed.intends[ch.ref], column) {
			return fmt.Sprintf("it was not asked to change %s from %q to %q", column, ch.old[column].Text(), ch.new[column].Text())
		}
	}
	return ""
}

// endedStaysEnded: an ended target or step never lives again.
func endedStaysEnded(_ *history, _ *commit, ch change) string {
	if ch.ref.Table != name.SequenceTarget && ch.ref.Table != name.SequenceTargetStep {
		return ""
	}
	switch {
	case ch.new == nil:
		return "it was removed"
	case ch.old != nil && !isOpen(ch.old) && (isOpen(ch.new) || ch.old["statuscode"] != ch.new["statuscode"] || ch.old["msdyn_deactivatereason"] != ch.new["msdyn_deactivatereason"]):
		return "it had ended and is changed"
	}
	return ""
}

// connectedOnce: a membership connects a record to a sequence once, so that nobody
// who was disconnected is put back (docs/domain.md §8.4).
func connectedOnce(h *history, c *commit, ch change) string {
	if ch.ref.Table != name.SequenceTarget || ch.old != nil || c.deed == nil || c.deed.user || ch.new["msdyn_segment"].Text() == "" {
		return ""
	}
	record, by, to := recordOf(ch.new), lookup(ch.new, "msdyn_segment"), lookup(ch.new, "msdyn_parentsequence")
	entered := h.since(record, func(old, new store.Item) bool { return old["msdyn_segmentid"] != new["msdyn_segmentid"] }).from
	for number := len(h.commits) - 2; number >= 0; number-- {
		earlier := h.commits[number]
		if earlier.at.Before(entered) {
			return ""
		}
		for _, made := range earlier.changes {
			if made.ref.Table != name.SequenceTarget || made.old != nil || recordOf(made.new) != record || earlier.deed.user {
				continue
			}
			if lookup(made.new, "msdyn_segment") == by && lookup(made.new, "msdyn_parentsequence") == to {
				return fmt.Sprintf("the membership connected %v to the sequence before, in commit %d", record, number)
			}
			return ""
		}
	}
	return ""
}

// connectedToActive: a connection is begun to a sequence that was active when the
// deed began, but for the age of definitions, or since.
func connectedToActive(h *history, c *commit, ch change) string {
	if ch.ref.Table != name.SequenceTarget || ch.old != nil {
		return ""
	}
	ref := rows.Ref{Table: name.Sequence, ID: lookup(ch.new, "msdyn_parentsequence")}
	for _, item := range h.usable(ref, c.deed.began, c.at) {
		if item != nil && isActiveSequence(item) {
			return ""
		}
	}
	return fmt.Sprintf("%v was not active at any time since %s", ref, c.deed.began.Format("04:05.000"))
}

// endedForCause: a connection ends because of its sequence only if that was not
// active at some moment of the deed and of the connection.
func endedForCause(h *history, c *commit, ch change) string {
	if ch.ref.Table != name.SequenceTarget || ch.old == nil || ch.new == nil || isOpen(ch.new) || !isOpen(ch.old) || ch.new["msdyn_deactivatereason"].Int() != salestest.SequenceGone {
		return ""
	}
	ref := rows.Ref{Table: name.Sequence, ID: lookup(ch.new, "msdyn_parentsequence")}
	from := h.states[ch.ref][1].from
	if c.deed.began.After(from) {
		from = c.deed.began
	}
	for _, item := range h.between(ref, from, c.at) {
		if item == nil || !isActiveSequence(item) {
			return ""
		}
	}
	return fmt.Sprintf("%v was active all the time since %s", ref, from.Format("04:05.000"))
}

// endedAsAsked: a user ends the connections that he means, and a move to another
// segment those of the record that moves.
func endedAsAsked(_ *history, c *commit, ch change) string {
	if ch.ref.Table != name.SequenceTarget || ch.old == nil || ch.new == nil || isOpen(ch.new) || !isOpen(ch.old) {
		return ""
	}
	record := recordOf(ch.new)
	switch {
	case c.deed.user && (c.deed.ends == nil || !c.deed.ends(ch.ref, record, lookup(ch.new, "msdyn_parentsequence"))):
		return "it was not asked to end " + ch.ref.String()
	case c.deed.user || ch.new["msdyn_deactivatereason"].Int() == salestest.SequenceGone:
		return ""
	}
	moved := slices.ContainsFunc(c.changes, func(other change) bool {
		return other.ref == record && other.old["msdyn_segmentid"] != other.new["msdyn_segmentid"]
	})
	if !moved {
		return "nobody asked to end " + ch.ref.String()
	}
	return ""
}

// unlinkedForCause: a record or target loses its link to a segment only when the
// segment is not there.
func unlinkedForCause(h *history, _ *commit, ch change) string {
	column := "msdyn_segmentid"
	if ch.ref.Table == name.SequenceTarget {
		column = "msdyn_segment"
	}
	if ch.ref.Table == name.SalesRoutingRun && ch.new["msdyn_targetobject"].Text() == "" {
		return "" // what is left of the run of a deleted record
	}
	if ch.old == nil || ch.new == nil || ch.old[column].Text() == "" || ch.new[column].Text() != "" {
		return ""
	}
	if ref := (rows.Ref{Table: name.Segment, ID: lookup(ch.old, column)}); h.items[ref] != nil {
		return fmt.Sprintf("the link to %v was emptied, which is there", ref)
	}
	return ""
}

// nextStep: the step after a step is the next one of the definition that the target
// was connected by.
func nextStep(h *history, _ *commit, ch change) string {
	if ch.ref.Table != name.SequenceTarget || ch.old == nil || ch.new == nil {
		return ""
	}
	before, after := h.items[rows.Ref{Table: name.SequenceTargetStep, ID: lookup(ch.old, "segue_currentstep")}], h.items[rows.Ref{Table: name.SequenceTargetStep, ID: lookup(ch.new, "segue_currentstep")}]
	if before == nil || after == nil || ch.old["segue_currentstep"] == ch.new["segue_currentstep"] {
		return ""
	}
	version := ch.new["msdyn_parentsequenceversion"].Int()
	ids := h.definition(rows.Ref{Table: name.Sequence, ID: lookup(ch.new, "msdyn_parentsequence")}, version, ch.ref)
	at := slices.Index(ids, before["msdyn_sequencestepid"].Text())
	if at < 0 || at+1 >= len(ids) || ids[at+1] != after["msdyn_sequencestepid"].Text() {
		return fmt.Sprintf("step %s was followed by %s; version %d of the sequence has %v", before["msdyn_sequencestepid"].Text(), after["msdyn_sequencestepid"].Text(), version, ids)
	}
	return ""
}

// definition is the ids of the steps of the version of a sequence that a target
// was connected by.
func (h *history) definition(ref rows.Ref, version int64, made rows.Ref) []string {
	var ids []string
	began := h.states[made][1].from
	for _, s := range h.states[ref] {
		if s.from.After(began) {
			break
		}
		if s.item["msdyn_version"].Int() == version && isActiveSequence(s.item) {
			ids = stepsOf(s.item["msdyn_definition"].Text())
		}
	}
	return ids
}

func stepsOf(text string) []string {
	var steps []struct{ ID string }
	if err := json.Unmarshal([]byte(text), &steps); err != nil {
		return nil
	}
	var ids []string
	for _, s := range steps {
		ids = append(ids, s.ID)
	}
	return ids
}

func isRecord(table string) bool { return table == "lead" || table == "opportunity" }

func isOpen(item store.Item) bool { return item["statecode"].Int() == 0 }

func isActiveSequence(item store.Item) bool {
	return item["statecode"].Int() == 1 && item["segue_phase"].Text() == ""
}

// recordOf is the record of a target.
func recordOf(item store.Item) rows.Ref {
	table, id, _ := strings.Cut(item["msdyn_target"].Text(), ":")
	return rows.Ref{Table: table, ID: id}
}

// lookup is the id in a lookup column.
func lookup(item store.Item, column string) string {
	text := item[column].Text()
	if _, id, many := strings.Cut(text, ":"); many {
		return id
	}
	return text
}
