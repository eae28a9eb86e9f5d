package main

import (
	"log/slog"
	"os"
)

// startLog makes the logger of the process: lines on standard error, from level
// upwards. It also becomes the default logger, for packages that are not given one.
func startLog(level slog.Level) *slog.Logger {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	slog.SetDefault(log)
	return log
}
