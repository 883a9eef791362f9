"""What nodes of a clean graph say: parameters, places, geometry, the integers of quantizers.

Everything behind the front end asks here; nothing here changes what a node means.
"""
