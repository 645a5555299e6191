"""The same views in each framework's own notation, behind real servers, to compare with rules."""
