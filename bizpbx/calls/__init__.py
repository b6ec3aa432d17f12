"""The life of a call on a small interface that every switch implements. Knows no switch and no SQL."""
