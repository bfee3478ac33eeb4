"""The services beside the program, one file each; files with an underscore are their parts."""
