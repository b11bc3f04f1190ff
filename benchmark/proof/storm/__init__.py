"""The storm: failures that may happen to a machine, caused on purpose and counted. Each part
trains, damages or starves real runs, and reports in how many tries nothing was lost or falsified.
"""
