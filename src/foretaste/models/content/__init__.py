"""Content-based models, and the onboarding of new users."""
