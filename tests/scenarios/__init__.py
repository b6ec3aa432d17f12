"""Call scenarios, written once and run on every switch: what the phones saw, and what the caller was told."""
