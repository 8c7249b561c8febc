"""The contract between the parts: what travels (events), what is stored (tables) and how time series are kept."""
