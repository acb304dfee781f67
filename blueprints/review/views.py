"""Desks of unit, supervising unit and agency; on-site confirmation; looking up applications."""
