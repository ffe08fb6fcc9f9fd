"""TEMPORARY"""
class P: words="lieu inconnu"
def place_of(a): return P()
def prefix_of(a): return ""
