"""Industry systems of the sample market: CITIC 1 and 2, the pool of 32, Shenwan 1.

Add a system or an edition here. Keep the assignment of stocks out: it is drawn in
``universe``.
"""

from __future__ import annotations

# 30 CITIC level-1 industries in code order, with the rough number of listed companies
# of 2024 in each, which sets the sizes of the sample's industries.
CITIC1_COMPANIES: tuple[tuple[str, int], ...] = (
    ("石油石化", 50),
    ("煤炭", 37),
    ("有色金属", 120),
    ("电力及公用事业", 220),
    ("钢铁", 55),
    ("基础化工", 480),
    ("建筑", 160),
    ("建材", 110),
    ("轻工制造", 160),
    ("机械", 600),
    ("电力设备及新能源", 380),
    ("国防军工", 120),
    ("汽车", 250),
    ("商贸零售", 110),
    ("消费者服务", 60),
    ("家电", 85),
    ("纺织服装", 100),
    ("医药", 480),
    ("食品饮料", 130),
    ("农林牧渔", 100),
    ("银行", 42),
    ("非银行金融", 80),
    ("房地产", 120),
    ("交通运输", 130),
    ("电子", 480),
    ("通信", 130),
    ("计算机", 340),
    ("传媒", 150),
    ("综合", 30),
    ("综合金融", 15),
)
CITIC1 = tuple(f"CI005{number:03d}" for number in range(1, 31))
CITIC1_NAMES = tuple(name for name, _ in CITIC1_COMPANIES)
SUB_INDUSTRIES = 3

# Industries by position that the pool of 32 splits into their three sub-industries
# (industrial, precious, rare metals; food, beverages, liquor), and that it leaves out.
POOL_SPLIT = frozenset({2, 18})
POOL_LEFT_OUT = frozenset({28, 29})

# The sub-industry that moves on the day of the reclassification: the third of
# machinery, into the first of power equipment and new energy.
RECLASSIFIED_FROM = (9, 2)
RECLASSIFIED_TO = (10, 0)

SHENWAN_2021_DAY = "2021-07-30"
SHENWAN_2021: tuple[str, ...] = (
    "801960.SI",
    "801950.SI",
    "801050.SI",
    "801160.SI",
    "801040.SI",
    "801030.SI",
    "801720.SI",
    "801710.SI",
    "801140.SI",
    "801890.SI",
    "801730.SI",
    "801740.SI",
    "801880.SI",
    "801200.SI",
    "801210.SI",
    "801110.SI",
    "801130.SI",
    "801150.SI",
    "801120.SI",
    "801010.SI",
    "801780.SI",
    "801790.SI",
    "801180.SI",
    "801170.SI",
    "801080.SI",
    "801770.SI",
    "801750.SI",
    "801760.SI",
    "801230.SI",
    "801790.SI",
)
# Sub-industries with an industry of their own in the 2021 edition: environmental
# protection out of utilities, beauty care out of chemicals.
SHENWAN_2021_SPLIT = {(3, 2): "801970.SI", (5, 2): "801980.SI"}
# What the 2014 edition called the industries that the 2021 edition made.
SHENWAN_2014 = {
    "801950.SI": "801020.SI",
    "801960.SI": "801020.SI",
    "801970.SI": "801160.SI",
    "801980.SI": "801030.SI",
}


def citic2_code(industry: int, sub: int) -> str:
    """Return the code of a level-2 industry of the sample, such as CI005019.03."""
    return f"{CITIC1[industry]}.{sub + 1:02d}"


def pool32_code(industry: int, sub: int) -> str | None:
    """Return the code in the pool of 32; None for the industries it leaves out."""
    if industry in POOL_LEFT_OUT:
        return None
    if industry in POOL_SPLIT:
        return CITIC1[industry] + "ABC"[sub]
    return CITIC1[industry]


def shenwan_code(industry: int, sub: int, *, edition: int) -> str:
    """Return the Shenwan level-1 code in the edition of 2014 or 2021."""
    code = SHENWAN_2021_SPLIT.get((industry, sub), SHENWAN_2021[industry])
    return SHENWAN_2014.get(code, code) if edition == 2014 else code
