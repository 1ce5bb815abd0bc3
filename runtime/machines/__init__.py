"""Machines: which devices and which description of them a guest sees."""
