"""How fast the portal is: each figure beside a floor and a naive rival of the same run (`manage.py benchmark`).

A benchmark is a module with `run(organizations)`, which makes its world in an empty database, compares what its ways
came to and only then tells their times.
"""
