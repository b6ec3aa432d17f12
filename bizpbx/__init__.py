"""bizpbx: the controller beside a PBX. docs/architecture.md tells how the parts fit together."""

__version__ = "0.1.0"
