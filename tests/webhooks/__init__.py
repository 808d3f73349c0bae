"""Webhooks: real receivers, real couriers, processes that are really killed."""
