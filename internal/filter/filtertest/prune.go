package filtertest

import (
	"segue/internal/filter"
	"segue/internal/schema"
)

// Prune takes out of a tree of conditions on rows of a table what a notation has no words
// for, as says tells of a group with one node, and returns how many conditions it kept and
// how many it took out. A test adds these up, so that a notation which lost its words does
// not pass for one that agrees.
func Prune(s *schema.Schema, table string, g *filter.Group, says func(table string, g *filter.Group) bool) (pruned *filter.Group, kept, taken int) {
	pruned = &filter.Group{Logic: g.Logic}
	for _, item := range g.Items {
		var k, n int
		switch node := item.(type) {
		case *filter.Group:
			item, k, n = Prune(s, table, node, says)
		case *filter.Related:
			bare := &filter.Related{Relationship: node.Relationship, Contains: node.Contains, Filter: &filter.Group{Logic: filter.And}}
			if !says(table, &filter.Group{Logic: filter.And, Items: []filter.Node{bare}}) {
				taken++
				continue
			}
			r, _ := s.Relation(table, node.Relationship)
			bare.Filter, k, n = Prune(s, r.Table.Name, node.Filter, says)
			item, k = bare, k+1
		case *filter.Condition:
			if !says(table, &filter.Group{Logic: filter.And, Items: []filter.Node{node}}) {
				taken++
				continue
			}
			k = 1
		}
		pruned.Items = append(pruned.Items, item)
		kept, taken = kept+k, taken+n
	}
	return pruned, kept, taken
}
