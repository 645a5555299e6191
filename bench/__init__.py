"""What a decision costs, side by side. Every figure in this project's pages is measured here.

``make bench`` prints them. Each script can also be run alone: ``python -m bench.hot_path``.
"""
