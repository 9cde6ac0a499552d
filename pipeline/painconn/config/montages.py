"""Caps whose electrode positions are known by name."""

from typing import Literal

Cap = Literal[
    "biosemi16",
    "biosemi32",
    "biosemi64",
    "biosemi128",
    "biosemi160",
    "biosemi256",
    "easycap-M1",
    "easycap-M10",
    "easycap-M43",
    "brainproducts-RNP-BA-128",
    "EGI_256",
    "GSN-HydroCel-32",
    "GSN-HydroCel-64_1.0",
    "GSN-HydroCel-65_1.0",
    "GSN-HydroCel-128",
    "GSN-HydroCel-129",
    "GSN-HydroCel-256",
    "GSN-HydroCel-257",
    "colin27_1005",
    "colin27_1020",
    "colin27_alphabetic",
    "colin27_postfixed",
    "colin27_prefixed",
    "colin27_primed",
    "mgh60",
    "mgh70",
]
"""Montages of MNE-Python that can be named in a study file.

Left out: ``fsaverage_*`` (that is ``template``), ``spherical_*`` (the same names on an ideal sphere: ``template``, too)
and ``artinis-*`` (light, not electrodes).
"""

Montage = Literal["template", "digitised", Cap]
