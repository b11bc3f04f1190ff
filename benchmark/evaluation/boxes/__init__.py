"""Scoring of detections against the ground truth, by the rules of COCO and VOC."""
