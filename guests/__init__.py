"""Guest programs: obtaining (fetch) and building (build) them."""
