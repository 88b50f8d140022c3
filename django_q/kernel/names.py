"""Names that people can say and remember, one for each id."""

from hashlib import blake2b

_WORDS = tuple(
    """
    acorn actor alarm album amber anchor angle apple april apron arch arrow aspen atlas attic autumn
    badge bagel bakery balloon bamboo banjo barley basket beach beacon berry bicycle birch bishop blanket blossom
    boat bonnet border bottle boulder branch bread breeze brick bridge brook bucket butter button cabin cable
    camel camera canal candle canoe canvas canyon carbon cargo carpet castle cedar cellar cherry chess cider
    circus clover coast cobalt comet compass copper coral corner cotton cricket crystal dahlia daisy dawn delta
    desert diary dinner dolphin domino dragon drum eagle early easel echo elbow ember engine estate evening
    fabric falcon farmer feather fennel fern ferry fiddle field finch flame flute forest fossil fountain fox
    frost galaxy garden garlic gate ginger glacier glass globe granite grape gravel grove guitar hammer harbor
    harvest hazel heron hill honey hood horizon iceberg indigo island ivory ivy jacket jasmine jersey jigsaw
    journal jungle juniper kettle kitchen kite ladder lagoon lake lantern laurel lemon lentil library lilac lime
    linen lobster locket lotus lunar magnet mango maple marble market meadow melody melon meteor mint mirror
    moss motor mountain museum needle nickel north nutmeg oak oasis ocean olive onion opal orange orbit
    orchard otter oven oxygen paddle palace panda paper parade parrot pasture pearl pebble pencil pepper piano
    pillow pilot planet plaza pocket pollen pony poppy prairie pumpkin quartz quill rabbit radio raven ribbon
    river robin rocket saddle saffron salmon sand shadow shell silver sparrow spring stone stream summer
    sunset table tiger timber tower tulip turtle valley velvet violin walnut whale willow window winter zebra
    wolf
    """.split()
)


def name_of(task_id: str) -> str:
    """Return four words for an id. All of the id counts, so neighbours in time get different names."""
    first, second, third, fourth = blake2b(task_id.encode(), digest_size=4).digest()
    return f"{_WORDS[first]}-{_WORDS[second]}-{_WORDS[third]}-{_WORDS[fourth]}"
