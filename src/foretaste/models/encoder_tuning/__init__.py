"""Fine-tuning of text encoders on the texts of a catalogue and on the histories of its users."""
