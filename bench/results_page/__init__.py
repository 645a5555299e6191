"""The page of results and its plots: every sentence and number is made from the raw figures."""
