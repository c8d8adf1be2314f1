"""Philox4x32 in Python's own integers, which no tensor arithmetic can spoil."""

LOW = 0xFFFFFFFF
M0, M1, W0, W1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85


def philox_of_integers(counter, key, rounds=7):
    """Return the four words of a counter (Salmon et al., SC'11, figure 4)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key & LOW, key >> 32
    for _ in range(rounds):
        high0, low0 = divmod(M0 * c0, 2**32)
        high1, low1 = divmod(M1 * c2, 2**32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return c0, c1, c2, c3
