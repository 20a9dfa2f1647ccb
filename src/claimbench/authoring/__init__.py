"""For those who bring something: a method to be checked or begun, a paper to be written."""
