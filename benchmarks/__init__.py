"""The same work the way a user would write it and our way, side by side."""
