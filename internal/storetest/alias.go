package storetest

import "segue/internal/probe"

type (
	Probe  = probe.Probe
	Call   = probe.Call
	Counts = probe.Counts
	Fault  = probe.Fault
)

const (
	Get   = probe.Get
	Query = probe.Query
	Write = probe.Write

	None        = probe.None
	Before      = probe.Before
	After       = probe.After
	CrashBefore = probe.CrashBefore
	CrashAfter  = probe.CrashAfter
)

var (
	ErrCrash  = probe.ErrCrash
	NewProbe  = probe.New
	Sometimes = probe.Sometimes
)
