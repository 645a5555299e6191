"""The site of the demo: its pages, its forms, and the API that is limited."""
