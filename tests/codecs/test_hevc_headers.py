"""The rebuilt streams as FFmpeg's own reader of HEVC's syntax takes them apart, element by element."""

import io
import re
from collections import defaultdict

import av
import av.logging
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from lightning_app.codecs import HEVC, QP
from lightning_app.codecs.x265 import Prediction, Settings


def syntax(data: bytes) -> dict[str, list[int]]:
    """Every value of every syntax element of a payload's stream, by the standard's name."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        with av.logging.Capture() as logs, av.open(io.BytesIO(HEVC.annex_b(data)), "r", "hevc") as container:
            reader = BitStreamFilterContext("trace_headers", container.streams.video[0])
            for packet in container.demux():
                reader.filter(packet)
    finally:
        av.logging.set_level(level)
    elements = defaultdict(list)
    for _, _, line in logs:
        if match := re.match(r"\d+ +(\S+) +[01]+ = (-?\d+)$", line.strip()):
            elements[match[1]].append(int(match[2]))
    return elements


@pytest.mark.parametrize("qp", [None, 0, 27, 51])
@pytest.mark.parametrize("prediction", ["intra", "inter"])
@pytest.mark.parametrize("depth", [8, 10, 12])
def test_every_frame_is_coded_at_the_qp_asked(depth: int, prediction: Prediction, qp: QP) -> None:
    samples = np.random.default_rng(0).integers(0, 2**depth, (4, 32, 48))
    video = samples.astype(np.uint8) if depth == 8 else samples.astype(np.uint16)
    elements = syntax(HEVC(depth, prediction=prediction).encode(video, qp))
    # 2 is an I slice, 1 a P slice. Lossless coding bypasses the quantiser: x265 calls its QP 4.
    assert elements["slice_type"] == ([2, 2, 2, 2] if prediction == "intra" else [2, 1, 1, 1])
    assert elements["slice_qp_delta"] == [(4 if qp is None else qp) - 26] * 4
    assert set(elements["init_qp_minus26"]) == {0}
    assert set(elements["cu_qp_delta_enabled_flag"]) == {0}


@pytest.mark.parametrize(
    ("setting", "ctu", "smallest", "transform", "depth_of_transforms", "signs", "deblocking", "offset"),
    [
        ("paper", 4, 3, 4, 0, 1, [], 1),
        ("best", 6, 3, 5, 1, 1, [-2], 1),
        ("faster", 4, 3, 4, 0, 0, [-2], 1),
        ("fastest", 4, 4, 4, 2, 0, [], 0),
    ],
)
def test_the_settings_tools_stand_in_the_parameter_sets(
    setting: Settings,
    ctu: int,
    smallest: int,
    transform: int,
    depth_of_transforms: int,
    signs: int,
    deblocking: list[int],
    offset: int,
) -> None:
    elements = syntax(HEVC(10, setting).encode(np.zeros((75, 130), np.uint16), 27))
    values = {name: sorted(set(found)) for name, found in elements.items()}
    assert values["log2_min_luma_coding_block_size_minus3"] == [smallest - 3]
    assert values["log2_diff_max_min_luma_coding_block_size"] == [ctu - smallest]
    assert values["sample_adaptive_offset_enabled_flag"] == [offset]
    assert values["log2_diff_max_min_luma_transform_block_size"] == [transform - 2]
    assert values["max_transform_hierarchy_depth_intra"] == [depth_of_transforms]
    assert values["sign_data_hiding_enabled_flag"] == [signs]
    assert values["transform_skip_enabled_flag"] == [1]
    assert values.get("pps_beta_offset_div2", []) == values.get("pps_tc_offset_div2", []) == deblocking
    assert values["chroma_format_idc"] == [0]
    assert values["bit_depth_luma_minus8"] == [2]
    block = 2**smallest
    height, width = -(-75 // block) * block, -(-130 // block) * block
    assert (values["pic_height_in_luma_samples"], values["conf_win_bottom_offset"]) == ([height], [height - 75])
    assert (values["pic_width_in_luma_samples"], values["conf_win_right_offset"]) == ([width], [width - 130])
