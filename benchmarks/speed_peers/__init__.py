"""One script per library, each run by its own Python: python SCRIPT FOLDER, figures as JSON on the last line.

FOLDER holds train.npz and test.npz: user and item codes, the test one event per user. A script fits a factor model of
64 factors and an item-item model of 100 neighbours, offers 100 items to everybody, and measures full ranking at 10.
"""
