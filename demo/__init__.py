"""A synthetic county, written as the files a bureau would send. Everything here is invented."""
