import numpy as np

from engine.infer.segment import segment
from engine.jobs import SegmentJob
from engine.product.open_product import open_product
from engine.product_jobs import OpenProductJob
from tests.engine.infer.maps import read
from tests.engine.product import products


def test_clouds_of_a_product_stay_without_a_class(segmenter, folder, recorder):
    """Cloud in the lowest 60 m, shadow in the rightmost, no data in the corner; red is the brightest elsewhere."""
    safe = products.level_2a(folder)
    scene, output = folder / "scene.vrt", folder / "map.tif"
    open_product(OpenProductJob(input=str(safe), output=str(scene)), recorder())
    job = SegmentJob(
        input=str(scene), model=segmenter(), output=str(output), device="cpu", threads=1
    )
    segment(job, recorder())
    classes = read(output)
    expected = np.full((72, 72), 4)
    expected[-6:] = expected[:, -6:] = expected[:6, :6] = 0
    assert (classes == expected).all()
