"""`bizpbx demo`: the worked example of docs/calls.md and a few calls more, on a real or a simulated switch."""
