"""Live feeds: public servers that are asked again and again, and whose new observations are published."""
