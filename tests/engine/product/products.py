"""Small made-up products in the real ones' form, with values that a reader can compute."""

import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

SIDE = 12  # pixels of 60 m along a side of a Sentinel-2 tile here: 72 of 10 m
LEFT, TOP = 300000, 5000040
TITLE = "S2B_MSIL2A_20230823T095559_N0509_R122_T34UCF_20230823T124759"
L1C = "S2B_MSIL1C_20230823T095559_N0509_R122_T34UCF_20230823T120234"
STEM = "T34UCF_20230823T095559"
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
L2A_FILES = {
    10: ("B02", "B03", "B04", "B08", "TCI"),
    20: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12", "SCL"),
    60: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B09", "B11", "B12", "SCL"),
}
L1C_METRES = {
    **dict.fromkeys(("B02", "B03", "B04", "B08"), 10),
    **dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 20),
    **dict.fromkeys(("B01", "B09", "B10"), 60),
}
LANDSAT = "LC09_L2SP_193028_20220822_20220823_02_T1"
HLS = "HLS.S30.T17SLU.2020117T160901.v2.0"


def write(path, values, metres, driver="JP2OpenJPEG", left=LEFT, crs="EPSG:32634", **profile):
    """Writes one band or several, without loss."""
    values = values if values.ndim == 3 else values[None]
    if driver == "JP2OpenJPEG":
        profile = {"QUALITY": 100, "REVERSIBLE": "YES", **profile}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver=driver,
        count=len(values),
        height=values.shape[1],
        width=values.shape[2],
        dtype=values.dtype,
        crs=crs,
        transform=from_origin(left, TOP, metres, metres),
        **profile,
    ) as file:
        file.write(values)


def numbers(band, metres):
    """Values 1000 + 1000 for each band's number: 0 in the upper left 60 m x 60 m, which has no data."""
    side = SIDE * 60 // metres
    values = np.full((side, side), 2000 + 100 * BANDS.index(band), np.uint16)
    corner = 60 // metres
    values[:corner, :corner] = 0
    return values


def scene_classes(metres=20):
    """SCL: vegetation; no data in the upper left corner; cloud in the lowest 60 m, shadow in the rightmost."""
    side, corner = SIDE * 60 // metres, 60 // metres
    classes = np.full((side, side), 4, np.uint8)
    classes[-corner:] = 9
    classes[:, -corner:] = 3
    classes[:corner, :corner] = 0
    return classes


def _xml(level, title, baseline, images, offset):
    values = {
        "1C": '<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>',
        "2A": '<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>'
        '<AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>',
    }[level]
    tag = {"1C": "RADIO_ADD_OFFSET", "2A": "BOA_ADD_OFFSET"}[level]
    if offset:
        values += "".join(f'<{tag} band_id="{n}">{offset}</{tag}>' for n in range(13))
    files = "".join(f"<IMAGE_FILE>{name}</IMAGE_FILE>" for name in images)
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{level}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{level}.xsd">
<n1:General_Info><Product_Info>
<PRODUCT_START_TIME>2023-08-23T09:55:59.024Z</PRODUCT_START_TIME>
<PRODUCT_URI>{title}.SAFE</PRODUCT_URI><PROCESSING_LEVEL>Level-{level}</PROCESSING_LEVEL>
<PRODUCT_TYPE>S2MSI{level}</PRODUCT_TYPE><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<Datatake datatakeIdentifier="GS2B_20230823T095559_033753_N05.09"><SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME>
<DATATAKE_SENSING_START>2023-08-23T09:55:59.024Z</DATATAKE_SENSING_START></Datatake>
<Query_Options completeSingleTile="true"><PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT></Query_Options>
<Product_Organisation><Granule_List><Granule granuleIdentifier="G" imageFormat="JPEG2000">{files}</Granule>
</Granule_List></Product_Organisation></Product_Info>
<Product_Image_Characteristics><Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>{values}</Product_Image_Characteristics>
</n1:General_Info></n1:Level-{level}_User_Product>
"""


def _tile_xml(level):
    places = "".join(
        f'<Size resolution="{m}"><NROWS>{SIDE * 60 // m}</NROWS><NCOLS>{SIDE * 60 // m}</NCOLS></Size>'
        f'<Geoposition resolution="{m}"><ULX>{LEFT}</ULX><ULY>{TOP}</ULY>'
        f"<XDIM>{m}</XDIM><YDIM>-{m}</YDIM></Geoposition>"
        for m in (10, 20, 60)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-{level}_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-{level}_Tile_Metadata.xsd">
<n1:Geometric_Info><Tile_Geocoding><HORIZONTAL_CS_NAME>WGS84 / UTM zone 34N</HORIZONTAL_CS_NAME>
<HORIZONTAL_CS_CODE>EPSG:32634</HORIZONTAL_CS_CODE>{places}</Tile_Geocoding></n1:Geometric_Info></n1:Level-{level}_Tile_ID>
"""


def level_2a(folder, title=TITLE, baseline="05.09", offset=-1000):
    """A Level-2A product; returns its .SAFE folder."""
    safe = folder / f"{title}.SAFE"
    granule = "GRANULE/L2A_T34UCF_A033753_20230823T095553"
    images = []
    for metres, bands in L2A_FILES.items():
        for band in bands:
            name = f"{granule}/IMG_DATA/R{metres}m/{STEM}_{band}_{metres}m"
            images.append(name)
            if band == "TCI":
                continue  # listed, but not needed
            values = scene_classes(metres) if band == "SCL" else numbers(band, metres)
            write(safe / f"{name}.jp2", values, metres)
    (safe / granule / "MTD_TL.xml").write_text(_tile_xml("2A"))
    (safe / "MTD_MSIL2A.xml").write_text(_xml("2A", title, baseline, images, offset))
    (safe / "manifest.safe").write_text("<x/>")
    return safe


def level_1c(folder, title=L1C, baseline="05.09", offset=-1000, mask=True):
    """A Level-1C product; returns its .SAFE folder."""
    safe = folder / f"{title}.SAFE"
    granule = "GRANULE/L1C_T34UCF_A033753_20230823T095553"
    images = []
    for band, metres in L1C_METRES.items():
        name = f"{granule}/IMG_DATA/{STEM}_{band}"
        images.append(name)
        write(safe / f"{name}.jp2", numbers(band, metres), metres)
    if mask:
        flags = np.zeros((3, SIDE, SIDE), np.uint8)
        flags[0, -1], flags[1, :, -1], flags[2, 5] = 1, 1, 1  # cloud, cirrus, snow
        write(safe / granule / "QI_DATA/MSK_CLASSI_B00.jp2", flags, 60)
    else:
        (safe / granule / "QI_DATA").mkdir()
        (safe / granule / "QI_DATA/MSK_CLOUDS_B00.gml").write_text("<x/>")
    (safe / granule / "MTD_TL.xml").write_text(_tile_xml("1C"))
    (safe / "MTD_MSIL1C.xml").write_text(_xml("1C", title, baseline, images, offset))
    return safe


def landsat_groups(title=LANDSAT, level="L2SP", sensor="OLI_TIRS", satellite="LANDSAT_9"):
    """The metadata of a Landsat product, with the same keys for both levels, as in the real ones."""
    surface = level.startswith("L2")
    oli = sensor.startswith("OLI")
    last = 7 if surface else 9
    numbers = [*range(1, last + 1)] if oli else [1, 2, 3, 4, 5, 7]
    part = "SR_" if surface else ""
    contents = {
        "LANDSAT_PRODUCT_ID": title,
        "PROCESSING_LEVEL": level,
        "COLLECTION_NUMBER": "02",
        **{f"FILE_NAME_BAND_{n}": f"{title}_{part}B{n}.TIF" for n in numbers},
        "FILE_NAME_BAND_ST_B10": f"{title}_ST_B10.TIF",
        "FILE_NAME_QUALITY_L1_PIXEL": f"{title}_QA_PIXEL.TIF",
    }
    image = {
        "SPACECRAFT_ID": satellite,
        "SENSOR_ID": sensor,
        "DATE_ACQUIRED": "2022-08-22",
        "SCENE_CENTER_TIME": "10:04:22.1183580Z",
        "SUN_ELEVATION": "30.0",
    }
    level1 = {}
    for n in [n for n in numbers if n != 8]:
        level1 |= {f"REFLECTANCE_MULT_BAND_{n}": "2.0000E-05"}
        level1 |= {f"REFLECTANCE_ADD_BAND_{n}": "-0.100000"}
    groups = {"PRODUCT_CONTENTS": contents, "IMAGE_ATTRIBUTES": image}
    if surface:
        level2 = {}
        for n in numbers:
            level2 |= {f"REFLECTANCE_MULT_BAND_{n}": "2.75e-05"}
            level2 |= {f"REFLECTANCE_ADD_BAND_{n}": "-0.2"}
        groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"] = level2
    groups["LEVEL1_RADIOMETRIC_RESCALING"] = level1
    return groups


def landsat_text(groups, form):
    """The metadata as .txt, .json or .xml."""
    if form == "json":
        return json.dumps({"LANDSAT_METADATA_FILE": groups})
    if form == "xml":
        inner = "".join(
            f"<{group}>{''.join(f'<{k}>{v}</{k}>' for k, v in pairs.items())}</{group}>"
            for group, pairs in groups.items()
        )
        return f'<?xml version="1.0" encoding="UTF-8"?><LANDSAT_METADATA_FILE>{inner}</LANDSAT_METADATA_FILE>'
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, pairs in groups.items():
        lines.append(f"  GROUP = {group}")
        for key, value in pairs.items():
            plain = value.replace(".", "").replace("-", "").replace("e", "").replace("E", "")
            lines.append(f"    {key} = {value}" if plain.isdigit() else f'    {key} = "{value}"')
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])


def landsat(folder, title=LANDSAT, form="txt", **facts):
    """A Landsat product in `folder` itself, as its archive holds it; returns the metadata file."""
    groups = landsat_groups(title, **facts)
    folder.mkdir(parents=True, exist_ok=True)
    metadata = folder / f"{title}_MTL.{form}"
    metadata.write_text(landsat_text(groups, form))
    values = np.full((20, 20), 10000, np.uint16)
    values[0] = 0
    for key, name in groups["PRODUCT_CONTENTS"].items():
        if key.startswith("FILE_NAME_BAND"):
            write(folder / name, values, 30, "GTiff", nodata=0)
    quality = np.full((20, 20), 1 << 6, np.uint16)  # clear
    quality[0] = 1  # fill
    quality[1, :4] = 1 << 3  # cloud
    quality[2, :3] = 1 << 4  # shadow
    quality[3, :2] = 1 << 1  # dilated cloud
    quality[4, :1] = 1 << 2  # cirrus
    quality[5] = 1 << 7 | 1 << 5  # water, snow
    write(folder / f"{title}_QA_PIXEL.TIF", quality, 30, "GTiff", nodata=1)
    return metadata


def hls(folder, title=HLS):
    """An HLS product in `folder`; returns the file of one band."""
    bands = [band for band in BANDS] if ".S30." in title else [*BANDS[:7], "B09", "B10", "B11"]
    values = np.full((20, 20), 2500, np.int16)
    values[0] = -9999
    for band in bands:
        write(folder / f"{title}.{band}.tif", values, 30, "GTiff", nodata=-9999)
    quality = np.zeros((20, 20), np.uint8)
    quality[0] = 255
    quality[1, :4], quality[2, :3], quality[3, :2] = 1 << 1, 1 << 3, 1 << 2
    quality[5] = 1 << 5 | 0b11 << 6  # water, much aerosol
    write(folder / f"{title}.Fmask.tif", quality, 30, "GTiff", nodata=255)
    write(folder / f"{title}.SZA.tif", np.ones((20, 20), np.uint16), 30, "GTiff")
    return folder / f"{title}.B02.tif"


def zipped(folder, archive, method=zipfile.ZIP_STORED):
    """A .zip of a folder, with the folder's name inside."""
    with zipfile.ZipFile(archive, "w", method) as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, Path(folder.name) / path.relative_to(folder))
    return archive


def tarred(folder, archive):
    """A .tar of a folder's files, without the folder, as Landsat's."""
    with tarfile.open(archive, "w") as file:
        for path in sorted(folder.iterdir()):
            file.add(path, path.name)
    return archive
