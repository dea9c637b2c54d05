"""Writes data/golden/images: small JPEG and PNG files of every kind, and what Pillow makes of each.

`NAME.rgb` holds the planes of red, green and blue of 8 rows of 8 bytes: the image turned as its orientation says, its
middle cut out as a square, scaled by Pillow's bilinear filter. Run: python3 data/golden/images.py (numpy, Pillow).
"""
import io
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

SIDE = 8
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")


def scene(width, height):
    y, x = np.mgrid[0:height, 0:width].astype(float)
    red = 255 * x / (width - 1)
    green = 255 * y / (height - 1)
    blue = 127 + 120 * np.cos(x / width * 5) * np.sin(y / height * 3)
    return np.stack([red, green, blue], -1).round().astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, interlace=0, more=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def adam7(pixels):
    for x, y, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = pixels[y::dy, x::dx]
        if part.size:
            yield from (row.tobytes() for row in part)


def wanted(image):
    image = ImageOps.exif_transpose(image).convert("RGB")
    width, height = image.size
    short = min(width, height)
    left, top = (width - short) // 2, (height - short) // 2
    image = image.crop((left, top, left + short, top + short)).resize((SIDE, SIDE), Image.BILINEAR)
    return np.asarray(image).transpose(2, 0, 1).tobytes()


def keep(name, data, seen=None):
    open(os.path.join(FOLDER, name), "wb").write(data)
    planes = wanted(seen if seen is not None else Image.open(io.BytesIO(data)))
    open(os.path.join(FOLDER, name + ".rgb"), "wb").write(planes)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


os.makedirs(FOLDER, exist_ok=True)
wide, tall = scene(43, 24), scene(24, 43)
image = Image.fromarray(wide)
keep("420.jpg", saved(image, "JPEG", quality=90, subsampling=2))
keep("422.jpg", saved(image, "JPEG", quality=90, subsampling=1))
keep("444.jpg", saved(Image.fromarray(tall), "JPEG", quality=90, subsampling=0))
keep("progressive.jpg", saved(image, "JPEG", quality=90, progressive=True))
keep("optimised.jpg", saved(image, "JPEG", quality=70, optimize=True))
keep("restarts.jpg", saved(image, "JPEG", quality=90, restart_marker_blocks=2))
keep("grey.jpg", saved(image.convert("L"), "JPEG", quality=90))
keep("grey-progressive.jpg", saved(image.convert("L"), "JPEG", quality=90, progressive=True))
keep("cmyk.jpg", saved(image.convert("CMYK"), "JPEG", quality=95))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    keep(f"turned-{orientation}.jpg", saved(image, "JPEG", quality=95, subsampling=0, exif=exif))
exif = Image.Exif()
exif[0x0112] = 6
keep("turned.png", saved(image, "PNG", exif=exif))
keep("rgb.png", saved(image, "PNG"))
keep("rgba.png", saved(image.convert("RGBA"), "PNG"))
keep("grey.png", saved(image.convert("L"), "PNG"))
keep("grey-alpha.png", saved(image.convert("LA"), "PNG"))
keep("palette.png", saved(image.quantize(64), "PNG"))
keep("palette-16.png", saved(image.quantize(16), "PNG", bits=4))
keep("bits.png", saved(image.convert("1"), "PNG"), image.convert("1").convert("L"))
# 16 bits, big-endian: the high byte is what counts.
deep = wide.astype(np.uint16) * 256 + 77
keep("rgb-16.png", png(43, 24, 16, 2, [row.astype(">u2").tobytes() for row in deep]), image)
grey = np.asarray(image.convert("L")).astype(np.uint16) * 256 + 200
keep("grey-16.png", png(43, 24, 16, 0, [row.astype(">u2").tobytes() for row in grey]), image.convert("L"))
keep("interlaced.png", png(43, 24, 8, 2, adam7(wide), interlace=1), image)
keep("small.png", saved(Image.fromarray(scene(3, 5)), "PNG"))
