"""The billing app: plans, subscriptions, entitlements, and the payment provider's webhooks."""
