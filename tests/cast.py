"""Five people, the same in tests, seeds, screenshots and docs."""

WEN = "wen@lumen.example"  # buyer, verified, Hong Kong
ILSE = "ilse@vandael.example"  # rival buyer, Antwerp, near her limit
NOOR = "noor@pavilion.example"  # curator
TOMAS = "tomas@pavilion.example"  # cashier
ADA = "ada@nowhere.example"  # a stranger
