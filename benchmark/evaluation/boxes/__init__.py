"""Detections scored against the truth, by the rules of COCO and VOC."""
