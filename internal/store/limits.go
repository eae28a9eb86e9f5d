package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrInvalid means that a call breaks the contract in a way that is not a limit: an
// empty key, a key named twice, a value that no item can hold. It is a mistake of the
// caller, and nothing was done.
var ErrInvalid = errors.New("invalid call of the store")

// Limits that only the checks below know.
const (
	maxPartitionBytes = 2048 // a partition key
	maxDepth          = 32   // levels of values in one attribute, its own the first
	maxDigits         = 38   // significant digits of a number
	maxWhole          = 126  // digits before its point
	maxFraction       = 130  // decimal places
	maxTerms          = 75   // terms of a condition; DynamoDB takes 300 operators, 4 a term
	maxUpdated        = 350  // attributes of an update; DynamoDB takes 4 KB of text
)

// CheckGet refuses keys that no store takes.
func CheckGet(keys []Key) error {
	if err := atMost("keys of one get", len(keys), MaxGetKeys); err != nil {
		return err
	}
	return checkKeys(keys)
}

// CheckQuery refuses a query that a store with these indexes does not take.
func CheckQuery(indexes []Index, q Query) error {
	known := q.Index == "" || slices.ContainsFunc(indexes, func(x Index) bool { return x.Name == q.Index })
	switch {
	case !known:
		return invalid("no index has the name %q", q.Index)
	case q.Partition == "":
		return invalid("query without a partition")
	case q.Limit < 0:
		return invalid("query with the limit %d", q.Limit)
	}
	return errors.Join(
		atMost("partition key of a query", len(q.Partition), maxPartitionBytes),
		atMost("sort key of a query", max(len(q.After), len(q.To)), MaxKeyBytes))
}

// CheckWrite refuses a Write that a store with these indexes does not take:
// too many operations or bytes, a key twice, values that cannot be stored, an
// index key that is not a string. Only the store can see how large an item an
// update makes; it calls [CheckItemSize].
func CheckWrite(indexes []Index, ops []Op) error {
	if err := atMost("operations of one write", len(ops), MaxWriteOps); err != nil {
		return err
	}
	keys, total := make([]Key, len(ops)), 0
	for i, op := range ops {
		keys[i] = op.Key
		if err := checkOp(indexes, op); err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
		total += op.size()
	}
	if err := atMost("bytes of one write", total, MaxWriteBytes); err != nil {
		return err
	}
	return checkKeys(keys)
}

// CheckItemSize refuses an item that is too large, by its Item.Size.
func CheckItemSize(k Key, size int) error {
	return atMost("bytes of item "+k.PK+"/"+k.SK, size, MaxItemBytes)
}

// size returns the bytes that op sends: the item of a put; of other operations the
// attributes and the key.
func (op Op) size() int {
	n := op.Item.Size()
	if op.Kind != OpPut {
		n += len(PK) + len(SK) + len(op.Key.PK) + len(op.Key.SK)
	}
	return n
}

func checkOp(indexes []Index, op Op) error {
	var err error
	switch op.Kind {
	case OpPut:
		if op.AddOne != nil || op.Remove != nil {
			err = invalid("put that also removes or adds")
		} else if op.Item[PK].Kind() != String || op.Item[SK].Kind() != String || op.Item.Key() != op.Key {
			err = invalid("put of an item under another key")
		}
	case OpUpdate:
		err = checkUpdate(indexes, op)
	case OpDelete, OpCheck:
		if op.Item != nil || op.Remove != nil || op.AddOne != nil {
			err = invalid("delete or check with attributes")
		}
	default:
		err = invalid("operation without a kind")
	}
	if err != nil {
		return err
	}
	return errors.Join(checkKey(op.Key), checkAttributes(op.Item), checkIndexKeys(indexes, op.Item),
		checkCondition(op.If), CheckItemSize(op.Key, op.size()))
}

func checkUpdate(indexes []Index, op Op) error {
	if len(op.Item)+len(op.Remove)+len(op.AddOne) == 0 {
		return invalid("update of no attribute")
	}
	for _, x := range indexes {
		if slices.Contains(op.AddOne, x.PK) || slices.Contains(op.AddOne, x.SK) {
			return invalid("update that adds to a key of index %s, which is a string", x.Name)
		}
	}
	seen := map[string]bool{PK: true, SK: true}
	names := slices.Concat(slices.Collect(maps.Keys(op.Item)), op.Remove, op.AddOne)
	for _, name := range names {
		if name == "" || seen[name] {
			return invalid("update of attribute %q, which is part of the key, without a name or named twice", name)
		}
		seen[name] = true
	}
	return atMost("attributes of one update", len(names), maxUpdated)
}

func checkKeys(keys []Key) error {
	seen := make(map[Key]bool, len(keys))
	for _, k := range keys {
		if err := checkKey(k); err != nil {
			return err
		}
		if seen[k] {
			return invalid("key %s/%s is named twice", k.PK, k.SK)
		}
		seen[k] = true
	}
	return nil
}

func checkKey(k Key) error {
	if k.PK == "" || k.SK == "" {
		return invalid("key %q/%q is partly empty", k.PK, k.SK)
	}
	return errors.Join(atMost("partition key", len(k.PK), maxPartitionBytes), atMost("sort key", len(k.SK), MaxKeyBytes))
}

func checkAttributes(i Item) error {
	for name, v := range i {
		if name == "" {
			return invalid("attribute without a name")
		}
		if err := checkValue(v); err != nil {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	return nil
}

// checkIndexKeys refuses an index key that no index can hold. An item may lack the
// attribute; if it has it, the value must be a string that is not empty.
func checkIndexKeys(indexes []Index, i Item) error {
	check := func(attr string, most int) error {
		v, ok := i[attr]
		if ok && (v.Kind() != String || v.Text() == "") {
			return invalid("attribute %s is the key of an index and must be a string that is not empty", attr)
		}
		return atMost("index key "+attr, len(v.Text()), most)
	}
	for _, x := range indexes {
		if err := errors.Join(check(x.PK, maxPartitionBytes), check(x.SK, MaxKeyBytes)); err != nil {
			return err
		}
	}
	return nil
}

func checkCondition(c Condition) error {
	for _, t := range c.Terms {
		switch t.Test {
		case TestExists, TestAbsent:
		case TestEquals, TestNotEquals:
			if err := checkValue(t.Value); err != nil {
				return fmt.Errorf("condition on %s: %w", t.Attr, err)
			}
		default:
			return invalid("condition without a kind")
		}
		if t.Attr == "" {
			return invalid("condition on an attribute without a name")
		}
	}
	return atMost("terms of a condition", len(c.Terms), maxTerms)
}

// checkValue refuses what no attribute can hold. An [Other] was checked when it
// was read.
func checkValue(v Value) error {
	switch v.kind {
	case Absent:
		return invalid("a value is absent")
	case Number:
		return checkNumber(v.text)
	case String, Bool, Null, Other:
	}
	return nil
}

// checkNumber refuses a number whose text is not in the canonical form that [N] asks
// for.
func checkNumber(text string) error {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	digits := strings.Trim(whole+fraction, "0")
	notDigit := func(r rune) bool { return r < '0' || r > '9' }
	switch {
	case whole == "", strings.ContainsFunc(whole+fraction, notDigit),
		whole != "0" && whole[0] == '0', point && (fraction == "" || fraction[len(fraction)-1] == '0'), text == "-0":
		return invalid("%q is not a number in canonical form", text)
	}
	return errors.Join(atMost("significant digits of a number", len(digits), maxDigits),
		atMost("whole digits of a number", len(whole), maxWhole),
		atMost("decimal places of a number", len(fraction), maxFraction))
}

func atMost(what string, size, most int) error {
	if size > most {
		return &ExceededError{What: what, Size: size, Max: most}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
