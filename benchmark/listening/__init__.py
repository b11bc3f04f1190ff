"""Who is told of what happens while runs are trained: a terminal, a tracking server."""
