"""The weekly report: one page for those who answer for a city's traffic, from the insights of a week."""
