"""E-mail: text and HTML with the sensor's chart, handed to one mail server over connections that stay open."""
