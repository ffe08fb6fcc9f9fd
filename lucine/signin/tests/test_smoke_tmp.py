async def test_a(small_world):
    t, s, d = await small_world.tokens()
    assert t["id_token"]


async def test_b(world):
    t, s, d = await world.tokens()
    assert t["id_token"]


async def test_c(small_world):
    pass
