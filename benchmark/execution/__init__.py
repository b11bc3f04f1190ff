"""Which run goes where: each in a process of its own, which trains and writes its records."""
