"""What a decision costs, side by side. Every figure that a page of this project gives is from here.

``make bench`` prints them. Each script can also be run alone: ``python -m bench.hot_path``.
"""
