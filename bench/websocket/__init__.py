"""How many live clients one API process holds, how soon the last has what was published, and at which cost."""
