"""The running controller: what `bizpbx serve` puts together."""
