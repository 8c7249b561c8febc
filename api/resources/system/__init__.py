"""How the API and what it depends on are doing."""
