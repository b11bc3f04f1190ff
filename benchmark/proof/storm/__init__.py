"""The storm: what may happen to a machine, done on purpose, and counted. Each part of it trains,
damages or starves real runs, and says how many of its tries lost or falsified nothing."""
