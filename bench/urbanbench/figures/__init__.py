"""Figures and maps have this in common: colours and sizes, letters of every script, and files whose form their ending chooses."""
