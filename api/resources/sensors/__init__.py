"""Where traffic is measured."""
