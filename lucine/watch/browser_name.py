"""TEMPORARY"""
def browser_name(ua,hints=""): return "Firefox sur Linux"
