"""Train what is recorded again, and compare bit for bit."""
