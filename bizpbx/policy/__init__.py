"""Decisions. Pure: a call and the settings in, a plan out. No I/O, no clock of its own."""
