"""What each tab shows, as tables, and the frame around them."""
