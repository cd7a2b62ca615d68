"""What the web app and the label server share: who may ask, and how much."""
