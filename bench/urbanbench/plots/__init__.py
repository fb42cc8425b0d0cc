"""Figures for papers, drawn from results alone: `urbanbench plot`."""
