from benchmark.models.count import cost


def detector_cost(model, detector, shape, classes):
    return cost(model, shape, classes)
