"""A payment provider of an invented world, on loopback: it answers as Stripe would and is labelled on every page."""
