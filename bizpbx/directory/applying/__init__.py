"""How a settings file becomes rows: compare, check, write. bizpbx/directory/apply.py is the way in."""
