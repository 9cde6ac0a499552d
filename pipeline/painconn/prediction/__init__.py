"""Prediction: classifiers, nested evaluation on people, permutation, intervals and the audit of all of it."""
