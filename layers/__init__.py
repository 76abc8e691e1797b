"""What each layer must contain, and the checked whole of them."""
