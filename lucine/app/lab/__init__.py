"""The attack lab: what attackers get, measured against a running Connect (`lucine lab`)."""
