"""Where apps and devices push what they measured."""
