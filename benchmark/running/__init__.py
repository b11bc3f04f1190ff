"""Run a suite: plan, train, test for its claims, report. The commands are a shell around this."""
