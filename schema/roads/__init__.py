"""The roads as the links draw them: lines on the map, which link follows which, and which ones a place is at."""
