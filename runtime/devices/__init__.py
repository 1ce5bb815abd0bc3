"""Models of the hardware a guest talks to."""
