"""The boxes of the figures, one folder each; they meet over protocols and never import one another."""
