"""What callers hear and leave when nobody answers: messages and their sounds, recordings, the store that keeps both."""
