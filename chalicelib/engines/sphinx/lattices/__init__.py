"""What may have been said: lattices, and what is read off them."""
