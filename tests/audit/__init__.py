"""The audit tells what was, once, in order, whatever is killed; and nobody changes it unseen."""
