"""The storm: failures that can happen to a machine, caused on purpose and counted. Each part
trains, damages or starves real runs, and reports how many tries lost or falsified nothing."""
