"""Tests of what the dashboard is told: real stores, real gateways, real consumers where it is they who matter."""
