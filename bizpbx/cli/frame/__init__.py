"""What the commands stand on: the lazy root command, shared options, output, and the one way to make a change."""
