"""How a suite is run: plan, train, test as claimed, report. The commands are a shell around it."""
