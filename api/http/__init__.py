"""What every answer has in common: errors, forms, pages, times, caching."""
