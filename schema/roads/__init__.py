"""The roads as the links draw them: lines on the map, and which link follows which."""
