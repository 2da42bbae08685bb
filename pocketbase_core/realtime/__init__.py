"""Realtime: subscriptions that outlast the connections that carry them."""
