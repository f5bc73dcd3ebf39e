"""The text model: reports to vectors, vectors to classes, classes to scores.

Add another encoder beside ``encoder``, another way of learning from vectors beside
``classifier``; keep what is due and where it is written out.
"""
