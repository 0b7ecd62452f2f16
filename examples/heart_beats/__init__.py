"""Abnormal heart beats in half an hour of ECG."""
