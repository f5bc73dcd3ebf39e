"""Measurements against peers and against real data; each prints what it measured.

Add a programme that puts a ratio or a figure beside a claim of ours, measured in the
same run; keep assertions on time out of the tests, and keep anything that the warehouse
needs out of here.
"""
